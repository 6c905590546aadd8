// What the gate must do, said as plainly as possible: the generic cell rate algorithm, and a count a month.
import { decide } from '../../../src/core/gate/decide.ts';
import type { GateItem } from '../../../src/core/gate/layout.ts';
import { type Branch, gateRequest } from '../../../src/core/gate/request.ts';
import { applyUpdate } from './expressions.ts';

export type Verdict = { allowed: true } | { denied: string; retryAt?: number };

/** GCRA: at most `burst` calls at once, one more every `T` µs. */
export function gcraModel(T: number, burst: number, quota: number) {
  let tat = 0;
  let used = 0;
  return {
    call(now: number): Verdict | 'quota' {
      if (used >= quota) return 'quota';
      const start = Math.max(tat, now);
      const earliest = start - (burst - 1) * T;
      if (earliest > now) return { denied: 'rate', retryAt: earliest };
      tat = start + T;
      used += 1;
      return { allowed: true };
    },
    used: () => used,
    tat: () => tat,
  };
}

/** A gate in memory that is asked with the given branch first, then with what the answer says. */
export function gateInMemory(initial: GateItem) {
  let gate = initial;
  let tries = 0;
  function call(
    now: number,
    guess: Branch,
    ids = { tenantId: 'acme', keyId: 'k1', secretId: 's1' },
  ): Verdict {
    let branch = guess;
    for (tries = 1; tries <= 3; tries++) {
      const request = { ...ids, now, branch };
      const answer = applyUpdate(gate, gateRequest(request));
      if (answer.applied) gate = answer.item;
      const decision = decide(request, answer);
      if ('wrongBranch' in decision) branch = decision.wrongBranch;
      else if ('allowed' in decision) return { allowed: true };
      else if ('broken' in decision) return { denied: `broken: ${decision.broken}` };
      else if (decision.denied === 'identity') return { denied: decision.reason };
      else return { denied: decision.denied, retryAt: decision.retryAt };
    }
    throw new Error('more than three tries');
  }
  return { call, gate: () => gate, tries: () => tries };
}
