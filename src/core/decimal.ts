/** An exact decimal: units × 10^-scale. No sum or product of them is ever rounded. */
export interface Decimal {
  units: bigint;
  scale: number;
}

export const ZERO: Decimal = { units: 0n, scale: 0 };

const PLAIN = /^(-?)(\d{1,400})(?:\.(\d{1,400}))?(?:[eE]([+-]?\d{1,3}))?$/;

/** A number as JSON writes them, or `null`. */
export function parseDecimal(text: string): Decimal | null {
  const [, sign = '', whole, fraction = '', exponent = '0'] = PLAIN.exec(text) ?? [];
  if (whole === undefined) return null;
  const units = BigInt(whole + fraction) * (sign === '' ? 1n : -1n);
  const scale = fraction.length - Number(exponent);
  return scale < 0 ? { units: units * 10n ** BigInt(-scale), scale: 0 } : { units, scale };
}

/** Without exponent, superfluous zeros or a sign on zero. */
export function formatDecimal({ units, scale }: Decimal): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const point = digits.length - scale;
  let end = digits.length;
  while (end > point && digits[end - 1] === '0') end--;
  const sign = units < 0n ? '-' : '';
  return `${sign}${digits.slice(0, point)}${end === point ? '' : `.${digits.slice(point, end)}`}`;
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: at(a, scale) + at(b, scale), scale };
}

export const multiplyDecimals = (a: Decimal, b: Decimal): Decimal => ({
  units: a.units * b.units,
  scale: a.scale + b.scale,
});

/** The same value in 10^-scale units; `null` where it has more decimal places than that. */
export function rescaled(value: Decimal, scale: number): bigint | null {
  if (scale >= value.scale) return at(value, scale);
  const step = 10n ** BigInt(value.scale - scale);
  return value.units % step === 0n ? value.units / step : null;
}

/** To a whole number, halves away from zero. */
export function rounded({ units, scale }: Decimal): bigint {
  const step = 10n ** BigInt(scale);
  const whole = units / step;
  const rest = units % step;
  if (2n * (rest < 0n ? -rest : rest) < step) return whole;
  return whole + (units < 0n ? -1n : 1n);
}

/** Digits that count: 1500 has two, 0.0150 has two. */
export function significantDigits({ units }: Decimal): number {
  return String(units < 0n ? -units : units)
    .replace(/^0+/, '')
    .replace(/0+$/, '').length;
}

const at = ({ units, scale }: Decimal, wanted: number): bigint => units * 10n ** BigInt(wanted - scale);
