import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GateEdit } from '../../../src/core/gate/edits.ts';
import { NEVER } from '../../../src/core/gate/layout.ts';
import { createKey, type KeyInput } from '../../../src/core/keys/create.ts';
import { gateExpiry, type Key, keyStatus, livingSecrets, openRotation } from '../../../src/core/keys/key.ts';
import { revokeKey, revokeSecret } from '../../../src/core/keys/revoke.ts';
import { abortRotation, finishRotation, rotateKey } from '../../../src/core/keys/rotate.ts';
import type { KeyMutation } from '../../../src/core/mutation.ts';
import { isoTime } from '../../../src/core/time.ts';
import { DAY, free, NOON, tenantOn } from '../../fixtures/tenants.ts';

const digest = (n: number) => ({ hash: `hash-${n}`, last4: 'abcd' });
const input: KeyInput = {
  keyId: 'key_00000001',
  name: 'ci',
  env: 'live',
  prefix: 'anb_live',
  rate: null,
  scopes: ['read'],
  lifetime: null,
};
const created = (lifetime: number | null = null) =>
  createKey(tenantOn(free), { ...input, lifetime }, digest(1), null, 0, NOON);
const key = (lifetime: number | null = null): Key => created(lifetime).after;
const living = (of: Key, now: number) => livingSecrets(of, now).map(({ secretId }) => secretId);

describe('rotation', () => {
  it('adds a secret under the same key; both live until the grace ends', () => {
    const { outcome, after, gate, mapping } = rotateKey(key(), 7 * DAY, digest(2), NOON);
    expect(outcome).toBe('rotated');
    expect(after).toMatchObject({ keyId: 'key_00000001', name: 'ci', scopes: ['read'] });
    expect(after.rotation).toEqual({
      oldSecretId: 's1',
      newSecretId: 's2',
      graceEndsAt: isoTime(NOON + 7 * DAY),
    });
    expect(mapping).toEqual({ hash: 'hash-2', secretId: 's2' });
    expect(gate).toEqual([
      { edit: 'setSecret', keyId: 'key_00000001', secretId: 's2', expiry: NEVER },
      { edit: 'setSecret', keyId: 'key_00000001', secretId: 's1', expiry: (NOON + 7 * DAY) * 1000 },
    ]);
    expect(living(after, NOON + 7 * DAY - 1)).toEqual(['s1', 's2']);
    expect(living(after, NOON + 7 * DAY)).toEqual(['s2']);
  });

  it('inside a grace is reported, not stacked', () => {
    const once = rotateKey(key(), 7 * DAY, digest(2), NOON).after;
    expect(rotateKey(once, 7 * DAY, digest(3), NOON + DAY)).toMatchObject({
      outcome: 'already_rotating',
      after: once,
      gate: [],
      mapping: null,
    });
    expect(rotateKey(once, 7 * DAY, digest(3), NOON + 7 * DAY).outcome).toBe('rotated');
  });

  it('never lengthens the old secret’s own life', () => {
    const { after } = rotateKey(key(3 * DAY), 7 * DAY, digest(2), NOON);
    expect(after.rotation?.graceEndsAt).toBe(isoTime(NOON + 3 * DAY));
  });

  it('gives the new secret the lifetime anew', () => {
    const { after } = rotateKey(key(90 * DAY), 7 * DAY, digest(2), NOON + 80 * DAY);
    expect(after.secrets.at(-1)?.expiresAt).toBe(isoTime(NOON + 170 * DAY));
  });

  it('with no grace kills the old secret at once', () => {
    const { after, gate } = rotateKey(key(), 0, digest(2), NOON);
    expect(living(after, NOON)).toEqual(['s2']);
    expect(after.rotation).toBeNull();
    expect(gate).toContainEqual({ edit: 'removeSecret', keyId: 'key_00000001', secretId: 's1' });
  });

  it('finish ends the grace; abort takes the new secret back and restores the old one’s own expiry', () => {
    const rotated = rotateKey(key(90 * DAY), 7 * DAY, digest(2), NOON).after;
    expect(living(finishRotation(rotated, NOON + 1).after, NOON + 1)).toEqual(['s2']);
    const aborted = abortRotation(rotated, NOON + 1).after;
    expect(living(aborted, NOON + 8 * DAY)).toEqual(['s1']);
    expect(aborted.secrets[0]?.expiresAt).toBe(isoTime(NOON + 90 * DAY));
  });

  it('finish with nothing under way is unchanged; abort is a conflict', () => {
    expect(finishRotation(key(), NOON).outcome).toBe('unchanged');
    expect(() => abortRotation(key(), NOON)).toThrow(
      expect.objectContaining({ code: 'no_rotation', exitCode: 5 }),
    );
  });

  it('of a dead key is a conflict that says how to make a new one', () => {
    const revoked = revokeKey(key(), true, NOON).after;
    expect(() => rotateKey(revoked, DAY, digest(2), NOON)).toThrow(
      expect.objectContaining({ code: 'key_revoked', exitCode: 5 }),
    );
    expect(() => rotateKey(key(DAY), DAY, digest(2), NOON + DAY)).toThrow(
      expect.objectContaining({ code: 'key_expired', next: 'saasctl key create --tenant acme --name ci' }),
    );
  });
});

describe('revoking', () => {
  it('the new secret of a rotation leaves the old one its own life', () => {
    const rotated = rotateKey(key(), 7 * DAY, digest(2), NOON).after;
    const { after } = revokeSecret(rotated, 's2', true, NOON);
    expect(living(after, NOON + 30 * DAY)).toEqual(['s1']);
  });

  it('the last living secret takes the key with it, and frees the name', () => {
    expect(revokeSecret(key(), 's1', true, NOON)).toMatchObject({
      gate: [{ edit: 'removeKey' }],
      name: { release: 'ci' },
      after: { revokedAt: isoTime(NOON) },
    });
  });

  it('an expired key whose name went to another key leaves it there', () => {
    expect(revokeKey(key(), false, NOON).name).toBeNull();
  });

  it('twice is unchanged', () => {
    expect(revokeKey(revokeKey(key(), true, NOON).after, false, NOON).outcome).toBe('unchanged');
  });
});

describe('a name', () => {
  it('of a living key is a conflict whose next is the rotation', () => {
    expect(() =>
      createKey(tenantOn(free), { ...input, keyId: 'key_00000002' }, digest(2), key(), 1, NOON),
    ).toThrow(
      expect.objectContaining({
        code: 'key_name_taken',
        exitCode: 5,
        next: 'saasctl key rotate --tenant acme --name ci --grace 7d',
      }),
    );
  });
  it('of an expired key can be taken over', () => {
    const mutation = createKey(
      tenantOn(free),
      { ...input, keyId: 'key_00000002' },
      digest(2),
      key(DAY),
      1,
      NOON + DAY,
    );
    expect(mutation.name).toEqual({ claim: 'ci', from: 'key_00000001' });
  });
});

/** What the edits leave on the gate: secret id to expiry, or nothing where the key is gone. */
function applyTo(
  secrets: Map<string, number> | null,
  edits: readonly GateEdit[],
): Map<string, number> | null {
  if (edits.length === 0) return secrets;
  const next = new Map(secrets);
  for (const edit of edits) {
    if (edit.edit === 'addKey') for (const [id, expiry] of Object.entries(edit.key.s)) next.set(id, expiry);
    if (edit.edit === 'setSecret') next.set(edit.secretId, edit.expiry);
    if (edit.edit === 'removeSecret') next.delete(edit.secretId);
    if (edit.edit === 'removeKey') return null;
  }
  return next;
}

type Step = 'rotate' | 'rotateNow' | 'finish' | 'abort' | 'revokeOldest' | 'revokeNewest' | 'wait';

function step(before: Key, kind: Step, n: number, now: number): KeyMutation | null {
  const alive = livingSecrets(before, now);
  try {
    switch (kind) {
      case 'rotate':
        return rotateKey(before, 7 * DAY, digest(n), now);
      case 'rotateNow':
        return rotateKey(before, 0, digest(n), now);
      case 'finish':
        return finishRotation(before, now);
      case 'abort':
        return abortRotation(before, now);
      case 'revokeOldest':
        return revokeSecret(before, alive[0]?.secretId ?? 's1', true, now);
      case 'revokeNewest':
        return revokeSecret(before, alive.at(-1)?.secretId ?? 's1', true, now);
      case 'wait':
        return null;
    }
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 5 });
    return null;
  }
}

describe('whatever is done in whatever order', () => {
  it('record and gate agree on what lives, at most two secrets live, and none is lost but by revocation or age', () => {
    const steps = fc.array(
      fc.record({
        kind: fc.constantFrom<Step>(
          'rotate',
          'rotateNow',
          'finish',
          'abort',
          'revokeOldest',
          'revokeNewest',
          'wait',
        ),
        hours: fc.integer({ min: 0, max: 300 }),
      }),
      { maxLength: 25 },
    );
    fc.assert(
      fc.property(steps, fc.option(fc.integer({ min: 1, max: 60 })), (schedule, lifetimeDays) => {
        let now = NOON;
        const first = created(lifetimeDays === null ? null : lifetimeDays * DAY);
        let record = first.after;
        let gate = applyTo(null, first.gate);
        schedule.forEach(({ kind, hours }, n) => {
          now += hours * 3_600_000;
          const had = living(record, now).length;
          const mutation = step(record, kind, n + 2, now);
          if (mutation !== null) {
            record = mutation.after;
            gate = applyTo(gate, mutation.gate);
          }
          const onGate = [...(gate ?? new Map())]
            .filter(([, expiry]) => expiry > now * 1000)
            .map(([id]) => id);
          expect(onGate.sort()).toEqual(living(record, now).sort());
          for (const secret of livingSecrets(record, now))
            expect(gate?.get(secret.secretId)).toBe(gateExpiry(secret.expiresAt));
          expect(onGate.length).toBeLessThanOrEqual(2);
          if (onGate.length === 2) expect(openRotation(record, now)).not.toBeNull();
          if (had > 0 && !kind.startsWith('revoke')) expect(onGate.length).toBeGreaterThan(0);
          if (record.revokedAt !== null) expect([gate, keyStatus(record, now)]).toEqual([null, 'revoked']);
        });
      }),
      { numRuns: 2000 },
    );
  });
});
