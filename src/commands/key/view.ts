import { SaasctlError } from '../../core/errors.ts';
import { type Key, type KeyView, keyView } from '../../core/keys/key.ts';
import type { KeyMutation } from '../../core/mutation.ts';
import type { ControlStore } from '../../core/ports.ts';
import type { Column } from '../../ui/result.ts';
import type { Context } from '../context.ts';
import { existing } from '../tenant-lookup.ts';

const rate = ({ rate: { perSecond, burst, inherited } }: KeyView): string =>
  `${perSecond === null ? 'unlimited' : `${Number(perSecond.toFixed(3))}/s, burst ${burst}`}${inherited ? ' (plan)' : ''}`;

export const keyColumns: Column<KeyView>[] = [
  { header: 'key id', value: ({ keyId }) => keyId },
  { header: 'tenant', value: ({ tenantId }) => tenantId },
  { header: 'name', value: ({ name }) => name },
  { header: 'env', value: ({ env }) => env },
  {
    header: 'status',
    value: ({ status }) => status,
    paint: (text, { status }, paint) => (status === 'active' ? paint.green(text) : paint.yellow(text)),
  },
  { header: 'key', value: ({ prefix, last4 }) => (last4 === null ? 'imported' : `${prefix}_…${last4}`) },
  { header: 'rate', value: rate },
  { header: 'last used', value: ({ lastUsedAt }) => lastUsedAt },
  { header: 'expires', value: ({ expiresAt }) => expiresAt },
];

export const keyFields: Column<KeyView>[] = [
  ...keyColumns,
  { header: 'scopes', value: ({ scopes }) => (scopes.length === 0 ? null : scopes.join(' ')) },
  {
    header: 'secrets',
    value: ({ secrets }) => secrets.map(({ secretId, status }) => `${secretId} ${status}`).join(', '),
  },
  {
    header: 'rotation',
    value: ({ rotation }) =>
      rotation === null
        ? null
        : `${rotation.oldSecretId} → ${rotation.newSecretId}, grace ends ${rotation.graceEndsAt}`,
  },
  { header: 'created', value: ({ createdAt }) => createdAt },
];

/** A key with what its tenant and its gate know of it. */
export async function viewKey(store: ControlStore, key: Key, now: number): Promise<KeyView> {
  const [tenant, gate] = await Promise.all([
    existing(store.tenant(key.tenantId), key.tenantId),
    store.gate(key.tenantId),
  ]);
  return keyView(key, tenant, gate?.k[key.keyId], now);
}

/** A mutation's key with its outcome and, where one was minted and has no file, the secret: this once. */
export async function printKeyOutcome(
  cx: Context,
  { mutation, planned }: { mutation: KeyMutation; planned: boolean },
  secret?: { value: string; inFile: boolean },
): Promise<void> {
  const view = await viewKey(await cx.store(), mutation.after, cx.now());
  const outcome = planned ? 'planned' : mutation.outcome;
  const minted = !planned && (outcome === 'created' || outcome === 'rotated');
  const key = minted && secret !== undefined && !secret.inFile ? secret.value : null;
  const printed = cx.print<KeyView & { key?: string | null; outcome: string }>({
    kind: 'one',
    item: { ...view, ...(secret === undefined ? {} : { key }), outcome },
    id: view.keyId,
    fields: [
      { header: 'outcome', value: () => outcome },
      ...(key === null
        ? []
        : [
            {
              header: 'key',
              value: () => key,
              paint: (text: string, _: unknown, paint: Context['paint']) => paint.bold(text),
            },
          ]),
      ...keyFields.map((field) => (field.header === 'key' ? { ...field, header: 'shape' } : field)),
    ],
    ...(key === null ? {} : { secret: 'key' }),
  });
  if (key === null) return printed;
  await printed.catch((error: unknown) => {
    throw notShown(view.keyId, outcome, error);
  });
  if (cx.io.closed) throw notShown(view.keyId, outcome);
}

/** The change is made, and nobody has seen its secret. */
function notShown(keyId: string, outcome: string, cause?: unknown): SaasctlError {
  return new SaasctlError({
    code: 'secret_not_shown',
    category: 'partial',
    message: `key ${keyId} was ${outcome}, but its new secret could not be written to stdout and is lost`,
    hint: outcome === 'rotated' ? 'take the rotation back, then rotate again' : 'a rotation gives it another',
    next:
      outcome === 'rotated'
        ? `saasctl key rotate ${keyId} --abort --yes`
        : `saasctl key rotate ${keyId} --grace 0 --yes --secret-file <file>`,
    cause,
  });
}
