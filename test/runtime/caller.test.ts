import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { onBehalfOf, refuseOthers } from '../../src/runtime/caller.ts';
import { type Tenant, withTenant } from '../../src/runtime/index.ts';
import { Forbidden } from '../../src/runtime/tenant-data/errors.ts';

describe('on behalf of a caller', () => {
  it('nobody else’s data may be worked on, in all that is started there', async () => {
    await onBehalfOf('acme', async () => {
      refuseOthers('acme');
      await pause(1);
      expect(() => refuseOthers('globex')).toThrow(Forbidden);
      await Promise.all([1, 2].map(async () => expect(() => refuseOthers('acme-corp')).toThrow(Forbidden)));
    });
  });

  it('callers at the same time do not mix', async () => {
    const seen = await Promise.all(
      ['acme', 'globex'].flatMap((tenantId) =>
        Array.from({ length: 20 }, () =>
          onBehalfOf(tenantId, async () => {
            await pause(Math.random() * 3);
            refuseOthers(tenantId);
            return tenantId;
          }),
        ),
      ),
    );
    expect(seen).toHaveLength(40);
  });

  it('and outside of it anybody’s may be', () => {
    expect(() => ['acme', 'globex'].map(refuseOthers)).not.toThrow();
  });
});

describe('withTenant', () => {
  const context = { tenantId: 'acme', plan: 'pro', keyId: 'k', env: 'live', apiCalls: 1 };
  const event = { requestContext: { authorizer: { lambda: context } } };
  const reach = async (_: unknown, { tenantId }: Tenant) => {
    refuseOthers(tenantId);
    refuseOthers('globex');
    return 'reached';
  };

  it('binds what its handler does to the caller', async () => {
    await expect(withTenant(reach, { meter: null })(event, {})).rejects.toThrow(Forbidden);
  });

  it('unless the handler is the operator’s own', async () => {
    const open = withTenant(reach, { meter: null, crossTenant: true });
    expect(await open(event, {})).toBe('reached');
  });
});
