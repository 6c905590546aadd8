import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compare, estimate } from '../../../src/core/cost/estimate.ts';
import { type CostModel, parseCostModel } from '../../../src/core/cost/model.ts';
import { ROOT } from '../../fixtures/cli.ts';

const TEXT = readFileSync(join(ROOT, 'templates', 'cost-model.json'), 'utf8');
const model = parseCostModel(TEXT, 'cost-model.json');
const dollars = (minor: number): string => (minor / 100).toFixed(2);

describe('the model that ships: 1,000 tenants × 100 calls a day, 50 GB, us-east-1', () => {
  it('costs $23.15 a month, line by line', () => {
    const { lines, total, perTenant, callsPerMonth, asOf } = estimate(model, model.use);
    expect(lines.map(({ service, what, cost }) => `${service}, ${what}: ${dollars(cost.minor)}`)).toEqual([
      'API Gateway, HTTP API calls: 3.00',
      'Lambda, invocations: function and authorizer: 1.20',
      'Lambda, compute, arm64: 1.35',
      'DynamoDB, writes: 2.25',
      'DynamoDB, reads: 0.75',
      'CloudWatch, logs: 2.10',
      'DynamoDB, storage: 12.50',
    ]);
    expect([dollars(total.minor), callsPerMonth, perTenant.exact]).toEqual([
      '23.15',
      '3000000',
      '0.02315000675',
    ]);
    expect(lines.reduce((sum, { cost }) => sum + cost.minor, 0)).toBe(total.minor);
    expect(asOf).toMatch(/^2026-/);
  });

  it.each([
    ['x86', '23.49'],
    ['s3', '11.80'],
    ['pitr', '33.15'],
    ['metrics', '323.15'],
    ['arm64', '23.15'],
  ] as const)('with %s costs $%s', (variant, wanted) => {
    const { total, difference } = compare(model, model.use, variant);
    expect(dollars(total.minor)).toBe(wanted);
    expect(difference.minor).toBe(total.minor - estimate(model, model.use).total.minor);
  });

  it('cost $26.49 at the prices before November 2024 on x86', () => {
    const { total, lines } = estimate(model, 'us-east-1 before 2024-11', ['x86']);
    expect(dollars(total.minor)).toBe('26.49');
    expect(lines.reduce((sum, { cost }) => sum + cost.minor, 0)).toBe(2649);
  });

  it('saves $0.34 by arm64', () => {
    expect(compare(model, model.use, 'x86').difference.minor).toBe(34);
  });
});

describe('an edited model', () => {
  const edited = (change: (model: CostModel) => void): string => {
    const copy = structuredClone(model);
    change(copy);
    return JSON.stringify(copy);
  };
  const wrong = (text: string) => () => parseCostModel(text, 'my.json');

  it('says what is wrong with it, and where', () => {
    expect(wrong('{')).toThrow(/^my\.json: it is not JSON/);
    expect(wrong('[]')).toThrow('my.json: it must be an object');
    expect(wrong(edited((one) => Object.assign(one.workload, { tenants: 0 })))).toThrow(
      'my.json: workload.tenants must be a whole number from 1',
    );
    expect(wrong(edited((one) => Object.assign(one.perCall, { readUnits: 2 })))).toThrow(
      'my.json: perCall.readUnits must be a decimal number in quotes',
    );
    expect(wrong(edited((one) => Object.assign(one.choices, { pitr: 'no' })))).toThrow(
      'choices.pitr must be true or false',
    );
    expect(wrong(edited((one) => Object.assign(one.prices, { mine: { currency: 'usd' } })))).toThrow(
      'prices.mine.currency must be',
    );
    expect(wrong(edited((one) => Object.assign(one, { use: 'mars-1' })))).toThrow(
      "use: there are no prices 'mars-1'",
    );
    expect(wrong(edited((one) => Object.assign(one.workload, { tennants: 5 })))).toThrow(
      'which is not a setting',
    );
  });

  it('is told which price lists there are', () => {
    expect(() => estimate(model, 'eu-central-1')).toThrow("the cost model has no prices 'eu-central-1'");
  });
});
