import type { SyncOptions } from '../../../src/core/billing/run.ts';
import { type Synced, syncUsage } from '../../../src/core/billing/sync.ts';
import { dayOf } from '../../../src/core/time.ts';
import { clockOf, DAY, difference, fold, HOUR, newWorld, sinkOf, storeOf, use, type World } from './world.ts';

/** How a run is made; a broken design is made of the same core with its store or its sink bent. */
export type Design = (options: SyncOptions, world: World) => SyncOptions;
export const sound: Design = (options) => options;

/** Invoices of the days before yesterday are final, and now and then of yesterday: what is owed there is carried. */
export const carrying: Design = (options, world) => ({
  ...options,
  sink: {
    ...options.sink,
    async periods() {
      const open = dayOf(world.now - (world.random() < 0.5 ? DAY : 0));
      return { closedUntil: Date.parse(open) / 1000, endedAt: null };
    },
  },
});

export function startRun(world: World, runId: string, design: Design = sound): Promise<Synced> {
  const options: SyncOptions = {
    ledger: storeOf(world, runId),
    sink: sinkOf(world, runId),
    stack: 'test',
    meters: world.meters,
    finalInvoice: 'carry',
    clock: clockOf(world, runId),
    runId,
    random: world.random,
  };
  return syncUsage(design(options, world));
}

const settle = (): Promise<void> => new Promise((wake) => setImmediate(wake));

/** Lets one waiting step go on; a pause when nothing else waits. */
export function oneStep(world: World): boolean {
  if (world.pending.length === 0) return false;
  const ready = world.pending.filter(({ at }) => at <= world.now);
  const [first] = [...world.pending].sort((a, b) => a.at - b.at);
  const chosen = ready[Math.floor(world.random() * ready.length)] ?? first;
  if (chosen === undefined) return false;
  world.pending.splice(world.pending.indexOf(chosen), 1);
  world.now = Math.max(world.now, chosen.at);
  chosen.go();
  return true;
}

/** A run without disturbance. */
export async function quietRun(world: World, runId: string, design: Design = sound): Promise<Synced> {
  let done = false;
  const run = startRun(world, runId, design).finally(() => {
    done = true;
  });
  // Its failure is met at the end.
  run.catch(() => {});
  for (await settle(); !done; await settle()) {
    if (world.random() < 0.05) for (const { id } of world.tenants) fold(world, id);
    oneStep(world);
  }
  return run;
}

const RUNS = 3;
/** Days that quiet runs go on for: ambiguous for 23 h, then absent for 24 h, then planned anew. */
const QUIET_DAYS = 5;

/**
 * One random schedule: usage comes in, also late, days are folded, up to three runs are under way, any of them dies
 * at any step, requests and answers are lost, the clock jumps. Then a few quiet days. Returns what is wrong in the end.
 */
export async function schedule(
  seed: number,
  design: Design = sound,
): Promise<{ over: number; under: number; open: number; world: World }> {
  const world = newWorld(seed);
  const { random } = world;
  world.faults = { lost: 0.12, unanswered: 0.12, writes: 0.04 };
  const alive = new Set<string>();
  let runs = 0;
  let jumps = 0;
  const start = () => {
    const id = `run${++runs}`;
    alive.add(id);
    // A run that dies of a lost answer is as good as killed.
    startRun(world, id, design).then(
      () => alive.delete(id),
      () => alive.delete(id),
    );
  };
  const steps = 40 + Math.floor(random() * 120);
  for (let step = 0; step < steps; step++) {
    const dice = random();
    if (dice < 0.1) useSomewhere(world);
    else if (dice < 0.16 && alive.size < RUNS) start();
    else if (dice < 0.18 && alive.size > 0) crash(world, alive);
    else if (dice < 0.215 && jumps < 12) {
      jumps++;
      world.now += 2 * HOUR + random() * 28 * HOUR;
    } else if (dice < 0.26) for (const { id } of world.tenants) fold(world, id);
    else {
      world.now += random() * 2_000;
      oneStep(world);
    }
    await settle();
  }
  while (alive.size > 0) crash(world, alive);
  world.faults = { lost: 0, unanswered: 0, writes: 0 };
  let open = 0;
  for (let day = 0; day < QUIET_DAYS; day++) {
    world.now += DAY + HOUR;
    const { inflight, flagged, failed, refused } = await quietRun(world, `quiet${day}`, design);
    open = inflight + flagged + failed + refused;
    const { over, under } = difference(world);
    // One more day shows that what is settled stays so.
    if (day > 0 && open + over + under === 0) break;
  }
  return { ...difference(world), open, world };
}

function useSomewhere(world: World) {
  const { random } = world;
  const tenant = world.tenants[Math.floor(random() * world.tenants.length)];
  const meter = world.meters[Math.floor(random() * world.meters.length)];
  if (tenant === undefined || meter === undefined) return;
  const isLate = meter.metric !== 'api_calls' && random() < 0.3;
  const back = isLate ? Math.floor(random() * 4) * DAY : 0;
  use(world, tenant.id, meter, 1 + Math.floor(random() * 9), dayOf(world.now - back));
}

/** A run ends at whatever step it is: what it waits for never comes. */
function crash(world: World, alive: Set<string>) {
  const [...runs] = alive;
  const victim = runs[Math.floor(world.random() * runs.length)];
  if (victim === undefined) return;
  alive.delete(victim);
  world.pending = world.pending.filter(({ run }) => run !== victim);
}
