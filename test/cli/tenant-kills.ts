// Runs that provision or take down a silo, killed before each of their calls of store and cloud in turn, then run again.
import { expect, it } from 'vitest';
import type { Tenant } from '../../src/core/tenants/tenant.ts';
import { openStackProject, type StackProject } from '../fixtures/tenant-stacks.ts';

const count = (list: readonly string[], word: string) => list.filter((one) => one === word).length;

/** Every `step`-th call, from the `first`. */
export function kills(first: number, step: number): void {
  it('tenant create: the same command finishes, with one stack, one table, one creation, one activation', async () => {
    await sweep(first, step, {
      command: (id) => `tenant create ${id} --plan pro --isolation silo`,
      async between(world, id, why) {
        const [tenant, gate] = [await world.store.tenant(id), await world.store.gate(id)];
        // Open only over what is complete; shut, or not there, before.
        const stack = stacksOf(world, id)[0];
        if (gate?.status === 'active') expect([tenant?.status, stack?.status], why).toEqual(['active', DONE]);
        return tenant?.status === 'active' ? 'unchanged' : 'created';
      },
      async after(world, id, why) {
        expect(await world.store.tenant(id), why).toMatchObject({
          status: 'active',
          apiUrl: `https://${id}.example`,
          operation: null,
          failure: null,
        });
        expect((await world.store.gate(id))?.status, why).toBe('active');
        expect(
          stacksOf(world, id).map(({ status }) => status),
          why,
        ).toEqual([DONE]);
        expect(world.cloud.world.has(`prod-app-data-${id}`), why).toBe(true);
        const trail = await world.trail(id);
        expect([trail[0], trail.at(-1)], why).toEqual(['tenant.create', 'tenant.activate']);
        expect([count(trail, 'tenant.create'), count(trail, 'tenant.activate')], why).toEqual([1, 1]);
      },
    });
  });

  it('tenant delete: keys are dead at the first step; the same command finishes, with the stack gone and the table kept', async () => {
    await sweep(first, step, {
      before: async (world, id) => {
        await world.cli(`tenant create ${id} --isolation silo -q`);
        await world.cli(`key create --tenant ${id} -q --secret-file ${id}.key`);
      },
      command: (id) => `tenant delete ${id} --confirm ${id}`,
      async between(world, id, why) {
        const [tenant, gate] = [(await world.store.tenant(id)) as Tenant, await world.store.gate(id)];
        if (tenant.status === 'active') return 'updated';
        expect([gate?.status === 'active', Object.keys(gate?.k ?? {})], why).toEqual([false, []]);
        return tenant.status === 'deleted' ? 'unchanged' : 'updated';
      },
      async after(world, id, why) {
        expect(await world.store.tenant(id), why).toMatchObject({
          status: 'deleted',
          operation: null,
          apiUrl: null,
        });
        expect((await world.store.gate(id))?.status, why).toBe('deleted');
        expect(stacksOf(world, id), why).toEqual([]);
        expect(world.cloud.world.has(`prod-app-data-${id}`), why).toBe(true);
        const trail = await world.trail(id);
        expect([trail.at(-1), count(trail, 'tenant.delete')], why).toEqual(['tenant.delete', 1]);
      },
    });
  });
}

/** A stack that was made, and then protected. */
const DONE = 'UPDATE_COMPLETE';

const stacksOf = ({ cloud }: StackProject, id: string) =>
  cloud.all.filter(({ name, status }) => name === `prod-tenant-${id}` && status !== 'DELETE_COMPLETE');

interface Sweep {
  before?(world: StackProject, id: string): Promise<void>;
  command(id: string): string;
  /** What holds of what a killed run left; the outcome that the next one is to have. */
  between(world: StackProject, id: string, why: string): Promise<string>;
  after(world: StackProject, id: string, why: string): Promise<void>;
}

async function sweep(first: number, step: number, { before, command, between, after }: Sweep): Promise<void> {
  const world = await openStackProject();
  try {
    for (let at = first; ; at += step) {
      const id = `t-${at}`;
      const why = `killed before call ${at}`;
      await before?.(world, id);
      const ran = await world.cli(`${command(id)} -o json`, { killer: { at, calls: 0 } });
      const expected = await between(world, id, why);
      const again = await world.cli(`${command(id)} -o json`);
      if (again === 'killed') throw new Error(why);
      expect(again.code, `${why}: ${again.stderr}`).toBe(0);
      expect(again.json().outcome, why).toBe(expected);
      await after(world, id, why);
      if (ran === 'killed') continue;
      // The whole of a run was swept.
      expect(at).toBeGreaterThan(12);
      return;
    }
  } finally {
    await world.close();
  }
}
