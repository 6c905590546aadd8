import { describe, expect, it } from 'vitest';
import { type AllocationInput, allocate } from '../../../src/core/cost/allocate.ts';
import { DEFAULT_POLICY } from '../../../src/core/cost/drivers.ts';
import { costReport, type ReportInput } from '../../../src/core/cost/report.ts';
import type { CostLine, DriverAmounts, Policy } from '../../../src/core/cost/types.ts';
import { formatDecimal, ZERO } from '../../../src/core/decimal.ts';
import type { SaasctlError } from '../../../src/core/errors.ts';
import { bill, dec, line, tenant } from './bills.ts';

const TENANTS = [tenant('acme'), tenant('bolt'), tenant('cove')];
const USAGE = new Map<string, DriverAmounts>([
  ['acme', { requests: 3n, compute_seconds: 1n, byte_hours: 1n }],
  ['bolt', { requests: 1n, compute_seconds: 1n }],
]);

const given = (lines: readonly CostLine[], more: Partial<AllocationInput> = {}): AllocationInput => ({
  bill: bill(lines),
  tenants: TENANTS,
  usage: USAGE,
  policy: DEFAULT_POLICY,
  ...more,
});
const policy = (more: Partial<Policy>): { policy: Policy } => ({ policy: { ...DEFAULT_POLICY, ...more } });

/** Who carries what, in the bill's currency. */
function carried(input: AllocationInput) {
  const { tenants, totals, scale, unallocated } = allocate(input);
  const { ids, direct, allocated, overhead } = tenants;
  const amount = (units: number | bigint = 0) => formatDecimal({ units: BigInt(units), scale });
  return {
    ...Object.fromEntries(
      ids.map((id, at) => [
        id,
        [direct, allocated, overhead].map((column) => amount(column[at])).join(' + '),
      ]),
    ),
    ...(totals.unallocated === 0n ? {} : { '(unallocated)': amount(totals.unallocated) }),
    ...(unallocated.length === 0
      ? {}
      : {
          why: unallocated.map(({ reason, tag, driver, service }) =>
            [reason, tag ?? driver ?? service].join(' '),
          ),
        }),
  };
}

const report = (input: AllocationInput, more: Partial<ReportInput> = {}) =>
  costReport({
    allocation: allocate(input),
    bill: input.bill,
    source: 'ce',
    by: 'tenant',
    tenant: null,
    tenants: input.tenants,
    revenue: null,
    queryCost: { requests: 3, amount: dec('0.03') },
    notes: [],
    ...more,
  });

describe('who carries what', () => {
  it('tagged cost is the tenant’s, shared cost follows its driver, the rest what everybody costs so far', () => {
    expect(
      carried(
        given([
          line('5', { tenantTag: 'cove' }),
          line('8', { service: 'Amazon API Gateway', usageType: 'USE1-ApiGatewayHttpRequest' }),
          line('1.3', { service: 'AWS Key Management Service', usageType: 'KMS-Keys' }),
        ]),
      ),
    ).toEqual({ acme: '0 + 6 + 0.6', bolt: '0 + 2 + 0.2', cove: '5 + 0 + 0.5' });
  });

  it.each([
    ['Amazon DynamoDB', 'USE1-TimedStorage-ByteHrs', 'byte_hours'],
    ['Amazon DynamoDB', 'WriteRequestUnits', 'write_units'],
    ['Amazon DynamoDB', 'EUC1-ReadRequestUnits', 'requests'],
    ['AmazonDynamoDB', null, 'requests'],
    ['AWS Lambda', 'Lambda-GB-Second-ARM', 'compute_seconds'],
    ['AWS Lambda', 'USE1-Request-ARM', 'requests'],
    ['Amazon CloudWatch', 'DataProcessing-Bytes', 'requests'],
    ['AmazonCloudWatch', 'TimedStorage-ByteHrs', 'requests'],
    ['Amazon Simple Storage Service', 'TimedStorage-ByteHrs', 'byte_hours'],
    ['Amazon Simple Storage Service', 'Requests-Tier1', 'requests'],
    ['AWS CloudTrail', 'DataEventsRecorded', 'overhead'],
  ])('%s %s is split by %s', (service, usageType, driver) => {
    expect(allocate(given([line('1', { service, usageType })])).pools).toMatchObject([{ driver }]);
  });

  it('drivers of the project’s own come first: any metric, several in order of preference, one for every tenant', () => {
    const drivers = {
      lambda: ['gpu_seconds', 'requests'],
      'AWS Key Management Service': 'even',
      'Amazon Route 53': 'unallocated',
    } as const;
    expect(
      carried(
        given(
          [
            line('4'),
            line('3', { service: 'AWS Key Management Service' }),
            line('7', { service: 'Amazon Route 53' }),
          ],
          policy({ drivers }),
        ),
      ),
    ).toEqual({
      acme: '0 + 4 + 0',
      bolt: '0 + 2 + 0',
      cove: '0 + 1 + 0',
      '(unallocated)': '7',
      why: ['policy Amazon Route 53'],
    });
  });

  it('a tag of nobody is named, never spread', () => {
    expect(
      carried(given([line('5', { tenantTag: 'acme' }), line('2', { tenantTag: 'old-import' })])),
    ).toEqual({
      acme: '5 + 0 + 0',
      bolt: '0 + 0 + 0',
      cove: '0 + 0 + 0',
      '(unallocated)': '2',
      why: ['unknown_tenant old-import'],
    });
  });

  it('a month without usage leaves its pools unallocated, and says by which driver', () => {
    expect(carried(given([line('5', { usageType: 'Request' })], { usage: new Map() }))).toMatchObject({
      '(unallocated)': '5',
      why: ['no_usage requests'],
    });
  });

  it('cost that is the same for every tenant of a month without any has no tenants, whatever was used', () => {
    const even = policy({ drivers: { lambda: 'even' } });
    expect(carried(given([line('5')], { ...even, tenants: [] }))).toMatchObject({
      why: ['no_tenants AWS Lambda'],
    });
  });

  it('overhead in proportion to cost, of which nobody has any, says that, and nothing of use', () => {
    expect(carried(given([line('5', { service: 'AWS KMS' })]))).toMatchObject({
      '(unallocated)': '5',
      why: ['no_cost AWS KMS'],
    });
  });

  it('usage of an id that is no tenant takes its share with it', () => {
    const usage = new Map([...USAGE, ['gone', { requests: 4n }] as const]);
    expect(carried(given([line('8', { usageType: 'Request' })], { usage }))).toEqual({
      acme: '0 + 3 + 0',
      bolt: '0 + 1 + 0',
      cove: '0 + 0 + 0',
      '(unallocated)': '4',
      why: ['unknown_tenant gone'],
    });
  });

  it('overhead is proportional, the same for all, or nobody’s; never a later tenant’s', () => {
    const lines = [line('2', { tenantTag: 'acme' }), line('4', { service: 'AWS KMS' })];
    const tenants = [
      tenant('acme'),
      tenant('bolt'),
      tenant('late', { createdAt: '2026-11-01T00:00:00.000Z' }),
    ];
    const by = (overhead: Policy['overhead']) => carried(given(lines, { tenants, ...policy({ overhead }) }));
    expect(by('proportional')).toEqual({ acme: '2 + 0 + 4', bolt: '0 + 0 + 0', late: '0 + 0 + 0' });
    expect(by('even')).toEqual({ acme: '2 + 0 + 2', bolt: '0 + 0 + 2', late: '0 + 0 + 0' });
    expect(by('none')).toMatchObject({ acme: '2 + 0 + 0', '(unallocated)': '4', why: ['policy AWS KMS'] });
  });

  it('credits go where their service’s cost went, unless the policy says otherwise', () => {
    const lines = [
      line('6', { tenantTag: 'cove' }),
      line('8', { usageType: 'Request' }),
      line('-7', { recordType: 'credit' }),
      line('-1', { recordType: 'refund', tenantTag: 'acme', service: 'AWS KMS' }),
    ];
    expect(carried(given(lines))).toEqual({ acme: '-1 + 3 + 0', bolt: '0 + 1 + 0', cove: '6 + -3 + 0' });
    const excluded = allocate(given(lines, policy({ credits: 'exclude', refunds: 'unallocated' })));
    expect(
      [excluded.bill, excluded.excluded, excluded.totals.unallocated].map((n) => n / 10n ** 10n),
    ).toEqual([13n, -7n, -1n]);
  });

  it('a credit for a service of which few tenants have some is theirs in that part alone', () => {
    const KMS = 'AWS Key Management Service';
    const lines = [
      line('1', { service: KMS, tenantTag: 'cove' }),
      line('2', { service: KMS, tenantTag: 'a-stranger' }),
      line('7', { service: KMS }),
      line('-5', { service: KMS, recordType: 'credit' }),
    ];
    // A tenth of the service is cove's, a fifth nobody's, and the rest overhead, which cove alone carries here.
    expect(carried(given(lines, policy({ overhead: 'even' })))).toEqual({
      acme: '0 + 0 + 1.1666666666',
      bolt: '0 + 0 + 1.1666666667',
      cove: '1 + -0.5 + 1.1666666667',
      '(unallocated)': '1',
      why: ['unknown_tenant a-stranger'],
    });
  });

  it('features move nothing between tenants, also where a credit follows what is nobody’s', () => {
    const LAMBDA = { service: 'AWS Lambda', tenantTag: 'a-stranger' };
    const carriedWith = (feature: string | null) =>
      carried(
        given([
          line('2', { tenantTag: 'cove' }),
          line('10', LAMBDA),
          line('-8', { ...LAMBDA, feature }),
          line('-4', { recordType: 'credit' }),
        ]),
      );
    expect(carriedWith('exports')).toEqual(carriedWith(null));
  });

  it('lines that are not the total allocate nothing, and say by how much', () => {
    const input = given([line('5'), line('0.0000000001')]);
    const error: SaasctlError = (() => {
      try {
        allocate({ ...input, bill: { ...input.bill, total: dec('5.01') } });
      } catch (thrown) {
        return thrown as SaasctlError;
      }
      throw new Error('it did not fail');
    })();
    expect(error).toMatchObject({ code: 'cost_does_not_add_up', exitCode: 6, retryable: true });
    expect(error.message).toContain('0.0099999999 USD apart');
  });
});

describe('the report', () => {
  const lines = [
    line('10', { usageType: 'Request' }),
    line('0.01', { tenantTag: 'cove' }),
    line('1', { tenantTag: 'x' }),
  ];

  it('has the fields that scripts read', () => {
    const { rows, totals, coverage, queryCost, ...rest } = report(given(lines));
    expect(totals.bill).toEqual({ minor: 1101, currency: 'USD', exact: '11.01' });
    expect(rows.map(({ tenantId, cost }) => [tenantId, cost.minor])).toEqual([
      ['acme', 750],
      ['bolt', 250],
      ['cove', 1],
      ['(unallocated)', 100],
    ]);
    expect(coverage).toEqual({
      direct: 0.1,
      allocated: 90.8,
      overhead: 0,
      unallocated: 9.1,
      meteringDrift: null,
    });
    expect(queryCost).toEqual({ minor: 3, currency: 'USD', exact: '0.03', requests: 3 });
    expect(rest).toMatchObject({
      month: '2026-10',
      currency: 'USD',
      source: 'ce',
      estimated: false,
      by: 'tenant',
    });
  });

  it('keeps a deleted tenant that cost something by its name, and leaves out one that did not', () => {
    const gone = { status: 'deleted', deletedAt: '2026-09-01T00:00:00.000Z' } as const;
    const tenants = [...TENANTS, tenant('old', { ...gone, name: 'Old Ltd' }), tenant('older', gone)];
    const { rows } = report(given([...lines, line('3', { tenantTag: 'old' })], { tenants }));
    expect(rows.map(({ tenantId, name, status }) => [tenantId, name, status])).toEqual([
      ['acme', 'acme', 'active'],
      ['old', 'Old Ltd', 'deleted'],
      ['bolt', 'bolt', 'active'],
      ['cove', 'cove', 'active'],
      ['(unallocated)', null, null],
    ]);
  });

  it('shows one tenant with the shares it has among all', () => {
    const whole = report(given(lines));
    const one = report(given(lines), { tenant: 'bolt' });
    expect(one.rows).toEqual([whole.rows[1]]);
    expect(one.totals).toEqual(whole.totals);
    const services = report(given(lines), { tenant: 'bolt', by: 'service' });
    expect(services.rows.map(({ service, cost }) => [service, cost.minor])).toEqual([['AWS Lambda', 250]]);
    expect(() => report(given(lines), { tenant: 'nobody' })).toThrow("no tenant 'nobody'");
  });

  it('takes revenue less fees and cost as margin, and never mixes currencies', () => {
    const revenue = {
      month: '2026-10',
      tenants: [
        { tenantId: 'acme', currency: 'USD', revenue: 2900n, fees: 114n },
        { tenantId: 'bolt', currency: 'EUR', revenue: 2900n, fees: 114n },
      ],
      strangers: 0,
    };
    const { rows, totals, notes } = report(given(lines), { revenue });
    const shown = rows.map((row) => [row.tenantId, row.revenue?.minor, row.fees?.minor, row.margin?.minor]);
    expect(shown).toEqual([
      ['acme', 2900, 114, 2036],
      ['bolt', 2900, 114, undefined],
      ['cove', 0, 0, -1],
      ['(unallocated)', undefined, undefined, undefined],
    ]);
    expect(rows[0]?.margin).toEqual({ minor: 2036, currency: 'USD', exact: '20.36' });
    expect([totals.revenue, totals.margin]).toEqual([null, null]);
    expect(notes.join()).toContain('1 tenant pays in EUR, the bill is in USD');
  });

  it('rounds to whole yen and to a thousandth of a dinar', () => {
    const thirds = new Map<string, DriverAmounts>(TENANTS.map(({ id }) => [id, { requests: 1n }]));
    const minors = (currency: string) => {
      const input = given([line('100', { usageType: 'Request' })], { usage: thirds });
      return report({ ...input, bill: { ...input.bill, currency } }).rows.map(({ cost }) => cost.minor);
    };
    expect(minors('JPY')).toEqual([34, 33, 33]);
    expect(minors('KWD')).toEqual([33334, 33333, 33333]);
  });

  it('says how far metering and the bill of API Gateway are apart', () => {
    const gateway = line('1', {
      service: 'Amazon API Gateway',
      usageType: 'USE1-ApiGatewayHttpRequest',
      quantity: dec('5'),
    });
    expect(report(given([gateway])).coverage.meteringDrift).toEqual({ metered: 4, billed: 5, percent: 25 });
  });

  it('of a month without any cost is all zeros', () => {
    const { totals, coverage, rows } = report(given([]));
    expect(totals.bill).toEqual({ minor: 0, currency: 'USD', exact: '0' });
    expect(coverage.unallocated).toBeNull();
    expect(rows).toHaveLength(3);
    expect(report(given([]), { queryCost: { requests: 0, amount: ZERO } }).queryCost.requests).toBe(0);
  });
});
