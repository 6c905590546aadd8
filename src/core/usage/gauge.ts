import { usageError } from '../errors.ts';
import type { Limits } from '../plans.ts';
import { dayOf } from '../time.ts';
import { gaugeKey, type ItemWrite } from './layout.ts';

/**
 * A level and what a day's highest needs. The high of `day` is `level + below`; kept as a distance, because a
 * condition can compare it with what is claimed, and a claim stays one write.
 */
export interface Gauge {
  metric: string;
  level: number;
  /** UTC day of the last change. */
  day: string;
  below: number;
  /** The day changed before that one, and its highest level. */
  previous: { day: string; high: number } | null;
  /** Epoch hours of the first claim. */
  since: number;
}

/** Level times 24 hours stays an exact integer: 375 TB in bytes. */
export const MAX_LEVEL = Math.floor(Number.MAX_SAFE_INTEGER / 24);

/** `first`: there is no gauge yet. `rise`: a day's new high. `within`: below it, or a release. `newDay`: the day's first. */
export type GaugeBranch = 'first' | 'rise' | 'within' | 'newDay';

export interface GaugeMove {
  tenantId: string;
  metric: string;
  /** Above 0: claimed, below: released. */
  by: number;
  /** Levels up to here; `null`: unlimited. */
  limit: number | null;
  /** Epoch ms. */
  now: number;
}

/** The branch that is right most often: levels grow, and most changes are not the first of their day. */
export const likelyBranch = ({ by }: GaugeMove): GaugeBranch => (by > 0 ? 'rise' : 'within');

const SET = {
  first: '#level = :n, #day = :day, #below = :zero, #since = :hour',
  rise: '#level = #level + :n, #below = :zero',
  within: {
    up: '#level = #level + :n, #below = #below - :n',
    down: '#level = #level - :n, #below = #below + :n',
  },
  newDay: {
    up: '#pd = #day, #ph = #level + #below, #day = :day, #below = :zero, #level = #level + :n',
    down: '#pd = #day, #ph = #level + #below, #day = :day, #below = :n, #level = #level - :n',
  },
};

/** The one conditional write that moves a gauge, neither past its limit nor below zero. */
export function gaugeWrite(move: GaugeMove, branch: GaugeBranch): ItemWrite {
  const { tenantId, metric, by, now } = move;
  const way = by > 0 ? 'up' : 'down';
  const n = Math.abs(by);
  const set = branch === 'first' || branch === 'rise' ? SET[branch] : SET[branch][way];
  const room = way === 'up' ? '#level <= :edge' : '#level >= :edge';
  // A sandbox whose clock is a day behind still counts on the day the gauge has reached.
  const condition = {
    first: 'attribute_not_exists(#level)',
    rise: `#day >= :day AND #below < :n AND ${room}`,
    within: way === 'up' ? `#day >= :day AND #below >= :n AND ${room}` : `#day >= :day AND ${room}`,
    newDay: `#day < :day AND ${room}`,
  }[branch];
  return {
    table: 'usageMeters',
    update: {
      Key: gaugeKey(tenantId, metric),
      UpdateExpression: `SET ${set}`,
      ConditionExpression: condition,
      ...used(`${set} ${condition}`, now, n, way === 'up' ? capOf(move) - n : n),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

const NAMES = {
  '#level': 'level',
  '#day': 'day',
  '#below': 'below',
  '#pd': 'pd',
  '#ph': 'ph',
  '#since': 'since',
};

/** DynamoDB refuses names and values that an expression does not use. */
function used(text: string, now: number, n: number, edge: number) {
  const values = { ':n': n, ':day': dayOf(now), ':zero': 0, ':hour': hourOf(now), ':edge': edge };
  const mentioned = (token: string) => new RegExp(`${token}\\b`).test(text);
  const pick = <V>(all: Record<string, V>) =>
    Object.fromEntries(Object.entries(all).filter(([token]) => mentioned(token)));
  return { ExpressionAttributeNames: pick(NAMES), ExpressionAttributeValues: pick<string | number>(values) };
}

const capOf = ({ limit }: GaugeMove): number => Math.min(limit ?? MAX_LEVEL, MAX_LEVEL);

/** What became of a move. `again`: nothing was written, this branch is the right one. */
export type GaugeVerdict =
  | { moved: true }
  | { refused: 'limit' | 'held'; level: number }
  | { again: GaugeBranch };

/** Why a gauge's write was refused, by the item it left unchanged (`null`: there is none). */
export function judgeGauge(move: GaugeMove, old: Gauge | null): Exclude<GaugeVerdict, { moved: true }> {
  const n = Math.abs(move.by);
  const level = old?.level ?? 0;
  if (move.by < 0 && level < n) return { refused: 'held', level };
  if (move.by > 0 && level + n > capOf(move)) return { refused: 'limit', level };
  if (old === null) return { again: 'first' };
  if (old.day < dayOf(move.now)) return { again: 'newDay' };
  return { again: move.by > 0 && old.below < n ? 'rise' : 'within' };
}

interface GaugeItem {
  SK: string;
  level: number;
  day: string;
  below: number;
  /** Absent until the gauge has changed on two days. */
  pd?: string;
  ph?: number;
  since: number;
}

export function gaugeOf(item: Readonly<Record<string, unknown>>): Gauge {
  const { SK, level, day, below, pd, ph, since } = item as unknown as GaugeItem;
  const previous = pd === undefined || ph === undefined ? null : { day: pd, high: ph };
  return { metric: SK.slice('GAUGE#'.length), level, day, below, previous, since };
}

/** Hours since the epoch. */
export const hourOf = (ms: number): number => Math.floor(ms / 3_600_000);

/** The plan limit that holds a gauge; custom gauges have none. */
export const limitNameOf = (metric: string): Exclude<keyof Limits, 'apiCallsPerMonth'> | null =>
  metric === 'storage_bytes' ? 'storageBytes' : metric === 'users' ? 'maxUsers' : null;

/** How much is moved: a whole number of 10^-scale units, at least 1. */
export function checkMoved(metric: string, amount: number): number {
  if (amount >= 1 && amount <= MAX_LEVEL) return amount;
  throw usageError('bad_amount', `${metric}: ${amount} cannot be claimed or released`, {
    hint: 'it is above 0, and a level is never above a 24th of 2^53',
  });
}
