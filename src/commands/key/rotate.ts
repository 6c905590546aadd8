import { usageError } from '../../core/errors.ts';
import { abortRotation, finishRotation, rotateKey } from '../../core/keys/rotate.ts';
import { parseDuration } from '../../core/time.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { mutate } from '../mutate.ts';
import { findKey, type KeyAddress, keyAddress, livingKey } from './lookup.ts';
import { mint, secretFileOption, staged } from './secret.ts';
import { keyFields, printKeyOutcome, viewKey } from './view.ts';

interface Options {
  tenant?: string;
  name?: string;
  grace?: string;
  secretFile?: string;
  status?: boolean;
  finish?: boolean;
  abort?: boolean;
  dryRun?: boolean;
}

export function rotate(host: Host) {
  const command = define('rotate [keyId]', {
    summary: 'Give a key a new secret; the old one works until the grace ends',
    details:
      'Key id, name, limits and scopes stay; a key with a lifetime gets it anew. The old secret dies at the end of the grace, or at its own expiry if that is sooner.\nInside a grace a second rotation is reported, not stacked.',
    examples: [
      'key rotate key_3fJ9aQ2z --grace 7d',
      'key rotate --tenant acme --name ci --grace 7d --secret-file acme.key',
      'key rotate key_3fJ9aQ2z --status',
      'key rotate key_3fJ9aQ2z --finish --yes',
    ],
    exits: [3, 5, 7],
  })
    .option('--tenant <id>', 'with --name: the key by name, for cron')
    .option('--name <name>', 'with --tenant')
    .option('--grace <duration>', 'how long the old secret still works, 7d by default; 0: not at all')
    .addOption(secretFileOption())
    .option('--status', 'show the rotation')
    .option('--finish', 'end the grace now')
    .option('--abort', 'take the rotation back: the new secret dies, the old one lives on')
    .addOption(dryRunOption());
  return onRun(host, command, runRotate);
}

async function runRotate(cx: Context, keyId: string | undefined, options: Options): Promise<void> {
  const address = keyAddress(keyId, options.tenant, options.name);
  const asked = (['status', 'finish', 'abort'] as const).filter((step) => options[step]);
  if (
    asked.length > 1 ||
    (asked.length === 1 && (options.grace !== undefined || options.secretFile !== undefined))
  ) {
    throw usageError('one_step', `--${asked[0]} goes alone`, {
      hint: 'one of --grace, --status, --finish and --abort',
    });
  }
  if (asked[0] === 'status') return showRotation(cx, address);
  if (asked[0] !== undefined) return endRotation(cx, address, asked[0], options.dryRun);

  const { project } = await cx.config();
  const graceMs = parseDuration(options.grace ?? '7d', '--grace');
  const key = await findKey(await cx.store(), address);
  const prefix = project.keyPrefix;
  const minted = await mint(cx, prefix, key.env, options);
  const done = await mutate(cx, {
    plan: async (store) => rotateKey(await livingKey(store, address), graceMs, minted.digest, cx.now()),
    danger: graceMs === 0 ? 'moderate' : 'mild',
    doing: `rotate key ${key.keyId}${graceMs === 0 ? ' and kill its old secret at once' : ''}`,
    id: key.keyId,
    dryRun: options.dryRun,
    secret: staged(minted),
  });
  if (done.mutation.outcome === 'already_rotating') {
    cx.note(`a rotation is under way: see it with  saasctl key rotate ${key.keyId} --status`);
  }
  if (done.mutation.outcome === 'rotated')
    warnShortGrace(cx, done.mutation.after.rotation?.graceEndsAt, graceMs);
  await printKeyOutcome(cx, done, { value: minted.value, inFile: minted.file !== null });
}

/** Says so where the old secret's own expiry cuts the grace short. */
function warnShortGrace(cx: Context, graceEndsAt: string | undefined, graceMs: number): void {
  if (graceEndsAt !== undefined && Date.parse(graceEndsAt) < cx.now() + graceMs - 60_000) {
    cx.note(`the old secret expires at ${graceEndsAt}, before the grace asked for would end`);
  }
}

async function showRotation(cx: Context, address: KeyAddress): Promise<void> {
  const store = await cx.store();
  const view = await viewKey(store, await findKey(store, address), cx.now());
  await cx.print({ kind: 'one', item: view, id: view.keyId, fields: keyFields });
}

async function endRotation(
  cx: Context,
  address: KeyAddress,
  step: 'finish' | 'abort',
  dryRun: boolean | undefined,
): Promise<void> {
  const end = step === 'finish' ? finishRotation : abortRotation;
  const { keyId } = await findKey(await cx.store(), address);
  const done = await mutate(cx, {
    plan: async (store) => end(await livingKey(store, address), cx.now()),
    danger: 'moderate',
    doing: `${step} the rotation of key ${keyId}`,
    id: keyId,
    dryRun,
  });
  await printKeyOutcome(cx, done);
}
