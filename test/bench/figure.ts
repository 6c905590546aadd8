/** One line of the table. */
export interface Figure {
  name: string;
  value: string;
  bound: string;
  ok: boolean;
}

export const exactly = (name: string, value: number, bound: number, unit = ''): Figure => ({
  name,
  value: `${value}${unit}`,
  bound: `= ${bound}${unit}`,
  ok: value === bound,
});

/** `said` is shown in place of the bare value. */
export const atMost = (name: string, value: number, bound: number, said: string, unit = ''): Figure => ({
  name,
  value: said,
  bound: `<= ${bound}${unit}`,
  ok: value <= bound,
});

export const atLeast = (name: string, value: number, bound: number, said: string, unit = ''): Figure => ({
  name,
  value: said,
  bound: `>= ${bound}${unit}`,
  ok: value >= bound,
});

export function table(figures: readonly Figure[]): string {
  const rows = [
    ['figure', 'value', 'bound', ''],
    ...figures.map(({ name, value, bound, ok }) => [name, value, bound, ok ? 'ok' : 'over']),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')).join('\n');
}
