import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { makeTenant } from '../adapters/tenancy.ts';
import { atMost, type Figure } from './figure.ts';
import { PLAN, type World } from './world.ts';

const ROUNDS = 25;

/** Wall time of whole processes over an empty Node's, each round running them all, one after the other. */
export async function cliFigures({ root, dir, endpoint, store }: World): Promise<Figure[]> {
  await makeTenant(store, 'shown', PLAN, Date.now());
  const bin = join(root, 'bin', 'saasctl.js');
  const commands = {
    node: ['-e', '0'],
    '--version': [bin, '--version'],
    '--help': [bin, '--help'],
    'tenant show': [bin, 'tenant', 'show', 'shown'],
  };
  const { PATH } = process.env;
  const env = { PATH, HOME: dir, AWS_ENDPOINT_URL_DYNAMODB: endpoint };
  const times: Record<keyof typeof commands, number[]> = {
    node: [],
    '--version': [],
    '--help': [],
    'tenant show': [],
  };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, args] of Object.entries(commands) as [keyof typeof commands, string[]][]) {
      const started = performance.now();
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: dir, env });
      const took = performance.now() - started;
      if (status !== 0) throw new Error(`${name}: ${stderr}`);
      // The first round fills the compile cache and the disk's.
      if (round > 0) times[name].push(took);
    }
  }
  const over = (of: (numbers: number[]) => number, name: keyof typeof commands) =>
    of(times[name]) / of(times.node);
  const figure = (name: keyof typeof commands, bound: number) => {
    const value = over(least, name);
    const said = `${value.toFixed(2)} (median ${over(median, name).toFixed(2)})`;
    return atMost(`saasctl ${name}, over node -e 0`, Number(value.toFixed(2)), bound, said);
  };
  return [figure('--version', 1.3), figure('--help', 1.7), figure('tenant show', 3.5)];
}

const least = (numbers: readonly number[]): number => Math.min(...numbers);
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
