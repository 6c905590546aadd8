import { billingFigures, FULL } from './billing.ts';
import { cliFigures } from './cli.ts';
import { coldStartFigures } from './cold-start.ts';
import { decisionFigures } from './decisions.ts';
import { type Figure, table } from './figure.ts';
import { latencyFigures } from './latency.ts';
import { limitFigures } from './limits.ts';
import { memoryFigures } from './memory.ts';
import { nextCallFigures } from './next-call.ts';
import { sandboxMemoryFigures } from './sandbox-memory.ts';
import { stripeFigures } from './stripe.ts';
import { wireFigures } from './wire.ts';
import { openWorld } from './world.ts';
import { writeFigures } from './writes.ts';

/**
 * Measures the built tool of this package and prints one table. Fails where a bound is passed. `billing` as an argument:
 * its figures alone, at full size.
 */
export async function run(root: string): Promise<void> {
  const world = await openWorld(root);
  const figures: Figure[] = [];
  try {
    if (process.argv.includes('billing')) figures.push(...(await billingFigures(world, FULL)));
    else
      for (const measure of [
        wireFigures,
        decisionFigures,
        writeFigures,
        limitFigures,
        nextCallFigures,
        coldStartFigures,
        latencyFigures,
        cliFigures,
        memoryFigures,
        sandboxMemoryFigures,
        stripeFigures,
        billingFigures,
      ])
        figures.push(...(await measure(world)));
  } finally {
    await world.close();
  }
  process.stdout.write(`Node ${process.version}\n${table(figures)}\n`);
  if (figures.some(({ ok }) => !ok)) process.exitCode = 1;
}
