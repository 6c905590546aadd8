import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentClient } from '../../src/adapters/dynamodb/client.ts';
import { openProject, type Project } from '../fixtures/cli.ts';

let project: Project;
const onEngine = () => ({
  region: 'us-east-1',
  endpoint: project.endpoint,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  awsProfile: null,
  trace: null,
});
beforeAll(async () => {
  project = await openProject();
  for (const id of ['busy', 'calm', 'idle']) await project.cli(`tenant create ${id} --plan free -q`);
  const client = documentClient(onEngine());
  const count = (id: string, day: string, calls: number) =>
    client.send(
      new UpdateCommand({
        TableName: 'local-gates',
        Key: { PK: `GATE#${id}` },
        UpdateExpression: 'SET u.#day = :calls, m.#month = :calls',
        ExpressionAttributeNames: { '#day': day, '#month': day.slice(0, 7) },
        ExpressionAttributeValues: { ':calls': calls },
      }),
    );
  await count('busy', '2026-11-20', 300);
  await count('calm', '2026-11-20', 450);
  await client.send(
    new PutCommand({
      TableName: 'local-usage-meters',
      Item: { PK: 'TENANT#busy', SK: 'USAGE#2026-11-03#api_calls', amount: 600 },
    }),
  );
  await client.send(
    new PutCommand({
      TableName: 'local-usage-meters',
      Item: { PK: 'TENANT#busy', SK: 'USAGE#2026-10-31#api_calls', amount: 77 },
    }),
  );
  client.destroy();
});
afterAll(() => project.close());

describe('usage show', () => {
  it('has the fields that scripts read, folded days and gate days together', async () => {
    const { json } = await project.cli('usage show busy -o json');
    expect(json()).toMatchObject({
      tenantId: 'busy',
      month: '2026-11',
      metrics: { api_calls: { used: 900, limit: 1000, percent: 90, overage: 0 } },
      days: [
        { day: '2026-11-03', metrics: { api_calls: 600 } },
        { day: '2026-11-20', metrics: { api_calls: 300 } },
      ],
    });
    expect((await project.cli('usage show busy --month last -o json')).json().metrics.api_calls.used).toBe(
      77,
    );
    expect((await project.cli('usage show busy --month 2026-10 -o json')).json().month).toBe('2026-10');
  });

  it('refuses what is not a month or not a tenant', async () => {
    expect((await project.cli('usage show busy --month soon -o json')).error()).toMatchObject({
      code: 'bad_month',
      exitCode: 2,
    });
    expect((await project.cli('usage show nobody -o json')).error()).toMatchObject({
      code: 'tenant_not_found',
      exitCode: 3,
    });
  });
});

describe('usage top', () => {
  it('has the busiest first, folded days counted', async () => {
    const { json } = await project.cli('usage top -L 2 -o json');
    expect(json()).toEqual({
      items: [
        { tenantId: 'busy', plan: 'free', used: 900, limit: 1000, percent: 90 },
        { tenantId: 'calm', plan: 'free', used: 450, limit: 1000, percent: 45 },
      ],
      next: null,
    });
  });
});

describe('a gate that drifted from its profile', () => {
  it('is found by doctor, and written again by plan apply', async () => {
    const client = documentClient(onEngine());
    await client.send(
      new UpdateCommand({
        TableName: 'local-gates',
        Key: { PK: 'GATE#idle' },
        UpdateExpression: 'SET #limit = :many',
        ExpressionAttributeNames: { '#limit': 'limit' },
        ExpressionAttributeValues: { ':many': 1_000_000 },
      }),
    );
    client.destroy();
    const sick = await project.cli('doctor -o json');
    expect(sick.code).toBe(8);
    expect(sick.error()).toMatchObject({ code: 'drift', next: 'saasctl plan apply' });
    expect((await project.cli('plan apply --yes -o json')).json().items).toEqual([
      { tenantId: 'idle', plan: 'free', outcome: 'updated', error: null },
    ]);
    expect((await project.cli('doctor -o json')).code).toBe(0);
  });
});
