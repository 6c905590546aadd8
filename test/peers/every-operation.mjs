// A handler that does everything the runtime can do for a tenant, and says of each whether it could.
import { claim, recordUsage, release, tenantData, withTenant } from 'saasctl/runtime';

const hello = withTenant(async (_event, tenant) => ({ statusCode: 200, body: tenant.tenantId }), {
  mode: 'inline',
});

/** `{tenant: {tenantId, isolation, limits}, key}`: of each operation `null`, or what went wrong. */
export async function handler({ tenant, key }, context) {
  const data = tenantData(tenant);
  const operations = {
    put: () => data.put({ SK: 'a', n: 1 }),
    get: () => data.get('a'),
    update: () => data.update('a', 'SET n = :n', { values: { ':n': 2 } }),
    batchWrite: () => data.batchWrite([{ put: { SK: 'b' } }, { put: { SK: 'c' } }]),
    batchGet: () => data.batchGet(['a', 'b']),
    query: () => data.query(),
    cursor: async () => {
      const { cursor } = await data.query({ limit: 1 });
      if (cursor === null) throw new Error('no cursor');
      await data.query({ cursor });
    },
    check: () => data.transact([{ check: 'a', condition: 'attribute_exists(SK)' }, { put: { SK: 'd' } }]),
    delete: () => data.delete('b'),
    record: () => recordUsage(tenant, 'reports', 1),
    recordOnce: () => recordUsage(tenant, 'reports', 1, { id: `${tenant.tenantId}-1` }),
    claim: () => claim(tenant, 'users', 1),
    claimOnce: () => claim(tenant, 'users', 1, { id: `${tenant.tenantId}-2` }),
    release: () => release(tenant, 'users', 1),
    ...(key === undefined ? {} : { inline: () => called(key, context) }),
  };
  const outcomes = {};
  for (const [name, operation] of Object.entries(operations)) {
    outcomes[name] = await operation().then(
      () => null,
      (error) => `${error.name}: ${error.message} ${error.cause?.message ?? ''}`,
    );
  }
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  const credentials = {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
  };
  return { outcomes, credentials };
}

async function called(key, context) {
  const { statusCode, body } = await hello({ headers: { 'x-api-key': key } }, context);
  if (statusCode !== 200) throw new Error(`${statusCode} ${body}`);
}
