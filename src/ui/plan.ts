import type { Change } from '../core/mutation.ts';
import type { Paint } from './paint.ts';
import { visible } from './visible.ts';
import { displayWidth } from './width.ts';

/**
 * What a mutation would change, a line a field, aligned, for dry runs and questions:
 * `~ plan  free -> pro`, `+ name  Acme` (was null), `- name  Acme` (becomes null). No line end after the last.
 */
export function renderChanges(changes: readonly Change[], paint: Paint): string {
  const lines = changes
    .map(({ field, from, to }) => ({ field, from: from ?? undefined, to: to ?? undefined }))
    .flatMap(leaves);
  const width = Math.max(0, ...lines.map(({ field }) => displayWidth(visible(field))));
  return lines
    .map(({ field, from, to }) => {
      const name = visible(field);
      const label = name + ' '.repeat(width - displayWidth(name));
      if (from === undefined) return paint.green(`+ ${label}  ${shown(to)}`);
      if (to === undefined) return paint.red(`- ${label}  ${shown(from)}`);
      return `${paint.yellow(`~ ${label}`)}  ${paint.dim(shown(from))} -> ${shown(to)}`;
    })
    .join('\n');
}

/** A changed object as the changes within it: `limits.maxUsers`. There, null is a value: unlimited. */
function leaves(change: Change): Change[] {
  const { field, from, to } = change;
  if (!isObject(from) || !isObject(to)) return [change];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .map((key) => ({ field: `${field}.${key}`, from: from[key], to: to[key] }))
    .filter((inner) => JSON.stringify(inner.from) !== JSON.stringify(inner.to))
    .flatMap(leaves);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value on one line: text bare, all else as JSON. */
function shown(value: unknown): string {
  return visible(typeof value === 'string' ? value : JSON.stringify(value ?? null));
}
