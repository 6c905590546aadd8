// The victim with one mistake at a time, named in the header `x-flaw`: what the attacks must catch. Everything that
// a mistake does not touch is the victim's own.

import { metricsOf } from '../../src/core/usage/metrics.ts';
import { defaultWire } from '../../src/runtime/default-wire.ts';
import { claim, type Tenant } from '../../src/runtime/index.ts';
import { dataTable, openTenantData } from '../../src/runtime/tenant-data/tenant-data.ts';
import { createUsage } from '../../src/runtime/usage/client.ts';
import { unmarshalItem } from '../../src/runtime/wire/marshal.ts';
import { type ApiEvent, answer, read, type Said, handler as victim } from './victim.ts';

type Flawed = (said: Said, tenant: Tenant) => unknown;

const { wire, stack } = defaultWire();
const table = `${stack}-app-data`;

/** The library's own data client, for whomever one says: without the watch over who calls. */
const dataOf = (tenantId: string) =>
  openTenantData(
    { tenantId },
    { wireFor: () => wire, stack, secret: () => 'a secret that leaked', pause: async () => {} },
  );

async function send(operation: string, body: object): Promise<Record<string, unknown>> {
  const reply = await wire.send(operation, body);
  if (reply.kind === 'applied') return reply.output;
  if (reply.kind === 'condition_failed') return { failed: true, old: reply.old };
  throw new Error(JSON.stringify(reply));
}

const itemsIn = (output: Record<string, unknown>) => (output['Items'] as unknown[]).map(unmarshalItem);
const usage = createUsage({
  ...{ wire, stack, dedupeDays: 34, log: () => {} },
  metrics: metricsOf({ exports: { unit: 'files', kind: 'counter' } }),
});

/** As a sandbox holds it: whoever came last. */
let current = '';

const flaws: Record<string, Record<string, Flawed>> = {
  'tenant from the path': {
    'GET tenants': ({ rest }) => dataOf(rest.split('/')[0] ?? '').get(rest.split('/')[2] ?? ''),
    'GET of': ({ rest }) => dataOf(rest.split('/')[0] ?? '').get(rest.split('/')[1] ?? ''),
  },
  'tenant from the body': {
    'POST items': ({ body, query }, { tenantId }) =>
      dataOf(body.tenantId ?? tenantId).put({ ...body, SK: query['name'] ?? body.SK }),
  },
  'tenant from a header': {
    'GET whoami': ({ headers }, tenant) => ({
      tenant: { ...tenant, ...(headers['x-tenant-id'] ? { tenantId: headers['x-tenant-id'] } : {}) },
    }),
  },
  'context from a header': {
    'GET whoami': ({ headers }, tenant) => ({
      tenant: headers['x-amzn-request-context'] ? JSON.parse(headers['x-amzn-request-context']) : tenant,
    }),
  },
  'the item over the key': {
    'POST items': async ({ body }, { tenantId }) =>
      send('PutItem', {
        TableName: table,
        Item: { PK: { S: body.PK ?? `TENANT#${tenantId}` }, SK: { S: String(body.SK) }, by: { S: tenantId } },
      }),
  },
  'tenants by the beginning of their names': {
    'POST query': async (_, { tenantId }) => ({
      items: itemsIn(
        await send('Scan', {
          TableName: table,
          FilterExpression: 'begins_with(PK, :p)',
          ExpressionAttributeValues: { ':p': { S: `TENANT#${tenantId}` } },
        }),
      ),
    }),
  },
  'one key space for all, and the old item told': {
    'PUT items': async ({ rest }, { tenantId }) => {
      const found = await send('Scan', {
        TableName: table,
        FilterExpression: 'SK = :s AND PK <> :p',
        ExpressionAttributeValues: { ':s': { S: rest }, ':p': { S: `TENANT#${tenantId}` } },
      });
      const [old] = itemsIn(found);
      if (old === undefined) return { created: rest };
      return { statusCode: 409, body: JSON.stringify({ name: 'ConditionFailed', old }) };
    },
  },
  'a condition over all tenants': {
    'POST transact': async ({ body }) => {
      const sk = body.writes.find((write: { check?: string }) => write.check !== undefined)?.check;
      const found = await send('Scan', {
        TableName: table,
        FilterExpression: 'SK = :s',
        ExpressionAttributeValues: { ':s': { S: String(sk) } },
      });
      if (itemsIn(found).length > 0) return {};
      return { statusCode: 409, body: JSON.stringify({ name: 'ConditionFailed', operations: [1] }) };
    },
  },
  'a cursor that nobody signed': {
    'GET items': async ({ query }, { tenantId, isolation }) => {
      const start = query['cursor'] ? JSON.parse(Buffer.from(query['cursor'], 'base64url').toString()) : null;
      const pk = start?.PK?.S ?? `TENANT#${tenantId}`;
      const page = await send('Query', {
        TableName: dataTable(stack, { tenantId, isolation }),
        KeyConditionExpression: 'PK = :p',
        ExpressionAttributeValues: { ':p': { S: pk } },
        ...(start === null ? {} : { ExclusiveStartKey: start }),
        Limit: 1,
      });
      const last = page['LastEvaluatedKey'];
      return {
        items: itemsIn(page),
        cursor: last ? Buffer.from(JSON.stringify(last)).toString('base64url') : null,
      };
    },
  },
  'a transaction token as it came': {
    'POST transact': async ({ body }, { tenantId }) =>
      send('TransactWriteItems', {
        ClientRequestToken: body.options.token,
        TransactItems: body.writes.map(({ put }: { put: Record<string, string> }) => ({
          Put: {
            TableName: table,
            Item: { PK: { S: `TENANT#${tenantId}` }, SK: { S: put['SK'] }, of: { S: put['of'] ?? '' } },
          },
        })),
      }),
  },
  'usage for whom the body says': {
    'POST usage': ({ body }, { tenantId }) =>
      usage.recordUsage(body.tenant ?? tenantId, body.metric, body.amount),
  },
  'a limit that is looked at, then claimed': {
    'POST claim': async ({ body }, tenant) => {
      const own = dataOf(tenant.tenantId);
      const level = Number((await own.get('seats'))?.['level'] ?? 0);
      const limit = tenant.limits.maxUsers ?? 0;
      if (level + body.amount > limit) return { granted: false, limitName: 'maxUsers', limit, level };
      // Whoever looks first waits for another who looks at the same.
      let { looked } = await own.update('looked', 'ADD looked :one', { values: { ':one': 1 } });
      while (Number(looked) < 2) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        looked = (await own.get('looked'))?.['looked'];
      }
      await own.put({ SK: 'seats', level: level + body.amount });
      return { granted: true };
    },
  },
  'a limit from the body': {
    'POST claim': ({ body }, tenant) =>
      claim(
        { ...tenant, limits: { ...tenant.limits, maxUsers: body.options?.limit ?? null } },
        body.metric,
        body.amount,
      ),
  },
  'the caller in a variable of the module': {
    'GET turn': async ({ query }, { tenantId }) => {
      current = tenantId;
      await new Promise((resolve) => setTimeout(resolve, 2));
      const own = dataOf(current);
      const profile = await own.get('profile');
      const { turns } = await own.update('turns', 'ADD turns :one', { values: { ':one': 1 } });
      return { tenantId: current, canary: profile?.['canary'], turns, nonce: query['nonce'] };
    },
  },
};

export const handler = async (event: ApiEvent, context: unknown): Promise<unknown> => {
  const said = read(event);
  const flawed = flaws[said.headers['x-flaw'] ?? '']?.[`${said.method} ${said.root}`];
  if (flawed === undefined) return victim(event, context);
  const { authorizer } = event.requestContext as { authorizer?: { lambda: Tenant & { maxUsers?: number } } };
  const caller = authorizer?.lambda;
  if (caller?.tenantId === undefined) return victim(event, context);
  const limits = { apiCallsPerMonth: null, storageBytes: null, maxUsers: caller.maxUsers ?? null };
  return answer(() => flawed(said, { ...caller, limits }));
};
