import { type GateItem, NEVER } from '../gate/layout.ts';
import { gateLimits } from '../plans.ts';
import { gateStatus, type Tenant } from './tenant.ts';

/** Where gate and profile disagree: something wrote one without the other. Empty when they agree. */
export function gateDrift(tenant: Tenant, gate: GateItem): string[] {
  const shown = (limit: number): string => (limit >= NEVER ? 'unlimited' : String(limit));
  const due = gateLimits({ name: tenant.plan, overage: tenant.overage, lease: tenant.lease }, tenant.limits);
  const limits = (['limit', 'calls', 'bytes', 'users'] as const)
    .filter((field) => gate[field] !== due[field])
    .map((field) => `${field}: the gate has ${shown(gate[field])}, the profile ${shown(due[field])}`);
  const lease = gate.n ?? 1;
  if (lease !== due.n) limits.push(`lease: the gate has ${lease}, the profile ${due.n}`);
  const words = (
    [
      ['status', gate.status, gateStatus(tenant.status)],
      ['plan', gate.plan, tenant.plan],
    ] as const
  )
    .filter(([, onGate, inProfile]) => onGate !== inProfile)
    .map(([field, onGate, inProfile]) => `${field}: the gate has ${onGate}, the profile ${inProfile}`);
  return [...words, ...limits];
}
