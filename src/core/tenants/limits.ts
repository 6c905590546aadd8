import { usageError } from '../errors.ts';
import { NEVER } from '../gate/layout.ts';
import { didYouMean } from '../nearest.ts';
import { LIMITS, type LimitOverrides, type Limits, type Plan, resolveLimits } from '../plans.ts';

/** One `--limit k=v`: a number, `unlimited`, or back to the plan's. */
export type LimitEdit = { limit: keyof Limits; to: number | null | 'plan' };

export function parseLimit(text: string): LimitEdit {
  const [key, value, ...rest] = text.split('=');
  const limit = LIMITS.find((known) => known === key);
  if (limit === undefined || value === undefined || rest.length > 0) {
    throw usageError('bad_limit', `--limit: ${JSON.stringify(text)} is not a limit`, {
      hint: `${didYouMean(key ?? '', LIMITS)}it is k=N, k=unlimited or k=plan, with k one of ${LIMITS.join(', ')}`,
    });
  }
  if (value === 'unlimited') return { limit, to: null };
  if (value === 'plan') return { limit, to: 'plan' };
  if (!/^\d+$/.test(value) || Number(value) >= NEVER) {
    throw usageError(
      'bad_limit',
      `--limit ${limit}: ${JSON.stringify(value)} is not a whole number below 9e15`,
      {
        hint: 'a limit is a whole number, unlimited, or plan (the plan’s own)',
      },
    );
  }
  return { limit, to: Number(value) };
}

/** The limits in force after the edits; what no edit names stays as it is. The plan is asked for by `plan` edits only. */
export function editLimits(
  current: { limits: Limits; overrides: LimitOverrides },
  edits: readonly LimitEdit[],
  plan: () => Plan,
): { limits: Limits; overrides: LimitOverrides } {
  const limits = { ...current.limits };
  const overrides = { ...current.overrides };
  for (const { limit, to } of edits) {
    if (to === 'plan') {
      delete overrides[limit];
      limits[limit] = resolveLimits(plan(), {})[limit];
    } else {
      overrides[limit] = to;
      limits[limit] = to;
    }
  }
  return { limits, overrides };
}
