import type { SyncRow } from '../../core/billing/report.ts';
import type { Meter, SinkName } from '../../core/billing/sink.ts';
import { SaasctlError } from '../../core/errors.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import { progressLine } from '../../ui/progress.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { existing } from '../tenant-lookup.ts';
import { billedMeters, type DayOptions, dayOption, daysOf, monthOption, sinkOption } from './billed.ts';
import { isWell, outcomeError, printSync } from './sync-result.ts';

interface Options extends DayOptions {
  sink: SinkName;
  tenant?: string;
  dryRun?: boolean;
}

const DETAILS = `Every unit is billed once, whatever crashes, overlaps or times out: each delta is
written down before it is sent, and sent again only under the same identifier.
Run it as often as you like, also twice at once.

    0  settled: everything metered is billed
    2  nothing was sent: key, account, meter or clock are not as they must be
    4  the key was refused on the way; what was sent is written down
    7  not all of it was sent: run it again
    8  somebody has to look: numbers differ, or a customer or meter is gone;
       the rest is settled
  130  interrupted: what was sent is written down, the next run goes on`;

/** usage sync and usage sync-stripe, the one with its sink given. */
export function sync(host: Host) {
  const flags = (command: ReturnType<typeof define>) =>
    command
      .option('--tenant <id>', 'one tenant alone')
      .addOption(dayOption())
      .addOption(monthOption())
      .addOption(dryRunOption());
  const any = define('sync', {
    summary: 'Send usage to where it is billed, each unit once',
    details: DETAILS,
    examples: [
      'usage sync --sink stripe',
      'usage sync --sink csv --month last',
      'usage sync --sink webhook -q',
    ],
    exits: [3, 7, 8],
  }).addOption(sinkOption().makeOptionMandatory());
  const stripe = define('sync-stripe', {
    summary: 'Send usage to Stripe, each unit once: usage sync --sink stripe',
    details: DETAILS,
    examples: [
      'usage sync-stripe',
      'usage sync-stripe --tenant acme --dry-run',
      'usage sync-stripe --day yesterday',
    ],
    exits: [3, 7, 8],
  });
  return [
    onRun(host, flags(any), runSync),
    onRun(host, flags(stripe), (cx, options: Options) => runSync(cx, { ...options, sink: 'stripe' })),
  ];
}

async function runSync(cx: Context, options: Options): Promise<void> {
  const days = daysOf(options, cx.now());
  const tenantId = options.tenant === undefined ? null : checkTenantId(options.tenant);
  const config = await cx.config();
  const meters = billedMeters(config);
  const { globals } = cx;
  // A quiet run keeps what went wrong alone.
  const rows: SyncRow[] = [];
  const sink = await cx.sink(options.sink);
  const { store, ledger: openLedger } = await cx.backend();
  if (tenantId !== null) await existing(store.tenant(tenantId), tenantId);
  const ledger = await openLedger();
  const { syncUsage } = await import('../../core/billing/sync.ts');
  const { eventsPerSecond = null, finalInvoice } = config.project.billing;
  const line = progressLine(cx.io, cx.now, globals.quiet || globals.format === 'json');
  // An interrupt is the run's to answer: it stops sending, and writes down what was sent.
  const report = await cx.uninterrupted(() =>
    syncUsage({
      ledger,
      sink,
      stack: config.profile.stack,
      meters,
      finalInvoice,
      eventsPerSecond,
      clock: { now: cx.now, pause: cx.deps.pause },
      runId: cx.requestId,
      dryRun: options.dryRun === true,
      tenantId,
      days,
      signal: cx.deps.signal,
      prepare: (id, now) => store.sampleGauges(id, now),
      // What cost is split by needs gauges too, to the day.
      prepareWith: meters.some(isGauge) ? 'run' : 'sweep',
      fold: (id, now) => store.fold(id, now),
      onRow: (row) => {
        if (!globals.quiet || !isWell(row)) rows.push(row);
      },
      onProgress: ({ looked, sent, waiting, perSecond }) => {
        const left = perSecond > 0 && waiting > 0 ? `, about ${Math.ceil(waiting / perSecond)} s left` : '';
        line.show(
          `${looked} ${looked === 1 ? 'tenant' : 'tenants'}, ${sent} sent, ${waiting} waiting, ${Math.round(perSecond)}/s${left}`,
        );
      },
    })
      .catch((error: unknown) => {
        throw beforeAnything(error);
      })
      .finally(() => line.end()),
  );
  const failure = outcomeError(report, rows, commandLine(options));
  // Refused before anything was looked at: the error says it all.
  if (failure?.category !== 'config') await printSync(cx, report, rows, meters);
  if (failure !== null) throw failure;
}

const isGauge = ({ measure }: Meter): boolean => measure !== 'sum';

const commandLine = ({ sink, tenant }: Options): string =>
  `saasctl usage ${sink === 'stripe' ? 'sync-stripe' : `sync --sink ${sink}`}${tenant === undefined ? '' : ` --tenant ${tenant}`}`;

/** A key that is refused before the first write is a matter of configuration, as one that is missing. */
function beforeAnything(error: unknown): unknown {
  if (!(error instanceof SaasctlError) || error.category !== 'auth' || !error.code.startsWith('stripe_'))
    return error;
  const { code, message, hint, next } = error;
  return new SaasctlError({
    code,
    category: 'config',
    message,
    hint: `${hint ?? ''}; nothing was sent`,
    next: next ?? undefined,
    cause: error,
  });
}
