import { type ErrorCategory, SaasctlError } from '../errors.ts';
import { isoTime } from '../time.ts';
import type { Tenant } from './tenant.ts';

/**
 * A run that works on a tenant's own resources. The hold is a courtesy between runs, renewed while one works and over
 * soon after it was killed; what keeps two from harm is that every write names the version it was planned on.
 */
export interface Operation {
  /** The run's request id, as in the audit. */
  id: string;
  actor: string;
  startedAt: string;
  /** ISO-8601 UTC. */
  heldUntil: string;
}

/** What a run is, to those it meets. `now` in epoch ms. `dead`: another run that is known to be no more. */
export interface Run {
  id: string;
  actor: string;
  now: number;
  dead?: string;
}

/** What goes wrong, and where. `resumable`: the same command goes on once the cause is gone. */
export interface Failure {
  during: 'provisioning' | 'offboarding';
  step: Step;
  error: string;
  at: string;
  resumable: boolean;
}

/** `stack`, `table`: what the tenant has to itself. `record`: what the tool keeps of it. */
export type Step = 'stack' | 'table' | 'record';

/** How long a hold lasts, and how old it gets before the run that works renews it. */
export const HOLD_MS = 60_000;
export const RENEW_MS = 15_000;

export const heldUntil = (now: number): string => isoTime(now + HOLD_MS);

export const operationOf = ({ id, actor, now }: Run): Operation => ({
  id,
  actor,
  startedAt: isoTime(now),
  heldUntil: heldUntil(now),
});

/** Whether another run works on the tenant now. */
export function isHeldByAnother(
  operation: Operation | null,
  { id, dead, now }: Pick<Run, 'id' | 'dead' | 'now'>,
): boolean {
  if (operation === null || operation.id === id || operation.id === dead) return false;
  return Date.parse(operation.heldUntil) > now;
}

const STANDS_FAST: ReadonlySet<ErrorCategory> = new Set(['conflict', 'bug']);

/** An error as the tenant's profile keeps it. What is no `SaasctlError` may hold anything: its name alone is kept. */
export function failureOf(during: Failure['during'], step: Step, error: unknown, now: number): Failure {
  const known = error instanceof SaasctlError ? error : null;
  return {
    during,
    step,
    error: known?.message ?? `unexpected ${error instanceof Error ? error.name : 'error'}`,
    at: isoTime(now),
    resumable: known !== null && !STANDS_FAST.has(known.category),
  };
}

/** What is left to do for a tenant that is neither ready nor gone; `null`: nothing. */
export function unfinished({
  status,
  failure,
}: Pick<Tenant, 'status' | 'failure'>): 'provisioning' | 'offboarding' | null {
  if (status === 'pending' || status === 'provisioning') return 'provisioning';
  if (status === 'offboarding') return 'offboarding';
  return status === 'failed' ? (failure?.during ?? 'provisioning') : null;
}

/** The command that finishes what was begun; `null`: nothing was. */
export function goOnWith(tenant: Pick<Tenant, 'id' | 'isolation' | 'status' | 'failure'>): string | null {
  const { id, isolation } = tenant;
  const left = unfinished(tenant);
  if (left === null) return null;
  return left === 'provisioning'
    ? `saasctl tenant create ${id} --isolation ${isolation}`
    : `saasctl tenant delete ${id} --confirm ${id}`;
}
