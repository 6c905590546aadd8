import { randomUUID } from 'node:crypto';
import { auditOf } from '../core/audit.ts';
import { SaasctlError, usageError } from '../core/errors.ts';
import type { Mutation } from '../core/mutation.ts';
import type { ControlStore, SecretFile } from '../core/ports.ts';
import { isoTime, microseconds } from '../core/time.ts';
import { renderChanges } from '../ui/plan.ts';
import { confirm, typeToConfirm } from '../ui/prompt.ts';
import type { Context } from './context.ts';

/** mild: no question. moderate: y/N or `--yes`. severe: the id typed, or `--confirm <id>`. */
export type Danger = 'mild' | 'moderate' | 'severe';

export interface MutateOptions<M extends Mutation> {
  /** Reads what it needs and says what is to change; called again when somebody else was faster. */
  plan(store: ControlStore): Promise<M>;
  danger: Danger;
  /** What is asked: `suspend tenant acme`. */
  doing: string;
  /** What is typed to confirm a severe one. */
  id: string;
  dryRun: boolean | undefined;
  /** A minted secret that must be safe in a file before the change is made. */
  secret?: { value: string; file: SecretFile } | undefined;
}

/** How often a change is planned anew. */
export const TRIES = 5;

/** Plans, asks, writes. Returns the mutation; `planned` where a dry run stopped before writing. */
export async function mutate<M extends Mutation>(
  cx: Context,
  options: MutateOptions<M>,
): Promise<{ mutation: M; planned: boolean }> {
  const { store } = await cx.backend();
  const { secret } = options;
  let asked = false;
  let staged = false;
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const mutation = await options.plan(store);
      const nothing = mutation.outcome === 'unchanged' || mutation.outcome === 'already_rotating';
      if (nothing || options.dryRun) {
        if (staged) await secret?.file.discard();
        if (!nothing) cx.note(`dry run, nothing was changed\n${renderChanges(mutation.changes, cx.paint)}`);
        return { mutation, planned: !nothing };
      }
      if (!asked) await ask(cx, mutation, options);
      asked = true;
      const applied = await cx.uninterrupted(async () => {
        if (!staged) await secret?.file.stage(secret.value);
        staged = true;
        if (!(await write(cx, mutation))) return false;
        staged = false;
        await secret?.file.keep().catch((error: unknown) => {
          throw notRenamed(secret.file.staged, error);
        });
        return true;
      });
      if (applied) return { mutation, planned: false };
    }
  } catch (error) {
    throw staged && secret !== undefined ? await settleStaged(secret.file, error) : error;
  }
  if (staged) await secret?.file.discard();
  throw keptChanging(options.doing);
}

/** The error for what was changed by others each time it was planned. */
export function keptChanging(doing: string): SaasctlError {
  return new SaasctlError({
    code: 'kept_changing',
    category: 'conflict',
    message: `could not ${doing}: it was changed by others ${TRIES} times meanwhile`,
    hint: 'nothing was changed by this command',
    retryable: true,
  });
}

/** Writes a mutation with its audit entry; `false`: what it was planned on has changed, and nothing was written. */
export async function write(cx: Context, mutation: Mutation): Promise<boolean> {
  const { store, actor } = await cx.backend();
  const now = cx.now();
  const audit = auditOf(mutation, { id: randomUUID(), at: isoTime(now), actor, requestId: cx.requestId });
  return (await store.commit({ mutation, audit, now: microseconds(now) })) === 'applied';
}

async function ask<M extends Mutation>(
  cx: Context,
  mutation: M,
  { danger, doing, id }: MutateOptions<M>,
): Promise<void> {
  if (danger === 'mild') return;
  await confirmDanger(cx, danger, doing, id, renderChanges(mutation.changes, cx.paint));
}

/** Shows the target, then asks as the danger demands. Throws when the answer is no. */
export async function confirmDanger(
  cx: Context,
  danger: Exclude<Danger, 'mild'>,
  doing: string,
  id: string,
  changes: string,
): Promise<void> {
  if (danger === 'severe' && cx.globals.confirm !== undefined) {
    if (cx.globals.confirm === id) return;
    throw usageError(
      'confirm_mismatch',
      `--confirm ${JSON.stringify(cx.globals.confirm)} does not name '${id}'`,
      {
        hint: 'nothing was changed',
      },
    );
  }
  if (danger === 'moderate' && cx.globals.yes) return;
  const { profileName, profile } = await cx.config();
  const { account, region, stack, stripe } = profile;
  // Off a terminal nobody is asked: the error that follows says so.
  if (cx.io.stdinIsTTY && cx.io.stderrIsTTY)
    cx.io.err(
      `profile ${profileName} · account ${account} · ${region} · tables ${stack}-* · Stripe ${stripe}\n${changes}\n`,
    );
  const agreed =
    danger === 'severe'
      ? await typeToConfirm(id, cx.io)
      : await confirm(`${doing[0]?.toUpperCase()}${doing.slice(1)}?`, cx.io);
  if (!agreed) {
    throw new SaasctlError({
      code: 'declined',
      category: 'interrupted',
      message: 'declined; nothing was changed',
    });
  }
}

/** The error to throw, once the staged file has been dealt with. */
async function settleStaged(file: SecretFile, error: unknown): Promise<unknown> {
  if (!(error instanceof SaasctlError) || error.code !== 'write_ambiguous') {
    await file.discard();
    return error;
  }
  const { code, category, message, hint, retryable } = error;
  return new SaasctlError({
    code,
    category,
    message,
    hint: `${hint}; the new secret is kept in ${file.staged} until it is known whether it lives`,
    next: `saasctl key verify < ${file.staged}`,
    retryable,
    cause: error,
  });
}

function notRenamed(staged: string, cause: unknown): SaasctlError {
  return new SaasctlError({
    code: 'secret_not_renamed',
    category: 'config',
    message: `the change was made and the new secret is in ${staged}, but it could not be renamed`,
    next: `mv ${staged} ${staged.replace(/\.new$/, '')}`,
    cause,
  });
}
