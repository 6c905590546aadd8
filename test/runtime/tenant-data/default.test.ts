import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { tenantData as TenantDataFunction } from '../../../src/runtime/tenant-data/default.ts';
import { type FakeAws, startFakeAws } from '../fake-aws.ts';

const ROLE = 'arn:aws:iam::123456789012:role/shop-TenantDataRole-1';
const ENV = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'AKIAFUNCTION',
  AWS_SECRET_ACCESS_KEY: 'x',
  SAASCTL_STACK: 'test',
  // No call is given up because others wait.
  SAASCTL_TIMEOUT_MS: '25000',
};

let aws: FakeAws;
beforeEach(async () => {
  aws = await startFakeAws();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws.close();
});

/** `tenantData` of a sandbox with such an environment. */
async function sandbox(env: Record<string, string>): Promise<typeof TenantDataFunction> {
  for (const [name, value] of Object.entries({ ...ENV, AWS_ENDPOINT_URL: aws.endpoint, ...env }))
    vi.stubEnv(name, value);
  vi.resetModules();
  return (await import('../../../src/runtime/tenant-data/default.ts')).tenantData;
}
const signers = () => aws.items.map(({ signer }) => signer);

describe('goes to the stack of the environment', () => {
  it('as the function, or as the tenant where the caller has its credentials', async () => {
    const tenantData = await sandbox({});
    const asked: string[] = [];
    const credentialsFor = async (tenantId: string) => {
      asked.push(tenantId);
      return { accessKeyId: 'ASIATENANT', secretAccessKey: 'y', sessionToken: 'of the tenant' };
    };
    await tenantData({ tenantId: 'acme' }).get('a');
    const own = tenantData({ tenantId: 'acme' }, { credentialsFor });
    await own.get('a');
    await own.get('a');
    expect(signers()).toEqual(['AKIAFUNCTION', 'ASIATENANT', 'ASIATENANT']);
    expect(asked).toEqual(['acme']);
    expect(aws.assumed).toEqual([]);
  });

  it('as the tenant by a session of the role, where the environment names one', async () => {
    const tenantData = await sandbox({ SAASCTL_TENANT_ROLE_ARN: ROLE, SAASCTL_SERVES: 'pool' });
    for (const tenantId of ['acme', 'globex', 'acme']) await tenantData({ tenantId }).get('a');
    expect(signers()).toEqual(['ASIA1', 'ASIA2', 'ASIA1']);
    expect(aws.assumed.map(({ form }) => form['Tags.member.1.Value'])).toEqual(['acme', 'globex']);
  });

  it('as each of 50 tenants in 1,000 calls at once: one role each, its own items alone, few connections', async () => {
    const tenantData = await sandbox({ SAASCTL_TENANT_ROLE_ARN: ROLE });
    const calls = Array.from({ length: 1_000 }, (_, n) => `tenant-${n % 50}`);
    await Promise.all(calls.map((tenantId) => tenantData({ tenantId }).get('a')));
    expect(aws.assumed).toHaveLength(50);
    expect(aws.items).toHaveLength(1_000);
    expect(aws.items.filter(({ tenant, pk }) => `TENANT#${tenant}` !== pk)).toEqual([]);
    expect(aws.connections()).toBeLessThanOrEqual(100);
  });

  it('as the function’s own role in a silo, for its tenant and for nobody else', async () => {
    const tenantData = await sandbox({ SAASCTL_TENANT_ROLE_ARN: ROLE, SAASCTL_SERVES: 'silo:initech' });
    await tenantData({ tenantId: 'initech', isolation: 'silo' }).get('a');
    expect(signers()).toEqual(['AKIAFUNCTION']);
    expect(aws.assumed).toEqual([]);
    const others = [{ tenantId: 'acme' }, { tenantId: 'initech-2', isolation: 'silo' }] as const;
    for (const other of others)
      expect(() => tenantData(other)).toThrow(expect.objectContaining({ name: 'Forbidden' }));
  });

  it('for no silo tenant in a function of the pool', async () => {
    const tenantData = await sandbox({ SAASCTL_SERVES: 'pool' });
    const silo = { tenantId: 'initech', isolation: 'silo' } as const;
    expect(() => tenantData(silo)).toThrow(expect.objectContaining({ name: 'Forbidden' }));
    await tenantData({ tenantId: 'hooli', isolation: 'bridge' }).get('a');
  });
});

describe('where no role can be taken', () => {
  it('is Throttled while STS does not answer, tried as often as the role and no more', async () => {
    const tenantData = await sandbox({ SAASCTL_TENANT_ROLE_ARN: ROLE });
    aws.faults.push('drop', 'throttle', '500', 'throttle');
    const failed = tenantData({ tenantId: 'acme' }).get('a');
    await expect(failed).rejects.toMatchObject({ name: 'Throttled', statusCode: 503 });
    expect(aws.faults).toEqual([]);
    await tenantData({ tenantId: 'acme' }).get('a');
    expect(aws.assumed).toHaveLength(1);
  });

  it('is Rejected where the role is refused: nothing is sent as the function instead', async () => {
    const tenantData = await sandbox({ SAASCTL_TENANT_ROLE_ARN: ROLE });
    aws.faults.push('denied');
    await expect(tenantData({ tenantId: 'acme' }).put({ SK: 'a' })).rejects.toMatchObject({
      name: 'Rejected',
      code: 'no_credentials',
      message: expect.stringContaining(`${ROLE} may not be assumed for acme`),
    });
    expect(aws.items).toEqual([]);
  });

  it('says which variable is wrong', async () => {
    for (const env of [{ SAASCTL_TENANT_ROLE_ARN: 'TenantDataRole' }, { SAASCTL_SERVES: 'everyone' }]) {
      const tenantData = await sandbox(env);
      const [name = ''] = Object.keys(env);
      expect(() => tenantData({ tenantId: 'acme' })).toThrow(name);
      vi.stubEnv(name, '');
    }
  });
});
