import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFocus } from '../../../src/adapters/cost/focus/source.ts';
import { openSample } from '../../../src/adapters/cost/sample.ts';
import { allocate } from '../../../src/core/cost/allocate.ts';
import { DEFAULT_POLICY } from '../../../src/core/cost/drivers.ts';
import type { Bill } from '../../../src/core/cost/types.ts';
import { formatDecimal } from '../../../src/core/decimal.ts';
import type { SaasctlError } from '../../../src/core/errors.ts';
import { tenant } from '../../core/cost/bills.ts';
import { ROOT } from '../../fixtures/cli.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'saasctl-focus-'));
});
afterEach(() => rm(folder, { recursive: true }));

type Row = Record<string, string>;
const ROW: Row = {
  BilledCost: '1.5',
  BillingAccountId: '111122223333',
  BillingCurrency: 'USD',
  BillingPeriodStart: '2026-10-01 00:00:00',
  ChargeCategory: 'Usage',
  ChargePeriodEnd: '2026-10-31 23:59:59',
  ConsumedQuantity: '7',
  ProviderName: 'AWS',
  ServiceName: 'AWS Lambda',
  Tags: '{}',
  x_UsageType: 'USE1-Request',
};
const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Rows as an export writes them; columns in the order of the first row. */
function csv(rows: readonly Row[], end = '\n'): string {
  const full = rows.map((row): Row => ({ ...ROW, ...row }));
  const header = Object.keys(full[0] ?? ROW);
  return [header, ...full.map((row) => header.map((name) => quoted(row[name] ?? '')))]
    .map((cells) => cells.join(',') + end)
    .join('');
}

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function read(path: string, months = ['2026-10'], tenantKey = 'saasctl-tenant') {
  const source = openFocus({ path, tenantKey, featureKey: 'saasctl-feature', now: () => NOW });
  const bills = await source.bills({ months, detail: 'services' });
  return { bills, notes: source.notes() };
}
const bill = async (path: string): Promise<Bill> => (await read(path)).bills[0] as Bill;
const shown = ({ lines }: Bill) =>
  lines.map(
    (line) =>
      `${formatDecimal(line.amount)} ${line.recordType} ${line.service} ${line.usageType} ${line.tenantTag} ${line.feature}`,
  );
const refused = async (promise: Promise<unknown>): Promise<SaasctlError> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: SaasctlError) => error,
  );

describe('FOCUS files', () => {
  it('are added up by what a report can tell apart: tenant, feature, service, kind, usage type of what is shared', async () => {
    const path = await file(
      'focus.csv',
      csv([
        { BilledCost: '0.00000000001' },
        { BilledCost: '1E-6' },
        { BilledCost: '2', Tags: '{"saasctl-tenant": "acme", "saasctl-feature": "search"}' },
        { BilledCost: '3', Tags: '{"user:saasctl-tenant": "we\\"ird, $tag"}', x_UsageType: 'Other' },
        { BilledCost: '-0.5', ChargeCategory: 'Credit', x_UsageType: 'NULL', ConsumedQuantity: 'NULL' },
        { BilledCost: '4', ChargeCategory: 'Tax', ServiceName: 'NULL', Tags: 'NULL', x_UsageType: '' },
        { BilledCost: '29', ServiceName: 'AWS Support (Developer)', x_UsageType: '' },
      ]),
    );
    const october = await bill(path);
    expect(shown(october)).toEqual([
      '0.00000100001 usage AWS Lambda USE1-Request null null',
      '2 usage AWS Lambda null acme search',
      '3 usage AWS Lambda null we"ird, $tag null',
      '-0.5 credit AWS Lambda null null null',
      '4 tax null null null null',
      '29 support AWS Support (Developer) null null null',
    ]);
    expect(formatDecimal(october.total)).toBe('37.50000100001');
    expect(october).toMatchObject({
      currency: 'USD',
      estimated: false,
      dataThrough: '2026-10-31T23:59:59.000Z',
      accounts: ['111122223333'],
    });
    expect(formatDecimal(october.lines[0]?.quantity ?? { units: 0n, scale: 0 })).toBe('14');
  });

  it.each([
    ['plain', (text: string) => Buffer.from(text)],
    ['gzip', (text: string) => gzipSync(text)],
    [
      'gzip in two members',
      (text: string) => Buffer.concat([gzipSync(text.slice(0, 100)), gzipSync(text.slice(100))]),
    ],
    ['with a byte order mark', (text: string) => Buffer.from(`\ufeff${text}`)],
    ['with CRLF', (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'))],
    ['without a last line end', (text: string) => Buffer.from(text.trimEnd())],
  ])('are read %s, whatever they are called', async (_, encode) => {
    const path = await file('export', encode(csv([{}, { BilledCost: '0.25' }])));
    expect(formatDecimal((await bill(path)).total)).toBe('1.75');
  });

  it.each([
    '2026-10-01 00:00:00',
    '2026-10-01T00:00:00Z',
    '2026-10-01T00:00:00.000Z',
    '2026-10-01',
    '2026-10-01 00:00:00 UTC',
    '2026-10-01T00:00:00+00:00',
    '2026-09-30T20:00:00-04:00',
  ])('name the month as %s', async (BillingPeriodStart) => {
    expect((await bill(await file('f.csv', csv([{ BillingPeriodStart }])))).month).toBe('2026-10');
  });

  it('a feature called null is not the lack of one', async () => {
    const { lines } = await bill(await file('f.csv', csv([{}, { Tags: '{"saasctl-feature":"null"}' }])));
    expect(lines.map(({ feature }) => feature)).toEqual([null, 'null']);
  });

  it('a tag that holds an object is shown as it is written', async () => {
    const values = ['{"id":"acme"}', '["acme","bolt"]', '7', 'true'];
    const path = await file('f.csv', csv(values.map((value) => ({ Tags: `{"saasctl-tenant": ${value}}` }))));
    expect((await bill(path)).lines.map(({ tenantTag }) => tenantTag)).toEqual(values);
  });

  it('of 1.2 and of other providers have other names for columns', async () => {
    const renamed = csv([{ InvoiceId: 'NULL' }])
      .replace('ProviderName', 'Provider')
      .replace('x_UsageType', 'SkuMeter')
      .replace('BilledCost', 'billed_cost');
    const october = await bill(await file('f.csv', renamed));
    expect(shown(october)).toEqual(['1.5 usage AWS Lambda USE1-Request null null']);
    // Without an invoice the month is not closed.
    expect(october.estimated).toBe(true);
  });

  it('may be many, of several months, in folders', async () => {
    await file(
      'data/BILLING_PERIOD=2026-09/a-1.csv',
      csv([{ BillingPeriodStart: '2026-09-01 00:00:00', BilledCost: '7' }]),
    );
    await file('data/BILLING_PERIOD=2026-10/a-1.csv.gz', gzipSync(csv([{}])));
    await file('data/BILLING_PERIOD=2026-10/a-2.csv.gz', gzipSync(csv([{ BilledCost: '2' }])));
    await file('metadata/manifest.json', '{}');
    const { bills } = await read(folder, ['2026-09', '2026-10']);
    expect(bills.map(({ month, total }) => [month, formatDecimal(total)])).toEqual([
      ['2026-09', '7'],
      ['2026-10', '3.5'],
    ]);
  });

  it('may stand beside what is not read, and that is said', async () => {
    await file('f/a.csv', csv([{}]));
    await file('f/b.snappy.parquet', 'PAR1');
    await file('f/manifest.json', '{}');
    expect((await read(join(folder, 'f'))).notes).toEqual([expect.stringContaining('b.snappy.parquet')]);
  });

  it('of several providers are allocated together, and that is said', async () => {
    const path = await file(
      'f.csv',
      csv([{}, { ProviderName: 'Microsoft', BilledCost: '4', ServiceName: 'Storage' }]),
    );
    const { bills, notes } = await read(path);
    expect(formatDecimal(bills[0]?.total ?? { units: 0n, scale: 0 })).toBe('5.5');
    expect(notes).toEqual(['2026-10 has 2 providers, all allocated: AWS 1.5, Microsoft 4']);
  });

  it('are split by any tag key', async () => {
    const path = await file(
      'f.csv',
      csv([{ Tags: '{"Customer:Id": "acme"}' }, { Tags: '{"user_customer_id": "bolt"}' }]),
    );
    const [october] = (await read(path, ['2026-10'], 'Customer:Id')).bills;
    expect(october?.lines.map(({ tenantTag }) => tenantTag)).toEqual(['acme', 'bolt']);
  });
});

describe('FOCUS files that cannot be trusted are refused whole', () => {
  const rows = Array.from({ length: 200 }, (_, at) => ({ BilledCost: `0.${at + 1}`, Tags: '{"a": "b, c"}' }));

  it.each([0.2, 0.5, 0.9, 0.999])('a gzip file of which %f is there', async (part) => {
    const whole = gzipSync(csv(rows));
    const error = await refused(
      read(await file('f.csv.gz', whole.subarray(0, Math.floor(whole.length * part)))),
    );
    expect(error).toMatchObject({ code: 'focus_cut_short', exitCode: 2 });
    expect(error.message).toContain('f.csv.gz');
  });

  it('a gzip file with a damaged byte', async () => {
    const whole = gzipSync(csv(rows));
    whole[whole.length - 6] = (whole[whole.length - 6] ?? 0) ^ 0xff;
    expect(await refused(read(await file('f.csv.gz', whole)))).toMatchObject({ code: 'focus_gzip' });
  });

  it('a CSV file cut off in a row, or in quotes', async () => {
    const whole = csv(rows);
    expect(await refused(read(await file('a.csv', whole.slice(0, whole.lastIndexOf('AWS')))))).toMatchObject({
      code: 'focus_row',
    });
    expect(await refused(read(await file('b.csv', whole.slice(0, whole.lastIndexOf('b, c')))))).toMatchObject(
      { code: 'focus_cut_short' },
    );
  });

  it('a quote that is never closed, long before all that follows is in memory', async () => {
    const [header = ''] = csv([{}]).split('\n');
    const open = `${header}\n1.5,"${'x'.repeat(3_000_000)}`;
    expect(await refused(read(await file('f.csv', open)))).toMatchObject({
      code: 'focus_row',
      message: expect.stringContaining('row 2: it is longer than 1 MiB'),
    });
  });

  it('a changed header, by the columns it lacks', async () => {
    const error = await refused(
      read(await file('f.csv', csv([{}]).replace('BilledCost', 'Cost').replace('ServiceName', 'Product'))),
    );
    expect(error).toMatchObject({ code: 'focus_header', exitCode: 2 });
    expect(error.message).toContain('lacks the columns BilledCost, ServiceName');
    expect(error.next).toMatch(/^head -1 /);
  });

  it.each([
    [{ BilledCost: '1,5' }, 'BilledCost is "1,5", not a number'],
    [{ BilledCost: 'NULL' }, 'BilledCost is "", not a number'],
    [{ BillingPeriodStart: '10/01/2026' }, 'BillingPeriodStart is "10/01/2026", not a time'],
    [{ BillingPeriodStart: '2026-13-01' }, 'BillingPeriodStart is "2026-13-01", not a time'],
    [{ ChargeCategory: 'constructor' }, 'ChargeCategory is "constructor", which FOCUS does not have'],
    [{ BilledCost: '99999999999999999999' }, 'BilledCost is "99999999999999999999", more than any bill has'],
    [{ BilledCost: '-1E30' }, 'BilledCost is "-1E30", more than any bill has'],
    [{ ChargeCategory: 'Gift' }, 'ChargeCategory is "Gift", which FOCUS does not have'],
    [{ Tags: '{"a": ' }, 'Tags is not a JSON object'],
  ])('a row with %o, by its number', async (row, why) => {
    const error = await refused(read(await file('f.csv', csv([{}, row, {}]))));
    expect(error).toMatchObject({ code: 'focus_row', exitCode: 2 });
    expect(error.message).toContain(`f.csv, row 3: ${why}`);
  });

  it('a header that names a column twice', async () => {
    const text = csv([{}]).replace('x_UsageType', 'Billed_Cost');
    expect(await refused(read(await file('f.csv', text)))).toMatchObject({
      code: 'focus_header',
      message: expect.stringContaining('has the column BilledCost more than once'),
    });
  });

  it('rows that together are more than any bill', async () => {
    const large = { BilledCost: '5000000000000' };
    const path = await file('f.csv', csv([large, { ...large, BilledCost: '-5E12', ServiceName: 'Other' }]));
    const error = await refused(read(path));
    expect(error).toMatchObject({ code: 'focus_row', exitCode: 2 });
    expect(error.message).toContain('10000000000000 USD');
  });

  it('two currencies in one month', async () => {
    const path = await file('f.csv', csv([{}, { BillingCurrency: 'EUR', BilledCost: '2' }]));
    const error = await refused(read(path));
    expect(error).toMatchObject({ code: 'mixed_currencies', exitCode: 2 });
    expect(error.message).toBe('2026-10 is billed in 2 currencies: 1.5 USD, 2 EUR');
  });

  it('a month that is not in them, naming those that are', async () => {
    const error = await refused(read(await file('f.csv', csv([{}])), ['2026-08']));
    expect(error).toMatchObject({ code: 'no_bill', exitCode: 3, hint: 'it has 2026-10' });
  });

  it('a header alone, which has no month to ask for instead', async () => {
    const error = await refused(read(await file('f.csv', csv([{}]).split('\n')[0] ?? '')));
    expect(error).toMatchObject({ code: 'no_bill', exitCode: 3 });
    expect(error.hint).toContain('no rows of any month');
    expect(error.next).toBe('saasctl cost report --source focus:<path>');
  });

  it('a folder with two versions of a month, which would count it twice', async () => {
    for (const version of ['20261101T00', '20261102T00'])
      await file(`BILLING_PERIOD=2026-10/${version}/a.csv`, csv([{}]));
    const error = await refused(read(folder));
    expect(error.code).toBe('focus_versions');
    expect(error.next).toContain('BILLING_PERIOD=2026-10/20261102T00');
  });

  it('a folder with a file both plain and gzip, which would count it twice', async () => {
    await file('data/a.csv', csv([{}]));
    await file('data/a.csv.gz', gzipSync(csv([{}])));
    await file('data/b.csv.gz', gzipSync(csv([{}])));
    const error = await refused(read(folder));
    expect(error).toMatchObject({ code: 'focus_twice', exitCode: 2 });
    expect(error.message).toContain(join('data', 'a.csv'));
    expect(error.next).toBe(`mv ${join(folder, 'data/a.csv')} ${join(folder, 'data/a.csv.aside')}`);
    await rm(join(folder, 'data/a.csv'));
    await file('data/a.csv.aside', csv([{}]));
    expect(formatDecimal((await bill(folder)).total)).toBe('3');
  });

  it('a folder with a link to a folder, which would be left out; files behind links are read', async () => {
    await file('f/a.csv', csv([{}]));
    await file('elsewhere/b.csv', csv([{}]));
    await symlink('../elsewhere/b.csv', join(folder, 'f', 'b.csv'));
    expect(formatDecimal((await bill(join(folder, 'f'))).total)).toBe('3');
    await symlink('../elsewhere', join(folder, 'f', 'sub'));
    expect(await refused(read(join(folder, 'f')))).toMatchObject({ code: 'focus_link' });
  });

  it('a file and links to it are one file, a folder within is read where it is, a link to nowhere is refused', async () => {
    await file('f/months/a.csv', csv([{}]));
    await symlink('months/a.csv', join(folder, 'f', 'latest.csv'));
    await symlink('months', join(folder, 'f', 'this-year'));
    expect(formatDecimal((await bill(join(folder, 'f'))).total)).toBe('1.5');
    await symlink('gone.csv', join(folder, 'f', 'z.csv'));
    expect(await refused(read(join(folder, 'f')))).toMatchObject({ code: 'focus_unreadable', exitCode: 2 });
  });

  it('next commands hold a path of any characters as one word', async () => {
    const odd = join(folder, "Bob's bills");
    const word = (path: string, before = '') => `'${before}${path.replace("'", "'\\''")}'`;
    const nextOf = async (path: string) => (await refused(read(path, ['2026-08']))).next;
    const noHeader = await file("Bob's bills/header.csv", csv([{}]).replace('BilledCost', 'Cost'));
    expect(await nextOf(noHeader)).toBe(`head -1 ${word(noHeader)}`);
    await writeFile(noHeader, csv([{}]).replace('x_UsageType', 'BilledCost'));
    expect(await nextOf(noHeader)).toBe(`head -1 ${word(noHeader)}`);
    await writeFile(noHeader, csv([{}]));
    expect(await nextOf(odd)).toBe(`saasctl cost report --source ${word(odd, 'focus:')} --month 2026-10`);
    await symlink('.', join(odd, 'sub'));
    expect(await nextOf(odd)).toContain(`--source ${word(join(odd, 'sub'), 'focus:')}`);
    await rm(join(odd, 'sub'));
    for (const version of ['1', '2']) await file(`Bob's bills/BILLING_PERIOD=2026-10/${version}/a.csv`, '');
    expect(await nextOf(odd)).toContain(
      `--source ${word(join(odd, 'BILLING_PERIOD=2026-10', '2'), 'focus:')}`,
    );
    await file("Bob's bills/header.csv.gz", '');
    expect(await nextOf(odd)).toBe(`mv ${word(noHeader)} ${word(`${noHeader}.aside`)}`);
  });

  it('Parquet, an empty file, an empty folder, and what is not there', async () => {
    expect((await refused(read(await file('f.parquet', 'PAR1....')))).code).toBe('focus_parquet');
    expect((await refused(read(await file('f.csv', '')))).code).toBe('focus_empty');
    await mkdir(join(folder, 'empty'));
    expect((await refused(read(join(folder, 'empty')))).code).toBe('focus_not_found');
    expect((await refused(read(join(folder, 'nowhere')))).code).toBe('focus_not_found');
  });
});

it('calls of a tenant with an API of its own are on neither side of the drift', async () => {
  const api = { ServiceName: 'Amazon API Gateway', x_UsageType: 'USE1-ApiGatewayHttpRequest' };
  const path = await file(
    'f.csv',
    csv([
      { ...api, ConsumedQuantity: '1010' },
      { ...api, ConsumedQuantity: '5000', Tags: '{"saasctl-tenant": "silo"}' },
    ]),
  );
  const { drift } = allocate({
    bill: await bill(path),
    tenants: [tenant('pooled'), tenant('silo')],
    usage: new Map([
      ['pooled', { requests: 1000n }],
      ['silo', { requests: 5000n }],
    ]),
    policy: DEFAULT_POLICY,
  });
  expect(drift).toEqual({ metered: 1000n, billed: 1010n });
});

describe('the sample bill', () => {
  const sample = (tenantIds: string[]) =>
    openSample({
      file: join(ROOT, 'templates', 'sample-bill', 'focus.csv'),
      tenantIds,
      tenantKey: 'saasctl-tenant',
      now: () => NOW,
    });

  it('is of any month, and gives its tables of single tenants to the tenants there are', async () => {
    const bills = await sample(['demo-a', 'demo-b']).bills({
      months: ['2026-10', '2026-11'],
      detail: 'services',
    });
    expect(bills.map(({ month, estimated, total }) => [month, estimated, formatDecimal(total)])).toEqual([
      ['2026-10', false, '17.3339306777'],
      ['2026-11', true, '17.3339306777'],
    ]);
    expect(new Set(bills[0]?.lines.map(({ tenantTag }) => tenantTag))).toEqual(
      new Set([null, 'demo-a', 'demo-b', 'old-import']),
    );
  });

  it('adds up, whoever there is', async () => {
    const [october] = await sample(['demo-a']).bills({ months: ['2026-10'], detail: 'services' });
    const usage = new Map([['demo-a', { requests: 12n }]]);
    const { totals, bill: whole } = allocate({
      bill: october as Bill,
      tenants: [tenant('demo-a')],
      usage,
      policy: DEFAULT_POLICY,
    });
    expect(totals.direct + totals.allocated + totals.overhead + totals.unallocated).toBe(whole);
  });
});
