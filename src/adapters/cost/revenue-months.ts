/** Money of a customer, in a currency's smallest unit. */
export interface Amount {
  customer: string;
  /** ISO 4217, upper case. */
  currency: string;
  minor: bigint;
}

/** An invoice's line, net of tax and discounts, and the time that it pays for (epoch seconds). */
export interface InvoicedLine extends Amount {
  from: number;
  to: number;
}

const startOf = (month: string, later = 0): number => {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return Date.UTC(year, number - 1 + later, 1) / 1000;
};

/** Epoch seconds: the first of `yyyy-mm`, and of the month after it. */
export const monthSeconds = (month: string): { from: number; to: number } => ({
  from: startOf(month),
  to: startOf(month, 1),
});

export const monthBefore = (month: string, by: number): string =>
  new Date(startOf(month, -by) * 1000).toISOString().slice(0, 7);

/**
 * What a line brings in a month: its share by time. What has no length belongs to the moment it begins. The parts of
 * all months add up to the line, because each is the difference of two roundings of the same sum.
 */
export function earnedIn(month: string, { from, to, minor }: InvoicedLine): bigint {
  const whole = monthSeconds(month);
  if (to <= from) return from >= whole.from && from < whole.to ? minor : 0n;
  const upTo = (time: number): bigint => {
    const elapsed = Math.min(Math.max(time, from), to) - from;
    return (minor * BigInt(elapsed)) / BigInt(to - from);
  };
  return upTo(whole.to) - upTo(whole.from);
}

/** `part` of `whole` of an amount, halves away from zero. */
export function portion(minor: bigint, part: bigint, whole: bigint): bigint {
  if (whole === 0n) return 0n;
  const [n, d] = whole < 0n ? [-minor * part, -whole] : [minor * part, whole];
  return n < 0n ? -((-2n * n + d) / (2n * d)) : (2n * n + d) / (2n * d);
}
