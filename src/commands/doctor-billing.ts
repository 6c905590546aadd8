import { ownLedgers } from '../config/billing-settings.ts';
import { type LedgerRow, type LedgerScope, rowId } from '../core/billing/ledger.ts';
import { metersOf } from '../core/billing/meters.ts';
import type { LedgerStore } from '../core/billing/ports.ts';
import { atSink, type Meter } from '../core/billing/sink.ts';
import { scopeOf } from '../core/billing/sync.ts';
import { metricsOf } from '../core/usage/metrics.ts';
import type { Backend, Context } from './context.ts';
import { attempt, type Finding, few, ok } from './finding.ts';

/** Nothing is wrong yet where nobody has begun to bill. */
const NOT_BEGUN = new Set(['stripe_key_missing', 'meter_missing']);
/** From here on Stripe no longer recognises an event that is sent again; any sink should have answered by then. */
const LATE_MS = 20 * 3_600_000;

/** Key, mode, meters and clock at Stripe for the profile; what the ledgers of all sinks have not settled. */
export async function* billing(cx: Context, backend: Backend): AsyncGenerator<Finding> {
  const config = await cx.config();
  const { project } = config;
  const meters = metersOf(project.billing.meters, metricsOf(project.metrics));
  if (meters.length === 0) return yield ok('stripe', 'the project file bills nothing');
  yield* atStripe(cx, backend, meters);
  for (const scope of ownLedgers(config)) {
    const finding = await ledgerFinding(cx, backend, scope);
    if (finding !== null) yield finding;
  }
}

async function* atStripe(
  cx: Context,
  backend: Backend,
  meters: readonly Meter[],
): AsyncGenerator<Finding, void> {
  const { profile } = await cx.config();
  const found = await attempt('stripe', async () => {
    const sink = await cx.sink('stripe');
    const scope = await scopeOf(sink, profile.stack);
    return { scope, problems: await sink.preflight(meters, cx.now()) };
  });
  if ('finding' in found) {
    const { finding, code } = found;
    return yield NOT_BEGUN.has(code) ? { ...finding, status: 'warn' } : finding;
  }
  const { scope, problems } = found.value;
  if (problems.length === 0) {
    const names = meters.map(({ eventName }) => eventName);
    yield ok('stripe', `${scope.account} (${scope.mode}) takes ${names.join(', ')}`);
  }
  for (const { code, message, hint, next } of problems) {
    yield {
      check: 'stripe',
      status: NOT_BEGUN.has(code) ? 'warn' : 'fail',
      detail: hint === null ? message : `${message}; ${hint}`,
      remedy: next,
    };
  }
  yield (await ledgerFinding(cx, backend, scope)) ?? SETTLED;
}

const SETTLED = ok('ledger', 'every delta that was sent is settled');

/** What a ledger has not settled; `null`: it has nothing yet. */
async function ledgerFinding(cx: Context, backend: Backend, scope: LedgerScope): Promise<Finding | null> {
  const read = await attempt('ledger', async () => openRows(await backend.ledger(), scope));
  if ('finding' in read) return read.finding;
  const { isEmpty, rows } = read.value;
  return isEmpty ? null : findingOf(rows, scope.sink, cx.now());
}

/** The rows that are not settled, of all tenants. */
async function openRows(
  ledger: LedgerStore,
  scope: LedgerScope,
): Promise<{ isEmpty: boolean; rows: LedgerRow[] }> {
  const rows: LedgerRow[] = [];
  let isEmpty = true;
  for (let shard = 0; shard < ledger.shards; shard++) {
    for await (const page of ledger.list(scope, shard, null)) {
      if (page.some(({ head }) => head !== null)) isEmpty = false;
      const keys = page.flatMap(({ tenant, head }) =>
        (head?.open ?? []).map((name) => ({
          tenantId: tenant.id,
          eventName: name.slice(0, -11),
          day: name.slice(-10),
        })),
      );
      if (keys.length > 0) rows.push(...(await ledger.rows(scope, keys)).values());
    }
  }
  return { isEmpty, rows: rows.filter(({ inflight, flag }) => inflight !== null || flag !== null) };
}

function findingOf(rows: readonly LedgerRow[], sink: string, now: number): Finding {
  const of = sink === 'stripe' ? '' : `${sink}: `;
  const flagged = rows.filter(({ flag }) => flag !== null);
  const [first] = flagged;
  if (first !== undefined) {
    const named = flagged.map((row) => `${rowId(row)} (${row.flag?.code})`);
    const detail = `${of}somebody has to look: ${few(named)}`;
    const remedy = `saasctl usage ledger ${first.tenantId}${atSink(sink)}`;
    return { check: 'ledger', status: 'fail', detail, remedy };
  }
  if (rows.length === 0) return { ...SETTLED, detail: `${of}${SETTLED.detail}` };
  const since = rows.map(({ inflight }) => inflight?.firstAttemptAt ?? now);
  const oldestMs = now - Math.min(...since);
  return {
    check: 'ledger',
    status: oldestMs >= LATE_MS ? 'fail' : 'warn',
    detail: `${of}${few(rows.map(rowId))}: on the way for ${Math.floor(oldestMs / 3_600_000)} h`,
    remedy: sink === 'stripe' ? 'saasctl usage sync-stripe' : `saasctl usage sync${atSink(sink)}`,
  };
}
