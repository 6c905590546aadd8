// Bridge and silo tenants on AWS: what goes wrong is recorded, explained, and finished by the same command.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HOLD_MS } from '../../src/core/tenants/operation.ts';
import type { Json } from '../fixtures/cli.ts';
import type { CloudCall } from '../fixtures/cloud.ts';
import {
  type Killer,
  openStackProject,
  type StackProject,
  type StackRun,
} from '../fixtures/tenant-stacks.ts';
import { kills } from './tenant-kills.ts';

let world: StackProject;
let sleeper: Promise<StackRun> | undefined;
beforeAll(async () => {
  world = await openStackProject();
});
afterAll(() => world.close());

type Options = Parameters<StackProject['cli']>[1];
const cli = async (words: string, options?: Options): Promise<StackRun> => {
  const ran = await world.cli(`${words} -o json`, options);
  if (ran === 'killed') throw new Error(`${words} was killed`);
  return ran;
};
const json = async (words: string): Promise<Json> => {
  const ran = await cli(words);
  expect(ran.code, `${words}: ${ran.stderr}`).toBe(0);
  return ran.json();
};
const show = (id: string) => json(`tenant show ${id}`);
const stackNamed = (id: string) =>
  world.cloud.all.find(({ name, status }) => name === `prod-tenant-${id}` && status !== 'DELETE_COMPLETE');

const strangersStack = async (id: string): Promise<void> => {
  const stack = `prod-tenant-${id}`;
  const made = await world.cloud.stacks.plan({
    stack,
    body: '{"Resources":{"Bucket":{"Type":"AWS::S3::Bucket"}}}',
    parameters: {},
    tags: {},
    create: true,
    importExisting: false,
    token: 'other',
  });
  await world.cloud.stacks.execute(stack, made === 'unchanged' ? '' : made.id, 'other-1');
  world.cloud.advance(10_000);
};

describe('tenant create', () => {
  it('shows where a silo answers; a bridge answers at the shared API', async () => {
    expect(await json('tenant create acme --isolation silo')).toMatchObject({
      outcome: 'created',
      status: 'active',
      apiUrl: 'https://acme.example',
    });
    expect(stackNamed('acme')).toMatchObject({
      parameters: { Stack: 'prod', TenantId: 'acme', Isolation: 'silo', DeletionProtection: 'true' },
      tags: { 'saasctl-stack': 'prod', 'saasctl-tenant': 'acme' },
      resources: new Map([
        ['DataTable', expect.objectContaining({ physicalId: 'prod-app-data-acme' })],
        ['Function', expect.anything()],
      ]),
    });
    expect((await cli('tenant show acme')).json().apiUrl).toBe('https://acme.example');
  });

  it('takes in a data table of somebody before only where it is told to', async () => {
    const { cloud } = world;
    cloud.world.set('prod-app-data-heir', { type: 'AWS::DynamoDB::Table', data: 'old' });
    const create = 'tenant create heir --isolation silo';
    const refused = await cli(create);
    expect([refused.code, refused.error().code]).toEqual([5, 'data_table_exists']);
    expect(refused.error().hint).toContain('aws dynamodb delete-table --table-name prod-app-data-heir');
    expect([(await cli('tenant show heir')).code, stackNamed('heir')]).toEqual([3, undefined]);
    // Begun with the flag, it is finished without.
    cloud.deny('stacks.execute');
    expect((await cli(`${create} --adopt-data`)).code).toBe(4);
    cloud.mend();
    expect(await json(create)).toMatchObject({ status: 'active' });
    expect(cloud.world.get('prod-app-data-heir')?.data).toBe('old');
  });

  it.each<CloudCall>([
    'secrets.exists',
    'stacks.template',
    'stacks.plan',
    'code.put',
    'stacks.execute',
    'stacks.events',
  ])('access denied on %s: exit code 4, recorded, and the same command goes on', async (call) => {
    const id = `no-${call.replace('.', '-')}`;
    const create = `tenant create ${id} --isolation silo`;
    world.cloud.deny(call);
    const refused = await cli(create);
    world.cloud.mend();
    expect([refused.code, refused.error().code], refused.stderr).toEqual([4, 'aws_denied']);
    expect(refused.error().hint).toContain(`saasctl ${create}`);
    const failed = await show(id);
    expect(failed).toMatchObject({
      status: 'failed',
      operation: null,
      failure: { during: 'provisioning', step: 'stack', resumable: true },
    });
    expect(failed.failure.error).toContain(`denied on ${call}`);
    expect((await world.store.gate(id))?.status).toBe('suspended');
    expect(await json(create)).toMatchObject({ outcome: 'created', status: 'active', failure: null });
    expect(await world.trail(id)).toEqual([
      'tenant.create',
      'tenant.fail',
      'tenant.provision',
      'tenant.activate',
    ]);
    expect(stackNamed(id)?.status).toBe('UPDATE_COMPLETE');
  });

  it.each<CloudCall>(['stacks.describe', 'stacks.template', 'secrets.exists', 'code.put'])(
    'throttling of %s is waited out, and its hold kept meanwhile',
    async (call) => {
      const id = `slow-${call.replace('.', '-')}`;
      const held: boolean[] = [];
      let recorded = false;
      const watch = async (name: string) => {
        if (name === 'commit' && !recorded) {
          recorded = true;
          world.cloud.throttle(call, 7);
        }
        if (`stacks.${name}` !== call) return;
        const tenant = await world.store.tenant(id);
        if (tenant?.operation) held.push(Date.parse(tenant.operation.heldUntil) > world.project.clock.now);
      };
      const killer = { at: Number.POSITIVE_INFINITY, calls: 0, onCall: watch };
      const ran = await cli(`tenant create ${id} --isolation silo`, { killer });
      world.cloud.mend();
      expect([ran.code, ran.json().status], ran.stderr).toEqual([0, 'active']);
      expect(held.includes(false), JSON.stringify(held)).toBe(false);
      if (call.startsWith('stacks.')) expect(held.length).toBeGreaterThan(7);
    },
  );

  it('a stack that fails half-way: its first reason is kept, what it left is deleted, then it is made', async () => {
    world.cloud.failAt('Function', 'You have exceeded the quota');
    const failed = await cli('tenant create broken --isolation silo');
    expect(failed.code).toBe(6);
    expect(failed.error().message).toContain('You have exceeded the quota');
    expect((await show('broken')).failure).toMatchObject({
      error: expect.stringContaining('exceeded the quota'),
    });
    expect(stackNamed('broken')?.status).toBe('ROLLBACK_COMPLETE');
    expect(world.cloud.world.has('prod-app-data-broken')).toBe(false);
    world.cloud.mend();
    expect(await json('tenant create broken --isolation silo')).toMatchObject({ outcome: 'created' });
    expect(stackNamed('broken')?.status).toBe('UPDATE_COMPLETE');
  });

  it('a failed tenant is shown with its failure and the command that goes on', async () => {
    world.cloud.deny('stacks.plan', 1);
    await cli('tenant create shown --isolation bridge');
    const ran = await world.cli('tenant show shown');
    if (ran === 'killed') throw new Error('killed');
    const fields = Object.fromEntries(
      ran.stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t')),
    );
    expect(fields).toMatchObject({
      status: 'failed',
      isolation: 'bridge',
      failure: expect.stringMatching(/^step stack: .*denied on stacks.plan/),
      'go on with': 'saasctl tenant create shown --isolation bridge',
    });
    expect((await json('tenant list --status failed')).items.map(({ id }: Json) => id)).toEqual(['shown']);
  });

  it('other flags are a conflict while it is on its way too', async () => {
    const { code, error } = await cli('tenant create shown --isolation silo');
    expect([code, error().code]).toEqual([5, 'tenant_exists']);
  });

  it.each(['suspend', 'resume'])(
    '%s of what is not ready is a conflict that names the way on',
    async (verb) => {
      const { code, error } = await cli(`tenant ${verb} shown --yes`);
      expect([code, error()]).toMatchObject([
        5,
        { code: 'tenant_not_ready', next: 'saasctl tenant create shown --isolation bridge' },
      ]);
      expect((await world.store.gate('shown'))?.status).toBe('suspended');
    },
  );

  it('keys can be made meanwhile, and update reaches it', async () => {
    await json('key create --tenant shown');
    expect(await json('tenant update shown --plan pro')).toMatchObject({ status: 'failed', plan: 'pro' });
    expect(await json('tenant create shown --isolation bridge')).toMatchObject({
      status: 'active',
      plan: 'pro',
    });
    expect(Object.keys((await world.store.gate('shown'))?.k ?? {})).toHaveLength(1);
  });

  it('Ctrl-C while CloudFormation works: 130, state explained, no wait for the next run, which picks it up', async () => {
    const stop = new AbortController();
    let executed = 0;
    world.cloud.onCall = (call) => {
      if (call === 'stacks.execute') executed++;
      if (call === 'stacks.events' && !stop.signal.aborted) stop.abort();
    };
    const ran = await cli('tenant create stopped --isolation silo', { signal: stop.signal });
    expect([ran.code, ran.error()]).toMatchObject([
      130,
      { code: 'interrupted', next: 'saasctl tenant create stopped --isolation silo' },
    ]);
    expect(await show('stopped')).toMatchObject({ status: 'provisioning', operation: null });
    expect((await world.trail('stopped')).at(-1)).toBe('tenant.interrupt');
    expect(await json('tenant create stopped --isolation silo')).toMatchObject({ outcome: 'created' });
    world.cloud.onCall = () => {};
    expect(executed, 'created once, protected once').toBe(2);
  });

  it('two at once: one makes it, the other waits and finds it unchanged', async () => {
    const [a, b] = await Promise.all([
      cli('tenant create twice --isolation silo'),
      cli('tenant create twice --isolation silo'),
    ]);
    expect([a.json().outcome, b.json().outcome].sort()).toEqual(['created', 'unchanged']);
    expect(await world.trail('twice')).toEqual(['tenant.create', 'tenant.activate']);
    expect(world.cloud.all.filter(({ name }) => name === 'prod-tenant-twice')).toHaveLength(1);
  });

  it('a run that takes its time keeps its hold to the end', async () => {
    const killer: Killer = { at: Number.POSITIVE_INFINITY, calls: 0 };
    const began = world.project.clock.now;
    const ahead: boolean[] = [];
    killer.onCall = async (call) => {
      if (call !== 'events') return;
      const held = (await world.store.tenant('lasting'))?.operation?.heldUntil ?? '';
      ahead.push(Date.parse(held) > world.project.clock.now);
    };
    const ran = await cli('tenant create lasting --isolation silo', { killer, slow: 15 });
    expect(ran.code, ran.stderr).toBe(0);
    expect(world.project.clock.now - began).toBeGreaterThan(HOLD_MS);
    expect(new Set(ahead)).toEqual(new Set([true]));
  });

  it('a run that stood still for too long is taken over, and does nothing more when it wakes', async () => {
    let wake = (): void => {};
    const asleep = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const fellAsleep = new Promise<void>((resolve) => {
      const killer: Killer = { at: Number.POSITIVE_INFINITY, calls: 0 };
      killer.onCall = (call) => {
        if (call !== 'execute') return;
        resolve();
        return asleep;
      };
      sleeper = cli('tenant create sleepy --isolation silo', { killer });
    });
    await fellAsleep;
    expect(await json('tenant create sleepy --isolation silo')).toMatchObject({ outcome: 'created' });
    wake();
    const ran = await sleeper;
    expect([ran?.code, ran?.error().code]).toEqual([5, 'taken_over']);
    expect(await world.trail('sleepy')).toEqual(['tenant.create', 'tenant.provision', 'tenant.activate']);
    expect(await show('sleepy')).toMatchObject({ status: 'active', failure: null });
  });

  it('a stack of that name that is somebody else’s is refused before the tenant is recorded: the id is not used up', async () => {
    await strangersStack('taken');
    for (const words of ['silo', 'bridge', 'silo --dry-run']) {
      const { code, error } = await cli(`tenant create taken --isolation ${words}`);
      expect([code, error().code, (await cli('tenant show taken')).code], words).toEqual([
        5,
        'stack_taken',
        3,
      ]);
    }
    expect([...(stackNamed('taken')?.resources.keys() ?? [])]).toEqual(['Bucket']);
    // Nobody else's business in the pool.
    expect(await json('tenant create taken --dry-run')).toMatchObject({ outcome: 'planned' });
    await world.cloud.stacks.remove('prod-tenant-taken', 'by-its-owner');
    world.cloud.advance(60_000);
    expect(await json('tenant create taken --isolation silo')).toMatchObject({ outcome: 'created' });
  });

  it('nothing is recorded where it is not known whose the stack of that name is', async () => {
    world.cloud.deny('stacks.describe');
    const refused = await cli('tenant create unseen --isolation bridge');
    world.cloud.mend();
    expect([refused.code, refused.error().code]).toEqual([4, 'aws_denied']);
    expect((await cli('tenant show unseen')).code).toBe(3);
  });

  it('two at once: neither takes the other’s stack for somebody else’s', async () => {
    let other: Promise<Json> | undefined;
    const killer: Killer = { at: Number.POSITIVE_INFINITY, calls: 0 };
    // Between the two looks of this run, at the tenant and at the stack.
    killer.onCall = async (call) => {
      if (call !== 'describe' || other !== undefined) return;
      other = json('tenant create brother --isolation silo');
      await other;
      world.cloud.stack('prod-tenant-brother').tags = {};
    };
    const ran = await cli('tenant create brother --isolation silo', { killer });
    expect([ran.code, ran.json().outcome], ran.stderr).toEqual([0, 'unchanged']);
    world.cloud.stack('prod-tenant-brother').tags = { 'saasctl-stack': 'prod', 'saasctl-tenant': 'brother' };
  });

  it('one that comes about once the tenant is recorded is left alone, and does not hold it', async () => {
    world.cloud.deny('stacks.plan', 1);
    expect((await cli('tenant create late-taken --isolation silo')).code).toBe(4);
    await strangersStack('late-taken');
    const { code, error } = await cli('tenant create late-taken --isolation silo');
    expect([code, error().code]).toEqual([5, 'stack_taken']);
    expect((await show('late-taken')).failure).toMatchObject({ resumable: false });
    expect((await cli('tenant doctor late-taken --yes')).code).toBe(8);

    // There is nothing of it to take down.
    const ran = await cli('tenant delete late-taken --confirm late-taken');
    expect([ran.code, ran.json()], ran.stderr).toMatchObject([0, { status: 'deleted', kept: [] }]);
    expect((await cli('tenant doctor late-taken')).code).toBe(0);
    const destroyed = await cli('destroy prod-tenant-late-taken --confirm prod-tenant-late-taken');
    expect([destroyed.code, destroyed.error().code]).toEqual([5, 'stack_taken']);
    expect([...(stackNamed('late-taken')?.resources.keys() ?? [])]).toEqual(['Bucket']);
  });

  describe('where the profile does not say what a silo runs', () => {
    const state = (deploy: Json) =>
      world.project.edit(({ profiles }) => {
        profiles.prod.deploy = deploy;
      });
    beforeAll(async () => {
      await json('tenant create before --isolation silo');
      world.cloud.deny('stacks.execute', 1);
      expect((await cli('tenant create begun --isolation silo')).code).toBe(4);
    });
    afterEach(() => state({ service: {} }));

    it.each<Json>([undefined, {}, { silo: {} }, { silo: { template: 'own.yaml' } }])(
      'deploy: %j: it is refused before anything is recorded or made',
      async (deploy) => {
        await state(deploy);
        for (const words of ['', ' --dry-run']) {
          const { code, error } = await cli(`tenant create bare --isolation silo${words}`);
          expect([code, error()]).toMatchObject([
            2,
            {
              code: 'no_silo_code',
              next: `edit ${join(world.project.dir, 'saasctl.json')} and run the command again`,
            },
          ]);
          expect(error().hint).toMatch(/deploy\.service.*deploy\.silo\.code/);
        }
        expect([(await cli('tenant show bare')).code, stackNamed('bare')]).toEqual([3, undefined]);
      },
    );

    it('a bridge needs none; a service or code of its own is enough', async () => {
      await state({});
      await json('tenant create bare-bridge --isolation bridge');
      await state({ silo: { code: 'own.mjs' } });
      await json('tenant create own-code --isolation silo');
      await state({ service: {} });
      await json('tenant create example --isolation silo');
    });

    it('silos that are there are looked at, and go; one that is not finished is not published', async () => {
      await state({});
      expect(await json('tenant create before --isolation silo')).toMatchObject({ outcome: 'unchanged' });
      expect((await cli('tenant create begun --isolation silo')).error().code).toBe('no_silo_code');
      expect((await cli('tenant create begun --isolation bridge')).error().code).toBe('tenant_exists');
      expect((await cli('tenant doctor before')).code).toBe(0);
      const { items } = await json('deploy status');
      expect(items.map(({ stack }: Json) => stack)).toContain('prod-tenant-before');
      await json('destroy prod-tenant-before --dry-run');
      expect(await json('tenant delete before --confirm before')).toMatchObject({ status: 'deleted' });
      await state({ service: {} });
      expect(await json('tenant create begun --isolation silo')).toMatchObject({ status: 'active' });
    });
  });

  it('an id that makes too long a stack name is refused before anything is written', async () => {
    const stack = 's'.repeat(60);
    await world.project.edit(({ profiles }) => {
      Object.assign(profiles.prod, { stack, deploy: { service: {}, codeBucket: 'code' } });
    });
    const { code, error } = await cli(`tenant create ${'a'.repeat(63)} --isolation silo`);
    await world.project.edit(({ profiles }) => {
      Object.assign(profiles.prod, { stack: 'prod', deploy: { service: {} } });
    });
    expect([code, error().code]).toEqual([2, 'tenant_id_too_long']);
  });
});

describe('killed before every eleventh of its calls', () => kills(4, 11));

describe('with the template that ships', () => {
  let real: StackProject;
  beforeAll(async () => {
    real = await openStackProject({ real: true });
  });
  afterAll(() => real.close());

  it.each([
    ['bridge', ['AWS::DynamoDB::Table']],
    ['silo', ['AWS::DynamoDB::Table', 'AWS::Lambda::Function', 'AWS::IAM::Role', 'AWS::ApiGatewayV2::Api']],
  ])(
    'a %s has what is its own: a dry run shows it and leaves nothing, a creation makes it',
    async (isolation, types) => {
      const create = `tenant create my-${isolation} --isolation ${isolation}`;
      const dry = await real.cli(`${create} --dry-run -o json`);
      if (dry === 'killed') throw new Error(dry);
      const planned: Json[] = dry.json().resources;
      const stack = `prod-tenant-my-${isolation}`;
      expect(new Set(planned.map(({ action }) => action))).toEqual(new Set(['Add']));
      expect(planned.map(({ type }) => type)).toEqual(expect.arrayContaining(types));
      if (isolation === 'bridge') expect(planned).toHaveLength(1);
      expect(await real.cloud.stacks.describe(stack)).toBeNull();
      expect(await real.store.tenant(`my-${isolation}`)).toBeNull();

      const made = await real.cli(`${create} -o json`);
      if (made === 'killed') throw new Error(made);
      expect(made.code, made.stderr).toBe(0);
      expect(made.json()).toMatchObject({ status: 'active' });
      expect(made.json().apiUrl === null).toBe(isolation === 'bridge');
      const { resources } = real.cloud.stack(stack);
      expect([...resources.keys()]).toEqual(planned.map(({ logicalId }) => logicalId));
      expect(resources.get('DataTable')?.physicalId).toBe(`prod-app-data-my-${isolation}`);
    },
  );
});

describe('tenant delete', () => {
  it('takes the stack down, keeps the table, names the command that would delete it', async () => {
    await json('tenant create gone --isolation silo');
    await json('key create --tenant gone');
    const kept = [
      {
        table: 'prod-app-data-gone',
        remove: expect.stringMatching(
          /^aws dynamodb update-table .*--no-deletion-protection-enabled && .*aws dynamodb delete-table --table-name prod-app-data-gone --region eu-central-1$/,
        ),
      },
    ];
    expect(await json('tenant delete gone --confirm gone --dry-run')).toMatchObject({
      outcome: 'planned',
      kept,
    });
    expect((await show('gone')).status).toBe('active');
    expect(await json('tenant delete gone --confirm gone')).toMatchObject({
      status: 'deleted',
      outcome: 'updated',
      kept,
    });
    expect(stackNamed('gone')).toBeUndefined();
    expect(world.cloud.world.has('prod-app-data-gone')).toBe(true);
    expect(await world.trail('gone')).toEqual([
      'tenant.create',
      'tenant.activate',
      'key.create',
      'tenant.offboard',
      'tenant.delete',
    ]);
    expect(await json('tenant delete gone --confirm gone')).toMatchObject({ outcome: 'unchanged', kept });
    const again = await cli('tenant create gone --isolation silo');
    expect([again.code, again.error().code]).toEqual([5, 'tenant_id_used']);
  });

  it('is refused before anything is changed where the deployed template lets the data go', async () => {
    await json('tenant create loose --isolation silo');
    const stack = world.cloud.stack('prod-tenant-loose');
    stack.body = stack.body.replace('"DeletionPolicy":"RetainExceptOnCreate",', '');
    for (const flags of ['', ' --dry-run']) {
      const { code, error } = await cli(`tenant delete loose --confirm loose${flags}`);
      expect([code, error()]).toMatchObject([
        5,
        { code: 'would_delete_data', next: 'saasctl destroy prod-tenant-loose --delete-data' },
      ]);
    }
    expect(await show('loose')).toMatchObject({ status: 'active', failure: null });
    expect(stackNamed('loose')?.status).toBe('UPDATE_COMPLETE');
    expect(world.cloud.world.has('prod-app-data-loose')).toBe(true);
    expect(await world.trail('loose')).toEqual(['tenant.create', 'tenant.activate']);

    for (const resource of stack.resources.values()) {
      resource.policy = 'Delete';
      resource.properties['DeletionProtectionEnabled'] = 'false';
    }
    await json('destroy prod-tenant-loose --delete-data --confirm prod-tenant-loose');
    expect(await json('tenant delete loose --confirm loose')).toMatchObject({ status: 'deleted', kept: [] });
  });

  it('denied half-way: failed while offboarding, shut for good; only delete goes on', async () => {
    await json('tenant create half --isolation silo');
    await json('key create --tenant half');
    world.cloud.deny('stacks.remove');
    const refused = await cli('tenant delete half --confirm half');
    world.cloud.mend();
    expect([refused.code, refused.error().hint]).toEqual([
      4,
      expect.stringContaining('saasctl tenant delete half --confirm half  goes on'),
    ]);
    expect(await show('half')).toMatchObject({
      status: 'failed',
      failure: { during: 'offboarding', step: 'stack' },
    });
    for (const words of [
      'tenant create half --isolation silo',
      'key create --tenant half',
      'tenant update half --name x',
    ]) {
      const { code, error } = await cli(words);
      expect([code, error()], words).toMatchObject([
        5,
        { code: 'tenant_offboarding', next: 'saasctl tenant delete half --confirm half' },
      ]);
    }
    expect((await json('key list --tenant half')).items.map(({ status }: Json) => status)).toEqual([
      'revoked',
    ]);
    expect(await json('tenant delete half --confirm half')).toMatchObject({ status: 'deleted' });
    expect(stackNamed('half')).toBeUndefined();
  });

  it('of a creation that failed leaves nothing but the tombstone', async () => {
    world.cloud.failAt('Function', 'no');
    await cli('tenant create never --isolation silo');
    world.cloud.mend();
    expect(await json('tenant delete never --confirm never')).toMatchObject({ status: 'deleted', kept: [] });
    expect(stackNamed('never')).toBeUndefined();
  });
});

describe('tenant doctor', () => {
  const findings = async (words: string): Promise<[number, Json[]]> => {
    const ran = await cli(words);
    return [ran.code, ran.json().items];
  };
  beforeAll(async () => {
    await cli('tenant delete shown --confirm shown');
  });

  it('says nothing against what is as recorded; kept tables of deleted tenants are told', async () => {
    const [code, items] = await findings('tenant doctor');
    expect(items.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(code).toBe(0);
    expect(items).toContainEqual({
      tenantId: 'gone',
      check: 'table',
      status: 'ok',
      detail: 'data table prod-app-data-gone is kept: the tenant is deleted',
      remedy: expect.stringMatching(/delete-table --table-name prod-app-data-gone --region eu-central-1$/),
      mended: false,
    });
    expect(await findings('tenant doctor acme')).toEqual([
      0,
      [expect.objectContaining({ tenantId: 'acme', status: 'ok', detail: 'as recorded' })],
    ]);
  });

  it('a run that was killed at its last step is finished with --yes, and with it alone', async () => {
    const id = 'late';
    const killer: Killer = { at: Number.POSITIVE_INFINITY, calls: 0 };
    let commits = 0;
    killer.onCall = (call) => {
      if (call === 'commit' && ++commits === 2) killer.at = 0;
    };
    expect(await world.cli(`tenant create ${id} --isolation silo`, { killer })).toBe('killed');
    expect(await findings(`tenant doctor ${id}`)).toMatchObject([
      0,
      [{ status: 'warn', detail: expect.stringContaining('at work') }],
    ]);
    world.project.clock.now += 120_000;
    for (const words of [`tenant doctor ${id}`, `tenant doctor ${id} --yes --dry-run`]) {
      const [code, items] = await findings(words);
      expect([code, items], words).toMatchObject([
        8,
        [{ check: 'state', status: 'fail', remedy: `saasctl tenant doctor ${id} --yes`, mended: false }],
      ]);
    }
    const [code, items] = await findings(`tenant doctor ${id} --yes`);
    expect([code, items]).toMatchObject([0, [{ status: 'ok', mended: true }]]);
    expect(await show(id)).toMatchObject({ status: 'active', apiUrl: 'https://late.example' });
    expect((await world.store.gate(id))?.status).toBe('active');
  });

  it('one that was killed earlier is named with the command that goes on, and never opened', async () => {
    const killer: Killer = { at: Number.POSITIVE_INFINITY, calls: 0 };
    killer.onCall = (call) => {
      if (call === 'execute') killer.at = 0;
    };
    expect(await world.cli('tenant create early --isolation silo', { killer })).toBe('killed');
    world.project.clock.now += 120_000;
    const [code, items] = await findings('tenant doctor early --yes');
    expect([code, items]).toMatchObject([
      8,
      [{ check: 'state', remedy: 'saasctl tenant create early --isolation silo', mended: false }],
    ]);
    expect((await world.store.gate('early'))?.status).toBe('suspended');
    await json('tenant create early --isolation silo');
  });

  it('a stack that is gone, one that came back to an old address, and strays are found', async () => {
    const { cloud } = world;
    await json('tenant create lost --isolation bridge');
    await cloud.stacks.remove('prod-tenant-lost', 'by-hand');
    cloud.advance(60_000);
    cloud.stack('prod-tenant-early').outputs['ApiUrl'] = 'https://moved.example';
    const shared = {
      body: '{"Resources":{"Topic":{"Type":"AWS::SNS::Topic"}}}',
      parameters: {},
      importExisting: false,
    };
    const tags = { 'saasctl-stack': 'prod', 'saasctl-tenant': 'ghost' };
    const made = await cloud.stacks.plan({
      ...shared,
      stack: 'prod-tenant-ghost',
      tags,
      create: true,
      token: 'g',
    });
    await cloud.stacks.execute('prod-tenant-ghost', made === 'unchanged' ? '' : made.id, 'g-1');
    cloud.advance(10_000);
    cloud.world.set('prod-app-data-phantom', { type: 'AWS::DynamoDB::Table', data: '' });

    const [code, items] = await findings('tenant doctor');
    expect(code).toBe(8);
    const wrong = items.filter(({ status }) => status !== 'ok');
    expect(wrong.map(({ tenantId, check, status, remedy }) => [tenantId, check, status, remedy])).toEqual([
      ['early', 'api', 'fail', 'saasctl tenant doctor early --yes'],
      ['lost', 'stack', 'fail', 'saasctl deploy --stack prod-tenant-lost'],
      [
        'phantom',
        'table',
        'warn',
        expect.stringContaining('delete-table --table-name prod-app-data-phantom'),
      ],
      ['ghost', 'stack', 'fail', 'saasctl destroy prod-tenant-ghost --confirm prod-tenant-ghost'],
    ]);
    await cli('tenant doctor --yes');
    expect((await show('early')).apiUrl).toBe('https://moved.example');
    expect((await world.trail('early')).at(-1)).toBe('tenant.mend');

    // The command that it names for the stack that is gone makes it again, around the table that was kept.
    cloud.world.set('prod-app-data-lost', { type: 'AWS::DynamoDB::Table', data: 'kept' });
    expect((await cli('deploy --stack prod-tenant-lost --yes')).json()).toMatchObject({ status: 'created' });
    expect(cloud.world.get('prod-app-data-lost')?.data).toBe('kept');
    expect(stackNamed('lost')?.parameters).toMatchObject({ Isolation: 'bridge' });
    expect((await findings('tenant doctor lost'))[1]).toMatchObject([
      { status: 'ok', detail: 'as recorded' },
    ]);
  });
});
