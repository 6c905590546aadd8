import { type Money, minorDigits } from '../core/cost/money.ts';

/** `-1,234.50`, in the currency's main unit and without its name. */
export function amountText({ minor, currency }: Pick<Money, 'minor' | 'currency'>): string {
  const [whole = '', ...cents] = plainAmount({ minor, currency }).split('.');
  return [whole.replace(/\B(?=(\d{3})+$)/g, ','), ...cents].join('.');
}

/** `USD 1,234.50` */
export const moneyText = (money: Pick<Money, 'minor' | 'currency'>): string =>
  `${money.currency} ${amountText(money)}`;

/** `-1234.50`: what a spreadsheet takes for a number. */
export function plainAmount({ minor, currency }: Pick<Money, 'minor' | 'currency'>): string {
  const places = minorDigits(currency);
  const text = String(Math.abs(minor)).padStart(places + 1, '0');
  const sign = minor < 0 ? '-' : '';
  return places === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -places)}.${text.slice(-places)}`;
}
