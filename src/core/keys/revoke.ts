import { SaasctlError } from '../errors.ts';
import type { KeyMutation } from '../mutation.ts';
import { isoTime } from '../time.ts';
import { bump, draft, markRevoked, removeSecret } from './draft.ts';
import { type Key, livingSecrets, openRotation } from './key.ts';
import { abortRotation } from './rotate.ts';

/** The whole key, dead at the next call; its name, if it still has it, is free again. */
export function revokeKey(before: Key, hasName: boolean, now: number): KeyMutation {
  if (before.revokedAt !== null) return draft('key.revoke', 'unchanged', before, before);
  const at = isoTime(now);
  const after = bump(before, {
    revokedAt: at,
    secrets: before.secrets.map((secret) => ({ ...secret, revokedAt: secret.revokedAt ?? at })),
    rotation: null,
  });
  return {
    ...draft('key.revoke', 'revoked', before, after),
    gate: [{ edit: 'removeKey', keyId: before.keyId }],
    name: hasName && before.name !== null ? { release: before.name } : null,
  };
}

/** One secret of a key. Its last living one takes the key with it. */
export function revokeSecret(before: Key, secretId: string, hasName: boolean, now: number): KeyMutation {
  const secret = before.secrets.find((one) => one.secretId === secretId);
  if (secret === undefined) {
    throw new SaasctlError({
      code: 'secret_not_found',
      category: 'not_found',
      message: `key ${before.keyId} has no secret '${secretId}'`,
      next: `saasctl key show ${before.keyId}`,
    });
  }
  if (secret.revokedAt !== null) return draft('key.revoke', 'unchanged', before, before);
  if (livingSecrets(before, now).every((one) => one.secretId === secretId))
    return revokeKey(before, hasName, now);
  // The new secret of an open rotation: without it the old one must live on, not die with the grace.
  if (openRotation(before, now)?.newSecretId === secretId) {
    return { ...abortRotation(before, now), action: 'key.revoke', outcome: 'revoked' };
  }
  const after = bump(before, { secrets: markRevoked(before.secrets, secretId, now), rotation: null });
  return { ...draft('key.revoke', 'revoked', before, after), gate: [removeSecret(before, secretId)] };
}
