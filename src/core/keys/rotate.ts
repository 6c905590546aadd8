import { SaasctlError } from '../errors.ts';
import type { GateEdit } from '../gate/edits.ts';
import type { KeyMutation } from '../mutation.ts';
import { isoTime } from '../time.ts';
import { bump, draft, markRevoked, newSecret, removeSecret, type SecretDigest, setSecret } from './draft.ts';
import { gateExpiry, type Key, keyStatus, livingSecrets, openRotation, type Secret } from './key.ts';

/** Secrets that a key's record keeps besides the new one; the audit has them all. */
const REMEMBERED = 9;

/**
 * A new secret under the same key id, so limits never double; the old one dies at the end of the grace, or
 * at its own expiry if that is sooner. One rotation at a time: a second one is reported, not stacked.
 */
export function rotateKey(before: Key, graceMs: number, digest: SecretDigest, now: number): KeyMutation {
  if (openRotation(before, now) !== null) return draft('key.rotate', 'already_rotating', before, before);
  const old = livingSecrets(before, now).at(-1);
  if (before.revokedAt !== null || old === undefined) throw notRotatable(before, now);

  const fresh = newSecret(nextSecretId(before), digest, lifetimeOf(old), now);
  const atOnce = graceMs === 0;
  const oldDies = earliest(old.expiresAt, isoTime(now + graceMs));
  const after = bump(before, {
    secrets: [
      ...before.secrets.slice(-REMEMBERED).map((secret) => {
        if (secret.secretId !== old.secretId) return secret;
        return atOnce
          ? { ...secret, revokedAt: isoTime(now) }
          : { ...secret, expiresAt: oldDies, ownExpiresAt: secret.expiresAt };
      }),
      fresh,
    ],
    rotation: atOnce
      ? null
      : { oldSecretId: old.secretId, newSecretId: fresh.secretId, graceEndsAt: oldDies },
  });
  return {
    ...draft('key.rotate', 'rotated', before, after),
    gate: [
      ...forgetDead(before),
      setSecret(before, fresh),
      atOnce
        ? removeSecret(before, old.secretId)
        : { edit: 'setSecret', keyId: before.keyId, secretId: old.secretId, expiry: gateExpiry(oldDies) },
    ],
    mapping: { hash: digest.hash, secretId: fresh.secretId },
  };
}

/** Ends the grace now: the old secret dies. */
export function finishRotation(before: Key, now: number): KeyMutation {
  const rotation = openRotation(before, now);
  if (rotation === null) return draft('key.rotate.finish', 'unchanged', before, before);
  const after = bump(before, {
    secrets: markRevoked(before.secrets, rotation.oldSecretId, now),
    rotation: null,
  });
  return {
    ...draft('key.rotate.finish', 'updated', before, after),
    gate: [removeSecret(before, rotation.oldSecretId)],
  };
}

/** Takes the rotation back: the new secret dies, the old one has its own expiry again. */
export function abortRotation(before: Key, now: number): KeyMutation {
  const rotation = openRotation(before, now);
  if (rotation === null) {
    throw new SaasctlError({
      code: 'no_rotation',
      category: 'conflict',
      message: `key ${before.keyId} has no rotation to take back`,
      hint: 'once the grace has ended the old secret is dead',
      next: `saasctl key rotate ${before.keyId} --status`,
    });
  }
  const secrets = markRevoked(before.secrets, rotation.newSecretId, now).map((secret) =>
    secret.secretId === rotation.oldSecretId
      ? { ...secret, expiresAt: secret.ownExpiresAt, ownExpiresAt: null }
      : secret,
  );
  const after = bump(before, { secrets, rotation: null });
  const old = secrets.find(({ secretId }) => secretId === rotation.oldSecretId) as Secret;
  return {
    ...draft('key.rotate.abort', 'updated', before, after),
    gate: [removeSecret(before, rotation.newSecretId), setSecret(before, old)],
  };
}

/** Counts on, however many secrets there were. */
const nextSecretId = ({ secrets }: Key): string => `s${Number(secrets.at(-1)?.secretId.slice(1) ?? 0) + 1}`;

const lifetimeOf = ({ createdAt, expiresAt }: Secret): number | null =>
  expiresAt === null ? null : Date.parse(expiresAt) - Date.parse(createdAt);

const earliest = (a: string | null, b: string): string => (a !== null && a < b ? a : b);

/**
 * The secret that the last grace left on the gate: dead already, but every byte there is paid for on each call.
 * Those of earlier rotations went when it came.
 */
function forgetDead({ keyId, secrets, rotation }: Key): GateEdit[] {
  const old = secrets.find(({ secretId }) => secretId === rotation?.oldSecretId);
  return old === undefined || old.revokedAt !== null
    ? []
    : [{ edit: 'removeSecret', keyId, secretId: old.secretId }];
}

function notRotatable(key: Key, now: number): SaasctlError {
  return new SaasctlError({
    code: `key_${keyStatus(key, now)}`,
    category: 'conflict',
    message: `key ${key.keyId} is ${keyStatus(key, now)} and cannot be rotated`,
    next: `saasctl key create --tenant ${key.tenantId}${key.name === null ? '' : ` --name ${key.name}`}`,
  });
}
