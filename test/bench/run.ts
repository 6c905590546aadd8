import { billingFigures, FULL } from './billing.ts';
import { cliFigures } from './cli.ts';
import { coldStartFigures } from './cold-start.ts';
import { costFigures } from './cost.ts';
import { costToolFigures } from './cost-tool.ts';
import { decisionFigures } from './decisions.ts';
import { type Figure, table } from './figure.ts';
import { latencyFigures } from './latency.ts';
import { limitFigures } from './limits.ts';
import { memoryFigures } from './memory.ts';
import { nextCallFigures } from './next-call.ts';
import { sandboxMemoryFigures } from './sandbox-memory.ts';
import { stripeFigures } from './stripe.ts';
import { wireFigures } from './wire.ts';
import { openWorld, type World } from './world.ts';
import { writeFigures } from './writes.ts';

/** What is measured, in this order, by the names that `npm run bench -- <name> …` takes. */
const GROUPS: Readonly<Record<string, (world: World) => Promise<Figure[]>>> = {
  wire: wireFigures,
  decisions: decisionFigures,
  writes: writeFigures,
  limits: limitFigures,
  'next-call': nextCallFigures,
  'cold-start': coldStartFigures,
  latency: latencyFigures,
  cli: cliFigures,
  memory: memoryFigures,
  cost: costFigures,
  'sandbox-memory': sandboxMemoryFigures,
  stripe: stripeFigures,
  billing: billingFigures,
  'cost-full': costToolFigures,
  'billing-full': (world) => billingFigures(world, FULL),
};
/** Only where they are asked for: they take minutes. */
const LONG = ['billing-full', 'cost-full'];

/**
 * Measures the built tool of this package and prints one table. Fails where a bound is passed. With names as arguments:
 * those groups alone.
 */
export async function run(root: string): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !Object.hasOwn(GROUPS, name));
  if (unknown.length > 0)
    throw new Error(`no ${unknown.join(', ')}; there are ${Object.keys(GROUPS).join(', ')}`);
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(GROUPS)) {
    if (asked.length === 0 ? LONG.includes(name) : !asked.includes(name)) continue;
    // A store of its own: what one leaves behind is not measured by the next.
    const world = await openWorld(root);
    try {
      figures.push(...(await measure(world)));
    } finally {
      await world.close();
    }
  }
  process.stdout.write(`Node ${process.version}\n${table(figures)}\n`);
  if (figures.some(({ ok }) => !ok)) process.exitCode = 1;
}
