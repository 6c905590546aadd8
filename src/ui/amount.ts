import { type Money, minorDigits } from '../core/cost/money.ts';

/** `-1,234.50`, in the currency's main unit and without its name. */
export function amountText({ minor, currency }: Pick<Money, 'minor' | 'currency'>): string {
  const places = minorDigits(currency);
  const text = String(Math.abs(minor)).padStart(places + 1, '0');
  const whole = text.slice(0, text.length - places).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${minor < 0 ? '-' : ''}${whole}${places === 0 ? '' : `.${text.slice(-places)}`}`;
}

/** `USD 1,234.50` */
export const moneyText = (money: Pick<Money, 'minor' | 'currency'>): string =>
  `${money.currency} ${amountText(money)}`;

/** `-1234.50`: what a spreadsheet takes for a number. */
export const plainAmount = (money: Pick<Money, 'minor' | 'currency'>): string =>
  amountText(money).replaceAll(',', '');
