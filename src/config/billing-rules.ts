import { measuresOf, metersOf } from '../core/billing/meters.ts';
import { didYouMean } from '../core/nearest.ts';
import { metricsOf } from '../core/usage/metrics.ts';
import { type Problem, wrongValue } from './problem.ts';
import type { Project } from './schema.ts';

/** What is billed must be measured, under one name each, and what has a price must be billed. */
export function billingRules(project: Project): Problem[] {
  return [...meters(project), ...eventNames(project), ...prices(project)];
}

function meters({ billing, metrics: declared }: Project): Problem[] {
  const metrics = metricsOf(declared);
  return Object.entries(billing.meters).flatMap(([name, { measure }]): Problem[] => {
    const metric = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
    if (metric === undefined) return [unknownName('billing.meters', name, 'metric', Object.keys(metrics))];
    const fitting = measuresOf(metric);
    if (measure === undefined || fitting.includes(measure)) return [];
    const allowed = `a ${metric.kind} is billed by ${fitting.map((one) => `"${one}"`).join(' or ')}`;
    return [wrongValue(['billing', 'meters', name, 'measure'], measure, allowed)];
  });
}

function eventNames({ billing, metrics }: Project): Problem[] {
  const holders = new Map<string, string>();
  return metersOf(billing.meters, metricsOf(metrics)).flatMap(({ metric, eventName }): Problem[] => {
    const holder = holders.get(eventName);
    holders.set(eventName, metric);
    if (holder === undefined) return [];
    const allowed = `billing.meters.${holder} has that event name already: their usage would be added up`;
    return [wrongValue(['billing', 'meters', metric, 'eventName'], eventName, allowed)];
  });
}

function prices({ billing, plans }: Project): Problem[] {
  return Object.entries(billing.prices).flatMap(([plan, metered]) => [
    ...(Object.hasOwn(plans, plan) ? [] : [unknownName('billing.prices', plan, 'plan', Object.keys(plans))]),
    ...Object.keys(metered)
      .filter((metric) => !Object.hasOwn(billing.meters, metric))
      .map((metric) =>
        unknownName(`billing.prices.${plan}`, metric, 'billed metric', Object.keys(billing.meters)),
      ),
    ...Object.entries(metered).flatMap(([metric, price]) =>
      amounts(['billing', 'prices', plan, metric], price),
    ),
    ...oneCurrency(plan, metered),
  ]);
}

type Price = Project['billing']['prices'][string][string];

function amounts(path: readonly string[], { unitAmount, tiers }: Price): Problem[] {
  if ((unitAmount === undefined) === (tiers === undefined)) {
    const stated = unitAmount === undefined ? 'neither' : 'both';
    return [
      { what: `${path.join('.')} has ${stated}`, allowed: 'it takes "unitAmount" or "tiers", one of them' },
    ];
  }
  return (tiers ?? []).flatMap(({ upTo }, at, all): Problem[] => {
    const place = [...path, 'tiers', at, 'upTo'];
    const isLast = at === all.length - 1;
    if (isLast) return upTo === null ? [] : [wrongValue(place, upTo, 'the last tier is open: null')];
    if (upTo === null) return [wrongValue(place, upTo, 'only the last tier is open')];
    const before = at === 0 ? 0 : (all[at - 1]?.upTo ?? 0);
    return upTo > before
      ? []
      : [wrongValue(place, upTo, `it must be above ${before}, where the tier before ends`)];
  });
}

/** A subscription bills in one currency. */
function oneCurrency(plan: string, metered: Readonly<Record<string, Price>>): Problem[] {
  const [first, ...others] = Object.entries(metered);
  return others
    .filter(([, { currency }]) => currency !== first?.[1].currency)
    .map(([metric, { currency }]) =>
      wrongValue(
        ['billing', 'prices', plan, metric, 'currency'],
        currency,
        `the prices of a plan have one currency, and ${first?.[0]} has "${first?.[1].currency}"`,
      ),
    );
}

const unknownName = (place: string, name: string, what: string, known: readonly string[]): Problem => ({
  what: `${place} names ${JSON.stringify(name)}, which is no ${what}`,
  allowed: `${didYouMean(name, known)}the ${what}s are ${known.join(', ') || 'none yet'}`,
});
