// The roles are sufficient: every function does its work with its own role's credentials, enforced. And least: without
// any one of their actions, something fails.
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { LambdaClient, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Json, ROOT } from '../fixtures/cli.ts';
import { type Account, openAccount, REGION, STACK } from './deployed.ts';
import { type Iam, iamOf, withoutEach } from './iam.ts';
import { CREDENTIALS } from './ministack.ts';
import { allowPlainHttp, type Outcomes, tenantFiles } from './tenant-files.ts';

// One moment for all days: a midnight meanwhile moves none of them.
const NOW = Date.now();
const daysAgo = (days: number): string => new Date(NOW - days * 86_400_000).toISOString().slice(0, 10);
const OLD_DAY = daysAgo(12);

let account: Account;
let iam: Iam;
let outputs: Record<string, string>;
let service: Record<string, string>;
let silo: Record<string, string>;
let tables: DynamoDBClient;
let lambda: LambdaClient;
let fresh = 0;

beforeAll(async () => {
  account = await openAccount();
  iam = iamOf(account.endpoint);
  const options = { region: REGION, endpoint: account.endpoint, credentials: CREDENTIALS };
  tables = new DynamoDBClient(options);
  lambda = new LambdaClient(options);
  await build({
    entryPoints: [join(ROOT, 'test/peers/every-operation.mjs')],
    outfile: join(account.dir, 'every-operation.mjs'),
    alias: { 'saasctl/runtime': join(account.root, 'dist/runtime/index.js') },
    external: ['@aws-sdk/*'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  await account.project((project) => {
    project.metrics = { reports: { kind: 'counter', unit: 'reports' } };
    project.billing.meters.users = {};
  });
  await account.profile(({ deploy }) => {
    deploy.service.code = 'every-operation.mjs';
    deploy.silo = { code: 'every-operation.mjs' };
    deploy.parameters.core.CreateFilesBucket = 'true';
    deploy.parameters.service = { Mode: 'inline' };
  });
  await account.done('deploy secret stripe-key', { stdin: 'sk_test_standin' });
  const deployed = await account.done('deploy --yes');
  outputs = deployed.outputs;
  service = deployed.stacks.find(({ stack }: Json) => stack === `${STACK}-service`).outputs;
  await account.done('tenant create alone --isolation silo --yes');
  const { items } = await account.done('deploy status');
  silo = items.find(({ tenantId }: Json) => tenantId === 'alone').outputs;
  await account.done('usage stripe setup');
  await allowPlainHttp(account.endpoint, outputs['FilesBucket'] ?? '');
});

afterAll(async () => {
  tables?.destroy();
  lambda?.destroy();
  await account?.close();
});

const newTenant = (more = ''): Promise<Json> =>
  account.done(`tenant create fresh-${++fresh} --plan pro ${more}`.trim());

/** A tenant that nobody has served yet, and its key. */
async function caller(): Promise<{ tenantId: string; key: string }> {
  const { id: tenantId } = await newTenant();
  const { key } = await account.done(`key create --tenant ${tenantId}`);
  return { tenantId, key };
}

/** Calls counted in a tenant's gate on a day. */
async function counted(tenantId: string, day: string, calls: number): Promise<void> {
  await tables.send(
    new UpdateItemCommand({
      TableName: `${STACK}-gates`,
      Key: { PK: { S: `GATE#${tenantId}` } },
      UpdateExpression: 'SET u.#day = :calls',
      ExpressionAttributeNames: { '#day': day },
      ExpressionAttributeValues: { ':calls': { N: String(calls) } },
    }),
  );
}

/** Whether a day has moved from the gate to the tenant's usage. */
async function isFolded(tenantId: string, day: string): Promise<boolean> {
  const Key = { PK: { S: `TENANT#${tenantId}` }, SK: { S: `USAGE#${day}#api_calls` } };
  const { Item } = await tables.send(new GetItemCommand({ TableName: `${STACK}-usage-meters`, Key }));
  return Item !== undefined;
}

async function hasHead(tenantId: string): Promise<boolean> {
  const { Items = [] } = await tables.send(
    new QueryCommand({
      TableName: `${STACK}-tenants`,
      KeyConditionExpression: 'PK = :tenant AND begins_with(SK, :ledger)',
      ExpressionAttributeValues: { ':tenant': { S: `TENANT#${tenantId}` }, ':ledger': { S: 'LEDGER#' } },
    }),
  );
  return Items.some(({ SK }) => SK?.S?.endsWith('HEAD'));
}

/** The next call of a function meets a sandbox that has read no secret yet. */
async function anew(functionArn = ''): Promise<void> {
  const MemorySize = 256 + (++fresh % 256);
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: functionArn, MemorySize }));
}

async function authorizer(): Promise<Outcomes> {
  const { tenantId, key } = await caller();
  await counted(tenantId, OLD_DAY, 5);
  const event = { type: 'REQUEST', headers: { 'x-api-key': key }, identitySource: [key], requestContext: {} };
  const { answer } = await account.invoke(outputs['AuthorizerFunctionArn'] ?? '', event);
  if (answer.isAuthorized !== true || answer.context.denied) return { pass: JSON.stringify(answer) };
  // Folding answers to nobody: it shows in what it wrote.
  for (let tries = 0; tries < 100; tries++) {
    if (await isFolded(tenantId, OLD_DAY)) return { pass: null, fold: null };
    await new Promise((wake) => setTimeout(wake, 100));
  }
  return { pass: null, fold: 'not folded' };
}

async function sync(): Promise<Outcomes> {
  const { id: tenantId, stripeCustomerId } = await newTenant(`--create-customer --bill-from ${OLD_DAY}`);
  // So many days that the ledger is asked for its rows, some of them to be folded.
  for (let ago = 12; ago >= 5; ago--) await counted(tenantId, daysAgo(ago), 5);
  const { failed, answer } = await account.invoke(outputs['BillingSyncFunctionArn'] ?? '');
  if (failed) return { run: `${answer.errorType}: ${answer.errorMessage}` };
  const { problems = [] } = answer;
  const billed = account.stripe
    .totals()
    .filter(({ customer, eventName }) => customer === stripeCustomerId && eventName === 'api_calls')
    .reduce((sum, { value }) => sum + Number(value), 0);
  return {
    run: problems.length > 0 ? JSON.stringify(problems) : null,
    billed: billed === 8 * 5 ? null : JSON.stringify(answer),
    fold: (await isFolded(tenantId, OLD_DAY)) ? null : 'not folded',
    // Written so that the next run need not look at the tenant; without it, it does.
    head: (await hasHead(tenantId)) ? null : 'no head',
  };
}

async function handler(): Promise<Outcomes> {
  const { tenantId, key } = await caller();
  const tenant = { tenantId, limits: { maxUsers: 10, storageBytes: 10 } };
  const { failed, answer } = await account.invoke(service['FunctionArn'] ?? '', { tenant, key });
  if (failed) return { handler: answer.errorMessage };
  return { ...answer.outcomes, ...(await files(tenantId, answer.credentials)) };
}

async function siloHandler(): Promise<Outcomes> {
  const tenant = { tenantId: 'alone', isolation: 'silo', limits: { maxUsers: 1_000, storageBytes: 10 } };
  const { failed, answer } = await account.invoke(silo['FunctionArn'] ?? '', { tenant });
  return failed ? { handler: answer.errorMessage } : answer.outcomes;
}

const files = (tenantId: string, credentials: Json) =>
  tenantFiles({
    endpoint: account.endpoint,
    role: outputs['TenantDataRoleArn'] ?? '',
    bucket: outputs['FilesBucket'] ?? '',
    tenantId,
    credentials,
  });

const failures = (outcomes: Outcomes) =>
  Object.fromEntries(Object.entries(outcomes).filter(([, problem]) => problem !== null));

/** The role that a stack calls so. */
async function roleOf(stack: string, logicalId: string): Promise<string> {
  const [name, ...others] = await iam.roles(`${stack}-${logicalId}-`);
  if (name === undefined || others.length > 0) throw new Error(`not one role ${stack}-${logicalId}`);
  return name;
}

interface Tried {
  role: string;
  /** Of the functions that work with it. */
  functionArn: string | undefined;
  work: () => Promise<Outcomes>;
}

/** The actions whose absence nothing shows, as `Sid action`; the role is as it was afterwards. */
async function unnoticed({ role, functionArn, work }: Tried): Promise<string[]> {
  const policies = await iam.policies(role);
  expect(failures(await work()), `${role} as it is shipped`).toEqual({});
  const missed: string[] = [];
  for (const [name, policy] of policies) {
    for (const { sid, action, rest } of withoutEach(policy)) {
      await (rest.Statement.length === 0 ? iam.remove(role, name) : iam.put(role, name, rest));
      if (action.startsWith('ssm:')) await anew(functionArn);
      if (Object.keys(failures(await work())).length === 0) missed.push(`${sid} ${action}`);
      await iam.put(role, name, policy);
    }
  }
  return missed;
}

// Lambda writes the logs, and sends what failed to the queue, in the role's name; the emulator asks no role for that.
const LOGS = ['Log logs:CreateLogStream', 'Log logs:PutLogEvents'];

describe('without any one of its actions, a role’s work fails', () => {
  it('the authorizer', async () => {
    const role = await roleOf(STACK, 'AuthorizerRole');
    const functionArn = outputs['AuthorizerFunctionArn'];
    expect(await unnoticed({ role, functionArn, work: authorizer })).toEqual(LOGS);
  });

  it('the billing sync', async () => {
    const role = await roleOf(STACK, 'BillingSyncRole');
    const missed = await unnoticed({ role, functionArn: outputs['BillingSyncFunctionArn'], work: sync });
    expect(missed).toEqual(['ReportFailures sqs:SendMessage', ...LOGS]);
  });

  it('a handler, in inline mode', async () => {
    const role = await roleOf(`${STACK}-service`, 'FunctionRole');
    const missed = await unnoticed({ role, functionArn: service['FunctionArn'], work: handler });
    // Of a session's tags the emulator asks the trust policy alone, below.
    expect(missed.sort()).toEqual(['CredentialsOfATenant sts:TagSession', ...LOGS]);
  });

  it('a tenant’s sessions, and who is trusted with them', async () => {
    const role = await roleOf(STACK, 'TenantDataRole');
    expect(await unnoticed({ role, functionArn: service['FunctionArn'], work: handler })).toEqual([]);
    const trust = await iam.trust(role);
    for (const { action, rest } of withoutEach(trust)) {
      await iam.setTrust(role, rest);
      expect(Object.keys(failures(await handler())), action).not.toEqual([]);
      await iam.setTrust(role, trust);
    }
    expect(failures(await handler())).toEqual({});
  });

  it('a silo’s handler', async () => {
    const role = await roleOf(`${STACK}-tenant-alone`, 'FunctionRole');
    const missed = await unnoticed({ role, functionArn: silo['FunctionArn'], work: siloHandler });
    expect(missed).toEqual(LOGS);
  });

  it.each([
    [STACK, 'BillingScheduleRole', ['Start lambda:InvokeFunction', 'ReportFailures sqs:SendMessage']],
    [`${STACK}-tenant-alone`, 'AuthorizerInvocationRole', ['InvokeAuthorizer lambda:InvokeFunction']],
  ])('what AWS itself does as %s’s %s is this and no more', async (stack, logicalId, expected) => {
    const policies = await iam.policies(await roleOf(stack, logicalId));
    const actions = [...policies.values()].flatMap((policy) =>
      [...withoutEach(policy)].map(({ sid, action }) => `${sid} ${action}`),
    );
    expect(actions).toEqual(expected);
  });

  it('there are no other roles', async () => {
    const names = (await iam.roles(`${STACK}-`)).map((name) => name.replace(/-[^-]+$/, '')).sort();
    expect(names).toEqual([
      `${STACK}-AuthorizerRole`,
      `${STACK}-BillingScheduleRole`,
      `${STACK}-BillingSyncRole`,
      `${STACK}-TenantDataRole`,
      `${STACK}-service-FunctionRole`,
      `${STACK}-tenant-alone-AuthorizerInvocationRole`,
      `${STACK}-tenant-alone-FunctionRole`,
    ]);
  });
});
