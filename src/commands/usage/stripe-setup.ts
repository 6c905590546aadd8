import type { SetupStep } from '../../core/billing/stripe-account.ts';
import { visible } from '../../ui/visible.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, group, onRun } from '../define.ts';
import { confirmDanger } from '../mutate.ts';
import { billedMeters } from './billed.ts';

export function stripe(host: Host) {
  const setup = define('setup', {
    summary: 'Create at Stripe what is missing of the configured meters, products and prices',
    details:
      'Found by event name and lookup key, so a second run changes nothing. A price never changes: other terms become a new price,\nand whoever has subscribed keeps the old one. Nothing is deleted. With a live key it asks first.',
    examples: [
      'usage stripe setup --dry-run',
      'usage stripe setup',
      'usage stripe setup --profile prod --yes',
    ],
    store: false,
    exits: [4, 5, 6],
  }).addOption(dryRunOption());
  return group('stripe', 'Prepare Stripe for what is billed', [onRun(host, setup, runSetup)]);
}

interface Setup {
  account: string;
  mode: 'live' | 'test';
  outcome: 'unchanged' | 'updated' | 'planned';
  steps: readonly SetupStep[];
}

async function runSetup(cx: Context, { dryRun }: { dryRun?: boolean }): Promise<void> {
  billedMeters(await cx.config());
  const access = await cx.stripe();
  const account = await access.account();
  const { mode } = access;
  const steps = await access.planSetup();
  const missing = steps.filter(({ action }) => action !== 'none');
  if (missing.length === 0) return show(cx, { account, mode, outcome: 'unchanged', steps });
  if (dryRun === true) {
    cx.note(`dry run, nothing was changed at Stripe ${account} (${mode})`);
    return show(cx, { account, mode, outcome: 'planned', steps });
  }
  if (mode === 'live') {
    const lines = missing.map((step) =>
      visible(`+ ${step.action} ${step.kind} ${step.name}: ${step.detail}`),
    );
    await confirmDanger(cx, 'moderate', `set up Stripe account ${account}, live`, account, lines.join('\n'));
  }
  const done = await cx.uninterrupted(() => access.applySetup(steps));
  await show(cx, { account, mode, outcome: 'updated', steps: done });
}

async function show(cx: Context, setup: Setup): Promise<void> {
  const { format, query } = cx.globals;
  const { account, mode, outcome, steps } = setup;
  if (format === 'json' || format === 'yaml' || query !== undefined) {
    await cx.print<Setup>({ kind: 'one', item: setup, id: account, fields: [] });
    return;
  }
  await cx.print<SetupStep>({
    kind: 'list',
    items: steps,
    id: ({ id, name }) => id ?? name,
    columns: [
      { header: 'kind', value: ({ kind }) => kind },
      { header: 'name', value: ({ name }) => name },
      {
        header: 'action',
        value: ({ action }) => (action === 'none' ? 'unchanged' : action),
        paint: (text, { action }, paint) => (action === 'none' ? text : paint.green(text)),
      },
      { header: 'id', value: ({ id }) => id },
      { header: 'what', value: ({ detail }) => detail },
    ],
  });
  cx.note(`${outcome}; Stripe ${account} (${mode})`);
}
