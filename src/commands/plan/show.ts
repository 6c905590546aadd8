import { findPlan, type Plan } from '../../core/plans.ts';
import type { Column } from '../../ui/result.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';

const amount = (limit: number | null): string => (limit === null ? 'unlimited' : String(limit));

const columns: Column<Plan>[] = [
  { header: 'plan', value: ({ name }) => name },
  { header: 'calls/month', value: ({ apiCallsPerMonth }) => amount(apiCallsPerMonth) },
  { header: 'storage bytes', value: ({ storageBytes }) => amount(storageBytes) },
  { header: 'users', value: ({ maxUsers }) => amount(maxUsers) },
  { header: 'rate/s', value: ({ rate }) => amount(rate) },
  { header: 'burst', value: ({ burst }) => burst },
  { header: 'lease', value: ({ lease }) => lease },
  { header: 'overage', value: ({ overage }) => overage },
  { header: 'features', value: ({ features }) => features.join(' ') },
];

export function list(host: Host) {
  const command = define('list', { summary: 'List the plans', examples: ['plan list'], store: false });
  return onRun(host, command, async (cx: Context) => {
    const { project } = await cx.config();
    await cx.print({
      kind: 'list',
      items: Object.entries(project.plans).map(([name, plan]) => ({ name, ...plan })),
      id: ({ name }) => name,
      columns,
      empty: 'no plans in the project file',
    });
  });
}

export function show(host: Host) {
  const command = define('show <plan>', {
    summary: 'Show one plan',
    examples: ['plan show pro'],
    store: false,
  });
  return onRun(host, command, async (cx: Context, name: string) => {
    const plan = findPlan((await cx.config()).project.plans, name);
    await cx.print({ kind: 'one', item: plan, id: name, fields: columns });
  });
}
