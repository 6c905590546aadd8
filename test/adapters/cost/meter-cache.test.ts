import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { meterCache } from '../../../src/adapters/cost/meter-cache.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'saasctl-meters-'));
});
afterEach(() => rm(folder, { recursive: true }));

const STACK = { account: '111122223333', region: 'us-east-1', stack: 'prod', endpoint: '' };
const OF = new Map([
  ['acme', { requests: 7n, byte_hours: 2n ** 60n }],
  ['zoo', { requests: 0n, tokens: 3n }],
]);
const MONTH = {
  month: '2026-07',
  readAt: '2026-11-20T12:00:00.000Z',
  ids: ['acme', 'zoo'],
  amounts: () => OF,
  calls: new Map([['2026-07-03', 7n]]),
};
const open = (more: Partial<typeof STACK> = {}) => meterCache(folder, { ...STACK, ...more }, () => 0);
const only = async (): Promise<string> => join(folder, (await readdir(folder))[0] ?? '');

it('gives back what was metered, to the unit, also beyond what a number holds', async () => {
  await open().write(MONTH);
  const read = await open().read('2026-07');
  expect(read).toMatchObject({
    month: '2026-07',
    readAt: MONTH.readAt,
    ids: ['acme', 'zoo'],
    calls: MONTH.calls,
  });
  expect(read?.amounts().get('acme')).toMatchObject(OF.get('acme') ?? {});
  expect(read?.amounts().get('zoo')).toMatchObject({ tokens: 3n });
  const { columns } = read ?? {};
  expect([columns?.ids, columns?.of('byte_hours'), columns?.of('tokens'), columns?.of('none')]).toEqual([
    ['acme', 'zoo'],
    [2n ** 60n, 0],
    [0, 3],
    [],
  ]);
});

it.each(['account', 'region', 'stack', 'endpoint'] as const)('knows nothing of another %s', async (field) => {
  await open().write(MONTH);
  expect(await open({ [field]: 'other' }).read('2026-07')).toBeNull();
});

it('a file of another stack under this one’s name is said and not used', async () => {
  await open().write(MONTH);
  const own = await only();
  await rm(own);
  await open({ stack: 'other' }).write(MONTH);
  await rename(await only(), own);
  const cache = open();
  expect(await cache.read('2026-07')).toBeNull();
  expect(cache.notes().join()).toContain('is of stack other, not prod');
});

it('a file that was cut short or changed is said and not used', async () => {
  await open().write(MONTH);
  const file = await only();
  const whole = await readFile(file, 'utf8');
  for (const text of [whole.slice(0, -9), whole.replace('[7,0]', '[8,0]'), '']) {
    expect(text).not.toBe(whole);
    await writeFile(file, text);
    const cache = open();
    expect(await cache.read('2026-07')).toBeNull();
    expect(cache.notes().join()).toContain('damaged');
  }
});
