import { createHmac, timingSafeEqual } from 'node:crypto';
import { InvalidCursor } from './errors.ts';

/** What a cursor is good for: nobody else's items, no other table, no other query. */
export interface CursorScope {
  table: string;
  tenantId: string;
  /** The query in one spelling, without what may change from page to page. */
  shape: string;
}

const MAC_BYTES = 32;
/** A MAC and the longest sort key, in base64url. */
const MAX_LENGTH = 1_408;

/** Where a page ended, opaque: the sort key behind an HMAC-SHA256 over it and its scope, in base64url. */
export function sealCursor(secret: string, scope: CursorScope, sk: string): string {
  return Buffer.concat([mac(secret, scope, sk), Buffer.from(sk)]).toString('base64url');
}

/** The sort key in a cursor. Throws `InvalidCursor` for anything that `sealCursor` did not make for this scope. */
export function openCursor(secret: string, scope: CursorScope, cursor: unknown): string {
  if (typeof cursor !== 'string' || cursor.length > MAX_LENGTH) throw new InvalidCursor();
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== cursor) throw new InvalidCursor();
  const sk = bytes.subarray(MAC_BYTES).toString();
  if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(secret, scope, sk))) throw new InvalidCursor();
  return sk;
}

function mac(secret: string, { table, tenantId, shape }: CursorScope, sk: string): Buffer {
  // As JSON no part can run over into the next.
  const parts = JSON.stringify(['saasctl cursor 1', table, tenantId, shape, sk]);
  return createHmac('sha256', secret).update(parts).digest();
}
