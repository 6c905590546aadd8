import { Option } from 'commander';
import type { Config } from '../../config/load.ts';
import { metersOf } from '../../core/billing/meters.ts';
import { type Meter, SINKS } from '../../core/billing/sink.ts';
import { usageError } from '../../core/errors.ts';
import { lastDayOf, parseDay, parseMonth } from '../../core/time.ts';
import { decimalOf, metricsOf } from '../../core/usage/metrics.ts';
import type { Cell } from '../../ui/result.ts';

/** What is billed, as the project file says. Throws where it bills nothing. */
export function billedMeters({ project, file }: Config): Meter[] {
  const meters = metersOf(project.billing.meters, metricsOf(project.metrics));
  if (meters.length > 0) return meters;
  throw usageError('nothing_billed', `${file} bills no metric`, {
    hint: '"billing": {"meters": {"api_calls": {}}} bills calls',
    next: `edit ${file} and run the command again`,
  });
}

export interface DayOptions {
  day?: string;
  month?: string;
}
export const dayOption = () => new Option('--day <day>', 'one UTC day alone: yyyy-mm-dd, today or yesterday');
export const monthOption = () =>
  new Option('--month <month>', 'one month alone: yyyy-mm, this or last').conflicts('day');
export const sinkOption = () => new Option('--sink <sink>', 'where usage is sent').choices(SINKS);

/** The days that were asked for, both included; `null`: all that can still be billed. */
export function daysOf({ day, month }: DayOptions, now: number): { first: string; last: string } | null {
  if (day !== undefined) {
    const only = parseDay(day, now);
    return { first: only, last: only };
  }
  if (month === undefined) return null;
  const whole = parseMonth(month, now);
  return { first: `${whole}-01`, last: lastDayOf(whole) };
}

/** Amounts as people read them: units, exactly. JSON has them as integers of 10^-scale units. */
export function amounts(meters: readonly Meter[]): (eventName: string, amount: number | null) => Cell {
  const scales = new Map(meters.map(({ eventName, scale }) => [eventName, scale]));
  return (eventName, amount) => {
    const scale = scales.get(eventName) ?? 0;
    return amount === null || scale === 0 ? amount : decimalOf(amount, scale);
  };
}
