import type { Target } from '../config/stack-names.ts';
import type { Cloud, StackState } from '../core/deploy/ports.ts';
import { SaasctlError } from '../core/errors.ts';
import type { Context } from './context.ts';
import { stackSource } from './stack-source.ts';

/** The parameters in which a stack differs from what this project and this tool would deploy; empty: in step. */
export type Behind = (target: Target, state: StackState) => Promise<string[]>;

/** What differs from one tenant to the next, and never ages. */
const TENANTS_OWN: ReadonlySet<string> = new Set(['TenantId', 'Isolation']);

/**
 * Compares stacks with the project: code by the keys of its zips, settings by their values. A change of a template
 * alone is seen by `deploy --dry-run`. What all tenants' stacks are to be is asked for once.
 */
export function comparison(cx: Context, cloud: Cloud): Behind {
  const known = new Map<Target['kind'], Promise<Record<string, string> | null>>();
  return async (target, { parameters }) => {
    // A tenant that shares the functions has a table of its own, and nothing that ages.
    if (parameters['Isolation'] === 'bridge') return [];
    const asked = known.get(target.kind) ?? wantedOf(cx, cloud, target);
    known.set(target.kind, asked);
    const wanted = await asked;
    if (wanted === null) return ['the stack it builds on'];
    return Object.entries(parameters)
      .filter(([name, value]) => {
        const here = wanted[name];
        // CloudFormation shows a hidden value as asterisks.
        return here !== undefined && here !== value && !TENANTS_OWN.has(name) && !/^\*+$/.test(value);
      })
      .map(([name]) => name)
      .sort();
  };
}

/** `null`: what it builds on is gone. */
const wantedOf = (cx: Context, cloud: Cloud, target: Target): Promise<Record<string, string> | null> =>
  stackSource(cx, cloud, target).then(
    ({ wanted }) => wanted,
    (error: unknown) => {
      if (error instanceof SaasctlError && error.code === 'core_missing') return null;
      throw error;
    },
  );
