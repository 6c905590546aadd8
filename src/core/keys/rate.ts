import { usageError } from '../errors.ts';
import { bucketOf, type Rate } from '../gate/layout.ts';

const RATE = /^(\d{1,9}(?:\.\d{1,6})?)\/(s|m|h)$/;
const SECONDS = { s: 1, m: 60, h: 3600 } as const;
/** A full bucket must refill within a year, which also keeps every bucket time an exact integer. */
export const LONGEST_REFILL_US = 365 * 86_400_000_000;

/** `--rate 50/s --burst 100`. Without a burst, two seconds of the rate at once, and at least one call. */
export function parseRate(rate: string, burst: string | undefined): Rate {
  const [, amount, unit] = RATE.exec(rate) ?? [];
  const perSecond = unit === undefined ? 0 : Number(amount) / SECONDS[unit as keyof typeof SECONDS];
  if (perSecond <= 0 || perSecond > 1_000_000) {
    throw usageError('bad_rate', `--rate: '${rate}' is not a rate`, {
      hint: 'a rate is calls per second, minute or hour, such as 50/s, 600/m or 1000/h, up to 1000000/s',
    });
  }
  const parsed = {
    perSecond,
    burst: burst === undefined ? Math.max(1, Math.ceil(perSecond * 2)) : parseBurst(burst),
  };
  if (bucketOf(parsed).T * parsed.burst > LONGEST_REFILL_US) {
    throw usageError('bad_burst', `a burst of ${parsed.burst} at ${rate} takes more than a year to refill`, {
      hint: 'take a smaller burst or a higher rate',
    });
  }
  return parsed;
}

function parseBurst(text: string): number {
  const burst = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (burst >= 1 && burst <= 1_000_000) return burst;
  throw usageError('bad_burst', `--burst: '${text}' is not a burst`, {
    hint: 'a burst is a whole number from 1 to 1000000',
  });
}
