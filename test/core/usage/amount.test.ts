import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { amountOf, counterNamed, gaugeNamed, usageDay } from '../../../src/core/usage/amount.ts';
import { decimalOf, metricsOf } from '../../../src/core/usage/metrics.ts';

const metrics = metricsOf({ tokens: { unit: 'thousands', kind: 'counter', scale: 3 } });
const tokens = counterNamed(metrics, 'tokens');
const NOW = Date.parse('2026-03-15T12:00:00Z');

describe('an amount', () => {
  it.each([
    [0, 0],
    ['0', 0],
    [1, 1000],
    [1.5, 1500],
    ['0.001', 1],
    ['1e3', 1_000_000],
    ['9007199254740.991', Number.MAX_SAFE_INTEGER],
  ])('%s thousands are %i of the smallest unit', (value, amount) => {
    expect(amountOf(tokens, value)).toBe(amount);
  });

  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -0.001,
    '-1',
    0.0001,
    '1.0005',
    '9007199254740.992',
    1e300,
    '',
    ' ',
    'ten',
    '0x10',
    '1,5',
    '١',
  ])('%s is none', (value) => {
    expect(() => amountOf(tokens, value)).toThrow(/^tokens: /);
  });

  it('is never rounded: back in units it is what was given', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        fc.integer({ min: 0, max: 9 }),
        (n, scale) => {
          expect(amountOf({ ...tokens, scale }, decimalOf(n, scale))).toBe(n);
        },
      ),
    );
  });
});

describe('a metric', () => {
  it('that nobody declared is refused with the nearest that was', () => {
    expect(() => counterNamed(metrics, 'token')).toThrow(
      expect.objectContaining({
        code: 'unknown_metric',
        exitCode: 2,
        hint: expect.stringMatching(/^did you mean tokens\?/),
      }),
    );
    expect(() => counterNamed(metrics, '__proto__')).toThrow(/no metric/);
  });

  it('is recorded or claimed, by its kind; calls are neither', () => {
    expect(gaugeNamed(metrics, 'users').kind).toBe('gauge');
    expect(() => counterNamed(metrics, 'users')).toThrow(/claimed and released/);
    expect(() => gaugeNamed(metrics, 'tokens')).toThrow(/recorded, not claimed/);
    expect(() => counterNamed(metrics, 'api_calls')).toThrow(/counted by the gate/);
  });
});

describe('the day of usage', () => {
  it('is today, or one of the 33 before', () => {
    expect(usageDay(undefined, NOW)).toBe('2026-03-15');
    expect(usageDay('2026-02-10', NOW)).toBe('2026-02-10');
    for (const day of ['2026-02-09', '2026-03-16', '2026-02-30', '15.03.2026', '']) {
      expect(() => usageDay(day, NOW)).toThrow(/not a day that usage can be recorded on/);
    }
  });
});
