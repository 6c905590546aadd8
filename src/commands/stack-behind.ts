import type { Target } from '../config/stack-names.ts';
import type { Cloud, StackState } from '../core/deploy/ports.ts';
import { SaasctlError } from '../core/errors.ts';
import type { Context } from './context.ts';
import { stackSource } from './stack-source.ts';

/** The parameters in which a stack differs from what this project and this tool would deploy; empty: in step. */
export type Behind = (target: Target, state: StackState) => Promise<string[]>;

/** What differs from one tenant to the next, and never ages. */
const TENANTS_OWN: ReadonlySet<string> = new Set(['TenantId', 'Isolation']);

/** What a tenant's own table is made of; what else the template is told, a tenant that shares the functions ignores. */
const BRIDGES: ReadonlySet<string> = new Set([
  'DeletionProtection',
  'MaxReadRequestUnits',
  'MaxWriteRequestUnits',
  'OperatorRoleArn',
  'PointInTimeRecovery',
  'TenantDataRoleArn',
]);

/**
 * Compares stacks with the project: code by the keys of its zips, settings by their values. A change of a template
 * alone is seen by `deploy --dry-run`. What all tenants' stacks are to be is asked for once.
 */
export function comparison(cx: Context, cloud: Cloud): Behind {
  const known = new Map<Target['kind'], Promise<Wanted>>();
  return async (target, { parameters }) => {
    const isBridge = parameters['Isolation'] === 'bridge';
    const asked = known.get(target.kind) ?? wantedOf(cx, cloud, target, isBridge);
    known.set(target.kind, asked);
    const wanted = await asked;
    if (typeof wanted === 'string') return [wanted];
    return Object.entries(parameters)
      .filter(([name, value]) => {
        const here = wanted[name];
        if (isBridge && !BRIDGES.has(name)) return false;
        // CloudFormation shows a hidden value as asterisks.
        return here !== undefined && here !== value && !TENANTS_OWN.has(name) && !/^\*+$/.test(value);
      })
      .map(([name]) => name)
      .sort();
  };
}

/** The parameters of a stack, or what it lacks to be deployed at all. */
type Wanted = Record<string, string> | string;

const LACKING: Readonly<Record<string, string>> = {
  core_missing: 'the stack it builds on',
  parameter_missing: 'a parameter that has no value any more',
};

async function wantedOf(cx: Context, cloud: Cloud, target: Target, isBridge: boolean): Promise<Wanted> {
  try {
    return (await stackSource(cx, cloud, target, { isolation: isBridge ? 'bridge' : 'silo' })).parameters;
  } catch (error) {
    const lacking = error instanceof SaasctlError ? LACKING[error.code] : undefined;
    if (lacking === undefined) throw error;
    return lacking;
  }
}
