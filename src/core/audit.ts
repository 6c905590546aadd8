import type { Change, Mutation } from './mutation.ts';

/** Who changed what, when, and from what to what. Secrets are never part of it. */
export interface AuditEntry {
  id: string;
  /** ISO-8601 UTC. */
  at: string;
  /** Caller identity on AWS, `user@host` on the embedded engine. */
  actor: string;
  action: string;
  /** `null`: what all tenants share was changed. */
  tenantId: string | null;
  /** The key concerned, where one is. */
  keyId: string | null;
  changes: Change[];
  requestId: string;
}

export function auditOf(
  mutation: Mutation,
  by: { id: string; at: string; actor: string; requestId: string },
): AuditEntry {
  return {
    ...by,
    action: mutation.action,
    tenantId: mutation.tenantId,
    keyId: mutation.kind === 'key' ? mutation.after.keyId : null,
    changes: mutation.changes,
  };
}
