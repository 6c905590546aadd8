import type { TenantStatus } from './tenant.ts';

/** From each state, those that may come next. A tenant in the pool has no resources of its own: it is active at once. */
export const TRANSITIONS: Readonly<Record<TenantStatus, readonly TenantStatus[]>> = {
  pending: ['provisioning', 'offboarding'],
  provisioning: ['active', 'failed', 'offboarding'],
  active: ['suspended', 'offboarding', 'deleted'],
  suspended: ['active', 'offboarding', 'deleted'],
  offboarding: ['deleted', 'failed'],
  failed: ['provisioning', 'offboarding'],
  deleted: [],
};

export const STATUSES = Object.keys(TRANSITIONS) as TenantStatus[];

export const mayBecome = (from: TenantStatus, to: TenantStatus): boolean => TRANSITIONS[from].includes(to);
