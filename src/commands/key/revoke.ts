import { draft } from '../../core/keys/draft.ts';
import { revokeKey, revokeSecret } from '../../core/keys/revoke.ts';
import { isLeaving } from '../../core/tenants/tenant.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { mutate } from '../mutate.ts';
import { checkKeyId, findKey } from './lookup.ts';
import { printKeyOutcome } from './view.ts';

export function revoke(host: Host) {
  const command = define('revoke <keyId>', {
    summary: 'Kill a key, or one secret of it, from the next call on',
    examples: ['key revoke key_3fJ9aQ2z --yes', 'key revoke key_3fJ9aQ2z --secret s1 --yes'],
    exits: [3, 5],
  })
    .option('--secret <secretId>', 'only this secret; the last living one takes the key with it')
    .addOption(dryRunOption());
  return onRun(host, command, runRevoke);
}

async function runRevoke(
  cx: Context,
  id: string,
  { secret, dryRun }: { secret?: string; dryRun?: boolean },
): Promise<void> {
  const keyId = checkKeyId(id);
  const done = await mutate(cx, {
    plan: async (store) => {
      const key = await findKey(store, { keyId });
      const tenant = await store.tenant(key.tenantId);
      // Dead with its tenant already.
      if (tenant !== null && isLeaving(tenant)) return draft('key.revoke', 'unchanged', key, key);
      const hasName = key.name !== null && (await store.keyNamed(key.tenantId, key.name))?.keyId === keyId;
      return secret === undefined
        ? revokeKey(key, hasName, cx.now())
        : revokeSecret(key, secret, hasName, cx.now());
    },
    danger: 'moderate',
    doing: `revoke ${secret === undefined ? '' : `secret ${secret} of `}key ${keyId}`,
    id: keyId,
    dryRun,
  });
  await printKeyOutcome(cx, done);
}
