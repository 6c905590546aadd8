import type { StackKind } from '../core/deploy/ports.ts';
import { kindOf, stackName as shared, tenantStackName } from '../core/deploy/profile-stacks.ts';
import type { DeployConfig } from './schema.ts';

/** What of a profile is deployed: one stack each. `silo` is one tenant's own. */
export type Target = { kind: Exclude<StackKind, 'silo'> } | { kind: 'silo'; tenantId: string };

/** The CloudFormation stack of a target, in a profile whose `stack` is `stack`. */
export const stackName = (stack: string, target: Target): string =>
  target.kind === 'silo' ? tenantStackName(stack, target.tenantId) : shared(stack, target.kind);

/** What the names of all tenants' stacks begin with. */
export const tenantStacks = (stack: string): string => tenantStackName(stack, '');

/** The target that a stack's name stands for; `null`: no stack of this profile. */
export function targetNamed(stack: string, name: string): Target | null {
  const found = kindOf(stack, name);
  if (found === null) return null;
  const { kind, tenantId } = found;
  return kind === 'silo' ? { kind, tenantId: tenantId ?? '' } : { kind };
}

/** What `deploy` deploys of a profile, in this order: what comes later builds on what came before. */
export const wantedTargets = (deploy: DeployConfig | undefined): Target[] => [
  { kind: 'bootstrap' },
  { kind: 'core' },
  ...(deploy?.service === undefined ? [] : [{ kind: 'service' } as const]),
  ...(deploy?.guardrails === true ? [{ kind: 'guardrails' } as const] : []),
];

/** The bucket that holds the code: named by the project, or `<stack>-code-<account>-<region>`. */
export const codeBucketName = ({
  account,
  region,
  stack,
  deploy,
}: {
  account: string;
  region: string;
  stack: string;
  deploy?: { codeBucket?: string | undefined } | undefined;
}): string => deploy?.codeBucket ?? `${stack}-code-${account}-${region}`;
