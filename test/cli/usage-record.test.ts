import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentClient } from '../../src/adapters/dynamodb/client.ts';
import { openProject, type Project } from '../fixtures/cli.ts';

let project: Project;
beforeAll(async () => {
  project = await openProject();
  await project.edit((file) => {
    file.metrics = {
      exports: { unit: 'files', kind: 'counter' },
      tokens: { unit: 'thousands', kind: 'counter', scale: 3 },
      seats: { unit: 'seats', kind: 'gauge' },
    };
  });
  for (const id of ['acme', 'past', 'many']) await project.cli(`tenant create ${id} --plan pro -q`);
});
afterAll(() => project.close());

const used = async (id: string, metric: string, month = 'this') =>
  (await project.cli(`usage show ${id} --month ${month} -o json`)).json().metrics[metric].used;

describe('usage record', () => {
  it('counts once for an event, says so the second time, and leaves a trace', async () => {
    const first = await project.cli('usage record acme tokens 1.25 --id job-1 -o json');
    expect(first.json()).toEqual({
      tenantId: 'acme',
      metric: 'tokens',
      amount: 1.25,
      day: '2026-11-20',
      id: 'job-1',
      outcome: 'recorded',
    });
    const again = await project.cli('usage record acme tokens 1.25 --id job-1 -o json');
    expect(again.code).toBe(0);
    expect(again.json()).toMatchObject({ outcome: 'unchanged' });
    expect(await used('acme', 'tokens')).toBe(1.25);
    const audit = (await project.cli('audit list --tenant acme -o json')).json().items;
    expect(audit.filter(({ action }: { action: string }) => action === 'usage.record')).toMatchObject([
      {
        tenantId: 'acme',
        changes: [{ field: 'tokens', to: { amount: '1.25', day: '2026-11-20', event: 'job-1' } }],
      },
    ]);
  });

  it('under an id used for something else is a conflict, dry or not', async () => {
    await project.cli('usage record acme exports 3 --id order-1 -q');
    for (const dry of ['', ' --dry-run']) {
      expect(
        (await project.cli(`usage record acme exports 4 --id order-1${dry} -o json`)).error(),
      ).toMatchObject({
        code: 'event_conflict',
        exitCode: 5,
        hint: 'it was exports 3; now it would be exports 4',
      });
    }
    expect(await used('acme', 'exports')).toBe(3);
  });

  it('dry changes nothing, and knows what was recorded', async () => {
    const planned = await project.cli('usage record acme exports 7 --id dry -n -o json');
    expect(planned.json()).toMatchObject({ outcome: 'planned', amount: 7 });
    expect(await used('acme', 'exports')).toBe(3);
    expect((await project.cli('usage record acme exports 3 --id order-1 -n -o json')).json().outcome).toBe(
      'unchanged',
    );
  });

  it('keeps late usage on its day and month', async () => {
    await project.cli('usage record past exports 9 --id late --day 2026-10-31 -q');
    expect(await used('past', 'exports', 'last')).toBe(9);
    expect(await used('past', 'exports')).toBe(0);
  });

  it.each([
    ['usage record acme export 1 --id x', 'unknown_metric', 2],
    ['usage record acme api_calls 1 --id x', 'metric_counted', 2],
    ['usage record acme seats 1 --id x', 'metric_is_gauge', 2],
    ['usage record acme exports 0.5 --id x', 'bad_amount', 2],
    ['usage record acme tokens 1.0001 --id x', 'bad_amount', 2],
    ['usage record acme exports nan --id x', 'bad_amount', 2],
    ['usage record acme exports 1 --id x --day 2026-10-01', 'bad_day', 2],
    ['usage record nobody exports 1 --id x', 'tenant_not_found', 3],
  ])('%s: %s', async (words, code, exitCode) => {
    expect((await project.cli(`${words} -o json`)).error()).toMatchObject({ code, exitCode });
  });

  it('needs an event id', async () => {
    expect((await project.cli('usage record acme exports 1')).code).toBe(2);
  });
});

describe('usage history', () => {
  it('has a total and a point a day or month for every metric', async () => {
    const { items } = (await project.cli('usage history past --days 30 -o json')).json();
    const exports = items.find(({ metric }: { metric: string }) => metric === 'exports');
    expect(exports).toMatchObject({ unit: 'files', kind: 'counter', total: 9 });
    expect(exports.points).toHaveLength(30);
    expect(exports.points.filter(({ amount }: { amount: number }) => amount > 0)).toEqual([
      { period: '2026-10-31', amount: 9, max: null },
    ]);
    const months = (await project.cli('usage history past --metric exports --months 3 -o json')).json().items;
    expect(months).toHaveLength(1);
    expect(months[0].points).toEqual([
      { period: '2026-09', amount: 0, max: null },
      { period: '2026-10', amount: 9, max: null },
      { period: '2026-11', amount: 0, max: null },
    ]);
  });

  it('is drawn on a terminal, numbers beside it; whole numbers elsewhere', async () => {
    const drawn = await project.cli('usage history past --metric exports --months 3', {
      tty: true,
      columns: 120,
      env: { LANG: 'C.UTF-8', NO_COLOR: '1' },
    });
    expect(drawn.stdout).toContain('▁█▁');
    expect(drawn.stdout).toContain('9 on 2026-10');
    const plain = await project.cli('usage history past --metric exports --months 3');
    expect(plain.stdout.split('\n')[1]).toBe('exports\tfiles\t9\t0 9 0\t0\t9 on 2026-10');
    expect((await project.cli('usage history past --metric exports -o id')).stdout).toBe('exports\n');
    expect((await project.cli('usage history past --metric exports --months 2 -o csv')).stdout).toContain(
      '9 0',
    );
    expect((await project.cli('usage history past --metric exports --months 2 -o yaml')).stdout).toContain(
      'total: 9',
    );
  });

  it('on a narrow terminal its newest days are there, and the numbers whole', async () => {
    await project.cli('usage record past exports 900 --id large --day 2026-11-19 -q');
    await project.cli('usage record past exports 1 --id small -q');
    for (const columns of [60, 80]) {
      const { stdout } = await project.cli('usage history past --metric exports --days 400', {
        tty: true,
        columns,
        env: { LANG: 'C.UTF-8', NO_COLOR: '1' },
      });
      // A day of 1 beside one of 900 is not drawn as a day of none.
      expect(stdout).toMatch(/^exports {2}files +910 {2}…[▁▂]+█▂ +1 {2}900 on 2026-11-19$/m);
    }
  });

  it.each([
    ['usage history acme --days 0', 'bad_period', 2],
    ['usage history acme --days 3 --months 3', 'bad_period', 2],
    ['usage history acme --metric nothing', 'unknown_metric', 2],
    ['usage history nobody', 'tenant_not_found', 3],
  ])('%s: %s', async (words, code, exitCode) => {
    expect((await project.cli(`${words} -o json`)).error()).toMatchObject({ code, exitCode });
  });
});

describe('metrics in the project file', () => {
  it('do not redeclare a built-in one', async () => {
    await project.edit((file) => {
      file.metrics.users = { unit: 'people', kind: 'counter' };
    });
    expect((await project.cli('usage show acme -o json')).error()).toMatchObject({
      code: 'config_invalid',
      exitCode: 2,
      message: expect.stringContaining('metrics has the name "users", which is built in'),
    });
    await project.edit((file) => {
      delete file.metrics.users;
    });
  });
});

describe('a gate that grows past one write unit', () => {
  it('is said by key create and by doctor, with what it costs', async () => {
    const said: string[] = [];
    for (let keys = 0; keys < 12; keys++) {
      said.push((await project.cli('key create --tenant many -o id --secret-file s.key')).stderr);
    }
    const costs =
      /warning: many has many keys: its gate is 1\d\d\d bytes: a call costs 2 write units instead of 1, and it takes 500 calls a second/;
    expect(said.slice(0, 8).join('')).not.toContain('write units');
    expect(said.at(-1)).toMatch(costs);
    const findings = (await project.cli('doctor -o json')).json().items;
    const heavy = findings.find(({ check }: { check: string }) => check === 'gate size');
    expect(heavy).toMatchObject({ status: 'warn', remedy: 'saasctl key list --tenant many' });
    expect(heavy.detail).toMatch(/^many: its gate is 1\d\d\d bytes/);
  });
});

describe('usage show', () => {
  it('has the levels of gauges, and their hours once they are sampled', async () => {
    const settings = {
      region: 'us-east-1',
      endpoint: project.endpoint,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      awsProfile: null,
      trace: null,
    };
    const client = documentClient(settings);
    await client.send(
      new UpdateCommand({
        TableName: 'local-usage-meters',
        Key: { PK: 'TENANT#acme', SK: 'GAUGE#storage_bytes' },
        UpdateExpression: 'SET #level = :level, #day = :day, below = :zero, since = :since',
        ExpressionAttributeNames: { '#level': 'level', '#day': 'day' },
        ExpressionAttributeValues: { ':level': 500, ':day': '2026-11-20', ':zero': 0, ':since': 498657 },
      }),
    );
    expect((await project.cli('usage show acme -o json')).json().metrics.storage_bytes).toEqual({
      level: 500,
      limit: 10_000_000_000,
      byteHours: null,
    });
    client.destroy();
    await project.edit((file) => {
      file.billing = { meters: { api_calls: {} }, csv: { file: 'usage.csv' } };
    });
    // No gauge is billed: it is sampled all the same, for what cost is split by.
    expect((await project.cli('usage sync --sink csv -q')).code).toBe(0);
    expect((await project.cli('usage show acme -o json')).json()).toMatchObject({
      metrics: {
        storage_bytes: { level: 500, byteHours: 500 * 4 },
        seats: { level: null, limit: null, hours: null },
      },
      days: [{ day: '2026-11-20', metrics: { storage_bytes: 2000, tokens: 1.25, exports: 3 } }],
    });
    expect((await project.cli('usage show acme')).stdout).toContain('storage bytes\t500 of 10000000000');
  });
});
