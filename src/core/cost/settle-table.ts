/** A table by rows. */
type Rows = readonly (readonly bigint[])[];

/**
 * Moves steps within a rounded table until its columns are `columns`, where moving them within one row does not do:
 * by way of other columns and, where a cell could not stay within a step of its exact amount otherwise, with a row's
 * sum rounded the other way. A cell of nothing stays nothing, also where some other cell must then be up to two
 * steps off. `table` is changed.
 */
export function settleTable(
  cells: Rows,
  table: readonly bigint[][],
  step: bigint,
  columns: readonly bigint[],
): void {
  const sums = columns.map((_, column) => table.reduce((sum, row) => sum + (row[column] ?? 0n), 0n));
  const over = (column: number): bigint => (sums[column] ?? 0n) - (columns[column] ?? 0n);
  for (;;) {
    const from = columns.findIndex((_, column) => over(column) > 0n);
    const to = best(columns.keys(), (column) =>
      over(column) < 0n ? movable(cells, table, step, from, column).length : -1,
    );
    if (from < 0 || to === null) return;
    const wanted = Math.min(Number(over(from)), -Number(over(to)));
    const moved = movable(cells, table, step, from, to).slice(0, wanted);
    const gone =
      moved.length > 0
        ? null
        : detour(
            cells,
            table,
            step,
            columns.map((_, column) => over(column)),
          );
    if (gone !== null) {
      sums[gone.from] = (sums[gone.from] ?? 0n) - 1n;
      sums[gone.to] = (sums[gone.to] ?? 0n) + 1n;
      continue;
    }
    // No cell can and stay within a step: the largest do, never one whose amount is nothing.
    const pairs = moved.length > 0 ? moved.map((at) => [at, at] as const) : [largest(cells, from, to)];
    for (const [down, up] of pairs) {
      const [less, more] = [table[down] ?? [], table[up] ?? []];
      less[from] = (less[from] ?? 0n) - 1n;
      more[to] = (more[to] ?? 0n) + 1n;
      sums[from] = (sums[from] ?? 0n) - 1n;
      sums[to] = (sums[to] ?? 0n) + 1n;
    }
  }
}

/** Rows whose cell in `from` is rounded up and whose cell in `to` is rounded down, what fits best first. */
function movable(cells: Rows, table: Rows, step: bigint, from: number, to: number): number[] {
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

/**
 * Moves one step from a column that has too many to one that lacks some by way of others, a row for each part of the
 * way; the rows' own sums are one more column to go through. `null`: there is no way.
 */
function detour(
  cells: Rows,
  table: readonly bigint[][],
  step: bigint,
  over: readonly bigint[],
): { from: number; to: number } | null {
  const sum = over.length;
  const gap = (at: number, column: number): bigint =>
    column < sum
      ? (table[at]?.[column] ?? 0n) * step - (cells[at]?.[column] ?? 0n)
      : -over.reduce((so_far, _, of) => so_far + gap(at, of), 0n);
  const way = new Map<number, { from: number; at: number } | null>();
  over.forEach((steps, column) => {
    if (steps > 0n) way.set(column, null);
  });
  for (const from of way.keys()) {
    for (let to = 0; to <= sum; to++) {
      if (way.has(to)) continue;
      const at = cells.findIndex((_, row) => gap(row, from) > 0n && gap(row, to) < 0n);
      if (at < 0) continue;
      way.set(to, { from, at });
      if ((over[to] ?? 0n) < 0n) return { from: walk(table, way, to), to };
    }
  }
  return null;
}

/** Makes the moves of a way that ends in a column, and says where it begins. */
function walk(
  table: readonly bigint[][],
  way: ReadonlyMap<number, { from: number; at: number } | null>,
  end: number,
): number {
  let column = end;
  for (let by = way.get(column); by; by = way.get(column)) {
    const row = table[by.at] ?? [];
    // What is no column of the table is the row's own sum.
    for (const [of, steps] of [[column, 1n] as const, [by.from, -1n] as const]) {
      const cell = row[of];
      if (cell !== undefined) row[of] = cell + steps;
    }
    column = by.from;
  }
  return column;
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

/** The row to take a step from and the one to give it to: one that has something in both columns, if there is any. */
function largest(cells: Rows, from: number, to: number): readonly [number, number] {
  const most = (measure: (row: readonly bigint[]) => bigint): { at: number; of: bigint } => {
    let found = { at: 0, of: 0n };
    cells.forEach((row, at) => {
      const of = measure(row);
      if (of > found.of) found = { at, of };
    });
    return found;
  };
  const inFrom = (row: readonly bigint[]): bigint => size(row[from] ?? 0n);
  const inTo = (row: readonly bigint[]): bigint => size(row[to] ?? 0n);
  const both = most((row) => (inTo(row) === 0n ? 0n : inFrom(row)));
  return both.of > 0n ? [both.at, both.at] : [most(inFrom).at, most(inTo).at];
}
