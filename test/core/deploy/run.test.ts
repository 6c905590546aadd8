import { describe, expect, it } from 'vitest';
import { deployStack } from '../../../src/core/deploy/run.ts';
import { fakeCloud } from '../../fixtures/cloud.ts';
import { deploy, deployed, person, REQUEST, template } from './engine.ts';

describe('a deploy', () => {
  it('creates a stack, shows its changes and events, and gives its outputs', async () => {
    const cloud = fakeCloud();
    const { hooks, seen } = person(cloud);
    const done = await deployStack(cloud, REQUEST, hooks);
    expect(done).toMatchObject({ stack: 'prod', status: 'created' });
    expect(done.outputs['GatesTable']).toMatch(/^prod-Authorizer/);
    expect(done.changes.map(({ action, logicalId }) => `${action} ${logicalId}`)).toEqual([
      'Add GatesTable',
      'Add Authorizer',
    ]);
    expect(seen.changes).toEqual([done.changes]);
    expect(seen.questions).toMatchObject([{ danger: 'moderate', create: true, stack: 'prod' }]);
    expect(seen.events.map(({ logicalId, status }) => `${logicalId} ${status}`)).toContain(
      'GatesTable CREATE_COMPLETE',
    );
  });

  it('is nothing the second time', async () => {
    const cloud = await deployed();
    const { hooks, seen } = person(cloud);
    expect(await deployStack(cloud, REQUEST, hooks)).toMatchObject({ status: 'unchanged', changes: [] });
    expect(seen.questions).toEqual([]);
    expect(cloud.calls).not.toContain('stacks.execute');
  });

  it('updates what changed', async () => {
    const cloud = await deployed();
    const done = await deploy(cloud, { body: template({ memory: 256 }) });
    expect(done).toMatchObject({
      status: 'updated',
      changes: [{ action: 'Modify', logicalId: 'Authorizer' }],
    });
    expect(cloud.stack('prod').status).toBe('UPDATE_COMPLETE');
  });

  it('goes back to an earlier state with tokens of its own', async () => {
    const cloud = await deployed();
    await deploy(cloud, { body: template({ memory: 256 }) });
    expect(await deploy(cloud)).toMatchObject({ status: 'updated' });
    const tokens = cloud.stack('prod').events.map(({ token }) => token);
    expect(new Set(tokens.filter((one) => one !== null)).size).toBe(4);
  });

  it('protects tables only after the first creation, and the stack when it stands', async () => {
    const cloud = fakeCloud();
    const { hooks, seen } = person(cloud);
    await deployStack(cloud, REQUEST, hooks);
    const { resources, events, parameters } = cloud.stack('prod');
    expect(resources.get('GatesTable')?.properties).toMatchObject({ DeletionProtectionEnabled: 'true' });
    expect(parameters).toEqual({ DeletionProtection: 'true' });
    expect(events.filter(({ logicalId }) => logicalId === 'GatesTable').map(({ status }) => status)).toEqual([
      'CREATE_COMPLETE',
      'UPDATE_COMPLETE',
    ]);
    // What was agreed to is not asked again.
    expect(seen.questions).toHaveLength(1);
    expect(cloud.stack('prod').protected).toBe(true);
  });

  it('takes in a full table protected, and never says otherwise of it', async () => {
    const cloud = fakeCloud();
    cloud.world.set('prod-gates', { type: 'AWS::DynamoDB::Table', data: 'gates' });
    const dry = await deploy(cloud, { dryRun: true });
    expect(dry.changes).toContainEqual(expect.objectContaining({ action: 'Import' }));
    expect(await cloud.stacks.describe('prod')).toBeNull();
    const protections: unknown[] = [];
    const { hooks, seen } = person(cloud);
    const pause = async (ms: number) => {
      await cloud.pause(ms);
      protections.push(
        cloud.stack('prod').resources.get('GatesTable')?.properties['DeletionProtectionEnabled'],
      );
    };
    expect(await deployStack(cloud, REQUEST, { ...hooks, pause })).toMatchObject({ status: 'created' });
    expect(new Set(protections.filter((one) => one !== undefined))).toEqual(new Set(['true']));
    expect(cloud.stack('prod').parameters).toEqual({ DeletionProtection: 'true' });
    expect(seen.questions).toHaveLength(1);
    expect(cloud.world.get('prod-gates')).toMatchObject({ data: 'gates' });
    expect((await deploy(cloud)).status).toBe('unchanged');
  });

  it('does not protect what the project wants unprotected, nor stacks without data', async () => {
    const cloud = fakeCloud();
    await deploy(cloud, { kind: 'service', parameters: { DeletionProtection: 'false' } });
    expect(cloud.stack('prod').resources.get('GatesTable')?.properties).toMatchObject({
      DeletionProtectionEnabled: 'false',
    });
    expect(cloud.stack('prod').protected).toBe(false);
  });

  it('changes nothing when the answer is no', async () => {
    const cloud = fakeCloud();
    const no = new Error('declined');
    await expect(deploy(cloud, {}, { confirm: () => Promise.reject(no) })).rejects.toBe(no);
    expect(await cloud.stacks.describe('prod')).toBeNull();
    expect(cloud.world.size).toBe(0);
  });
});

describe('a stack of the right name that is not ours', () => {
  const TENANTS = { 'saasctl-stack': 'prod', 'saasctl-tenant': 'acme' };
  it.each([
    ['has no tag', {}, REQUEST.tags],
    ['is another profile’s', { 'saasctl-stack': 'other' }, REQUEST.tags],
    ['is another tenant’s', { ...TENANTS, 'saasctl-tenant': 'beta' }, TENANTS],
    ['is no tenant’s', { 'saasctl-stack': 'prod' }, TENANTS],
  ])('that %s is refused before anything is planned, and left as it is', async (_, tags, wanted) => {
    for (const status of ['CREATE_COMPLETE', 'ROLLBACK_COMPLETE', 'UPDATE_IN_PROGRESS']) {
      const cloud = await deployed();
      Object.assign(cloud.stack('prod'), { tags, status });
      for (const dryRun of [true, false])
        await expect(deploy(cloud, { tags: wanted, dryRun })).rejects.toMatchObject({
          code: 'stack_taken',
          exitCode: 5,
        });
      expect(cloud.calls.filter((call) => /plan|remove|execute|protect/.test(call))).toEqual([]);
      expect(cloud.stack('prod')).toMatchObject({ tags, status });
    }
  });

  it('is ours where it was planned and never made: nothing is in it', async () => {
    const cloud = fakeCloud();
    await cloud.stacks.plan({ ...REQUEST, stack: 'prod', create: true, token: 'somebody' });
    expect(await deploy(cloud)).toMatchObject({ status: 'created' });
  });
});

describe('a dry run', () => {
  it('shows the change set and deletes it, with the empty stack that it made', async () => {
    const cloud = fakeCloud();
    const { hooks, seen } = person(cloud);
    const done = await deployStack(cloud, { ...REQUEST, dryRun: true }, hooks);
    expect(done).toMatchObject({ status: 'planned', outputs: {} });
    expect(seen.changes).toEqual([done.changes]);
    expect(seen.questions).toEqual([]);
    expect(await cloud.stacks.describe('prod')).toBeNull();
  });

  it('leaves a stack as it is', async () => {
    const cloud = await deployed();
    const done = await deploy(cloud, { body: template({ memory: 512 }), dryRun: true });
    expect(done).toMatchObject({ status: 'planned', changes: [{ logicalId: 'Authorizer' }] });
    expect(cloud.stack('prod').changeSets.size).toBe(0);
    expect(cloud.stack('prod').resources.get('Authorizer')?.properties).toEqual({ MemorySize: 128 });
  });

  it('finds nothing to change, twice', async () => {
    const cloud = await deployed();
    for (const _ of [1, 2])
      expect(await deploy(cloud, { dryRun: true })).toMatchObject({ status: 'unchanged' });
  });

  it('shows what would be refused, and refuses nothing', async () => {
    const cloud = await deployed();
    const done = await deploy(cloud, { body: template({ table: 'prod-other' }), dryRun: true });
    expect(done.changes).toMatchObject([{ logicalId: 'GatesTable', replacement: 'True' }]);
  });

  it('plans on top of a leftover without touching it', async () => {
    const cloud = fakeCloud();
    await cloud.stacks.plan({ ...planOf(), token: 'somebody-else' });
    await deploy(cloud, { dryRun: true });
    expect([...cloud.stack('prod').changeSets.keys()]).toEqual(['somebody-else']);
  });

  it('deletes no failed creation', async () => {
    const cloud = fakeCloud();
    cloud.failAt('Authorizer', 'no');
    await deploy(cloud).catch(() => {});
    await expect(deploy(cloud, { dryRun: true })).rejects.toMatchObject({
      code: 'failed_creation',
      exitCode: 5,
    });
    expect(cloud.stack('prod').status).toBe('ROLLBACK_COMPLETE');
  });
});

const planOf = () => ({ stack: 'prod', ...REQUEST, create: true });

describe('user data', () => {
  it.each([
    ['replaced', template({ table: 'prod-other' })],
    ['removed', template({ table: null })],
  ])('is not %s without being asked for', async (_, body) => {
    const cloud = await deployed();
    await expect(deploy(cloud, { body })).rejects.toMatchObject({
      code: 'would_replace',
      exitCode: 5,
      message: expect.stringContaining('GatesTable (AWS::DynamoDB::Table'),
      next: 'saasctl deploy --stack prod --allow-replace',
    });
    expect(cloud.stack('prod').changeSets.size).toBe(0);
    expect(cloud.stack('prod').resources.get('GatesTable')?.physicalId).toBe('prod-gates');
  });

  it('is replaced once it is asked for and confirmed as what it is', async () => {
    const cloud = await deployed();
    const { hooks, seen } = person(cloud);
    await deployStack(
      cloud,
      { ...REQUEST, body: template({ table: 'prod-other' }), allowReplace: true },
      hooks,
    );
    expect(seen.questions).toMatchObject([{ danger: 'severe', dangerous: [{ logicalId: 'GatesTable' }] }]);
    // The old one is retained.
    expect([...cloud.world.keys()].sort()).toEqual(['prod-gates', 'prod-other']);
  });
});
