import { describe, expect, it } from 'vitest';
import { type DestroyHooks, destroyStack } from '../../../src/core/deploy/destroy.ts';
import { destroyOrder } from '../../../src/core/deploy/profile-stacks.ts';
import { type FakeCloud, fakeCloud } from '../../fixtures/cloud.ts';
import { deploy, person, template } from './engine.ts';

const SECRETS = ['/saasctl/prod/cursor-secret', '/saasctl/prod/stripe-key'];

/** All the stacks of a profile `prod`, and one of another. */
async function inhabited({ tenants = [] as string[] } = {}): Promise<FakeCloud> {
  const cloud = fakeCloud();
  const one = (
    name: string,
    kind: 'core' | 'service' | 'guardrails' | 'bootstrap' | 'silo',
    body: string,
    stack = 'prod',
    tags = {},
  ) => deploy(cloud, { name, kind, body, tags: { 'saasctl-stack': stack, ...tags } });
  await one('prod-bootstrap', 'bootstrap', template({ table: null, bucket: 'prod-code' }));
  await one('prod', 'core', template());
  await one('prod-service', 'service', template({ table: null }));
  await one('prod-guardrails', 'guardrails', template({ table: null }));
  for (const id of tenants)
    await one(`prod-tenant-${id}`, 'silo', template({ table: `prod-app-data-${id}` }), 'prod', {
      'saasctl-tenant': id,
    });
  await one('prod-eu', 'core', template({ table: 'prod-eu-gates' }), 'prod-eu');
  cloud.secrets.set('/saasctl/prod/cursor-secret', 'x');
  cloud.calls.length = 0;
  return cloud;
}

function destroy(
  cloud: FakeCloud,
  name = 'prod',
  over: Partial<DestroyHooks> = {},
  dryRun = false,
  deleteData = false,
) {
  const { hooks } = person(cloud);
  return destroyStack(
    cloud,
    { name, stack: 'prod', dryRun, deleteData, secrets: SECRETS },
    { ...hooks, confirm: async () => {}, ...over },
  );
}

describe('destroy', () => {
  it('deletes a profile’s stacks in the order that they rely on each other, and names what is left', async () => {
    const cloud = await inhabited();
    const done = await destroy(cloud);
    expect(done).toMatchObject({
      status: 'deleted',
      stacks: ['prod-service', 'prod-guardrails', 'prod', 'prod-bootstrap'],
    });
    expect(done.left.map(({ physicalId }) => physicalId)).toEqual([
      'prod-gates',
      'prod-code',
      '/saasctl/prod/cursor-secret',
    ]);
    expect([...cloud.world.keys()].sort()).toEqual(['prod-code', 'prod-eu-gates', 'prod-gates']);
    expect((await cloud.stacks.list('')).map(({ name }) => name)).toEqual(['prod-eu']);
  });

  it('is nothing the second time', async () => {
    const cloud = await inhabited();
    await destroy(cloud);
    expect(await destroy(cloud)).toEqual({ stack: 'prod', status: 'absent', stacks: [], left: [], lost: [] });
  });

  it('is followed by a deploy that takes the tables in again, with what is in them', async () => {
    const cloud = await inhabited();
    cloud.world.set('prod-gates', { type: 'AWS::DynamoDB::Table', data: 'acme' });
    await destroy(cloud);
    const { changes, status } = await deploy(cloud);
    expect(status).toBe('created');
    expect(changes).toContainEqual(expect.objectContaining({ action: 'Import', logicalId: 'GatesTable' }));
    expect(cloud.world.get('prod-gates')?.data).toBe('acme');
  });

  it('is followed by a deploy that fails half-way, and loses nothing', async () => {
    const cloud = await inhabited();
    cloud.world.set('prod-gates', { type: 'AWS::DynamoDB::Table', data: 'acme' });
    await destroy(cloud);
    cloud.failAt('Authorizer', 'no');
    await expect(deploy(cloud)).rejects.toMatchObject({ code: 'deploy_failed' });
    expect(cloud.stack('prod').status).toBe('ROLLBACK_COMPLETE');
    cloud.mend();
    expect(await deploy(cloud)).toMatchObject({ status: 'created' });
    expect(cloud.world.get('prod-gates')?.data).toBe('acme');
  });

  it('asks once, with all that goes and what is kept, before any protection is lifted', async () => {
    const cloud = await inhabited();
    const no = new Error('declined');
    let asked: Parameters<DestroyHooks['confirm']>[0] | undefined;
    const confirm: DestroyHooks['confirm'] = async (question) => {
      asked = question;
      throw no;
    };
    await expect(destroy(cloud, 'prod', { confirm })).rejects.toBe(no);
    expect(asked?.stacks).toEqual(['prod-service', 'prod-guardrails', 'prod', 'prod-bootstrap']);
    expect(asked?.keeps.map(({ physicalId }) => physicalId)).toEqual(['prod-gates', 'prod-code']);
    expect(cloud.stack('prod').protected).toBe(true);
    expect(cloud.calls.filter((call) => /protect|remove/.test(call))).toEqual([]);
  });

  it('shows in a dry run what would go, and asks nothing', async () => {
    const cloud = await inhabited();
    const done = await destroy(cloud, 'prod', { confirm: () => expect.fail('asked') }, true);
    expect(done).toMatchObject({
      status: 'planned',
      left: [{ physicalId: 'prod-gates' }, { physicalId: 'prod-code' }],
    });
    expect(cloud.calls.filter((call) => /protect|remove/.test(call))).toEqual([]);
  });

  it('refuses while tenants have stacks of their own', async () => {
    const cloud = await inhabited({ tenants: ['acme', 'beta'] });
    await expect(destroy(cloud)).rejects.toMatchObject({
      code: 'tenants_left',
      exitCode: 5,
      message: 'prod cannot be destroyed while prod-tenant-acme, prod-tenant-beta rely on it',
      next: 'saasctl destroy prod-tenant-acme',
    });
    expect(await destroy(cloud, 'prod-tenant-acme')).toMatchObject({
      stacks: ['prod-tenant-acme'],
      left: [{ physicalId: 'prod-app-data-acme' }, { logicalId: '/saasctl/prod/cursor-secret' }],
    });
    await expect(destroy(cloud)).rejects.toMatchObject({
      message: 'prod cannot be destroyed while prod-tenant-beta relies on it',
    });
  });

  it('keeps the code as long as something runs it', async () => {
    await expect(destroy(await inhabited(), 'prod-bootstrap')).rejects.toMatchObject({ code: 'stacks_left' });
  });

  it('knows no stack of another profile', async () => {
    const cloud = await inhabited();
    await expect(destroy(cloud, 'prod-eu')).rejects.toMatchObject({ code: 'unknown_stack', exitCode: 3 });
    await expect(destroy(cloud, 'prod-guardrail')).rejects.toMatchObject({
      hint: expect.stringContaining('did you mean prod-guardrails?'),
    });
  });

  it.each([
    ['carries another profile’s tag', { 'saasctl-stack': 'prod-service' }],
    ['carries none', {}],
  ])('takes no stack of the right name that %s', async (_, tags) => {
    const cloud = await inhabited();
    cloud.stack('prod-service').tags = tags;
    expect(
      destroyOrder('prod', 'prod', await cloud.stacks.list('prod')).map(({ name }) => name),
    ).not.toContain('prod-service');
    await expect(destroy(cloud, 'prod-service')).rejects.toMatchObject({ code: 'stack_taken', exitCode: 5 });
    const notes: string[] = [];
    const onNote = (text: string): void => {
      notes.push(text);
    };
    await destroy(cloud, 'prod', { onNote });
    expect(cloud.stack('prod-service').status).toBe('CREATE_COMPLETE');
    expect(notes).toEqual(['prod-service is not this profile’s, by its tags: it is left alone']);
  });

  it('takes no tenant’s stack for another tenant’s', async () => {
    const cloud = await inhabited({ tenants: ['acme'] });
    cloud.stack('prod-tenant-acme').tags['saasctl-tenant'] = 'beta';
    await expect(destroy(cloud, 'prod-tenant-acme')).rejects.toMatchObject({ code: 'stack_taken' });
  });

  it('that fails names the cause, and goes on once it is mended', async () => {
    const cloud = await inhabited();
    cloud.failAt('delete Authorizer', 'the function is in use');
    await expect(destroy(cloud)).rejects.toMatchObject({
      code: 'destroy_failed',
      exitCode: 7,
      message: expect.stringContaining('Authorizer (AWS::Lambda::Function): the function is in use'),
      next: 'saasctl destroy prod',
    });
    expect(cloud.stack('prod-service').status).toBe('DELETE_FAILED');
    cloud.mend();
    expect(await destroy(cloud)).toMatchObject({ status: 'deleted' });
  });

  it('that fails again and again names the cause of each try, and goes on once it is mended', async () => {
    const cloud = await inhabited();
    for (const reason of ['the function is in use', 'a hook refused it', 'it is in use again']) {
      cloud.mend();
      cloud.failAt('delete Authorizer', reason);
      const message = expect.stringContaining(reason);
      await expect(destroy(cloud)).rejects.toMatchObject({ code: 'destroy_failed', message });
    }
    cloud.mend();
    expect(await destroy(cloud)).toMatchObject({ status: 'deleted' });
  });

  it('leaves a stack alone that somebody changes', async () => {
    const cloud = await inhabited();
    cloud.stack('prod-service').status = 'UPDATE_IN_PROGRESS';
    await expect(destroy(cloud)).rejects.toMatchObject({ code: 'stack_busy' });
    expect(cloud.calls).not.toContain('stacks.remove');
  });

  it('interrupted is picked up again', async () => {
    const cloud = await inhabited();
    const { hooks, interrupt } = person(cloud);
    const error = destroy(cloud, 'prod', { signal: hooks.signal, onEvent: interrupt });
    await expect(error).rejects.toMatchObject({ exitCode: 130, next: 'saasctl destroy prod' });
    expect(cloud.stack('prod-service').status).toBe('DELETE_IN_PROGRESS');
    const notes: string[] = [];
    const onNote = (text: string): void => {
      notes.push(text);
    };
    expect(await destroy(cloud, 'prod', { onNote })).toMatchObject({ status: 'deleted' });
    expect(notes).toEqual(['prod-service is being deleted already: picked up']);
  });

  it('killed at any call is finished by the same command', async () => {
    const whole = await inhabited();
    await destroy(whole);
    const steps = whole.calls.length;
    for (let number = 1; number <= steps; number++) {
      const cloud = await inhabited();
      cloud.onCall = (_, made) => {
        if (made >= number) throw new Error('killed');
      };
      await expect(destroy(cloud)).rejects.toThrow('killed');
      cloud.onCall = () => {};
      await destroy(cloud);
      expect((await cloud.stacks.list('')).map(({ name }) => name)).toEqual(['prod-eu']);
      expect([...cloud.world.keys()].sort()).toEqual(['prod-code', 'prod-eu-gates', 'prod-gates']);
    }
  });

  it.each(['stacks.list', 'stacks.resources', 'stacks.retained', 'stacks.protect', 'stacks.remove'] as const)(
    'without the permission for %s exits 4, and goes on with it',
    async (call) => {
      const cloud = await inhabited();
      cloud.deny(call);
      await expect(destroy(cloud)).rejects.toMatchObject({
        exitCode: 4,
        message: expect.stringContaining(call),
      });
      cloud.mend();
      await destroy(cloud);
      expect((await cloud.stacks.list('')).map(({ name }) => name)).toEqual(['prod-eu']);
    },
  );
});

it('names a secret that it may not look for, with all else that is left', async () => {
  const cloud = await inhabited();
  cloud.deny('secrets.exists');
  const { status, left } = await destroy(cloud);
  expect(status).toBe('deleted');
  expect(left.map(({ type }) => type)).toContain('AWS::DynamoDB::Table');
  expect(left.filter(({ type }) => type === 'AWS::SSM::Parameter')).not.toEqual([]);
});

describe('data that a template does not retain', () => {
  const OWN = 'prod-service';
  const asked = async (cloud: FakeCloud, deleteData: boolean) => {
    let question: Parameters<DestroyHooks['confirm']>[0] | undefined;
    const confirm: DestroyHooks['confirm'] = async (given) => {
      question = given;
    };
    const done = await destroy(cloud, 'prod', { confirm }, false, deleteData);
    return { question, done };
  };
  async function withOrders(policy: string | null = null): Promise<FakeCloud> {
    const cloud = await inhabited();
    const body = template({ table: 'orders', policy });
    const own = {
      name: OWN,
      kind: 'service',
      body,
      parameters: {},
      tags: { 'saasctl-stack': 'prod' },
    } as const;
    await deploy(cloud, own);
    return cloud;
  }

  it.each([null, 'Delete', 'Snapshot'])(
    'is not said to stay, nor deleted without being asked for: %s',
    async (policy) => {
      const cloud = await withOrders(policy);
      await expect(destroy(cloud, 'prod', { confirm: () => expect.fail('asked') })).rejects.toMatchObject({
        code: 'would_delete_data',
        exitCode: 5,
        message:
          'deleting prod-service would delete GatesTable (AWS::DynamoDB::Table orders) with all that is in there',
        next: 'saasctl destroy prod --delete-data',
      });
      expect(cloud.calls.filter((call) => /protect|remove/.test(call))).toEqual([]);
      expect(cloud.world.has('orders')).toBe(true);
    },
  );

  it('may be in a stack within the stack', async () => {
    const cloud = await inhabited();
    const { resources } = cloud.stack(OWN);
    const authorizer = resources.get('Authorizer') ?? expect.fail();
    resources.set('Authorizer', { ...authorizer, type: 'AWS::CloudFormation::Stack' });
    await expect(destroy(cloud)).rejects.toMatchObject({ code: 'would_delete_data' });
    expect(await destroy(cloud, 'prod', {}, false, true)).toMatchObject({ status: 'deleted' });
  });

  it('is shown as what goes in a dry run', async () => {
    const dry = await destroy(await withOrders(), 'prod', {}, true);
    expect(dry.lost).toEqual([
      { stack: OWN, logicalId: 'GatesTable', physicalId: 'orders', type: 'AWS::DynamoDB::Table' },
    ]);
    expect(dry.left.map(({ physicalId }) => physicalId)).toEqual(['prod-gates', 'prod-code']);
  });

  it('goes where that is asked for, and the confirmation names it', async () => {
    const cloud = await withOrders();
    const { question, done } = await asked(cloud, true);
    expect(question?.loses.map(({ physicalId }) => physicalId)).toEqual(['orders']);
    expect(question?.keeps.map(({ physicalId }) => physicalId)).toEqual(['prod-gates', 'prod-code']);
    expect(done).toMatchObject({ status: 'deleted', lost: [{ physicalId: 'orders' }] });
    expect([...cloud.world.keys()].sort()).toEqual(['prod-code', 'prod-eu-gates', 'prod-gates']);
  });

  it.each(['Retain', 'RetainExceptOnCreate'])('stays with %s', async (policy) => {
    const cloud = await withOrders(policy);
    const { question } = await asked(cloud, false);
    expect(question).toMatchObject({ keeps: [{ physicalId: 'orders' }, {}, {}], loses: [] });
    expect(cloud.world.has('orders')).toBe(true);
  });

  it('a queue is named, and is no obstacle', async () => {
    const cloud = await inhabited();
    await deploy(cloud, { name: 'prod', body: template({ queue: true }) });
    const { question } = await asked(cloud, false);
    expect(question?.loses).toMatchObject([{ logicalId: 'Dead', type: 'AWS::SQS::Queue' }]);
  });
});
