import { expect, it } from 'vitest';
import { amountText, moneyText, plainAmount } from '../../src/ui/amount.ts';

it('has the places of its currency, thousands apart, and a plain form for scripts', () => {
  const usd = (minor: number) => amountText({ minor, currency: 'USD' });
  expect([0, 5, -5, 123_456, -123_456_789].map(usd)).toEqual([
    '0.00',
    '0.05',
    '-0.05',
    '1,234.56',
    '-1,234,567.89',
  ]);
  expect(moneyText({ minor: 1234, currency: 'JPY' })).toBe('JPY 1,234');
  expect(moneyText({ minor: 1234, currency: 'KWD' })).toBe('KWD 1.234');
  expect(plainAmount({ minor: -123_456, currency: 'USD' })).toBe('-1234.56');
});
