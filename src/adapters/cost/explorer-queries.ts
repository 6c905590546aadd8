import type { Expression, GetCostAndUsageCommandInput, GroupDefinition } from '@aws-sdk/client-cost-explorer';
import { monthRange } from '../../core/cost/present.ts';
import type { BillQuery } from '../../core/cost/types.ts';

/** Asked apart, so that the policy can treat them apart. */
export const APART = ['Credit', 'Refund', 'Tax'] as const;

export interface QuerySettings {
  tenantKey: string;
  featureKey: string;
  /** `UnblendedCost`, `AmortizedCost`, … */
  metric: string;
}

export interface Queries {
  tagged: GetCostAndUsageCommandInput;
  untagged: GetCostAndUsageCommandInput;
  control: GetCostAndUsageCommandInput;
}

const dimension = (Key: string): GroupDefinition => ({ Type: 'DIMENSION', Key });
const tag = (Key: string): GroupDefinition => ({ Type: 'TAG', Key });
const NOT_APART: Expression = { Not: { Dimensions: { Key: 'RECORD_TYPE', Values: [...APART] } } };

/**
 * The three queries of a run of months: by tenant tag; what has none, in detail; and everything by kind, which is
 * the control total. Two groups are the most that Cost Explorer takes: with features there is no service.
 */
export function queriesOf(
  months: BillQuery['months'],
  detail: BillQuery['detail'],
  { tenantKey, featureKey, metric }: QuerySettings,
  now: number,
): Queries {
  const common = { TimePeriod: periodOf(months, now), Granularity: 'MONTHLY' as const };
  const absent: Expression = { Tags: { Key: tenantKey, MatchOptions: ['ABSENT'] } };
  return {
    tagged: {
      ...common,
      Metrics: [metric],
      GroupBy: [tag(tenantKey), detail === 'features' ? tag(featureKey) : dimension('SERVICE')],
      Filter: NOT_APART,
    },
    untagged: {
      ...common,
      Metrics: [metric, 'UsageQuantity'],
      GroupBy:
        detail === 'features'
          ? [tag(featureKey), dimension('SERVICE')]
          : [dimension('SERVICE'), dimension('USAGE_TYPE')],
      Filter: { And: [NOT_APART, absent] },
    },
    control: {
      ...common,
      Metrics: [metric],
      GroupBy: [dimension('RECORD_TYPE'), dimension('SERVICE')],
    },
  };
}

/** `End` is exclusive; of an open month it is tomorrow. */
function periodOf(months: readonly string[], now: number): { Start: string; End: string } {
  const [first = '', last = first] = [months[0], months.at(-1)];
  const end = Math.min(
    Date.parse(monthRange(last).to),
    Math.floor(now / 86_400_000) * 86_400_000 + 86_400_000,
  );
  return { Start: `${first}-01`, End: new Date(end).toISOString().slice(0, 10) };
}

/** Months without a gap, as one query each can ask for them. */
export function runsOf(months: readonly string[]): string[][] {
  const runs: string[][] = [];
  for (const month of [...months].sort()) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run !== undefined && before !== undefined && monthRange(before).to.slice(0, 7) === month)
      run.push(month);
    else runs.push([month]);
  }
  return runs;
}
