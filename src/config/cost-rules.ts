import { DRIVERS, type Driver, SPECIAL_DRIVERS } from '../core/cost/types.ts';
import { didYouMean } from '../core/nearest.ts';
import { type Problem, wrongValue } from './problem.ts';
import type { Project } from './schema.ts';

/** Every driver is one that is metered, a metric of the project's own, or a word for something else than a driver. */
export function costRules({ cost, metrics }: Project): Problem[] {
  const metered = [...DRIVERS, ...Object.keys(metrics)];
  const known: readonly string[] = [...metered, ...SPECIAL_DRIVERS];
  const problems = (path: string[], driver: Driver): Problem[] => {
    // One of several is what is counted; the words stand alone.
    const allowed = typeof driver === 'string' ? known : metered;
    return [driver]
      .flat()
      .filter((one) => !allowed.includes(one))
      .map((one) =>
        wrongValue(path, one, `${didYouMean(one, allowed)}the drivers are ${allowed.join(', ')}`),
      );
  };
  return Object.entries(cost.drivers).flatMap(([service, rule]) => {
    const path = ['cost', 'drivers', service];
    if (typeof rule === 'string' || Array.isArray(rule)) return problems(path, rule as Driver);
    return Object.entries(rule as Record<string, Driver>).flatMap(([part, driver]) =>
      problems([...path, part], driver),
    );
  });
}
