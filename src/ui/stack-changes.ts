import type { StackChange } from '../core/deploy/ports.ts';
import type { Paint } from './paint.ts';
import { visible } from './visible.ts';

const SIGN: Readonly<Record<StackChange['action'], string>> = {
  Add: '+',
  Modify: '~',
  Remove: '-',
  Import: '<',
  Dynamic: '?',
};

/** The table of a change set, a line a resource: what happens to it, its name, its type, and whether it is replaced. */
export function renderStackChanges(changes: readonly StackChange[], paint: Paint): string {
  const rows = changes.map(({ action, logicalId, type, replacement }) => ({
    action,
    replacement,
    cells: [`${SIGN[action]} ${action}`, visible(logicalId), visible(type)],
  }));
  const widths = [0, 1].map((column) => Math.max(0, ...rows.map(({ cells }) => cells[column]?.length ?? 0)));
  return rows
    .map(({ action, replacement, cells }) => {
      const line = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
      if (action === 'Remove') return paint.red(line);
      if (replacement === 'True') return paint.red(`${line}  Replacement`);
      if (replacement === 'Conditional') return paint.yellow(`${line}  Replacement: depends`);
      return action === 'Add' || action === 'Import' ? paint.green(line) : line;
    })
    .join('\n');
}
