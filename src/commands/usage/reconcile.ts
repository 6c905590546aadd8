import type { ReconcileReport, ReconcileRow } from '../../core/billing/reconcile.ts';
import { atSink, type SinkName } from '../../core/billing/sink.ts';
import { SaasctlError } from '../../core/errors.ts';
import type { ControlStore } from '../../core/ports.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import { dayOf, isoTime, parseMonth } from '../../core/time.ts';
import type { Column } from '../../ui/result.ts';
import { arriving } from '../arriving.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { existing } from '../tenant-lookup.ts';
import {
  amounts,
  billedMeters,
  type DayOptions,
  dayOption,
  daysOf,
  monthOption,
  sinkOption,
} from './billed.ts';

interface Options extends DayOptions {
  sink: SinkName;
  tenant?: string;
  dryRun?: boolean;
}

export function reconcile(host: Host) {
  const command = define('reconcile', {
    summary: 'Compare the ledger with what the sink has counted, and flag what differs',
    details:
      'This month and the last, unless --day or --month says other days. Nothing is corrected: see usage correct.\nequal: the same; unsent: the same, and the counter has more; pending: on its way, or younger than a day; drift: neither; unknown: the sink does not say.\nExit code 8: something drifted, or is flagged.',
    examples: ['usage reconcile', 'usage reconcile --tenant acme --month last', 'usage reconcile -o csv'],
    exits: [3, 8],
  })
    .addOption(sinkOption().default('stripe'))
    .option('--tenant <id>', 'one tenant alone')
    .addOption(dayOption())
    .addOption(monthOption())
    .addOption(dryRunOption());
  return onRun(host, command, runReconcile);
}

async function runReconcile(cx: Context, options: Options): Promise<void> {
  const now = cx.now();
  const days = daysOf(options, now) ?? { first: `${parseMonth('last', now)}-01`, last: dayOf(now) };
  const tenantId = options.tenant === undefined ? null : checkTenantId(options.tenant);
  const config = await cx.config();
  const meters = billedMeters(config);
  const sink = await cx.sink(options.sink);
  const { store, ledger: open } = await cx.backend();
  if (tenantId !== null) await existing(store.tenant(tenantId), tenantId);
  const { scopeOf } = await import('../../core/billing/sync.ts');
  const core = await import('../../core/billing/reconcile.ts');
  const scope = await scopeOf(sink, config.profile.stack);
  const ledger = await open();
  let report: ReconcileReport | null = null;
  let flags = 0;
  let flagged: ReconcileRow | null = null;
  const rows = arriving<Shown>(async (onRow) => {
    report = await core.reconcile({
      ledger,
      sink,
      scope,
      meters,
      days,
      tenantIds: tenantId === null ? everyTenant(store) : only(tenantId),
      now: cx.now,
      dryRun: options.dryRun === true,
      signal: cx.deps.signal,
      onRow: (row) => {
        if (row.flag !== null || row.agreement === 'drift') {
          flags++;
          flagged ??= row;
        }
        onRow(shown(row));
      },
    });
  });
  await cx.print<Shown>({
    kind: 'list',
    items: rows,
    id: ({ tenantId: tenant, meter, day }) => `${tenant}#${meter}#${day}`,
    columns: columnsWith(amounts(meters)),
    empty: 'nothing was ever sent of these days',
  });
  cx.note(summary(report));
  if (flagged !== null) throw drifted(flagged, flags, options.sink);
}

async function* everyTenant(store: ControlStore): AsyncGenerator<string> {
  for await (const { id } of store.tenants({ limit: null, after: null }, () => true).items) yield id;
}

async function* only(tenantId: string): AsyncGenerator<string> {
  yield tenantId;
}

type Shown = ReturnType<typeof shown>;

/** A row as JSON has it: amounts are integers of 10^-scale units, times ISO-8601. */
const shown = ({ flag, ...row }: ReconcileRow) => ({
  ...row,
  flag: flag === null ? null : { ...flag, at: isoTime(flag.at) },
});

const columnsWith = (amount: ReturnType<typeof amounts>): Column<Shown>[] => [
  { header: 'tenant', value: ({ tenantId }) => tenantId },
  { header: 'meter', value: ({ meter }) => meter },
  { header: 'day', value: ({ day }) => day },
  { header: 'counter', value: ({ meter, counter }) => amount(meter, counter) },
  { header: 'ledger', value: ({ meter, confirmed }) => amount(meter, confirmed) },
  { header: 'on its way', value: ({ meter, inflight }) => amount(meter, inflight) },
  { header: 'sink', value: ({ meter, there }) => amount(meter, there) },
  { header: 'difference', value: ({ meter, difference }) => amount(meter, difference) },
  {
    header: 'agreement',
    value: ({ agreement }) => agreement,
    paint: (text, { agreement }, paint) =>
      agreement === 'equal' ? paint.green(text) : agreement === 'drift' ? paint.red(text) : text,
  },
  { header: 'flag', value: ({ flag }) => flag?.code ?? null },
];

function summary(report: ReconcileReport | null): string {
  if (report === null) return 'nothing was compared';
  const { rows, equal, unsent, pending, drift, unknown, sink, account, mode } = report;
  return `${rows} ${rows === 1 ? 'row' : 'rows'}: ${equal} equal, ${unsent} unsent, ${pending} pending, ${drift} drifted, ${unknown} unknown; ${sink} ${account} (${mode})`;
}

function drifted(
  { tenantId, meter, day, there, confirmed, flag }: ReconcileRow,
  count: number,
  sink: SinkName,
): SaasctlError {
  const what = flag?.message ?? `the ledger has ${confirmed}, the sink has ${there}`;
  return new SaasctlError({
    code: flag?.code ?? 'drift',
    category: 'pending',
    message: `${count} ${count === 1 ? 'row wants' : 'rows want'} somebody to look; the first: ${tenantId}, ${meter}, ${day}`,
    hint: `${what}. Nothing was corrected: only a person can say which number is right.`,
    next: `saasctl usage ledger ${tenantId} --day ${day}${atSink(sink)} -o json`,
  });
}
