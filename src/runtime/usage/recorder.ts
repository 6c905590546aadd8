import { randomUUID } from 'node:crypto';
import { amountOf, counterNamed, usageDay } from '../../core/usage/amount.ts';
import { MAX_TRANSACTION } from '../../core/usage/layout.ts';
import {
  addWrite,
  batchTooLarge,
  checkEventId,
  counterFull,
  mergeLines,
  recordWrites,
  standingEvent,
  type UsageEventMark,
  type UsageLine,
  whatIsRecorded,
} from '../../core/usage/record.ts';
import type { Recorded, Recorder, RecordOptions, TenantRef, UsageEventInput } from './calls.ts';
import type { UsageWorld } from './client.ts';
import { tenantIdOf, usageFailure } from './failure.ts';
import { doubtOf, type WriteBudget, write } from './writes.ts';

/** An addition that may have been made is never made again. */
const ONCE: WriteBudget = { contended: 5, unreachable: 2 };
/** Under an id it knows its own repetition. */
const REPEATABLE: WriteBudget = { contended: 5, unreachable: 2, ambiguous: 2 };

export function createRecorder(world: UsageWorld): Recorder {
  const { wire, stack, metrics, dedupeDays, pause, incident } = world;

  async function recordUsageBatch(
    tenant: TenantRef,
    events: readonly UsageEventInput[],
    { id }: Pick<RecordOptions, 'id'> = {},
  ): Promise<Recorded> {
    const tenantId = tenantIdOf(tenant);
    const now = world.now();
    const said = events.map(({ metric, amount, day }) => ({
      metric,
      amount: amountOf(counterNamed(metrics, metric), amount),
      day,
    }));
    const lines = mergeLines(said.map((line) => ({ ...line, day: usageDay(line.day, now) })));
    if (id === undefined) return uncertain(tenantId, lines);
    const mark = { id: checkEventId(id), what: whatIsRecorded(said), by: randomUUID() };
    return once(tenantId, mark, lines, now);
  }

  /** Without an id. */
  async function uncertain(tenantId: string, lines: readonly UsageLine[]): Promise<Recorded> {
    const writes = lines.filter(({ amount }) => amount > 0).map((line) => addWrite(tenantId, line));
    if (writes.length === 0) return { recorded: true };
    if (writes.length > MAX_TRANSACTION) throw batchTooLarge(writes.length, MAX_TRANSACTION);
    const written = await write(wire, stack, writes, ONCE, pause);
    if (written.kind === 'ambiguous') {
      incident.doubt({ tenantId, reason: written.reason, message: written.message });
      return { recorded: 'unknown' };
    }
    incident.clear();
    if (written.kind === 'applied') return { recorded: true };
    if (written.kind === 'refused') throw counterFull(lines);
    throw usageFailure(written, 'record usage', 'nothing was counted');
  }

  async function once(
    tenantId: string,
    mark: UsageEventMark,
    lines: readonly UsageLine[],
    now: number,
  ): Promise<Recorded> {
    const writes = recordWrites(tenantId, mark, lines, dedupeDays, now);
    const written = await write(wire, stack, writes, REPEATABLE, pause);
    const doubt = doubtOf(written);
    if (doubt !== null) {
      incident.doubt({ tenantId, reason: doubt.reason, message: doubt.message });
      throw usageFailure(
        doubt,
        'record usage',
        'it may have been counted: record it again under the same id',
      );
    }
    incident.clear();
    if (written.kind === 'applied') return { recorded: true };
    if (written.kind !== 'refused') throw usageFailure(written, 'record usage', 'nothing was counted');
    const [event] = written.reasons;
    if (event?.failed !== true) throw counterFull(lines);
    return standingEvent(mark, event.item) === 'own'
      ? { recorded: true }
      : { recorded: false, duplicate: true };
  }

  return {
    recordUsageBatch,
    recordUsage: (tenant, metric, amount, { id, day } = {}) =>
      recordUsageBatch(tenant, [{ metric, amount, day }], { id }),
  };
}
