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

const NAMES = {
  '#status': 'status',
  '#limit': 'limit',
  '#m': 'm',
  '#u': 'u',
  '#k': 'k',
  '#s': 's',
  '#T': 'T',
  '#aat': 'aat',
  '#tat': 'tat',
  '#lu': 'lu',
};

const active = '#status = :active';
const secretLives = '#k.#key.#s.#secret > :now';
// Without these two the update itself would be invalid; as a condition it is a clean denial that says why.
const countersExist = 'attribute_exists(#m) AND attribute_exists(#u)';
const withinQuota = '(#m.#month < #limit OR (attribute_not_exists(#m.#month) AND #limit > :zero))';
const live = [active, secretLives, countersExist, withinQuota].join(' AND ');

const count = [
  '#k.#key.#lu = :now',
  '#m.#month = if_not_exists(#m.#month, :zero) + :one',
  '#u.#day = if_not_exists(#u.#day, :zero) + :one',
];

const BRANCHES: Record<Branch, { condition: string; set: string[]; names: Record<string, string> }> = {
  full: {
    condition: `${live} AND #k.#key.#tat <= :now`,
    set: ['#k.#key.#aat = :now - #k.#key.#bm', '#k.#key.#tat = :now + #k.#key.#T'],
    names: { '#bm': 'bm' },
  },
  part: {
    condition: `${live} AND #k.#key.#tat > :now AND #k.#key.#aat <= :now`,
    set: ['#k.#key.#aat = #k.#key.#aat + #k.#key.#T', '#k.#key.#tat = #k.#key.#tat + #k.#key.#T'],
    names: {},
  },
};

/** The conditional update that authenticates, limits and counts one call. */
export function gateRequest({ tenantId, keyId, secretId, now, branch }: GateCall): GateRequest {
  const { condition, set, names } = BRANCHES[branch];
  return {
    Key: { PK: gatePk(tenantId) },
    UpdateExpression: `SET ${[...count, ...set].join(', ')}`,
    ConditionExpression: condition,
    ExpressionAttributeNames: {
      ...NAMES,
      ...names,
      '#key': keyId,
      '#secret': secretId,
      '#month': monthOf(now / 1000),
      '#day': dayOf(now / 1000),
    },
    ExpressionAttributeValues: { ':active': 'active', ':now': now, ':zero': 0, ':one': 1 },
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
}
