import { describe, expect, it } from 'vitest';
import { dayOf, monthOf, parseDuration, parseMonth } from '../../src/core/time.ts';

describe('durations', () => {
  it.each([
    ['90m', 90 * 60_000],
    ['12h', 12 * 3_600_000],
    ['7d', 7 * 86_400_000],
    ['2w', 14 * 86_400_000],
    ['P7D', 7 * 86_400_000],
    ['PT12H', 12 * 3_600_000],
    ['P1DT30M', 86_400_000 + 30 * 60_000],
    ['P2W', 14 * 86_400_000],
    ['0', 0],
  ])('%s', (text, ms) => {
    expect(parseDuration(text, '--grace')).toBe(ms);
  });

  it.each([
    '',
    '7',
    '7 d',
    '-7d',
    '1.5h',
    '7D',
    'P',
    'PT',
    'P7',
    'P1M',
    'P1Y',
    '1e3d',
    '999999d',
    'week',
    '7d7h',
  ])('%j is refused with the forms there are', (text) => {
    expect(() => parseDuration(text, '--grace')).toThrow(
      expect.objectContaining({ code: 'bad_duration', exitCode: 2, hint: expect.stringContaining('7d') }),
    );
  });
});

describe('months and days are UTC', () => {
  const lateInDecember = Date.parse('2026-12-31T23:59:59.999Z');
  const newYear = lateInDecember + 1;

  it('change at midnight UTC', () => {
    expect([monthOf(lateInDecember), dayOf(lateInDecember)]).toEqual(['2026-12', '2026-12-31']);
    expect([monthOf(newYear), dayOf(newYear)]).toEqual(['2027-01', '2027-01-01']);
  });

  it('this and last', () => {
    expect(parseMonth('this', newYear)).toBe('2027-01');
    expect(parseMonth('last', newYear)).toBe('2026-12');
    expect(parseMonth('last', Date.parse('2026-03-31T12:00:00Z'))).toBe('2026-02');
  });

  it.each(['2026-13', '2026-1', '202601', 'next', '2026-00'])('%j is not a month', (text) => {
    expect(() => parseMonth(text, newYear)).toThrow(
      expect.objectContaining({ code: 'bad_month', exitCode: 2 }),
    );
  });
});
