import { resolve } from 'node:path';
import { Option } from 'commander';
import {
  type Comparison,
  compare,
  type Estimate,
  type EstimateLine,
  estimate as estimated,
  VARIANTS,
  type Variant,
} from '../../core/cost/estimate.ts';
import { type CostModel, parseCostModel } from '../../core/cost/model.ts';
import { usageError } from '../../core/errors.ts';
import { moneyText, plainAmount } from '../../ui/amount.ts';
import type { Column } from '../../ui/result.ts';
import type { Context, Host } from '../context.ts';
import { collect, define, onRun } from '../define.ts';

interface Options {
  model?: string;
  save?: string;
  prices?: string;
  tenants?: string;
  calls?: string;
  storage?: string;
  compare?: Variant[];
}

export function estimate(host: Host) {
  const command = define('estimate', {
    summary: 'What a month may cost, by a model of the workload that can be edited',
    details:
      'The model that ships has the workload, the sizes of a call and price lists with their date and source.\n' +
      '--save writes it to a file; --model calculates with the edited one. Nothing is asked of AWS.',
    examples: [
      'cost estimate',
      'cost estimate --tenants 10000 --calls 250 --storage 400',
      'cost estimate --compare x86 --compare s3 --compare pitr',
      'cost estimate --save cost-model.json',
      'cost estimate --model cost-model.json -o json',
    ],
    store: false,
  })
    .option('--model <file>', 'a model of your own in place of the one that ships')
    .option('--save <file>', 'write the model to a new file, and calculate nothing')
    .option('--prices <name>', 'a price list of the model')
    .option('--tenants <n>', 'tenants, in place of the model’s')
    .option('--calls <n>', 'calls of a tenant a day')
    .option('--storage <GB>', 'stored by all tenants together')
    .addOption(
      new Option(
        '--compare <what>',
        `against one thing different: ${VARIANTS.join(', ')}; may be repeated`,
      ).argParser((value: string, earlier: string[] | undefined) => collect(variant(value), earlier)),
    );
  return onRun(host, command, runEstimate);
}

function variant(value: string): Variant {
  const found = VARIANTS.find((one) => one === value);
  if (found !== undefined) return found;
  throw usageError('bad_compare', `--compare: '${value}' is nothing that the model can change`, {
    hint: `it is one of ${VARIANTS.join(', ')}`,
  });
}

async function runEstimate(cx: Context, options: Options): Promise<void> {
  const { files } = cx.deps;
  if (options.save !== undefined) return save(cx, resolve(cx.deps.cwd, options.save));
  const file = options.model === undefined ? null : resolve(cx.deps.cwd, options.model);
  const text = file === null ? await cx.deps.costModel() : await files.read(file);
  if (text === null) {
    throw usageError('no_cost_model', `--model: there is no ${file}`, {
      hint: 'the model that ships can be written there, and edited',
      next: `saasctl cost estimate --save ${options.model}`,
    });
  }
  const model = changed(parseCostModel(text, file ?? 'the model'), options);
  const prices = options.prices ?? model.use;
  const result = estimated(model, prices);
  const comparisons = (options.compare ?? []).map((one) => compare(model, prices, one));
  await print(cx, result, comparisons);
}

async function save(cx: Context, file: string): Promise<void> {
  if (!(await cx.deps.files.create(file, await cx.deps.costModel()))) {
    throw usageError('model_exists', `--save: ${file} is there already`, {
      hint: 'a file that may have been edited is never overwritten',
      next: `saasctl cost estimate --model ${file}`,
    });
  }
  await cx.print({ kind: 'text', text: `the model is at ${file}`, data: { file } });
}

/** The workload of the flags, in place of the model's. */
function changed(model: CostModel, { tenants, calls, storage }: Options): CostModel {
  const workload = { ...model.workload };
  if (tenants !== undefined)
    workload.tenants = Number(matching(/^[1-9]\d{0,8}$/, tenants, '--tenants', 'a whole number from 1'));
  if (calls !== undefined)
    workload.callsPerTenantPerDay = matching(/^\d{1,12}(\.\d{1,6})?$/, calls, '--calls', 'a number of calls');
  if (storage !== undefined)
    workload.storageGB = matching(/^\d{1,12}(\.\d{1,6})?$/, storage, '--storage', 'a number of gigabytes');
  return { ...model, workload };
}

function matching(pattern: RegExp, text: string, flag: string, wanted: string): string {
  if (pattern.test(text)) return text;
  throw usageError('bad_workload', `${flag}: '${text}' is not ${wanted}`, {
    hint: 'without unit and separators',
  });
}

async function print(cx: Context, result: Estimate, comparisons: readonly Comparison[]): Promise<void> {
  const { format, query } = cx.globals;
  if (format === 'json' || format === 'yaml' || query !== undefined) {
    const item = { ...result, comparisons };
    return cx.print({ kind: 'one', item, id: result.prices, fields: [] });
  }
  const columns: Column<EstimateLine>[] = [
    { header: 'service', value: ({ service }) => service },
    { header: 'what', value: ({ what }) => what },
    { header: 'quantity', value: ({ quantity }) => quantity, align: 'right' },
    { header: 'unit', value: ({ unit }) => unit },
    { header: 'price', value: ({ price }) => price, align: 'right' },
    { header: 'a month', value: ({ cost }) => plainAmount(cost), align: 'right' },
  ];
  await cx.print({ kind: 'list', items: result.lines, id: ({ what }) => what, columns });
  cx.note(
    `${moneyText(result.total)} a month for ${result.tenants} tenants and ${result.callsPerMonth} calls: ${result.perTenant.exact} each`,
  );
  for (const { variant: one, total, difference } of comparisons)
    cx.note(`${one}: ${moneyText(total)}, ${difference.minor < 0 ? '' : '+'}${plainAmount(difference)}`);
  cx.note(cx.paint.dim(`prices of ${result.asOf}, ${result.prices}: ${result.source}`));
  const unchecked = Object.entries(result.unchecked).map(([unit, from]) => `${unit} (${from})`);
  if (unchecked.length > 0) cx.note(cx.paint.dim(`not compared with that: ${unchecked.join(', ')}`));
}
