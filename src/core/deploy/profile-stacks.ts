import { SaasctlError } from '../errors.ts';
import { didYouMean } from '../nearest.ts';
import { isTenantId } from '../tenants/tenant.ts';
import { stackTaken } from './failures.ts';
import type { StackKind, StackState } from './ports.ts';

/** The tag with the profile's `stack`, on every stack that belongs to it. */
export const STACK_TAG = 'saasctl-stack';
/** The tag with the tenant, on a stack that is one tenant's own. */
export const TENANT_TAG = 'saasctl-tenant';

/** The name of a profile's stack; `tenantId` for the kind `silo`. */
export const stackName = (stack: string, kind: Exclude<StackKind, 'silo'>): string =>
  kind === 'core' ? stack : `${stack}-${kind}`;
export const tenantStackName = (stack: string, tenantId: string): string => `${stack}-tenant-${tenantId}`;

/** Which of a profile's stacks this is, by its name. */
export function kindOf(stack: string, name: string): { kind: StackKind; tenantId: string | null } | null {
  if (name === stack) return { kind: 'core', tenantId: null };
  const rest = name.startsWith(`${stack}-`) ? name.slice(stack.length + 1) : '';
  if (rest === 'bootstrap' || rest === 'service' || rest === 'guardrails')
    return { kind: rest, tenantId: null };
  const tenantId = rest.startsWith('tenant-') ? rest.slice(7) : '';
  return isTenantId(tenantId) ? { kind: 'silo', tenantId } : null;
}

/** Whose a stack is. `tenantId`: of a tenant's own. */
export interface Owner {
  stack: string;
  tenantId: string | null;
}

/** Whether a stack is whose its name says, by its tags: anybody may have a stack of that name. */
export function isOwn({ status, tags }: StackState, { stack, tenantId }: Owner): boolean {
  // What was planned and never made has no tags yet, and nothing in it.
  if (status === 'REVIEW_IN_PROGRESS' && tags[STACK_TAG] === undefined) return true;
  return tags[STACK_TAG] === stack && (tenantId === null || tags[TENANT_TAG] === tenantId);
}

/** A profile's own stacks among those whose names begin so: `prod-eu` is another profile's, not one of `prod`. */
export const ownStacks = (stack: string, living: readonly StackState[]): StackState[] =>
  living.filter((state) => {
    const named = kindOf(stack, state.name);
    return named !== null && isOwn(state, { stack, tenantId: named.tenantId });
  });

/** What relies on others goes first. */
const ORDER: readonly StackKind[] = ['silo', 'service', 'guardrails', 'core', 'bootstrap'];

/**
 * The stacks that go when one is destroyed, first things first; none where nothing is there. Throws `tenants_left`
 * (tenants’ stacks go one by one, each with its own confirmation), `stacks_left`, `stack_taken`, `unknown_stack`.
 */
export function destroyOrder(stack: string, name: string, living: readonly StackState[]): StackState[] {
  const own = ownStacks(stack, living);
  const wanted = kindOf(stack, name);
  if (wanted === null) {
    const names = own.map((one) => one.name);
    throw new SaasctlError({
      code: 'unknown_stack',
      category: 'not_found',
      message: `${name} is no stack of the profile`,
      hint: `${didYouMean(name, names)}it has ${names.length === 0 ? 'none' : names.join(', ')}`,
      next: 'saasctl deploy status',
    });
  }
  const named = living.find((state) => state.name === name);
  if (named !== undefined && !own.includes(named))
    throw stackTaken(named, { stack, tenantId: wanted.tenantId });
  const kindAt = (state: StackState): StackKind => kindOf(stack, state.name)?.kind ?? 'silo';
  if (wanted.kind === 'bootstrap') {
    const others = own.filter((state) => kindAt(state) !== 'bootstrap').map((state) => state.name);
    if (others.length > 0) throw stacksLeft('stacks_left', name, others, `saasctl destroy ${stack}`);
  }
  if (wanted.kind !== 'core') return own.filter((state) => state.name === name);
  const tenants = own.filter((state) => kindAt(state) === 'silo').map((state) => state.name);
  if (tenants.length > 0) throw stacksLeft('tenants_left', name, tenants, `saasctl destroy ${tenants[0]}`);
  return [...own].sort((a, b) => ORDER.indexOf(kindAt(a)) - ORDER.indexOf(kindAt(b)));
}

const SHOWN = 5;

const stacksLeft = (code: string, name: string, left: readonly string[], next: string): SaasctlError =>
  new SaasctlError({
    code,
    category: 'conflict',
    message: `${name} cannot be destroyed while ${left.slice(0, SHOWN).join(', ')}${left.length > SHOWN ? ` and ${left.length - SHOWN} more` : ''} ${left.length === 1 ? 'relies' : 'rely'} on it`,
    hint: 'nothing was changed',
    next,
  });
