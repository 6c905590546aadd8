import { describe, expect, it } from 'vitest';
import { type DeployHooks, deployStack } from '../../../src/core/deploy/run.ts';
import { planToken } from '../../../src/core/deploy/tokens.ts';
import type { SaasctlError } from '../../../src/core/errors.ts';
import { type CloudCall, type FakeCloud, fakeCloud } from '../../fixtures/cloud.ts';
import { deploy, deployed, person, REQUEST, template } from './engine.ts';

const failed = (run: Promise<unknown>): Promise<SaasctlError> =>
  run.then(
    () => expect.fail('it should have failed'),
    (error) => error,
  );
const NEXT = template({ memory: 256 });

describe('a creation that fails half-way', () => {
  async function halfMade() {
    const cloud = fakeCloud();
    cloud.failAt('Authorizer', 'The role defined for the function cannot be assumed by Lambda.');
    const error = await failed(deploy(cloud));
    return { cloud, error };
  }

  it('says what failed first, why, what is left and what to do', async () => {
    const { cloud, error } = await halfMade();
    expect(error).toMatchObject({
      code: 'deploy_failed',
      exitCode: 6,
      message:
        'prod failed at Authorizer (AWS::Lambda::Function) CREATE_FAILED: The role defined for the function cannot be assumed by Lambda',
      hint: expect.stringContaining('the same command deletes what is left'),
      next: 'saasctl deploy --stack prod',
    });
    expect(cloud.stack('prod').status).toBe('ROLLBACK_COMPLETE');
    // Protection would have kept the empty table, and the name taken.
    expect(cloud.world.size).toBe(0);
  });

  it('is tried again by the same command', async () => {
    const { cloud } = await halfMade();
    cloud.mend();
    const { hooks, seen } = person(cloud);
    expect(await deployStack(cloud, REQUEST, hooks)).toMatchObject({ status: 'created' });
    expect(seen.notes).toEqual([
      'prod is ROLLBACK_COMPLETE from a creation that failed: it is deleted and created again',
    ]);
    expect(cloud.all.map(({ status }) => status)).toEqual(['DELETE_COMPLETE', 'UPDATE_COMPLETE']);
  });

  it('takes a table in that a failed rollback left behind', async () => {
    const { cloud } = await halfMade();
    cloud.world.set('prod-gates', { type: 'AWS::DynamoDB::Table', data: 'kept' });
    cloud.mend();
    const done = await deploy(cloud);
    expect(done.changes[0]).toMatchObject({ action: 'Import', logicalId: 'GatesTable' });
    expect(cloud.world.get('prod-gates')?.data).toBe('kept');
  });

  it('leaves a table where it is that does not let itself be deleted, and takes it in again', async () => {
    const cloud = fakeCloud();
    cloud.failAt('Authorizer', 'no');
    // A protected table, as before the protection came after the creation.
    const body = template().replace('"RetainExceptOnCreate"', '"Delete"');
    cloud.failAt('delete GatesTable', 'Resource cannot be deleted as it is currently protected');
    await failed(deploy(cloud, { body }));
    expect(cloud.stack('prod').status).toBe('ROLLBACK_FAILED');
    cloud.failAt('Authorizer', '');
    cloud.mend();
    cloud.failAt('delete GatesTable', 'Resource cannot be deleted as it is currently protected');
    expect(await deploy(cloud)).toMatchObject({ status: 'created', changes: [{ action: 'Import' }, {}] });
  });

  it('says what stands in the way of cleaning up, and goes on once it is gone', async () => {
    const { cloud } = await halfMade();
    cloud.mend();
    cloud.failAt('delete Authorizer', 'in use');
    const stack = cloud.stack('prod');
    stack.resources.set('Authorizer', {
      type: 'AWS::Lambda::Function',
      physicalId: 'x',
      properties: {},
      policy: 'Delete',
      status: 'CREATE_COMPLETE',
    });
    expect(await failed(deploy(cloud))).toMatchObject({
      code: 'not_cleaned',
      exitCode: 6,
      message: expect.stringContaining('Authorizer: in use'),
    });
    expect(stack.status).toBe('DELETE_FAILED');
    cloud.mend();
    expect(await deploy(cloud)).toMatchObject({ status: 'created' });
  });
});

describe('an update that fails', () => {
  it('goes back, says why, and is finished by the same command', async () => {
    const cloud = await deployed();
    cloud.failAt('Authorizer', 'Code uncompressed size is greater than max allowed size');
    const error = await failed(deploy(cloud, { body: NEXT }));
    expect(error).toMatchObject({
      code: 'deploy_failed',
      hint: 'CloudFormation went back to what ran before',
    });
    expect(cloud.stack('prod').status).toBe('UPDATE_ROLLBACK_COMPLETE');
    cloud.mend();
    expect(await deploy(cloud, { body: NEXT })).toMatchObject({ status: 'updated' });
  });

  it('is explained by its cause, not by what was cancelled for it or failed after it', async () => {
    const cloud = await deployed();
    cloud.failAt('Authorizer', 'the cause');
    const { run } = { run: cloud.stacks.events };
    cloud.stacks.events = async (...asked) =>
      (await run(...asked)).flatMap((event) =>
        event.status === 'UPDATE_FAILED'
          ? [
              { ...event, id: `${event.id}-0`, logicalId: 'Other', reason: 'Resource update cancelled' },
              { ...event, id: `${event.id}-1` },
              { ...event, id: event.id, logicalId: 'Later', reason: 'another' },
            ]
          : [event],
      );
    expect((await failed(deploy(cloud, { body: NEXT }))).message).toMatch(/at Authorizer .*: the cause$/);
  });

  it('is a matter of permissions where the reason says so', async () => {
    const cloud = await deployed();
    cloud.failAt(
      'Authorizer',
      'User: arn:aws:iam::123456789012:user/ci is not authorized to perform: lambda:UpdateFunctionCode',
    );
    expect(await failed(deploy(cloud, { body: NEXT }))).toMatchObject({ code: 'deploy_denied', exitCode: 4 });
  });

  it('that cannot go back is explained with the command that goes on', async () => {
    const cloud = await deployed();
    cloud.failAt('Authorizer', 'no');
    cloud.failAt('rollback', 'The following resource(s) failed to update: [Authorizer].');
    await failed(deploy(cloud, { body: NEXT }));
    expect(cloud.stack('prod').status).toBe('UPDATE_ROLLBACK_FAILED');
    cloud.mend();
    expect(await failed(deploy(cloud, { body: NEXT }))).toMatchObject({
      code: 'stack_stuck',
      exitCode: 5,
      next: 'aws cloudformation continue-update-rollback --stack-name prod --region eu-central-1',
    });
  });
});

describe('a bucket whose name is taken', () => {
  it('is explained by the setting that names another', async () => {
    const cloud = fakeCloud();
    cloud.world.set('prod-code', { type: 'AWS::S3::Bucket', data: '' });
    const body = template({ table: null, bucket: 'prod-code' });
    const error = await failed(
      deploy(cloud, { name: 'prod-bootstrap', kind: 'bootstrap', body, importExisting: false }),
    );
    expect(error).toMatchObject({
      code: 'deploy_failed',
      hint: expect.stringContaining('deploy.codeBucket'),
    });
  });
});

describe('leftovers', () => {
  it('an empty stack that was planned and never created is cleaned away', async () => {
    const cloud = fakeCloud();
    await cloud.stacks.plan({ stack: 'prod', ...REQUEST, create: true, token: 'old' });
    expect(cloud.stack('prod').status).toBe('REVIEW_IN_PROGRESS');
    expect(await deploy(cloud)).toMatchObject({ status: 'created' });
    expect(cloud.all.map(({ status }) => status)).toEqual(['UPDATE_COMPLETE']);
  });

  it('a deletion that failed of a stack that worked is finished by destroy, never by deploy', async () => {
    const cloud = await deployed();
    Object.assign(cloud.stack('prod'), { status: 'DELETE_FAILED', reason: 'Authorizer is in use' });
    expect(await failed(deploy(cloud))).toMatchObject({
      code: 'half_destroyed',
      exitCode: 5,
      next: 'saasctl destroy prod',
    });
  });
});

describe('a deletion that failed of a stack whose creation is older than its events', () => {
  it('is finished by destroy too, and nothing of it is touched', async () => {
    const cloud = await deployed();
    const stack = cloud.stack('prod');
    stack.events.length = 0;
    Object.assign(stack, { status: 'DELETE_FAILED', reason: 'Authorizer is in use' });
    expect(await failed(deploy(cloud))).toMatchObject({ code: 'half_destroyed', exitCode: 5 });
    expect(cloud.calls).not.toContain('stacks.remove');
  });
});

describe('somebody else', () => {
  it.each(['UPDATE_IN_PROGRESS', 'CREATE_IN_PROGRESS', 'DELETE_IN_PROGRESS', 'IMPORT_IN_PROGRESS'])(
    'who works on the stack (%s) is not disturbed',
    async (status) => {
      const cloud = await deployed();
      cloud.stack('prod').status = status;
      Object.assign(cloud.stack('prod').events.at(-1) ?? {}, { token: 'Console-CreateStack-1' });
      expect(await failed(deploy(cloud))).toMatchObject({ code: 'stack_busy', exitCode: 5, retryable: true });
      expect(cloud.calls.filter((call) => /plan|execute|remove/.test(call))).toEqual([]);
    },
  );

  it('whose change fails is waited for, then this one goes on', async () => {
    const cloud = await deployed();
    Object.assign(cloud.stack('prod'), { status: 'UPDATE_ROLLBACK_IN_PROGRESS' });
    cloud.stack('prod').steps = [
      () => {},
      () => Object.assign(cloud.stack('prod'), { status: 'UPDATE_ROLLBACK_COMPLETE' }),
    ];
    expect(await deploy(cloud, { body: NEXT })).toMatchObject({ status: 'updated' });
  });

  it('who makes the very same change is followed', async () => {
    const cloud = await deployed();
    const colleague = deploy(cloud, { body: NEXT }, { pause: () => new Promise(() => {}) });
    colleague.catch(() => {});
    await new Promise(setImmediate);
    while (cloud.stack('prod').status !== 'UPDATE_IN_PROGRESS') await new Promise(setImmediate);
    expect(await deploy(cloud, { body: NEXT })).toMatchObject({ status: 'updated' });
    expect(cloud.calls.filter((call) => call === 'stacks.execute')).toHaveLength(1);
  });

  it('who was faster with another change makes this one plan anew', async () => {
    const cloud = await deployed();
    const confirm: DeployHooks['confirm'] = async () => {
      const other = template({ memory: 1024 });
      if (cloud.stack('prod').body !== other) await deploy(cloud, { body: other });
    };
    const error = await failed(deploy(cloud, { body: NEXT }, { confirm }));
    expect(error.category).toBe('conflict');
    expect(await deploy(cloud, { body: NEXT })).toMatchObject({ status: 'updated' });
  });
});

describe('a stack that shows late what was begun', () => {
  it('is not taken for one that has ended', async () => {
    const cloud = await deployed();
    cloud.lag = 7;
    expect(await deploy(cloud, { body: NEXT })).toMatchObject({ status: 'updated' });
    expect(cloud.stack('prod').resources.get('Authorizer')?.properties).toEqual({ MemorySize: 256 });
  });
});

describe('throttling', () => {
  const CALLS: CloudCall[] = [
    'stacks.describe',
    'stacks.plan',
    'stacks.execute',
    'stacks.events',
    'stacks.protect',
  ];
  it.each(CALLS)('%s is waited out', async (call) => {
    const cloud = fakeCloud();
    cloud.throttle(call, 5);
    expect(await deploy(cloud)).toMatchObject({ status: 'created' });
    // 1 + 2 + 4 + 8 + 16 s.
    expect(cloud.now()).toBeGreaterThan(31_000);
  });

  it('that takes long is told, once', async () => {
    const cloud = fakeCloud();
    cloud.throttle('stacks.plan', 6);
    const { hooks, seen } = person(cloud);
    await deployStack(cloud, REQUEST, hooks);
    expect(seen.notes).toEqual(['could not stacks.plan: Throttling: Rate exceeded; trying again']);
  });

  it('without an end is an error to try again, with what goes on said', async () => {
    const cloud = await deployed();
    cloud.throttle('stacks.events', 1_000);
    const error = await failed(deploy(cloud, { body: NEXT }));
    expect(error).toMatchObject({
      exitCode: 6,
      retryable: true,
      hint: expect.stringContaining('CloudFormation goes on with prod'),
    });
    cloud.mend();
    expect((await deploy(cloud, { body: NEXT })).status).toMatch(/updated|unchanged/);
  });
});

describe('an answer that got lost', () => {
  it('of an execution is looked up, and the execution made once', async () => {
    const cloud = await deployed();
    cloud.lose('stacks.execute');
    expect(await deploy(cloud, { body: NEXT })).toMatchObject({ status: 'updated' });
    expect(cloud.calls.filter((call) => call === 'stacks.execute')).toHaveLength(1);
  });

  it('of a plan is planned again', async () => {
    const cloud = fakeCloud();
    cloud.lose('stacks.plan');
    expect(await deploy(cloud)).toMatchObject({ status: 'created' });
  });
});

describe('access denied', () => {
  const STEPS: [CloudCall, string | null][] = [
    ['stacks.describe', null],
    ['stacks.plan', null],
    ['stacks.execute', null],
    ['stacks.events', 'CREATE_COMPLETE'],
    ['stacks.protect', 'UPDATE_COMPLETE'],
  ];
  it.each(STEPS)('on %s: exit 4, the action named, and the same command finishes it', async (call, left) => {
    const cloud = fakeCloud();
    cloud.deny(call);
    const error = await failed(deploy(cloud));
    expect(error).toMatchObject({ category: 'auth', exitCode: 4, message: expect.stringContaining(call) });
    cloud.mend();
    cloud.advance(60_000);
    expect((await cloud.stacks.describe('prod'))?.status ?? null).toBe(left);
    expect((await deploy(cloud)).status).toMatch(/created|updated|unchanged/);
    expect(cloud.stack('prod')).toMatchObject({
      parameters: { DeletionProtection: 'true' },
      protected: true,
    });
  });

  it('on taking a change set back leaves the first error standing, and says what is left', async () => {
    const cloud = await deployed();
    cloud.deny('stacks.discard');
    const error = await failed(deploy(cloud, { body: template({ table: 'prod-other' }) }));
    expect(error).toMatchObject({
      code: 'would_replace',
      hint: expect.stringMatching(/change set arn:.* was left behind/),
    });
    cloud.mend();
    expect(await deploy(cloud, { body: NEXT })).toMatchObject({ status: 'updated' });
    expect(cloud.stack('prod').changeSets.size).toBe(0);
  });
});

describe('Ctrl-C', () => {
  it('before the execution takes the change set back', async () => {
    const cloud = fakeCloud();
    const { hooks, interrupt } = person(cloud);
    const error = await failed(
      deployStack(cloud, REQUEST, {
        ...hooks,
        confirm: async () => interrupt(),
      }),
    );
    expect(error).toMatchObject({ exitCode: 130, message: 'interrupted; prod was not changed' });
    expect(await cloud.stacks.describe('prod')).toBeNull();
  });

  it('after it says that CloudFormation goes on, and the same command picks it up', async () => {
    const cloud = await deployed();
    const { hooks, interrupt } = person(cloud);
    const error = await failed(
      deployStack(cloud, { ...REQUEST, body: NEXT }, { ...hooks, onEvent: interrupt }),
    );
    expect(error).toMatchObject({
      exitCode: 130,
      message: expect.stringContaining('CloudFormation goes on'),
      next: 'saasctl deploy --stack prod',
    });
    expect(cloud.stack('prod').status).toBe('UPDATE_IN_PROGRESS');
    const again = person(cloud);
    expect(await deployStack(cloud, { ...REQUEST, body: NEXT }, again.hooks)).toMatchObject({
      status: 'updated',
    });
    expect(again.seen.notes).toEqual(['prod is UPDATE_IN_PROGRESS by an earlier run: picked up']);
    // Its events are told from the beginning, and nothing is asked again.
    expect(again.seen.events[0]).toMatchObject({ logicalId: 'prod', status: 'UPDATE_IN_PROGRESS' });
    expect(again.seen.questions).toEqual([]);
  });

  it('in a creation: the same command follows it and protects what was made', async () => {
    const cloud = fakeCloud();
    const { hooks, interrupt } = person(cloud);
    await failed(deployStack(cloud, REQUEST, { ...hooks, onEvent: interrupt }));
    expect(cloud.stack('prod').status).toBe('CREATE_IN_PROGRESS');
    const again = person(cloud);
    expect(await deployStack(cloud, REQUEST, again.hooks)).toMatchObject({ status: 'created' });
    expect(again.seen.questions).toEqual([]);
    expect(cloud.stack('prod')).toMatchObject({
      parameters: { DeletionProtection: 'true' },
      protected: true,
    });
  });

  it('while waiting out throttling ends it', async () => {
    const cloud = await deployed();
    cloud.throttle('stacks.events', 1_000);
    const { hooks, interrupt } = person(cloud);
    let pauses = 0;
    const pause = async (ms: number) => {
      cloud.advance(ms);
      if (++pauses === 3) interrupt();
    };
    expect(await failed(deployStack(cloud, { ...REQUEST, body: NEXT }, { ...hooks, pause }))).toMatchObject({
      exitCode: 130,
    });
    expect(pauses).toBe(3);
    expect(cloud.calls.filter((call) => call === 'stacks.events').length).toBeLessThanOrEqual(4);
  });
});

describe('a run that is killed', () => {
  const killed = new Error('killed');
  const dieAt = (cloud: FakeCloud, number: number): void => {
    cloud.onCall = (_, made) => {
      if (made >= number) throw killed;
    };
  };

  it.each([
    ['create', async () => fakeCloud(), {}],
    ['update', deployed, { body: NEXT }],
    ['replace', deployed, { body: template({ table: 'prod-other' }), allowReplace: true }],
  ] as const)('at any call of a %s is finished by the same command', async (_, start, over) => {
    const whole = await start();
    await deploy(whole, over);
    const steps = whole.calls.length;
    expect(steps).toBeGreaterThan(5);
    const worlds = new Set<string>();
    for (let number = 1; number <= steps; number++) {
      for (const waited of [0, 1_000, 2_000, 60_000]) {
        const cloud = await start();
        dieAt(cloud, number);
        await expect(deploy(cloud, over)).rejects.toBe(killed);
        cloud.onCall = () => {};
        cloud.advance(waited);
        await deploy(cloud, over);
        const { status, resources, parameters, changeSets, protected: isProtected } = cloud.stack('prod');
        expect(status).toMatch(/^(CREATE|UPDATE)_COMPLETE$/);
        expect([parameters, changeSets.size, isProtected]).toEqual([{ DeletionProtection: 'true' }, 0, true]);
        worlds.add(JSON.stringify([[...cloud.world.keys()].sort(), resources.get('Authorizer')?.properties]));
      }
    }
    expect(worlds.size).toBe(1);
  });

  it('is not mistaken for a change of other content', async () => {
    const cloud = await deployed();
    const { hooks, interrupt } = person(cloud);
    await failed(deployStack(cloud, { ...REQUEST, body: NEXT }, { ...hooks, onEvent: interrupt }));
    expect(await failed(deploy(cloud))).toMatchObject({ code: 'stack_busy' });
    expect(planToken(REQUEST)).not.toBe(planToken({ ...REQUEST, body: NEXT }));
  });
});

describe('an older tool', () => {
  it('does not deploy over what a newer one deployed', async () => {
    const cloud = await deployed();
    const tags = { ...REQUEST.tags, 'saasctl-version': '1.1.9' };
    expect(await failed(deploy(cloud, { tags }))).toMatchObject({
      code: 'older_tool',
      exitCode: 5,
      next: 'npm install --save-dev saasctl@1.2.0',
    });
    expect(cloud.calls).not.toContain('stacks.plan');
  });
});

describe('reserved concurrency', () => {
  const parameters = { ...REQUEST.parameters, AuthorizerReservedConcurrency: '20' };
  it('is refused before anything is made where the account cannot spare it', async () => {
    const cloud = fakeCloud({ limit: 10 });
    expect(await failed(deploy(cloud, { parameters }))).toMatchObject({
      code: 'concurrency_short',
      exitCode: 2,
      message: 'AuthorizerReservedConcurrency is 20, and the account can reserve 0',
    });
    expect(await cloud.stacks.describe('prod')).toBeNull();
  });

  it('is not asked about where nobody reserves any', async () => {
    const cloud = fakeCloud({ limit: 10 });
    await deploy(cloud);
    expect(cloud.calls).not.toContain('concurrency');
  });
});
