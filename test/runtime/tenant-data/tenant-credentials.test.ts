import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SaasctlError } from '../../../src/core/errors.ts';
import { assumeTenantRole } from '../../../src/runtime/tenant-data/assume-role.ts';
import {
  createTenantCredentials,
  type TenantCredentialsOptions,
} from '../../../src/runtime/tenant-data/tenant-credentials.ts';
import { createService } from '../../../src/runtime/wire/service.ts';
import { type FakeAws, startFakeAws } from '../fake-aws.ts';

const ROLE = 'arn:aws:iam::123456789012:role/shop-TenantDataRole-1';
const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Sessions of an hour, numbered, and a clock to set. */
function sessions(max?: number) {
  const state = { now: 1_000_000, asked: [] as string[], fails: false };
  const assume: TenantCredentialsOptions['assume'] = async (tenantId) => {
    state.asked.push(tenantId);
    const at = state.now;
    await new Promise((wake) => setImmediate(wake));
    if (state.fails) throw new Error('no role');
    const accessKeyId = `${tenantId}:${state.asked.length}`;
    return { accessKeyId, secretAccessKey: `of ${tenantId}`, expiration: new Date(at + HOUR) };
  };
  const credentialsFor = createTenantCredentials({ assume, now: () => state.now, max });
  return { state, key: async (id: string) => (await credentialsFor(id)).accessKeyId };
}

describe('the credentials of a tenant', () => {
  it('are asked for once, whoever waits, and serve for 50 minutes', async () => {
    const { state, key } = sessions();
    expect(await Promise.all([key('acme'), key('acme'), key('acme')])).toEqual(Array(3).fill('acme:1'));
    state.now += 50 * MINUTE - 1;
    expect(await key('acme')).toBe('acme:1');
    state.now += 1;
    expect(await Promise.all([key('acme'), key('acme')])).toEqual(['acme:2', 'acme:2']);
    expect(state.asked).toEqual(['acme', 'acme']);
  });

  it('are never used past their end, nor in their last minute', async () => {
    const { state, key } = sessions();
    await key('acme');
    state.fails = true;
    state.now += 59 * MINUTE - 1;
    expect(await key('acme')).toBe('acme:1');
    state.now += 1;
    await expect(key('acme')).rejects.toThrow('no role');
  });

  it('are asked for anew at once after a failure, and after ten seconds while others still hold', async () => {
    const { state, key } = sessions();
    state.fails = true;
    await expect(Promise.all([key('acme'), key('acme')])).rejects.toThrow('no role');
    await expect(key('acme')).rejects.toThrow('no role');
    expect(state.asked).toHaveLength(2);
    state.fails = false;
    expect(await key('acme')).toBe('acme:3');
    state.fails = true;
    state.now += 51 * MINUTE;
    expect(await Promise.all([key('acme'), key('acme')])).toEqual(['acme:3', 'acme:3']);
    expect(await key('acme')).toBe('acme:3');
    expect(state.asked).toHaveLength(4);
    state.fails = false;
    state.now += 10_000;
    expect(await key('acme')).toBe('acme:5');
  });

  it('of those who called longest ago are forgotten', async () => {
    const { state, key } = sessions(2);
    for (const id of ['one', 'two', 'one', 'three', 'one']) await key(id);
    expect(state.asked).toEqual(['one', 'two', 'three']);
    await key('two');
    expect(state.asked).toEqual(['one', 'two', 'three', 'two']);
  });

  it('are nobody else’s, whatever comes first and whatever fails between', async () => {
    const { asked, round } = interleaved(createTenantCredentials);
    const first = await round();
    expect(first.mixed).toBe(0);
    expect(first.failed).toBe(17 * 20);
    expect(asked).toHaveLength(50);
    expect(await round()).toEqual({ mixed: 0, failed: 0 });
    expect(asked).toHaveLength(50 + 17);
  });

  it.each<[string, typeof createTenantCredentials]>([
    [
      'kept in one place for all',
      ({ assume }) => {
        let last: Session | undefined;
        return async (tenantId) => {
          last ??= await assume(tenantId);
          return last;
        };
      },
    ],
    [
      'waited for in one place for all',
      ({ assume }) => {
        let asking: Promise<Session> | undefined;
        return (tenantId) => {
          asking ??= assume(tenantId).finally(() => {
            asking = undefined;
          });
          return asking;
        };
      },
    ],
    [
      'read from where the last answer was put',
      ({ assume }) => {
        const kept = { session: undefined as Session | undefined };
        return async (tenantId) => {
          kept.session = await assume(tenantId);
          await new Promise((wake) => setImmediate(wake));
          return kept.session;
        };
      },
    ],
    [
      'kept by the beginning of the id',
      ({ assume }) => {
        const kept = new Map<string, Promise<Session>>();
        return (tenantId) => {
          const id = tenantId.slice(0, 2);
          if (!kept.has(id)) kept.set(id, assume(tenantId));
          return kept.get(id) as Promise<Session>;
        };
      },
    ],
  ])('that are %s would be seen', async (_how, broken) => {
    const { round } = interleaved(broken);
    const rounds = [await round(), await round()];
    expect(rounds.some(({ mixed }) => mixed > 0)).toBe(true);
  });
});

type Session = Awaited<ReturnType<TenantCredentialsOptions['assume']>>;

/** 1,000 calls at once of 50 tenants, whose answers come in another order, and of every third tenant fail first. */
function interleaved(create: typeof createTenantCredentials) {
  const asked: string[] = [];
  const credentialsFor = create({
    async assume(tenantId) {
      asked.push(tenantId);
      const turns = (tenantId.length * 7 + asked.length * 13) % 17;
      for (let turn = 0; turn < turns; turn++) await new Promise((wake) => setImmediate(wake));
      const first = asked.filter((id) => id === tenantId).length === 1;
      if (first && Number(tenantId.slice(1)) % 3 === 0) throw new Error('not now');
      return { accessKeyId: tenantId, secretAccessKey: 's', expiration: new Date(Date.now() + HOUR) };
    },
  });
  const calls = Array.from({ length: 1_000 }, (_, n) => `t${n % 50}`);
  const one = async (id: string) => {
    const got = await credentialsFor(id).catch(() => null);
    return got === null ? 'failed' : got.accessKeyId === id ? 'own' : 'mixed';
  };
  return {
    asked,
    async round() {
      const came = await Promise.all(calls.map(one));
      const count = (what: string) => came.filter((each) => each === what).length;
      return { mixed: count('mixed'), failed: count('failed') };
    },
  };
}

describe('a role taken for a tenant', () => {
  let aws: FakeAws;
  beforeEach(async () => {
    aws = await startFakeAws(() => Date.UTC(2026, 10, 22));
  });
  afterEach(() => aws.close());

  const assume = (tenantId = 'acme', timeoutMs = 30_000) => {
    const credentials = { accessKeyId: 'AKIAFUNCTION', secretAccessKey: 'of the function' };
    const connection = { service: 'sts', endpoint: aws.endpoint, region: 'eu-central-1', credentials };
    const sts = createService({ ...connection, timeoutMs, pause: async () => {} });
    return assumeTenantRole(sts, ROLE, tenantId).finally(sts.close);
  };

  it('carries the tenant’s bare id as its only tag, and as its name', async () => {
    expect(await assume()).toEqual({
      accessKeyId: 'ASIA1',
      secretAccessKey: 's/+ASIA1',
      sessionToken: 'token+/of==ASIA1',
      expiration: new Date(Date.UTC(2026, 10, 22, 1)),
    });
    expect(aws.assumed).toEqual([
      {
        by: 'AKIAFUNCTION',
        form: {
          Action: 'AssumeRole',
          Version: '2011-06-15',
          RoleArn: ROLE,
          RoleSessionName: 'acme',
          DurationSeconds: '3600',
          'Tags.member.1.Key': 'TenantId',
          'Tags.member.1.Value': 'acme',
        },
      },
    ]);
  });

  it.each(['throttle', '500', 'drop'] as const)(
    'is asked for four times where STS says %s',
    async (fault) => {
      aws.faults.push(fault, fault, fault);
      expect((await assume()).accessKeyId).toBe('ASIA1');
      aws.faults.push(fault, fault, fault, fault);
      await expect(assume()).rejects.toMatchObject({ code: 'tenant_role_unavailable', retryable: true });
      expect(aws.faults).toEqual([]);
    },
  );

  it('is waited for no longer than told', async () => {
    aws.faults.push('hang', 'hang', 'hang', 'hang');
    await expect(assume('acme', 20)).rejects.toMatchObject({ code: 'tenant_role_unavailable' });
  });

  it('that is refused is not asked for again, and the error says who may not', async () => {
    aws.faults.push('denied');
    const error = await assume().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SaasctlError);
    expect(error).toMatchObject({ code: 'tenant_role_refused', category: 'auth', retryable: false });
    expect(String(error)).toContain(
      `${ROLE} may not be assumed for acme: User: arn:aws:sts::1:assumed-role/f is`,
    );
  });

  it('never has a credential in its errors, not even one that STS repeats', async () => {
    aws.faults.push('garbage');
    const error = (await assume().catch((thrown: unknown) => thrown)) as SaasctlError;
    expect(error.message).toMatch(/for acme: SignatureDoesNotMatch$/);
    expect(JSON.stringify(error)).not.toMatch(/FQoG|of the function|security-token/);
  });
});
