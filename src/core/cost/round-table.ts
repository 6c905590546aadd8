import { settleTable } from './settle-table.ts';
import { largestAt } from './split.ts';
import type { Whole } from './whole.ts';

/** A table by columns, all of one length. */
export type Table<T> = readonly (readonly T[])[];

/**
 * A table of amounts in whole steps, whose rows add up to `rows` and whose columns to `columns` (both in steps,
 * each the exact sum rounded up or down, with one grand total). Every row is rounded by largest remainder; then
 * steps move within rows until the columns are right, those that lose least by it first; `settleTable` does the rest.
 * `cells` and the result are by columns.
 */
export function roundTable<T extends number | bigint>(
  whole: Whole<T>,
  cells: Table<T>,
  step: T,
  rows: readonly T[],
  columns: readonly T[],
): T[][] {
  const { zero, one, plus, minus } = whole;
  const table = roundRows(whole, cells, step, rows);
  const over = table.map((column, at) => minus(column.reduce(plus, zero), columns[at] ?? zero));
  for (;;) {
    const from = over.findIndex((steps) => steps > zero);
    let to = -1;
    let movers: Movers<T> = { at: [], by: [] };
    for (const [column, steps] of over.entries()) {
      if (steps >= zero || from < 0) continue;
      const found = movable(whole, cells, table, step, from, column);
      if (to < 0 || found.at.length > movers.at.length) [to, movers] = [column, found];
    }
    if (to < 0) return table;
    const wanted = Math.min(Number(over[from]), -Number(over[to]), movers.at.length);
    if (wanted === 0) return settled(whole, cells, table, step, columns);
    const taken = table[from] ?? [];
    const given = table[to] ?? [];
    for (const nth of largestAt(movers.by, wanted)) {
      const at = movers.at[nth] ?? 0;
      taken[at] = minus(taken[at] ?? zero, one);
      given[at] = plus(given[at] ?? zero, one);
      over[from] = minus(over[from] ?? zero, one);
      over[to] = plus(over[to] ?? zero, one);
    }
  }
}

/** Each row by largest remainder, the earlier column of equals. */
function roundRows<T extends number | bigint>(
  { zero, one, plus, minus, times, floor }: Whole<T>,
  cells: Table<T>,
  step: T,
  rows: readonly T[],
): T[][] {
  const table = cells.map((): T[] => []);
  const lost = cells.map(() => zero);
  const none = minus(zero, one);
  for (let row = 0; row < rows.length; row++) {
    let left = rows[row] ?? zero;
    for (let column = 0; column < cells.length; column++) {
      const amount = cells[column]?.[row] ?? zero;
      const steps = amount === zero ? zero : floor(amount, step);
      table[column]?.push(steps);
      lost[column] = minus(amount, times(steps, step));
      left = minus(left, steps);
    }
    const missing = Number(left);
    if (missing < 0 || missing > cells.length) {
      throw new RangeError(`${missing} steps cannot be given to ${cells.length} amounts`);
    }
    for (let given = 0; given < missing; given++) {
      let most = 0;
      for (let column = 1; column < lost.length; column++)
        if ((lost[column] ?? zero) > (lost[most] ?? zero)) most = column;
      const rounded = table[most] ?? [];
      rounded[row] = plus(rounded[row] ?? zero, one);
      lost[most] = none;
    }
  }
  return table;
}

interface Movers<T> {
  /** Rows, ascending. */
  at: number[];
  /** How well each fits. */
  by: T[];
}

/** Rows whose cell in `from` is rounded up and whose cell in `to` is rounded down. */
function movable<T extends number | bigint>(
  { zero, minus, times }: Whole<T>,
  cells: Table<T>,
  table: Table<T>,
  step: T,
  from: number,
  to: number,
): Movers<T> {
  const found: Movers<T> = { at: [], by: [] };
  const [exactFrom = [], exactTo = []] = [cells[from], cells[to]];
  const [stepsFrom = [], stepsTo = []] = [table[from], table[to]];
  for (let row = 0; row < exactFrom.length; row++) {
    const gained = minus(times(stepsFrom[row] ?? zero, step), exactFrom[row] ?? zero);
    if (gained <= zero) continue;
    const lost = minus(times(stepsTo[row] ?? zero, step), exactTo[row] ?? zero);
    if (lost >= zero) continue;
    found.at.push(row);
    found.by.push(minus(gained, lost));
  }
  return found;
}

/** Where no row can give a step without leaving the cent it belongs to: few bills, so by rows and in bigints. */
function settled<T extends number | bigint>(
  { of }: Whole<T>,
  cells: Table<T>,
  table: Table<T>,
  step: T,
  columns: readonly T[],
): T[][] {
  const byRows = (some: Table<T>): bigint[][] =>
    (some[0] ?? []).map((_, row) => some.map((column) => BigInt(column[row] ?? 0)));
  const rows = byRows(table);
  settleTable(byRows(cells), rows, BigInt(step), columns.map(BigInt));
  return table.map((_, column) => rows.map((row) => of(row[column] ?? 0n)));
}
