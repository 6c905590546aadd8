import { usageError } from '../core/errors.ts';
import type { PageRequest } from '../core/ports.ts';
import type { ListOptions } from './define.ts';

/** `-L` and `--after` as a page request. */
export function pageRequest({ limit, after }: ListOptions): PageRequest {
  if (limit !== undefined && !/^[1-9]\d{0,6}$/.test(limit)) {
    throw usageError('bad_limit', `--limit: '${limit}' is not a number of items`, {
      hint: 'it is a whole number from 1',
    });
  }
  return { limit: limit === undefined ? null : Number(limit), after: after ?? null };
}
