import { type Advice, advise as advised } from '../../core/cost/advise.ts';
import { wholeReport } from '../../core/cost/report.ts';
import { amountText, moneyText } from '../../ui/amount.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';
import { gather } from './gather.ts';
import { chosenMonths, chosenSource } from './options.ts';
import { reportsOf } from './reports.ts';

interface Options {
  month: string;
  source?: string;
  tenantTag?: string;
}

export function advise(host: Host) {
  const command = define('advise', {
    summary: 'What would save money, from the bill and what was metered: how much a year, and how sure it is',
    details:
      'Capacity, processors, log retention, storage classes, idle silo tenants, tenants whose plan loses money.\n' +
      'high: arithmetic on the bill; medium: an assumption that is said; low: a hint to look closer.',
    examples: ['cost advise', 'cost advise --month this -o json'],
    exits: [3],
  })
    .option('--month <month>', 'yyyy-mm, this or last', 'last')
    .option('--source <source>', 'ce, focus:<file or folder> or sample')
    .option('--tenant-tag <key>', 'key of the tag that names the tenant');
  return onRun(host, command, runAdvise);
}

async function runAdvise(cx: Context, options: Options): Promise<void> {
  const months = chosenMonths({ month: options.month }, cx.now());
  const config = await cx.config();
  const source = chosenSource(options.source, config, cx.deps.cwd);
  const tenantTag = options.tenantTag ?? config.project.cost.tenantTag;
  const gathered = await gather(cx, { months, source, tenantTag, detail: 'services' });
  const [month] = gathered.months;
  const [streamed] = reportsOf(gathered, 'tenant', null);
  if (month === undefined || streamed === undefined) return;
  const report = wholeReport(streamed);
  const { bill, usage, callsByDay } = month;
  const advice = advised({
    bill,
    report,
    tenants: gathered.tenants,
    usage: usage(),
    callsByDay: callsByDay.length === 0 ? null : callsByDay,
  });
  await print(cx, advice);
  for (const note of report.notes) cx.note(note);
}

const SURE = { high: 'green', medium: 'yellow', low: 'dim' } as const;

async function print(cx: Context, advice: readonly Advice[]): Promise<void> {
  const currencies = new Set(advice.map(({ saving }) => saving.currency));
  await cx.print<Advice>({
    kind: 'list',
    items: advice,
    id: ({ subject }) => subject,
    columns: [
      { header: 'what', value: ({ kind }) => kind },
      { header: 'subject', value: ({ subject }) => subject },
      {
        header: 'saving a year',
        value: ({ saving }) => (currencies.size === 1 ? amountText(saving) : moneyText(saving)),
        align: 'right',
      },
      {
        header: 'sure',
        value: ({ certainty }) => certainty,
        paint: (text, { certainty }, paint) => paint[SURE[certainty]](text),
      },
      { header: 'how', value: ({ how }) => how },
      { header: 'why', value: ({ why }) => why },
    ],
    empty: 'nothing to advise: the bill and the usage of the month show nothing that would save money',
  });
}
