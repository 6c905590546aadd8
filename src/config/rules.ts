import { bucketOf } from '../core/gate/layout.ts';
import { LONGEST_REFILL_US } from '../core/keys/rate.ts';
import { BUILT_IN } from '../core/usage/metrics.ts';
import { billingRules } from './billing-rules.ts';
import { costRules } from './cost-rules.ts';
import { deployRules } from './deploy-rules.ts';
import { type Problem, wrongValue } from './problem.ts';
import type { Project } from './schema.ts';

/** The one profile that runs on the embedded engine. */
export const LOCAL = 'local';

/** What no single value of the file can tell. */
export function brokenRules(project: Project): Problem[] {
  return [
    ...defaultProfile(project),
    ...backends(project),
    ...buckets(project),
    ...leases(project),
    ...metrics(project),
    ...billingRules(project),
    ...costRules(project),
    ...deployRules(project, LOCAL),
  ];
}

function defaultProfile({ defaultProfile, profiles }: Project): Problem[] {
  if (Object.hasOwn(profiles, defaultProfile)) return [];
  const known = Object.keys(profiles);
  return [
    wrongValue(
      ['defaultProfile'],
      defaultProfile,
      `it must be one of the profiles: ${known.join(', ') || 'none yet'}`,
    ),
  ];
}

/** `local` never bills for real, and nothing but `local` reaches the stand-in. */
function backends({ profiles }: Project): Problem[] {
  return Object.entries(profiles).flatMap(([name, { stripe, keyEnvs }]) => {
    const problems: Problem[] = [];
    if (name === LOCAL && stripe === 'live') {
      problems.push(
        wrongValue(['profiles', name, 'stripe'], stripe, 'the profile local takes "stand-in" or "test"'),
      );
    }
    if (name !== LOCAL && stripe === 'stand-in') {
      const allowed = 'only the profile local has the stand-in; this one takes "test" or "live"';
      problems.push(wrongValue(['profiles', name, 'stripe'], stripe, allowed));
    }
    if (new Set(keyEnvs).size !== keyEnvs.length) {
      problems.push(wrongValue(['profiles', name, 'keyEnvs'], keyEnvs, 'each environment stands there once'));
    }
    return problems;
  });
}

function buckets({ plans }: Project): Problem[] {
  return Object.entries(plans)
    .filter(
      ([, { rate, burst }]) =>
        rate !== null && bucketOf({ perSecond: rate, burst }).T * burst > LONGEST_REFILL_US,
    )
    .map(([name, { rate, burst }]) =>
      wrongValue(
        ['plans', name, 'burst'],
        burst,
        `at ${rate} calls a second it would take more than a year to refill`,
      ),
    );
}

/** Every stack has the built-in ones, with a unit and a scale that its records rely on. */
function metrics({ metrics }: Project): Problem[] {
  return Object.keys(metrics)
    .filter((name) => Object.hasOwn(BUILT_IN, name))
    .map((name) => ({
      what: `metrics has the name ${JSON.stringify(name)}, which is built in`,
      allowed: `it is there without being declared; the built-in metrics are ${Object.keys(BUILT_IN).join(', ')}`,
    }));
}

/** A lease takes its calls from the bucket all at once. */
function leases({ plans }: Project): Problem[] {
  return Object.entries(plans)
    .filter(([, { lease, burst }]) => lease > burst)
    .map(([name, { lease, burst }]) =>
      wrongValue(['plans', name, 'lease'], lease, `it is at most the burst, ${burst}`),
    );
}
