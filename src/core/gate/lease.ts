import { dayOf, monthOf } from '../time.ts';
import { type Decision, type GateAnswer, readAnswer } from './decide.ts';
import { type GateItem, type GateKey, gatePk } from './layout.ts';
import { callsThisMonth, nextMonth } from './limits.ts';
import { ALIVE, type GateCall, type GateRequest, namesOf, withCompute } from './request.ts';

/** How long a lease is served, µs. */
export const LEASE_TIME = 1_000_000;

/** What an ended lease leaves to be written: `served` calls to bill on `day`, `unused` ones to give back to `month`. */
export interface Remainder {
  day: string;
  month: string;
  served: number;
  unused: number;
}

/** Several calls, taken with one write. A remainder goes with it, of the month of `now`. */
export interface LeaseCall extends GateCall {
  /** Calls to take, at least 2. */
  take: number;
  /** Emission interval and monthly limit that the values below are computed from: the item's must be the same. */
  T: number;
  limit: number;
  remainder: Remainder | null;
}

/**
 * The conditional update that takes a lease. The quota is charged at once and what stays unused given back later;
 * tokens of the bucket are never given back; what is billed is what the lease before has served.
 */
export function leaseRequest(call: LeaseCall): GateRequest {
  const { now, branch, take, T, limit, remainder } = call;
  const { served = 0, unused = 0, day = dayOf(now / 1000) } = remainder ?? {};
  const charge = take - unused;
  const quota =
    '#limit = :limit AND (#m.#month <= :room OR (attribute_not_exists(#m.#month) AND #limit >= :take))';
  const full = branch === 'full';
  const condition = full
    ? '#k.#key.#tat <= :now AND #k.#key.#bm >= :reach'
    : '#k.#key.#tat > :now AND #k.#key.#aat <= :latest';
  const set = full
    ? ['#k.#key.#aat = :last - #k.#key.#bm', '#k.#key.#tat = :next']
    : ['#k.#key.#aat = #k.#key.#aat + :span', '#k.#key.#tat = #k.#key.#tat + :span'];
  set.push('#k.#key.#lu = :now', '#m.#month = if_not_exists(#m.#month, :zero) + :charge');
  if (served > 0) set.push('#u.#day = if_not_exists(#u.#day, :zero) + :served');
  return withCompute(call, {
    Key: { PK: gatePk(call.tenantId) },
    UpdateExpression: `SET ${set.join(', ')}`,
    ConditionExpression: `${ALIVE} AND #k.#key.#T = :T AND ${quota} AND ${condition}`,
    ExpressionAttributeNames: {
      ...namesOf(call),
      '#T': 'T',
      '#limit': 'limit',
      '#month': monthOf(now / 1000),
      ...(served > 0 ? { '#day': day } : {}),
      ...(full ? { '#bm': 'bm' } : {}),
    },
    ExpressionAttributeValues: {
      ':active': 'active',
      ':now': now,
      ':zero': 0,
      ':T': T,
      ':limit': limit,
      ':take': take,
      ':charge': charge,
      ':room': limit - charge,
      ...(served > 0 ? { ':served': served } : {}),
      ...(full
        ? { ':last': now + (take - 1) * T, ':next': now + take * T, ':reach': (take - 2) * T }
        : { ':latest': now - (take - 1) * T, ':span': take * T }),
    },
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
}

/** As for one call, and `available`: nothing was taken, but so many calls can be (1: ask for that one exactly). */
export type LeaseDecision = Decision | { available: number; gate: GateItem };

/** Reads the answer to `leaseRequest(call)`. */
export function decideLease(call: LeaseCall, answer: GateAnswer): LeaseDecision {
  const read = readAnswer(call, answer);
  return 'short' in read ? shortfall(read.short, call) : read;
}

function shortfall(gate: GateItem, call: LeaseCall): LeaseDecision {
  const { now, take, branch } = call;
  const { T, bm, aat, tat } = gate.k[call.keyId] as GateKey;
  const left = gate.limit - callsThisMonth(gate, now) + (call.remainder?.unused ?? 0);
  if (left <= 0) return { denied: 'quota', retryAt: nextMonth(now), gate };
  if (tat > now && aat > now) return { denied: 'rate', retryAt: aat, gate };
  // What was computed from an older rate or limit says nothing of this one.
  if (T !== call.T || gate.limit !== call.limit) return { available: 1, gate };
  const tokens = T === 0 ? take : Math.floor(tat <= now ? bm / T + 2 : (now - aat) / T + 1);
  const available = Math.min(take, left, tokens);
  if (available < take) return { available, gate };
  const right = tat <= now ? 'full' : 'part';
  return right === branch ? { broken: 'condition' } : { wrongBranch: right };
}

/** Bills and gives back a remainder without taking more. No liveness: a suspension must not lose what was served. */
export function settleRequest(tenantId: string, { day, month, served, unused }: Remainder): GateRequest {
  const set: string[] = [];
  if (served > 0) set.push('#u.#day = if_not_exists(#u.#day, :zero) + :served');
  if (unused > 0) set.push('#m.#month = #m.#month - :unused');
  return {
    Key: { PK: gatePk(tenantId) },
    UpdateExpression: `SET ${set.join(', ')}`,
    ConditionExpression: `attribute_exists(#u)${unused > 0 ? ' AND #m.#month >= :unused' : ''}`,
    ExpressionAttributeNames: {
      '#u': 'u',
      ...(served > 0 ? { '#day': day } : {}),
      ...(unused > 0 ? { '#m': 'm', '#month': month } : {}),
    },
    ExpressionAttributeValues: {
      ...(served > 0 ? { ':zero': 0, ':served': served } : {}),
      ...(unused > 0 ? { ':unused': unused } : {}),
    },
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
}
