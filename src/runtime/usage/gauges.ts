import { randomUUID } from 'node:crypto';
import { SaasctlError } from '../../core/errors.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import { amountOf, gaugeNamed } from '../../core/usage/amount.ts';
import {
  checkMoved,
  type GaugeMove,
  gaugeOf,
  gaugeWrite,
  judgeGauge,
  likelyBranch,
  limitNameOf,
  MAX_LEVEL,
} from '../../core/usage/gauge.ts';
import { decimalOf } from '../../core/usage/metrics.ts';
import { checkEventId, eventWrite, standingEvent } from '../../core/usage/record.ts';
import type { Gauges } from './calls.ts';
import type { UsageWorld } from './client.ts';
import { usageFailure } from './failure.ts';
import { type Doubt, type WriteBudget, write } from './writes.ts';

type Moved = { moved: true; duplicate: boolean } | { moved: false; level: number };

const ONCE: WriteBudget = { contended: 5, unreachable: 2 };
const REPEATABLE: WriteBudget = { contended: 5, unreachable: 2, ambiguous: 2 };
/** Wrong branches correct themselves; beyond this the gauge is fought over. */
const MAX_TRIES = 8;

export function createGauges(world: UsageWorld): Gauges {
  const { wire, stack, metrics, dedupeDays, pause, incident } = world;

  async function move(change: GaugeMove, id: string | undefined): Promise<Moved> {
    const { tenantId, metric, by, now } = change;
    const what = `${by > 0 ? 'claim' : 'release'} ${metric} ${Math.abs(by)}`;
    const mark = id === undefined ? null : { id: checkEventId(id), what, by: randomUUID() };
    const event = mark === null ? [] : [eventWrite(tenantId, mark, dedupeDays, now)];
    const doubtful = (doubt: Doubt): SaasctlError => {
      incident.doubt({ tenantId, reason: doubt.reason, message: doubt.message });
      const hint =
        mark === null
          ? 'it may have been changed; with an id it could be asked again'
          : 'ask again under the same id';
      return usageFailure(doubt, `change ${metric}`, hint);
    };
    let branch = likelyBranch(change);
    let doubt: Doubt | null = null;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const writes = [...event, gaugeWrite(change, branch)];
      const written = await write(wire, stack, writes, mark === null ? ONCE : REPEATABLE, pause, doubt);
      if (written.kind === 'ambiguous') throw doubtful(written);
      incident.clear();
      if (written.kind === 'applied') return { moved: true, duplicate: false };
      if (written.kind !== 'refused') throw usageFailure(written, `change ${metric}`, 'nothing was changed');
      const [first] = written.reasons;
      if (mark !== null && first?.failed) {
        return { moved: true, duplicate: standingEvent(mark, first.item) === 'duplicate' };
      }
      const item = written.reasons.at(-1)?.item ?? null;
      const verdict = judgeGauge(change, item === null ? null : gaugeOf(item));
      doubt = written.doubt;
      if ('again' in verdict) branch = verdict.again;
      else if (doubt === null) return { moved: false, level: verdict.level };
      else break;
    }
    if (doubt !== null) throw doubtful(doubt);
    throw new SaasctlError({
      code: 'usage_unavailable',
      category: 'remote',
      message: `could not change ${metric}: others changed it ${MAX_TRIES} times meanwhile`,
      hint: 'nothing was changed',
      retryable: true,
    });
  }

  return {
    async claim(tenant, metric, amount, { id, limit: own } = {}) {
      const declared = gaugeNamed(metrics, metric);
      const limitName = limitNameOf(metric);
      const limit = limitName === null ? (own ?? null) : tenant.limits[limitName];
      const change = {
        tenantId: checkTenantId(tenant.tenantId),
        metric,
        by: checkMoved(metric, amountOf(declared, amount)),
        limit: limit === null ? null : amountOf(declared, limit),
        now: world.now(),
      };
      const done = await move(change, id);
      if (done.moved) return { granted: true, duplicate: done.duplicate };
      const level = Number(decimalOf(done.level, declared.scale));
      return {
        granted: false,
        limitName,
        limit: limit ?? Number(decimalOf(MAX_LEVEL, declared.scale)),
        level,
      };
    },
    async release(tenant, metric, amount, { id } = {}) {
      const declared = gaugeNamed(metrics, metric);
      const by = -checkMoved(metric, amountOf(declared, amount));
      const tenantId = checkTenantId(tenant.tenantId);
      const done = await move({ tenantId, metric, by, limit: null, now: world.now() }, id);
      if (done.moved) return { released: true, duplicate: done.duplicate };
      throw new SaasctlError({
        code: 'release_below_zero',
        category: 'conflict',
        message: `${metric}: ${amount} cannot be released, ${decimalOf(done.level, declared.scale)} is held`,
        hint: 'nothing was changed; a level is never below zero',
      });
    },
  };
}
