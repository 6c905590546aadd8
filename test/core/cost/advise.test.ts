import { describe, expect, it } from 'vitest';
import { type AdviseInput, advise } from '../../../src/core/cost/advise.ts';
import { allocate } from '../../../src/core/cost/allocate.ts';
import { DEFAULT_POLICY } from '../../../src/core/cost/drivers.ts';
import { costReport } from '../../../src/core/cost/report.ts';
import type { RevenueMonth } from '../../../src/core/cost/revenue.ts';
import type { CostLine, CostTenant, DriverAmounts } from '../../../src/core/cost/types.ts';
import { ZERO } from '../../../src/core/decimal.ts';
import { bill, dec, line, tenant } from './bills.ts';

interface Month {
  lines: CostLine[];
  tenants?: CostTenant[];
  usage?: Map<string, DriverAmounts>;
  revenue?: RevenueMonth['tenants'];
  callsByDay?: bigint[] | null;
}

/** kind, subject, cents a year, certainty. */
function adviceFor({
  lines,
  tenants = [tenant('acme')],
  usage = new Map(),
  revenue,
  callsByDay = null,
}: Month) {
  const october = bill(lines);
  const report = costReport({
    allocation: allocate({ bill: october, tenants, usage, policy: DEFAULT_POLICY }),
    bill: october,
    source: 'ce',
    by: 'tenant',
    tenant: null,
    tenants,
    revenue: revenue === undefined ? null : { month: '2026-10', tenants: revenue, strangers: 0 },
    queryCost: { requests: 0, amount: ZERO },
    notes: [],
  });
  const input: AdviseInput = { bill: october, report, tenants, usage, callsByDay };
  return advise(input).map(({ kind, subject, saving, certainty }) => [
    kind,
    subject,
    saving.minor,
    certainty,
  ]);
}
const dynamo = (amount: string, usageType: string, more: Partial<CostLine> = {}) =>
  line(amount, { service: 'Amazon DynamoDB', usageType, ...more });
const evenDays = Array.from({ length: 31 }, () => 100n);

describe('advice', () => {
  it('arm64 saves a fifth of what x86 compute costs, and nothing where all is arm64', () => {
    expect(adviceFor({ lines: [line('10', { usageType: 'USE1-Lambda-GB-Second' })] })).toEqual([
      ['arm64', 'AWS Lambda', 2400, 'high'],
    ]);
    expect(adviceFor({ lines: [line('10', { usageType: 'USE1-Lambda-GB-Second-ARM' })] })).toEqual([]);
  });

  it('provisioned capacity pays for on-demand use whose mean is above 28.9 % of its peak', () => {
    const lines = [dynamo('100', 'WriteRequestUnits')];
    // 1 − 0.289 of $100, twelve times.
    expect(adviceFor({ lines, callsByDay: evenDays })).toEqual([
      ['capacity', 'Amazon DynamoDB', 85_320, 'low'],
    ]);
    // One busy day of 31: 3 % of the peak. Days without a call may be left out.
    expect(adviceFor({ lines, callsByDay: [3100n] })).toEqual([]);
    expect(adviceFor({ lines, callsByDay: null })).toEqual([]);
  });

  it('on-demand pays for provisioned capacity that is used less than that', () => {
    // 744 unit-hours can take 2,678,400 calls.
    const lines = [dynamo('10', 'USE1-WriteCapacityUnit-Hrs', { quantity: dec('744') })];
    expect(adviceFor({ lines, callsByDay: [267_840n] })).toEqual([
      ['capacity', 'Amazon DynamoDB', 7847, 'low'],
    ]);
    expect(adviceFor({ lines, callsByDay: [1_000_000n] })).toEqual([]);
  });

  it('tables in Standard-IA save where storage outweighs traffic', () => {
    const storage = dynamo('10', 'TimedStorage-ByteHrs');
    expect(adviceFor({ lines: [storage, dynamo('4', 'WriteRequestUnits')] })).toEqual([
      ['table_class', 'Amazon DynamoDB', 6000, 'medium'],
    ]);
    expect(adviceFor({ lines: [storage, dynamo('40', 'WriteRequestUnits')] })).toEqual([]);
    expect(adviceFor({ lines: [dynamo('10', 'IA-TimedStorage-ByteHrs')] })).toEqual([]);
  });

  it('logs that are kept longer than they are written in a month are more than a month of them', () => {
    const logs = (kept: string) => [
      line('3', { service: 'AmazonCloudWatch', usageType: 'TimedStorage-ByteHrs', quantity: dec(kept) }),
      line('5', { service: 'AmazonCloudWatch', usageType: 'DataProcessing-Bytes', quantity: dec('10') }),
    ];
    expect(adviceFor({ lines: logs('40') })).toEqual([
      ['log_retention', 'Amazon CloudWatch Logs', 2700, 'medium'],
    ]);
    expect(adviceFor({ lines: logs('9') })).toEqual([]);
  });

  it('S3 may have what nobody reads', () => {
    const lines = [
      line('10', { service: 'Amazon Simple Storage Service', usageType: 'EUC1-TimedStorage-ByteHrs' }),
    ];
    expect(adviceFor({ lines })).toEqual([['storage_class', 'Amazon Simple Storage Service', 4800, 'low']]);
  });

  it('silo tenants without a call cost for nothing; deleted ones surely', () => {
    const silo = { isolation: 'silo' } as const;
    const gone = { ...silo, status: 'deleted', deletedAt: '2026-10-05T00:00:00.000Z' } as const;
    const tenants = [tenant('busy', silo), tenant('idle', silo), tenant('gone', gone), tenant('pooled')];
    const lines = tenants.map(({ id }) => line('2', { tenantTag: id, service: 'AWS KMS' }));
    expect(adviceFor({ lines, tenants, usage: new Map([['busy', { requests: 1n }]]) })).toEqual([
      ['idle_silo', 'gone', 2400, 'high'],
      ['idle_silo', 'idle', 2400, 'medium'],
    ]);
  });

  it('tenants that pay less than they cost come with what they lose, largest first', () => {
    const tenants = [tenant('a'), tenant('b'), tenant('c')];
    const lines = [
      line('2', { tenantTag: 'a' }),
      line('30', { tenantTag: 'b' }),
      line('3', { tenantTag: 'c' }),
    ];
    const paid = (tenantId: string, revenue: bigint) => ({ tenantId, currency: 'USD', revenue, fees: 50n });
    expect(
      adviceFor({ lines, tenants, revenue: [paid('a', 200n), paid('b', 2900n), paid('c', 2900n)] }),
    ).toEqual([
      ['loss', 'b', 1800, 'high'],
      ['loss', 'a', 600, 'high'],
    ]);
  });

  it('is nothing where nothing can be saved', () => {
    expect(adviceFor({ lines: [] })).toEqual([]);
  });
});
