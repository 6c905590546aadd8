import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentClient } from '../../src/adapters/dynamodb/client.ts';
import { type Json, openProject, type Project } from '../fixtures/cli.ts';
import { type FocusRow, focusFile } from '../fixtures/focus.ts';

// The clock stands at 2026-11-20; the bills are of October. In it `busy` made three calls of four, `calm` one, and
// `gone` was deleted at its end.
let project: Project;
const write = (name: string, rows: readonly FocusRow[]) =>
  writeFile(join(project.dir, name), focusFile(rows));
const OCTOBER: FocusRow[] = [
  { cost: '10.00', service: 'Amazon API Gateway', usageType: 'ApiGatewayHttpRequest', feature: 'api' },
  { cost: '2.5', service: 'Amazon DynamoDB', usageType: 'WriteRequestUnits', tenant: 'busy' },
  { cost: '1.001', service: 'Amazon DynamoDB', usageType: 'WriteRequestUnits', tenant: 'a$stranger' },
  { cost: '0.75', service: 'Amazon Route 53', usageType: 'DNS-Queries' },
];

beforeAll(async () => {
  project = await openProject();
  project.clock.now = Date.parse('2026-09-10T12:00:00Z');
  for (const id of ['busy', 'calm', 'gone']) await project.cli(`tenant create ${id} --plan free -q`);
  project.clock.now = Date.parse('2026-10-30T12:00:00Z');
  await project.cli('tenant delete gone --confirm gone -q');
  project.clock.now = Date.parse('2026-11-20T12:00:00Z');
  const client = documentClient({
    region: 'us-east-1',
    endpoint: project.endpoint,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    awsProfile: null,
    trace: null,
  });
  const count = (id: string, day: string, calls: number) =>
    client.send(
      new UpdateCommand({
        TableName: 'local-gates',
        Key: { PK: `GATE#${id}` },
        UpdateExpression: 'SET u.#day = :calls',
        ExpressionAttributeNames: { '#day': day },
        ExpressionAttributeValues: { ':calls': calls },
      }),
    );
  await count('busy', '2026-10-07', 300);
  await count('calm', '2026-10-09', 100);
  client.destroy();
  await write('october.csv', OCTOBER);
});
afterAll(() => project.close());

const minor = (row: Json) =>
  ['direct', 'allocated', 'overhead', 'unallocated', 'cost'].map((part) => row[part].minor);

describe('cost report', () => {
  it('has the fields that scripts read, and its rows are the bill', async () => {
    const ran = await project.cli('cost report --source focus:october.csv -o json');
    const report = ran.json();
    expect(report).toMatchObject({
      month: '2026-10',
      currency: 'USD',
      source: `focus:${join(project.dir, 'october.csv')}`,
      estimated: false,
      dataThrough: '2026-10-28T00:00:00.000Z',
      totals: { bill: { minor: 1425, currency: 'USD', exact: '14.251' }, revenue: null, margin: null },
      coverage: { direct: 17.5, allocated: 70.2, overhead: 5.3, unallocated: 7 },
      queryCost: { minor: 0, currency: 'USD', exact: '0', requests: 0 },
    });
    expect(report.rows.map((row: Json) => [row.tenantId, ...minor(row)])).toEqual([
      ['busy', 250, 750, 60, 0, 1060],
      ['calm', 0, 250, 15, 0, 265],
      ['gone', 0, 0, 0, 0, 0],
      ['(unallocated)', 0, 0, 0, 100, 100],
    ]);
    expect(report.rows[0]).toMatchObject({ revenue: null, fees: null, margin: null });
    expect(report.rows.reduce((sum: number, row: Json) => sum + row.cost.minor, 0)).toBe(1425);
    expect(ran.stderr).toBe('');
  });

  it('a tag that is no tenant’s is named', async () => {
    const { stderr } = await project.cli('cost report --source focus:october.csv');
    expect(stderr).toContain('unallocated 1.00: Amazon DynamoDB, tagged "a$stranger"');
    expect(stderr).toContain('USD 14.25 = 2.50 direct (17.5 %)');
  });

  it('a service’s name cannot repaint the screen', async () => {
    await write('evil.csv', [{ cost: '1', tenant: 'stranger', service: 'X\u001b[2J\u001b[31mY' }]);
    const { stderr } = await project.cli('cost report --source focus:evil.csv');
    expect(stderr).toContain('unallocated 1.00: X\\u001b[2J\\u001b[31mY');
    expect(stderr).not.toContain('\u001b');
  });

  it('a deleted tenant keeps its cost and its name', async () => {
    await write('deleted.csv', [...OCTOBER, { cost: '3', tenant: 'gone' }]);
    const { rows } = (await project.cli('cost report --source focus:deleted.csv -o json')).json();
    expect(rows.find(({ tenantId }: Json) => tenantId === 'gone')).toMatchObject({
      name: 'gone',
      status: 'deleted',
      direct: { minor: 300 },
    });
  });

  it('one tenant alone has the shares that it has among all', async () => {
    const one = (await project.cli('cost report --source focus:october.csv --tenant calm -o json')).json();
    expect(one.rows.map(minor)).toEqual([[0, 250, 15, 0, 265]]);
    expect(one.totals.bill.minor).toBe(1425);
    const unknown = await project.cli('cost report --tenant nobody -o json');
    expect([unknown.code, unknown.error().code]).toEqual([3, 'tenant_not_found']);
  });

  it('goes by service and by feature as well, to the same total', async () => {
    for (const by of ['service', 'feature']) {
      const report = (await project.cli(`cost report --source focus:october.csv --by ${by} -o json`)).json();
      expect(
        report.rows.reduce((sum: number, row: Json) => sum + row.cost.minor, 0),
        by,
      ).toBe(1425);
      expect(report.rows[0][by]).toBe(by === 'service' ? 'Amazon API Gateway' : 'api');
    }
  });

  it('is a table for pipes, CSV with numbers for finance, ids, and a drawing for a terminal', async () => {
    const words = 'cost report --source focus:october.csv';
    expect((await project.cli(words)).stdout.split('\n')[1]).toBe(
      'busy\t2.50\t7.50\t0.60\t0.00\t10.60\t-\t-\t-\tUSD',
    );
    await write('credit.csv', [...OCTOBER, { cost: '-20', category: 'Credit', tenant: 'busy' }]);
    const csv = (await project.cli('cost report --source focus:credit.csv -o csv')).stdout;
    expect(csv.split('\n')[0]).toBe(
      'tenant,direct,allocated,overhead,unallocated,cost,revenue,fees,margin,currency',
    );
    expect(csv, 'a spreadsheet reads a number').toMatch(/^busy,-17\.5,/m);
    expect((await project.cli(`${words} -o id`)).stdout).toBe('busy\ncalm\ngone\n(unallocated)\n');
    const seen = await project.cli(words, {
      tty: true,
      columns: 120,
      env: { LANG: 'C.UTF-8', NO_COLOR: '1' },
    });
    expect(seen.stdout).toMatch(/busy +2\.50 +7\.50 +0\.60 +0\.00 +10\.60 +74\.4 % ████████░░/);
    const narrow = await project.cli(words, { tty: true, columns: 66, env: { NO_COLOR: '1' } });
    expect(narrow.stdout).toMatch(/busy .* 74\.4 %/);
    expect((await project.cli(`${words} -q`)).stdout).toBe('');
  });

  it('takes several months: a list in JSON, lines with their month elsewhere', async () => {
    await write('two.csv', [...OCTOBER, { cost: '7', month: '2026-09', tenant: 'calm' }]);
    const words = 'cost report --months 2 --source focus:two.csv';
    const { items, next } = (await project.cli(`${words} -o json`)).json();
    expect(items.map(({ month, totals }: Json) => [month, totals.bill.minor])).toEqual([
      ['2026-09', 700],
      ['2026-10', 1425],
    ]);
    expect(next).toBeNull();
    const lines = (await project.cli(`${words} -o csv`)).stdout.split('\n');
    expect(lines.slice(0, 2)).toEqual([
      'month,tenant,direct,allocated,overhead,unallocated,cost,revenue,fees,margin,currency',
      '2026-09,calm,7,0,0,0,7,,,,USD',
    ]);
  });

  it('the policy of the project file is in force', async () => {
    await project.edit((file) => {
      file.cost = {
        overhead: 'even',
        drivers: { 'Amazon API Gateway': 'unallocated' },
        source: 'focus:october.csv',
      };
    });
    const { rows, totals } = (await project.cli('cost report -o json')).json();
    await project.edit((file) => delete file.cost);
    expect(totals.allocated.minor).toBe(0);
    expect(rows.find(({ tenantId }: Json) => tenantId === 'calm').overhead.minor).toBe(25);
  });

  it('without usage the pools are nobody’s, and it says so', async () => {
    await write('september.csv', [{ ...OCTOBER[0], month: '2026-09', cost: '10' }]);
    const ran = await project.cli('cost report --month 2026-09 --source focus:september.csv');
    expect(ran.stdout).toContain('(unallocated)\t0.00\t0.00\t0.00\t10.00\t10.00');
    expect(ran.stderr).toContain('Amazon API Gateway, by requests; nobody used what it is split by');
  });

  it('overhead that nobody has any cost to share by is said so, on the page as well', async () => {
    await write('dns.csv', [{ service: 'Amazon Route 53', usageType: 'DNS-Queries', cost: '3' }]);
    const { stderr } = await project.cli('cost report --source focus:dns.csv --html dns.html');
    const why = 'nobody has any cost that it could be shared by';
    expect(stderr).toContain(`unallocated 3.00: Amazon Route 53; ${why}`);
    expect(await readFile(join(project.dir, 'dns.html'), 'utf8')).toContain(`Amazon Route 53: ${why}`);
  });
});

describe('cost report in cron', () => {
  it('ends with 8 where more than a share is no tenant’s, after the report', async () => {
    const over = await project.cli('cost report --source focus:october.csv --max-unallocated 5% -o json');
    expect([over.code, over.error().code]).toEqual([8, 'too_much_unallocated']);
    expect(over.error().hint).toContain('a$stranger');
    const again = `--month 2026-10 --source focus:${join(project.dir, 'october.csv')} -o json`;
    expect(over.error().next).toContain(`saasctl cost report ${again}`);
    expect(over.json().month).toBe('2026-10');
    const bySomeTag = await project.cli(
      'cost report --source focus:october.csv --tenant-tag saasctl-feature --max-unallocated 0% -o json',
    );
    expect(bySomeTag.error().next).toContain('october.csv --tenant-tag saasctl-feature -o json');
    const words = ['cost', 'report', '--source', 'focus:october.csv', '-q', '--max-unallocated'];
    expect((await project.cli([...words, '7.0244%'])).code).toBe(0);
    expect((await project.cli([...words, '7.0240%'])).code).toBe(8);
  });

  it('a project’s own limit holds without the flag, and the flag is stronger', async () => {
    await project.edit((file) => {
      file.cost = { maxUnallocated: '5%' };
    });
    const [own, flag] = [
      await project.cli('cost report --source focus:october.csv -q'),
      await project.cli('cost report --source focus:october.csv -q --max-unallocated 50%'),
    ];
    await project.edit((file) => delete file.cost);
    expect([own.code, flag.code]).toEqual([8, 0]);
  });

  it('a margin that nobody can know is an error of configuration, never a pass', async () => {
    const ran = await project.cli('cost report --fail-on-negative-margin -o json');
    expect([ran.code, ran.error().code]).toEqual([2, 'no_revenue']);
  });
});

describe('cost report --html', () => {
  it('writes one page that needs nothing else, in place of what was there', async () => {
    const file = join(project.dir, 'cost.html');
    await writeFile(file, 'old');
    const ran = await project.cli('cost report --source focus:october.csv --html cost.html');
    const page = await readFile(file, 'utf8');
    expect(ran.stderr).toContain(`the report is at ${file}`);
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/(src|href)="(?!#)/);
    expect(page).toContain('a$stranger');
    expect(page).toContain('14.25');
  });

  it('a folder that is not there is an error, and nothing is printed as if all were well', async () => {
    const ran = await project.cli('cost report --source focus:october.csv --html none/cost.html -o json');
    expect([ran.code, ran.error().code, ran.stdout]).toEqual([2, 'not_writable', '']);
    expect(ran.error().next).toBe(`mkdir -p ${join(project.dir, 'none')}`);
  });
});

describe('what cannot be reported', () => {
  const fails = async (words: string) => {
    const ran = await project.cli(`${words} -o json`);
    return [ran.code, ran.error().code, ran.error().next === null];
  };

  it.each([
    ['cost report --month 2027-01', 2, 'month_in_future'],
    ['cost report --month soon', 2, 'bad_month'],
    ['cost report --months 0', 2, 'bad_months'],
    ['cost report --max-unallocated five', 2, 'bad_percent'],
    ['cost report --source bank', 2, 'bad_source'],
    ['cost report --source ce', 2, 'no_account'],
    ['cost report --source focus:none.csv', 2, 'focus_not_found'],
    ['cost report --source focus:october.csv --month 2026-08', 3, 'no_bill'],
    ['cost tags', 2, 'no_account'],
    ['cost estimate --compare everything', 2, 'bad_compare'],
    ['cost estimate --tenants 999999999 --calls 999999999999', 2, 'bad_workload'],
    ['cost estimate --model none.json', 2, 'no_cost_model'],
  ])('%s', async (words, code, name) => {
    expect(await fails(words)).toEqual([code, name, false]);
  });

  it('a changed header, two currencies, and a gzip that was cut short', async () => {
    await writeFile(join(project.dir, 'header.csv'), 'Cost,Currency\n1,USD\n');
    expect((await fails('cost report --source focus:header.csv'))[0]).toBe(2);
    await write('mixed.csv', [...OCTOBER, { cost: '1', currency: 'EUR' }]);
    const mixed = await project.cli('cost report --source focus:mixed.csv -o json');
    expect([mixed.code, mixed.error().code, mixed.stdout]).toEqual([2, 'mixed_currencies', '']);
    const { gzipSync } = await import('node:zlib');
    const whole = gzipSync(
      focusFile(Array.from({ length: 500 }, (_, i) => ({ cost: `${i}.1`, tenant: 'busy' }))),
    );
    await writeFile(join(project.dir, 'half.csv.gz'), whole.subarray(0, whole.length / 2));
    const half = await project.cli('cost report --source focus:half.csv.gz -o json');
    expect(half.code).not.toBe(0);
    expect(half.stdout).toBe('');
  });

  it('the sample is never the bill of another profile', async () => {
    await project.edit((file) => {
      file.profiles.prod = { ...file.profiles.local, stripe: 'test', account: '123456789012' };
    });
    const ran = await project.cli('cost report --profile prod --source sample -o json');
    await project.edit((file) => delete file.profiles.prod);
    expect([ran.code, ran.error().code]).toEqual([2, 'sample_is_local']);
  });

  it('drivers of the project file must be metered', async () => {
    await project.edit((file) => {
      file.cost = { drivers: { 'AWS Lambda': 'request' } };
    });
    const ran = await project.cli('cost report -o json');
    await project.edit((file) => delete file.cost);
    expect(ran.error()).toMatchObject({ code: 'config_invalid', exitCode: 2 });
    expect(ran.error().hint).toContain('requests');
  });
});

describe('the sample bill', () => {
  it('is split among the project’s tenants', async () => {
    const report = (await project.cli('cost report -o json')).json();
    expect(report.source).toBe('sample');
    expect(report.rows.map(({ tenantId }: Json) => tenantId)).toEqual([
      'busy',
      'calm',
      'gone',
      '(unallocated)',
    ]);
    expect(report.rows.reduce((sum: number, row: Json) => sum + row.cost.minor, 0)).toBe(
      report.totals.bill.minor,
    );
  });

  it('has its own tag key: another one is said to have no effect, and the page names the one in force', async () => {
    const keyOn = async (words: string) => {
      const { stderr } = await project.cli(`cost report --html key.html ${words}`);
      const page = await readFile(join(project.dir, 'key.html'), 'utf8');
      return { stderr, key: /<h3>Direct<\/h3><p>What is tagged <code>([^<]*)</.exec(page)?.[1] };
    };
    const sample = await keyOn('--tenant-tag Customer');
    expect(sample.key).toBe('saasctl-tenant');
    expect(sample.stderr).toContain('it is tagged saasctl-tenant: the key Customer is for bills of your own');
    expect((await keyOn('')).stderr).not.toContain('it is tagged');
    const own = await keyOn('--tenant-tag Customer --source focus:october.csv');
    expect(own.key).toBe('Customer');
    expect(own.stderr).not.toContain('it is tagged');
  });

  it('has advice, each with what it saves a year', async () => {
    const { items } = (await project.cli('cost advise -o json')).json();
    expect(items.length).toBeGreaterThan(0);
    for (const advice of items) {
      expect(advice.saving.minor).toBeGreaterThan(0);
      expect(['high', 'medium', 'low']).toContain(advice.certainty);
    }
  });
});

describe('cost estimate', () => {
  it('is the cost model of the facts, with what it is compared with', async () => {
    const ran = await project.cli('cost estimate --compare x86 --compare s3 --compare pitr -o json');
    expect(ran.json().total).toMatchObject({ minor: 2315, currency: 'USD' });
    expect(ran.json().comparisons.map(({ variant, total }: Json) => [variant, total.minor])).toEqual([
      ['x86', 2349],
      ['s3', 1180],
      ['pitr', 3315],
    ]);
  });

  it('calculates with a model that was saved and edited, which is never overwritten', async () => {
    const file = join(project.dir, 'model.json');
    expect((await project.cli('cost estimate --save model.json')).code).toBe(0);
    const model = JSON.parse(await readFile(file, 'utf8'));
    model.workload.storageGB = '0';
    await writeFile(file, JSON.stringify(model));
    expect((await project.cli('cost estimate --model model.json -o json')).json().total.minor).toBe(1065);
    expect((await project.cli('cost estimate --save model.json -o json')).error().code).toBe('model_exists');
    const flags = await project.cli('cost estimate --tenants 2000 --calls 50 --storage 0 -o json');
    expect(flags.json().total.minor).toBe(1065);
  });
});
