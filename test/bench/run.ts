import { cliFigures } from './cli.ts';
import { type Figure, table } from './figure.ts';
import { limitFigures } from './limits.ts';
import { memoryFigures } from './memory.ts';
import { nextCallFigures } from './next-call.ts';
import { wireFigures } from './wire.ts';
import { openWorld } from './world.ts';

/** Measures the built tool of this package and prints one table. Fails where a bound is passed. */
export async function run(root: string): Promise<void> {
  const world = await openWorld(root);
  const figures: Figure[] = [];
  try {
    for (const measure of [wireFigures, limitFigures, nextCallFigures, cliFigures, memoryFigures])
      figures.push(...(await measure(world)));
  } finally {
    await world.close();
  }
  process.stdout.write(`Node ${process.version}\n${table(figures)}\n`);
  if (figures.some(({ ok }) => !ok)) process.exitCode = 1;
}
