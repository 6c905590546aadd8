import { type GateItem, gatePk } from '../gate/layout.ts';
import { dayOf, monthOf } from '../time.ts';
import { type ItemWrite, usageKey } from './layout.ts';
import { gateDays, type UsageItem } from './usage.ts';

const DAY_MS = 86_400_000;
/** Entries moved at once: what an update expression and a transaction hold with room to spare. */
const MAX_ENTRIES = 30;

/** Days before this one are folded: calls of yesterday may still be on their way. */
const firstKept = (now: number): string => dayOf(now - DAY_MS);

/** Months before the last one guard nothing any more. */
function firstMonthKept(now: number): string {
  const date = new Date(now);
  return monthOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1, 1));
}

/** Whether a gate holds days to fold; cheap, since every allowed call asks. `now`: epoch ms. */
export function foldDue(gate: Pick<GateItem, 'u'>, now: number): boolean {
  const kept = firstKept(now);
  for (const name in gate.u) if (name < kept) return true;
  return false;
}

/**
 * Moves old days from a gate, as read, to the tenant's usage items: one transaction that adds there and removes
 * here, conditional on each value. `null` where there is nothing to move. Sent again after a lost answer it
 * cannot move anything twice: what it moves is no longer there, or there anew.
 */
export function foldPlan(gate: GateItem, now: number): ItemWrite[] | null {
  const kept = firstKept(now);
  const days = gateDays(gate, '')
    .filter(({ day }) => day < kept)
    .sort((a, b) => (a.day < b.day ? -1 : 1))
    .slice(0, MAX_ENTRIES);
  const month = firstMonthKept(now);
  const months = Object.keys(gate.m).filter((name) => name < month);
  if (days.length === 0 && months.length === 0) return null;
  const tenantId = gate.PK.slice(gatePk('').length);
  return [
    removal(gate.PK, days, months),
    ...days.filter(({ amount }) => amount > 0).map((one) => addition(tenantId, one)),
  ];
}

function removal(PK: string, days: readonly UsageItem[], months: readonly string[]): ItemWrite {
  const names: Record<string, string> = { '#status': 'status' };
  const values: Record<string, number> = {};
  const conditions = ['attribute_exists(#status)'];
  const paths: string[] = [];
  for (const [i, { day, metric, amount }] of days.entries()) {
    names['#u'] = 'u';
    names[`#d${i}`] = metric === 'api_calls' ? day : `${day}.c`;
    values[`:d${i}`] = amount;
    conditions.push(`#u.#d${i} = :d${i}`);
    paths.push(`#u.#d${i}`);
  }
  for (const [i, month] of months.entries()) {
    names['#m'] = 'm';
    names[`#m${i}`] = month;
    paths.push(`#m.#m${i}`);
  }
  return {
    table: 'gates',
    update: {
      Key: { PK },
      UpdateExpression: `REMOVE ${paths.join(', ')}`,
      ConditionExpression: conditions.join(' AND '),
      ExpressionAttributeNames: names,
      // DynamoDB takes no empty list of values.
      ...(days.length === 0 ? {} : { ExpressionAttributeValues: values }),
    },
  };
}

// Without the recorded amounts' guard: what the gate has counted must move, whatever it is added to.
const addition = (tenantId: string, { day, metric, amount }: UsageItem): ItemWrite => ({
  table: 'usageMeters',
  update: {
    Key: usageKey(tenantId, day, metric),
    UpdateExpression: 'ADD #amount :amount',
    ExpressionAttributeNames: { '#amount': 'amount' },
    ExpressionAttributeValues: { ':amount': amount },
  },
});
