import { usageError } from './errors.ts';

/** Times are UTC: epoch milliseconds in the tool, epoch microseconds on the gate, ISO-8601 outside. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();
export const microseconds = (ms: number): number => ms * 1000;

/** `yyyy-mm-dd` in UTC. */
export const dayOf = (ms: number): string => isoTime(ms).slice(0, 10);
/** `yyyy-mm` in UTC. */
export const monthOf = (ms: number): string => isoTime(ms).slice(0, 7);

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;

/** `yyyy-mm`, `this` or `last` as a month. */
export function parseMonth(text: string, now: number): string {
  if (text === 'this') return monthOf(now);
  if (text === 'last') {
    const today = new Date(now);
    return monthOf(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 1, 1));
  }
  if (MONTH.test(text)) return text;
  throw usageError('bad_month', `'${text}' is not a month`, { hint: 'a month is yyyy-mm, this or last' });
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** `yyyy-mm-dd`, `today` or `yesterday` as a UTC day. */
export function parseDay(text: string, now: number, flag = '--day'): string {
  if (text === 'today') return dayOf(now);
  if (text === 'yesterday') return dayOf(now - UNIT_MS.d);
  const ms = DAY.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (!Number.isNaN(ms) && dayOf(ms) === text) return text;
  throw usageError('bad_day', `${flag}: '${text}' is not a day`, {
    hint: 'a day is yyyy-mm-dd in UTC, today or yesterday',
  });
}

/** The last UTC day of a month `yyyy-mm`. */
export function lastDayOf(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return dayOf(Date.UTC(year, number, 0));
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const SHORT = /^(\d{1,6})([smhdw])$/;
const ISO = /^P(?:(\d{1,6})W|(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?)$/;
/** Ten years: longer than any grace or lifetime anyone means. */
const LONGEST_MS = 3653 * UNIT_MS.d;

/** A duration in milliseconds: `7d`, `12h`, `90m`, `30s`, `2w`, ISO-8601 `P7D`, or `0`. */
export function parseDuration(text: string, flag: string): number {
  const ms = text === '0' ? 0 : (shortDuration(text) ?? isoDuration(text));
  if (ms === null || ms > LONGEST_MS) {
    throw usageError('bad_duration', `${flag}: '${text}' is not a duration`, {
      hint: 'a duration is a whole number and a unit (90m, 12h, 7d, 2w), ISO-8601 (P7D, PT12H) or 0, at most ten years',
    });
  }
  return ms;
}

function shortDuration(text: string): number | null {
  const [, amount, unit] = SHORT.exec(text) ?? [];
  return unit === undefined ? null : Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

function isoDuration(text: string): number | null {
  if (text === 'P') return null;
  const match = ISO.exec(text);
  if (!match) return null;
  const [w, d, h, m, s] = match.slice(1).map((part) => Number(part ?? 0));
  return (
    (w ?? 0) * UNIT_MS.w +
    (d ?? 0) * UNIT_MS.d +
    (h ?? 0) * UNIT_MS.h +
    (m ?? 0) * UNIT_MS.m +
    (s ?? 0) * UNIT_MS.s
  );
}
