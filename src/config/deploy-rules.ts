import { type Problem, wrongValue } from './problem.ts';
import type { Project } from './schema.ts';
import { codeBucketName } from './stack-names.ts';

const LONGEST_BUCKET = 63;
const SECRET = /^(sk|rk|whsec)_/;

/** What is deployed where: never the profile `local`, never with a secret in a parameter, always with a bucket. */
export function deployRules({ profiles }: Project, local: string): Problem[] {
  return Object.entries(profiles).flatMap(([name, { account, region, stack, deploy }]): Problem[] => {
    if (deploy === undefined) return [];
    if (name === local) {
      return [wrongValue(['profiles', name, 'deploy'], deploy, 'the profile local is deployed nowhere')];
    }
    const problems: Problem[] = [];
    const bucket = codeBucketName({ account, region, stack, deploy });
    if (bucket.length > LONGEST_BUCKET) {
      const allowed = `the code bucket would be ${bucket}, longer than ${LONGEST_BUCKET}: name one in deploy.codeBucket`;
      problems.push(wrongValue(['profiles', name, 'stack'], stack, allowed));
    }
    for (const [kind, parameters] of Object.entries(deploy.parameters ?? {})) {
      for (const [parameter, value] of Object.entries(parameters ?? {})) {
        if (!SECRET.test(value)) continue;
        const allowed =
          'templates hold no secrets: saasctl deploy secret stripe-key puts it where it is safe';
        problems.push(
          wrongValue(['profiles', name, 'deploy', 'parameters', kind, parameter], value, allowed),
        );
      }
    }
    return problems;
  });
}
