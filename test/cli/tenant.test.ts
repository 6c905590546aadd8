import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProject, type Project } from '../fixtures/cli.ts';

let project: Project;
beforeAll(async () => {
  project = await openProject();
});
afterAll(() => project.close());
const cli = (...args: Parameters<Project['cli']>) => project.cli(...args);

describe('tenant create', () => {
  it('prints the tenant with the fields that scripts read, in their order', async () => {
    const { code, json } = await cli(
      'tenant create acme --plan pro --name Acme --stripe-customer cus_1 -o json',
    );
    expect(code).toBe(0);
    expect(json()).toMatchObject({
      id: 'acme',
      name: 'Acme',
      plan: 'pro',
      isolation: 'pool',
      status: 'active',
      outcome: 'created',
    });
    const read = await cli('tenant show acme -o json');
    expect(Object.keys(read.json())).toEqual([
      'id',
      'name',
      'plan',
      'isolation',
      'status',
      'limits',
      'overrides',
      'rate',
      'overage',
      'lease',
      'stripeCustomerId',
      'billFrom',
      'lateAt',
      'apiUrl',
      'operation',
      'failure',
      'createdAt',
      'updatedAt',
      'version',
    ]);
  });

  it('its lease is shown as its plan’s is, 1 too', async () => {
    for (const line of ['tenant show acme', 'plan show pro'])
      expect((await cli(line)).stdout.split('\n'), line).toContain('lease\t1');
  });

  it('again is unchanged; differently is a conflict that names the field and loses nothing', async () => {
    expect((await cli('tenant create acme --plan pro -o json')).json()).toMatchObject({
      outcome: 'unchanged',
    });
    const conflict = await cli('tenant create acme --plan free -o json');
    expect([conflict.code, conflict.stdout]).toEqual([5, '']);
    expect(conflict.error()).toMatchObject({
      code: 'tenant_exists',
      next: 'saasctl tenant show acme',
      exitCode: 5,
    });
    expect((await cli('tenant create acme --plan free --if-not-exists -o json')).json()).toMatchObject({
      plan: 'pro',
    });
  });

  it('twenty at once: one creates, the rest say unchanged', async () => {
    const runs = await Promise.all(Array.from({ length: 20 }, () => cli('tenant create crowd -o json')));
    const outcomes = runs.map(({ json }) => json().outcome).sort();
    expect(outcomes).toEqual(['created', ...Array(19).fill('unchanged')]);
    expect((await cli('audit list --tenant crowd -o json')).json().items).toHaveLength(1);
  });

  it('two different ones at once: one wins, the other is a conflict', async () => {
    const runs = await Promise.all([
      cli('tenant create duel --plan pro -o json'),
      cli('tenant create duel --plan free -o json'),
    ]);
    expect(runs.map(({ code }) => code).sort()).toEqual([0, 5]);
  });

  it('dry run writes nothing', async () => {
    const { json, stderr } = await cli('tenant create ghost --plan pro --dry-run -o json');
    expect(json()).toMatchObject({ id: 'ghost', outcome: 'planned' });
    expect(stderr).toBe('');
    expect((await cli('tenant create ghost --dry-run')).stderr).toContain('nothing was changed');
    expect((await cli('tenant show ghost -o json')).code).toBe(3);
    expect((await cli('audit list --tenant ghost -o json')).json().items).toEqual([]);
  });

  it.each([
    [['A'], 'bad_tenant_id'],
    [['a#b'], 'bad_tenant_id'],
    [['a/b'], 'bad_tenant_id'],
    [['a b'], 'bad_tenant_id'],
    [['🚀🚀'], 'bad_tenant_id'],
    [['__proto__'], 'bad_tenant_id'],
    [['a'.repeat(64)], 'bad_tenant_id'],
    [['ok', '--plan', 'prp'], 'unknown_plan'],
    [['ok', '--plan', 'constructor'], 'unknown_plan'],
    [['ok', '--limit', 'maxUsers=-1'], 'bad_limit'],
    [['ok', '--limit', 'maxUsers=1e308'], 'bad_limit'],
    [['ok', '--limit', 'constructor=1'], 'bad_limit'],
    [['ok', '--name', 'two\nlines'], 'bad_tenant_name'],
    [['ok', '--stripe-customer', 'acct_1'], 'bad_stripe_customer'],
    [['ok', '--isolation', 'moat'], 'invalid_argument'],
    [['ok', '--plann', 'pro'], 'unknown_option'],
    [[], 'missing_argument'],
  ])('refuses %j as %s, with exit code 2 and one JSON line', async (words, code) => {
    const ran = await cli(['tenant', 'create', ...words, '-o', 'json']);
    expect([ran.code, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr.trim().split('\n')).toHaveLength(1);
    expect(ran.error()).toMatchObject({
      code,
      category: 'usage',
      exitCode: 2,
      next: expect.stringContaining('saasctl'),
    });
    expect((await cli('tenant show ok -o json')).code).toBe(3);
  });

  it('takes ids that are names of object properties', async () => {
    expect((await cli('tenant create constructor -o json')).json()).toMatchObject({
      id: 'constructor',
      outcome: 'created',
    });
    expect((await cli('tenant show constructor -o json')).code).toBe(0);
    expect((await cli('usage show constructor -o json')).json()).toMatchObject({
      metrics: { api_calls: { used: 0 } },
    });
  });
});

describe('suspend, resume, delete', () => {
  it('off a terminal, danger needs its flag, and nothing happens without it', async () => {
    await cli('tenant create frail -o json');
    expect((await cli('tenant suspend frail -o json')).error()).toMatchObject({
      exitCode: 2,
      code: 'confirmation_required',
    });
    expect((await cli('tenant delete frail --yes -o json')).error()).toMatchObject({ exitCode: 2 });
    expect((await cli('tenant delete frail --confirm other -o json')).error()).toMatchObject({
      code: 'confirm_mismatch',
    });
    expect((await cli('tenant show frail -o json')).json()).toMatchObject({ status: 'active', version: 1 });
  });

  it('on a terminal they show the target, then ask on stderr', async () => {
    const no = await cli('tenant suspend frail', { tty: true, type: 'n\r' });
    expect(no.code).toBe(130);
    expect(no.stderr).toContain('profile local');
    expect(no.stdout).toBe('');
    const yes = await cli('tenant suspend frail', { tty: true, type: 'y\r' });
    expect(yes.code).toBe(0);
    expect((await cli('tenant show frail -o json')).json()).toMatchObject({ status: 'suspended' });
  });

  it('a deleted id says so everywhere and is never used again', async () => {
    expect((await cli('tenant delete frail --confirm frail -o json')).json()).toMatchObject({
      status: 'deleted',
      outcome: 'updated',
    });
    expect((await cli('tenant delete frail --confirm frail -o json')).json()).toMatchObject({
      outcome: 'unchanged',
    });
    expect((await cli('tenant create frail -o json')).error()).toMatchObject({
      code: 'tenant_id_used',
      exitCode: 5,
    });
    expect((await cli('tenant update frail --name x -o json')).error()).toMatchObject({
      code: 'tenant_deleted',
      exitCode: 3,
    });
    expect((await cli('key create --tenant frail -o json')).error()).toMatchObject({
      code: 'tenant_deleted',
      exitCode: 3,
    });
    expect((await cli('tenant list -o id')).stdout.split('\n')).not.toContain('frail');
    expect((await cli('tenant list --status deleted -o id')).stdout).toBe('frail\n');
  });
});

describe('tenant list', () => {
  it('is sorted by id over all shards, and pages without gap or repeat', async () => {
    const ids = Array.from({ length: 30 }, (_, i) => `t-${String(i * 7).padStart(3, '0')}`);
    for (const id of ids) await cli(`tenant create ${id} -q`);
    const all = (await cli('tenant list -o json')).json();
    const listed: string[] = all.items.map(({ id }: { id: string }) => id);
    expect(listed).toEqual([...listed].sort());
    expect(listed).toEqual(expect.arrayContaining(ids));
    expect(all.next).toBeNull();

    const paged: string[] = [];
    let after = '';
    for (let pages = 0; pages < 20; pages++) {
      const page = (await cli(`tenant list -L 7 -o json${after}`)).json();
      paged.push(...page.items.map(({ id }: { id: string }) => id));
      if (page.next === null) break;
      after = ` --after ${page.next}`;
    }
    expect(paged).toEqual(listed);
  });

  it('narrows by plan and takes a query', async () => {
    const { json } = await cli(['tenant', 'list', '--plan', 'pro', '--query', 'items[].id', '-o', 'json']);
    expect(json()).toEqual([
      'acme',
      ...((await cli('tenant show duel -o json')).json().plan === 'pro' ? ['duel'] : []),
    ]);
    const bad = await cli(['tenant', 'create', 'never', '--query', 'items[', '-o', 'json']);
    expect(bad.error()).toMatchObject({ code: 'bad_query', exitCode: 2 });
    expect((await cli('tenant show never -o json')).code).toBe(3);
  });
});

describe('plan apply', () => {
  it('carries an edit to its tenants, once, and leaves what they have of their own', async () => {
    await cli('tenant create payer --plan pro --limit maxUsers=77 -q');
    await project.edit(({ plans }) => {
      plans.pro.apiCallsPerMonth = 123_456;
      plans.pro.maxUsers = 30;
    });
    expect((await cli('tenant show payer -o json')).json().limits.apiCallsPerMonth).toBe(100_000);
    const drift = (await cli('doctor -o json'))
      .json()
      .items.find(({ check }: { check: string }) => check === 'plans');
    expect(drift).toMatchObject({ status: 'warn', remedy: 'saasctl plan apply --dry-run' });

    const planned = (await cli('plan apply pro --dry-run -o json')).json();
    expect(planned.items).toContainEqual({ tenantId: 'payer', plan: 'pro', outcome: 'planned', error: null });
    expect((await cli('plan apply pro -o json')).error()).toMatchObject({ exitCode: 2 });

    const applied = (await cli('plan apply pro --yes -o json')).json();
    expect(applied.items).toContainEqual({ tenantId: 'payer', plan: 'pro', outcome: 'updated', error: null });
    expect((await cli('tenant show payer -o json')).json().limits).toEqual({
      apiCallsPerMonth: 123_456,
      storageBytes: 10_000_000_000,
      maxUsers: 77,
    });
    expect((await cli('plan apply pro --yes -o json')).json()).toEqual({ items: [], next: null });
  });
});

describe('the audit', () => {
  it('has who, what, from what to what, of every mutation and nothing else', async () => {
    await cli('tenant create watched --plan free -q');
    project.clock.now += 1000;
    await cli('tenant update watched --plan pro -q');
    project.clock.now += 1000;
    await cli('tenant suspend watched --yes -q');
    const { items } = (await cli('audit list --tenant watched -o json')).json();
    expect(items.map(({ action }: { action: string }) => action)).toEqual([
      'tenant.suspend',
      'tenant.update',
      'tenant.create',
    ]);
    expect(items[0]).toMatchObject({
      actor: expect.stringMatching(/.+@.+/),
      changes: [{ field: 'status', from: 'active', to: 'suspended' }],
      requestId: expect.stringMatching(/^req_/),
    });
  });

  it('of everybody is listed by day, newest first, within the time asked for, in pages', async () => {
    project.clock.now += 3 * 86_400_000;
    await cli('tenant resume watched -q');
    const day = (await cli('audit list --since 1d -o json')).json().items;
    expect(day.map(({ action }: { action: string }) => action)).toEqual(['tenant.resume']);
    const all = (await cli('audit list --since 7d -o json')).json().items;
    const times = all.map(({ at }: { at: string }) => at);
    expect(times).toEqual([...times].sort().reverse());
    const first = (await cli('audit list --since 7d -L 2 -o json')).json();
    const second = (
      await cli(['audit', 'list', '--since', '7d', '-L', '2', '--after', first.next, '-o', 'json'])
    ).json();
    expect([...first.items, ...second.items]).toEqual(all.slice(0, 4));
  });
});

describe('whom to bill, and from when', () => {
  // Other tests here set the clock on.
  beforeAll(() => {
    project.clock.now = Date.parse('2026-11-20T12:00:00Z');
  });
  const show = async (id: string) => (await cli(`tenant show ${id} -o json`)).json();

  it('a new customer is billed from today on, unless said', async () => {
    await cli('tenant create linked --stripe-customer cus_3 -q');
    expect(await show('linked')).toMatchObject({ stripeCustomerId: 'cus_3', billFrom: '2026-11-20' });
    await cli('tenant create backdated --stripe-customer cus_4 --bill-from 2026-11-01 -q');
    expect(await show('backdated')).toMatchObject({ billFrom: '2026-11-01' });
    await cli('tenant create later -q');
    expect(await show('later')).toMatchObject({ stripeCustomerId: null, billFrom: null });
    await cli('tenant update later --stripe-customer cus_2 -q');
    expect(await show('later')).toMatchObject({ billFrom: '2026-11-20' });
  });

  it('another customer takes over where the first one’s bills end', async () => {
    await cli('tenant update backdated --stripe-customer cus_9 -q');
    expect(await show('backdated')).toMatchObject({ stripeCustomerId: 'cus_9', billFrom: '2026-11-01' });
    await cli('tenant update backdated --bill-from yesterday -q');
    expect(await show('backdated')).toMatchObject({ stripeCustomerId: 'cus_9', billFrom: '2026-11-19' });
  });

  it('a day without a customer, or that is none, is refused', async () => {
    await cli('tenant create nobody-billed -q');
    expect((await cli('tenant update nobody-billed --bill-from today -o json')).error()).toMatchObject({
      code: 'no_customer',
      exitCode: 2,
    });
    expect((await cli('tenant update linked --bill-from soon -o json')).error()).toMatchObject({
      code: 'bad_day',
    });
  });

  it('a customer made for a tenant is made once', async () => {
    const dry = await cli('tenant create bought --create-customer -n -o json');
    expect(dry.json()).toMatchObject({ outcome: 'planned', stripeCustomerId: '(new customer)' });
    const { stripeCustomerId } = (await cli('tenant create bought --create-customer -o json')).json();
    expect(stripeCustomerId).toMatch(/^cus_/);
    expect((await cli('tenant create bought --create-customer -o json')).json()).toMatchObject({
      outcome: 'unchanged',
      stripeCustomerId,
    });
    expect((await cli('tenant update bought --create-customer -o json')).json()).toMatchObject({
      outcome: 'unchanged',
    });
    expect((await cli('tenant update bought --create-customer --stripe-customer cus_1')).code).toBe(2);
  });

  it('no customer is made for what is refused', async () => {
    await cli('tenant create taken --plan pro -q');
    const refused = await cli('tenant create taken --plan free --create-customer -o json');
    expect(refused.error()).toMatchObject({ code: 'tenant_exists', exitCode: 5 });
    expect(await show('taken')).toMatchObject({ stripeCustomerId: null });
  });
});
