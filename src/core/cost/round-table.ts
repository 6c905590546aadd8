import { largestRemainder } from './split.ts';

/**
 * A table of amounts in whole steps, whose rows add up to `rows` and whose columns to `columns` (both in steps,
 * each the exact sum rounded up or down, with one grand total). Every row is rounded by largest remainder; then
 * steps move within rows until the columns are right, those that lose least by it first.
 */
export function roundTable(
  cells: readonly (readonly bigint[])[],
  step: bigint,
  rows: readonly bigint[],
  columns: readonly bigint[],
): bigint[][] {
  const table = cells.map((row, at) => largestRemainder(row, step, rows[at] ?? 0n));
  const sums = columns.map((_, column) => table.reduce((sum, row) => sum + (row[column] ?? 0n), 0n));
  const over = (column: number): bigint => (sums[column] ?? 0n) - (columns[column] ?? 0n);
  for (;;) {
    const from = columns.findIndex((_, column) => over(column) > 0n);
    const to = best(columns.keys(), (column) =>
      over(column) < 0n ? movable(cells, table, step, from, column).length : -1,
    );
    if (from < 0 || to === null) return table;
    const wanted = Math.min(Number(over(from)), -Number(over(to)));
    const moved = movable(cells, table, step, from, to).slice(0, wanted);
    // No row can without leaving the cent it belongs to: the largest one can best.
    const movers = moved.length > 0 ? moved : [largest(cells, from)];
    for (const at of movers) {
      const row = table[at] ?? [];
      row[from] = (row[from] ?? 0n) - 1n;
      row[to] = (row[to] ?? 0n) + 1n;
      sums[from] = (sums[from] ?? 0n) - 1n;
      sums[to] = (sums[to] ?? 0n) + 1n;
    }
  }
}

/** Rows whose cell in `from` is rounded up and whose cell in `to` is rounded down, what fits best first. */
function movable(
  cells: readonly (readonly bigint[])[],
  table: readonly (readonly bigint[])[],
  step: bigint,
  from: number,
  to: number,
): number[] {
  const found: { at: number; by: bigint }[] = [];
  cells.forEach((exact, at) => {
    const row = table[at] ?? [];
    const gained = (row[from] ?? 0n) * step - (exact[from] ?? 0n);
    if (gained <= 0n) return;
    const lost = (row[to] ?? 0n) * step - (exact[to] ?? 0n);
    if (lost < 0n) found.push({ at, by: gained - lost });
  });
  return found.sort((a, b) => (a.by > b.by ? -1 : a.by < b.by ? 1 : a.at - b.at)).map(({ at }) => at);
}

function best(candidates: Iterable<number>, score: (candidate: number) => number): number | null {
  let found: number | null = null;
  let most = -1;
  for (const candidate of candidates) {
    const points = score(candidate);
    if (points > most) [found, most] = [candidate, points];
  }
  return found;
}

const size = (amount: bigint): bigint => (amount < 0n ? -amount : amount);

function largest(cells: readonly (readonly bigint[])[], column: number): number {
  let found = 0;
  cells.forEach((row, at) => {
    if (size(row[column] ?? 0n) > size(cells[found]?.[column] ?? 0n)) found = at;
  });
  return found;
}
