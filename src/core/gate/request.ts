import { dayOf, monthOf } from '../time.ts';
import { type GateItem, gatePk } from './layout.ts';

/**
 * Which of the two updates a call is tried with. `max(tat, now)` cannot be said in one expression, so a full
 * bucket (`tat <= now`) and a partly used one (`tat > now`) are written differently.
 */
export type Branch = 'full' | 'part';

/** One API call, as put to the gate. */
export interface GateCall {
  tenantId: string;
  keyId: string;
  secretId: string;
  /** Epoch µs; the same for every try of one call. */
  now: number;
  branch: Branch;
  /**
   * How far ahead of `now`, in µs, a full bucket may be and is left by this call; 0 without. Then calls from
   * other sandboxes find a partly used bucket for that long, as they expect, for `lead / T` of the burst.
   */
  lead?: number | undefined;
  /** Compute time to add to the day, ms. */
  compute?: number | undefined;
}

/** An UpdateItem without its table, values as plain JavaScript. */
export interface GateRequest {
  Key: Pick<GateItem, 'PK'>;
  UpdateExpression: string;
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Record<string, string | number>;
  ReturnValues: 'ALL_NEW';
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD';
}

const active = '#status = :active';
const secretLives = '#k.#key.#s.#secret > :now';
// Without these two the update itself would be invalid; as a condition it is a clean denial that says why.
const countersExist = 'attribute_exists(#m) AND attribute_exists(#u)';
const withinQuota = '(#m.#month < #limit OR (attribute_not_exists(#m.#month) AND #limit > :zero))';
/** Whether the caller may call at all, whatever the limits. */
export const ALIVE = [active, secretLives, countersExist].join(' AND ');
const live = `${ALIVE} AND ${withinQuota}`;

const count = [
  '#k.#key.#lu = :now',
  '#m.#month = if_not_exists(#m.#month, :zero) + :one',
  '#u.#day = if_not_exists(#u.#day, :zero) + :one',
];

interface BranchOf {
  condition: string;
  set: string[];
  names: Record<string, string>;
}

const BRANCHES: Record<Branch | 'ahead', BranchOf> = {
  full: {
    condition: `${live} AND #k.#key.#tat <= :now`,
    set: ['#k.#key.#aat = :now - #k.#key.#bm', '#k.#key.#tat = :now + #k.#key.#T'],
    names: { '#bm': 'bm', '#T': 'T' },
  },
  part: {
    condition: `${live} AND #k.#key.#tat > :now AND #k.#key.#aat <= :now`,
    set: ['#k.#key.#aat = #k.#key.#aat + #k.#key.#T', '#k.#key.#tat = #k.#key.#tat + #k.#key.#T'],
    names: { '#T': 'T' },
  },
  // Full with a lead: a bucket that is never fuller than `burst - lead / T`, so never more than GCRA admits.
  ahead: {
    condition: `${live} AND #k.#key.#tat <= :ahead AND #k.#key.#bm >= :lead`,
    set: ['#k.#key.#aat = :ahead - #k.#key.#bm', '#k.#key.#tat = :ahead + #k.#key.#T'],
    names: { '#bm': 'bm', '#T': 'T' },
  },
};

/** The conditional update that authenticates, limits and counts one call. */
export function gateRequest(call: GateCall): GateRequest {
  const { now, branch, lead = 0 } = call;
  const ahead = branch === 'full' && lead > 0;
  const { condition, set, names } = BRANCHES[ahead ? 'ahead' : branch];
  return withCompute(call, {
    Key: { PK: gatePk(call.tenantId) },
    UpdateExpression: `SET ${[...count, ...set].join(', ')}`,
    ConditionExpression: condition,
    ExpressionAttributeNames: {
      ...namesOf(call),
      ...names,
      '#limit': 'limit',
      '#month': monthOf(now / 1000),
      '#day': dayOf(now / 1000),
    },
    ExpressionAttributeValues: {
      ':active': 'active',
      ':now': now,
      ':zero': 0,
      ':one': 1,
      ...(ahead ? { ':ahead': now + lead, ':lead': lead } : {}),
    },
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
}

/** What every update of a key names. */
export const namesOf = ({ keyId, secretId }: GateCall): Record<string, string> => ({
  '#status': 'status',
  '#m': 'm',
  '#u': 'u',
  '#k': 'k',
  '#s': 's',
  '#aat': 'aat',
  '#tat': 'tat',
  '#lu': 'lu',
  '#key': keyId,
  '#secret': secretId,
});

/** The update with the call's compute time added to its day. */
export function withCompute({ now, compute = 0 }: GateCall, request: GateRequest): GateRequest {
  if (compute === 0) return request;
  return {
    ...request,
    UpdateExpression: `${request.UpdateExpression}, #u.#compute = if_not_exists(#u.#compute, :zero) + :compute`,
    ExpressionAttributeNames: {
      ...request.ExpressionAttributeNames,
      '#compute': `${dayOf(now / 1000)}.c`,
    },
    ExpressionAttributeValues: { ...request.ExpressionAttributeValues, ':compute': compute },
  };
}
