import { Forbidden } from './errors.ts';

/** Attributes that decide whose an item is, or in which index it shows up. */
const RESERVED = new Set(['PK', 'LPK', 'LSK']);

/**
 * Refuses an attribute's name, at any depth: a placeholder does not tell a key from a part of a map, and what could
 * be stored but never be named in an expression would be a trap.
 */
export function refuseReserved(name: string): void {
  if (RESERVED.has(name))
    throw new Forbidden(`${name} is not for callers: items are the tenant’s by their key`);
}
