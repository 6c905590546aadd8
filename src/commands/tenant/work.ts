import { SaasctlError } from '../../core/errors.ts';
import type { TenantMutation } from '../../core/mutation.ts';
import { heldUntil, RENEW_MS, type Run, type Step } from '../../core/tenants/operation.ts';
import { failTenant, releaseTenant, takenOver } from '../../core/tenants/provisioning.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import { progressLine } from '../../ui/progress.ts';
import type { Context } from '../context.ts';
import { keptChanging, TRIES, write } from '../mutate.ts';
import { existing } from '../tenant-lookup.ts';
import type { Work } from './resources.ts';

/** This run, to the tenants it works on. */
export async function thisRun(cx: Context): Promise<Run> {
  const { actor } = await cx.backend();
  return { id: cx.requestId, actor, now: cx.now() };
}

/**
 * Does the work that the tenant is held for. What stops it is recorded: a failure with its step, an interruption by
 * letting go. A run that was killed records nothing, and its hold ends by itself. `again`: the command that goes on.
 */
export async function work<T>(
  cx: Context,
  { id }: Tenant,
  again: string,
  doing: (work: Work) => Promise<T>,
): Promise<T> {
  const silent = cx.globals.quiet || cx.globals.format === 'json';
  const progress = progressLine(cx.io, cx.now, silent);
  const store = await cx.store();
  const { signal } = cx.deps;
  let step: Step = 'record';
  let renewed = cx.now();
  const say = (text: string) => progress.show(`${id}: ${text}`);
  const at: Work = {
    say,
    begin(next, text) {
      step = next;
      say(text);
    },
    async goOn() {
      if (signal.aborted) throw interrupted(id, again);
      if (cx.now() - renewed < RENEW_MS) return;
      if (!(await store.hold(id, cx.requestId, heldUntil(cx.now())))) throw takenOver(id);
      renewed = cx.now();
    },
  };
  const stopped = async (error: unknown): Promise<unknown> => {
    if (isTakenOver(error)) return error;
    const run = await thisRun(cx);
    const isInterrupt = signal.aborted || (error instanceof SaasctlError && error.category === 'interrupted');
    const plan = (tenant: Tenant) =>
      isInterrupt ? releaseTenant(tenant, run) : failTenant(tenant, run, step, error);
    // Where even this cannot be written, the hold ends by itself; the first error is the one to show.
    const unwritten = await record(cx, id, plan).then(
      () => null,
      (cause: unknown) => cause,
    );
    if (isTakenOver(unwritten)) return unwritten;
    if (isInterrupt) return interrupted(id, again);
    return error instanceof SaasctlError ? asFailure(id, step, again, error, unwritten === null) : error;
  };
  if (signal.aborted) throw await stopped(null);
  // An interrupt lets the step in hand end, so that what is recorded is true.
  return cx.uninterrupted(async () => {
    try {
      return await doing(at);
    } catch (error) {
      throw await stopped(error);
    } finally {
      progress.end();
    }
  });
}

const isTakenOver = (error: unknown): boolean => error instanceof SaasctlError && error.code === 'taken_over';

/** Plans and writes a step of the tenant's life, again where somebody changed the tenant meanwhile. */
export async function record(
  cx: Context,
  id: string,
  plan: (tenant: Tenant) => TenantMutation,
): Promise<Tenant> {
  const store = await cx.store();
  for (let tries = 0; tries < TRIES; tries++) {
    const mutation = plan(await existing(store.tenant(id), id));
    if (mutation.outcome === 'unchanged' || (await write(cx, mutation))) return mutation.after;
  }
  throw keptChanging(`record the state of tenant ${id}`);
}

function interrupted(id: string, again: string): SaasctlError {
  return new SaasctlError({
    code: 'interrupted',
    category: 'interrupted',
    message: `interrupted: tenant '${id}' is as far as it got, and admits no calls`,
    hint: 'the same command goes on from there',
    next: again,
  });
}

function asFailure(
  id: string,
  step: Step,
  again: string,
  error: SaasctlError,
  isRecorded: boolean,
): SaasctlError {
  const { code, category, message, hint, next, retryable, requestId } = error;
  return new SaasctlError({
    code,
    category,
    message: `tenant '${id}' is not ready, step ${step}: ${message}`,
    hint: [
      ...(hint === null ? [] : [hint]),
      `the tenant ${isRecorded ? 'is recorded as failed and ' : ''}admits no calls; ${again}  goes on`,
    ].join('; '),
    next: retryable || next === null ? again : next,
    retryable,
    requestId: requestId ?? undefined,
    cause: error,
  });
}
