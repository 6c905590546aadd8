import type { Config } from '../config/load.ts';
import { stackName, targetNamed, wantedTargets } from '../config/stack-names.ts';
import type { Cloud, StackState } from '../core/deploy/ports.ts';
import { ownStacks } from '../core/deploy/profile-stacks.ts';
import { standingOf } from '../core/deploy/states.ts';

/** The profile's own stacks that are there besides those that it deploys. */
export interface Living {
  tenants: StackState[];
  /** Taken out of the profile and running on: `saasctl destroy` is what ends them. */
  unwanted: StackState[];
}

/** What is there of a profile and is not asked for by name. */
export async function livingStacks(
  cloud: Cloud,
  { stack, deploy }: Pick<Config['profile'], 'stack' | 'deploy'>,
): Promise<Living> {
  const own = ownStacks(stack, await cloud.stacks.list(stack));
  const wanted = new Set(wantedTargets(deploy).map((target) => stackName(stack, target)));
  const isTenants = ({ name }: StackState): boolean => targetNamed(stack, name)?.kind === 'silo';
  const goes = ({ status }: StackState): boolean => /^(empty|deleting)$/.test(standingOf(status));
  return {
    tenants: own.filter(isTenants),
    unwanted: own.filter((state) => !isTenants(state) && !wanted.has(state.name) && !goes(state)),
  };
}
