import type { LedgerView } from '../../core/billing/reconcile.ts';
import type { SinkName } from '../../core/billing/sink.ts';
import { checkTenantId } from '../../core/tenants/tenant.ts';
import { dayOf, isoTime } from '../../core/time.ts';
import type { Column } from '../../ui/result.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';
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
}

/** Longer than any sink takes late usage, so that what waits is always seen. */
const SHOWN_MS = 42 * 86_400_000;

export function ledger(host: Host) {
  const command = define('ledger <id>', {
    summary: 'What a sink has been told of a tenant’s usage, day by day, with its history',
    details:
      'The last six weeks, unless --day or --month says other days. -o json has the history of each row:\nsent, found (an answer was lost, the sink had it), absent, withdrawn, refused, carried, dropped, corrected.',
    examples: ['usage ledger acme', 'usage ledger acme --month last -o json', 'usage ledger acme --sink csv'],
    exits: [3],
  })
    .addOption(sinkOption().default('stripe'))
    .addOption(dayOption())
    .addOption(monthOption());
  return onRun(host, command, runLedger);
}

async function runLedger(cx: Context, id: string, options: Options): Promise<void> {
  checkTenantId(id);
  const days = daysOf(options, cx.now()) ?? { first: dayOf(cx.now() - SHOWN_MS), last: dayOf(cx.now()) };
  const config = await cx.config();
  const meters = billedMeters(config);
  const sink = await cx.sink(options.sink);
  const { store, ledger: open } = await cx.backend();
  await existing(store.tenant(id), id);
  const { scopeOf } = await import('../../core/billing/sync.ts');
  const { ledgerOf } = await import('../../core/billing/reconcile.ts');
  const scope = await scopeOf(sink, config.profile.stack);
  const rows = await ledgerOf(await open(), scope, meters, { tenantId: id, ...days });
  const amount = amounts(meters);
  await cx.print<Shown>({
    kind: 'list',
    items: rows.map(shown),
    id: ({ meter, day }) => `${meter}#${day}`,
    columns: columnsWith(amount),
    empty: `${id} has used nothing that is billed`,
  });
}

type Shown = ReturnType<typeof shown>;

const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

/** A row as JSON has it: amounts are integers of 10^-scale units, times ISO-8601. */
function shown({
  tenantId,
  eventName,
  day,
  counter,
  confirmed,
  owed,
  inflight,
  flag,
  history,
  ...row
}: LedgerView) {
  return {
    tenantId,
    meter: eventName,
    day,
    counter,
    confirmed,
    owed,
    inflight:
      inflight === null
        ? null
        : {
            ...inflight,
            timestamp: isoTime(inflight.timestamp * 1000),
            firstAttemptAt: time(inflight.firstAttemptAt),
            markAt: time(inflight.markAt),
            absentSince: time(inflight.absentSince),
          },
    flag: flag === null ? null : { ...flag, at: isoTime(flag.at) },
    history: history.map((entry) => ({ ...entry, at: isoTime(entry.at) })),
    ...row,
  };
}

const columnsWith = (amount: ReturnType<typeof amounts>): Column<Shown>[] => [
  { header: 'day', value: ({ day }) => day },
  { header: 'meter', value: ({ meter }) => meter },
  { header: 'counter', value: ({ meter, counter }) => amount(meter, counter) },
  { header: 'confirmed', value: ({ meter, confirmed }) => amount(meter, confirmed) },
  { header: 'owed', value: ({ meter, owed }) => amount(meter, owed) },
  { header: 'on its way', value: ({ meter, inflight }) => amount(meter, inflight?.delta ?? null) },
  {
    header: 'flag',
    value: ({ flag }) => (flag === null ? null : `${flag.code}: ${flag.message}`),
    paint: (text, _, paint) => paint.yellow(text),
  },
  {
    header: 'last',
    value: ({ history }) => {
      const last = history.at(-1);
      return last === undefined ? null : `${last.event} ${last.at}`;
    },
  },
];
