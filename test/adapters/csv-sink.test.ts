import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { csvSink } from '../../src/adapters/csv-sink.ts';
import type { Sink } from '../../src/core/billing/sink.ts';
import { CALLS, TODAY, usageEvent } from '../fixtures/stripe.ts';
import { bundle } from '../local/fixtures/bundles.ts';

const HEADER = 'id,tenant,metric,day,value,unit,timestamp';

let dir: string;
let writer: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-csv-'));
  writer = await bundle(dir, 'test/local/fixtures/csv-writer.ts');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const sinks: Sink[] = [];
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
});

const newFile = (): string => join(mkdtempSync(join(dir, 'run-')), 'usage.csv');

function open(file: string, unit = 'calls'): Sink {
  const sink = csvSink({ file, name: 'usage.csv', mode: 'test', units: { api_calls: unit }, lockWaitMs: 50 });
  sinks.push(sink);
  return sink;
}

const events = (...ids: string[]) => ids.map((id, index) => usageEvent(id, 'cus_1', index + 1));
const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\r\n').slice(1, -1);
const idsOf = (file: string): string[] => linesOf(file).map((line) => line.split(',')[0] ?? '');
const DELIVERED = { kind: 'delivered' };

describe('the file', () => {
  it('is made by what is written to it, not by looking', async () => {
    const file = newFile();
    const sink = open(file);
    expect(await sink.preflight([CALLS], 0)).toEqual([]);
    expect(await sink.total({ customer: null, tenantId: 'acme', meter: CALLS, day: TODAY })).toBe(0);
    expect(existsSync(file)).toBe(false);
    expect(await sink.deliver(events('e1'))).toEqual([DELIVERED]);
    expect(idsOf(file)).toEqual(['e1']);
  });

  it('has a header and a line an event, quoted where that is needed', async () => {
    const file = newFile();
    const meter = { ...CALLS, scale: 3 };
    expect(await open(file, 'calls, "each"').deliver([usageEvent('e1', 'cus_1', 1500, { meter })])).toEqual([
      DELIVERED,
    ]);
    expect(readFileSync(file, 'utf8')).toBe(
      `${HEADER}\r\ne1,acme,api_calls,2026-11-22,1.5,"calls, ""each""",2026-11-22T12:00:00.000Z\r\n`,
    );
  });

  it('takes an id once, in a batch, in a run and for ever', async () => {
    const file = newFile();
    const sink = open(file);
    expect(await sink.deliver(events('e1', 'e2', 'e1'))).toEqual([DELIVERED, DELIVERED, DELIVERED]);
    expect(await sink.deliver(events('e2', 'e3'))).toEqual([DELIVERED, DELIVERED]);
    expect(await open(file).deliver(events('e1', 'e4'))).toEqual([DELIVERED, DELIVERED]);
    expect(idsOf(file)).toEqual(['e1', 'e2', 'e3', 'e4']);
  });

  it('says what it holds of a day, also what others wrote', async () => {
    const file = newFile();
    const sink = open(file);
    const total = (day = TODAY) => sink.total({ customer: null, tenantId: 'acme', meter: CALLS, day });
    expect(await total()).toBe(0);
    await sink.deliver(events('e1', 'e2'));
    await open(file).deliver([
      usageEvent('e3', 'cus_1', 40),
      usageEvent('e4', 'cus_1', 7, { day: '2026-11-21' }),
    ]);
    expect(await total()).toBe(43);
    expect(await total('2026-11-21')).toBe(7);
  });

  it('cut off anywhere in its last line, loses that line only until the event is sent again', async () => {
    const whole = newFile();
    await open(whole).deliver(events('e1', 'e2'));
    const length = readFileSync(whole).length;
    const last = (linesOf(whole)[1]?.length ?? 0) + 2;
    for (let cut = 1; cut <= last; cut += 7) {
      const file = newFile();
      writeFileSync(file, readFileSync(whole));
      truncateSync(file, length - cut);
      expect(await open(file).deliver(events('e1', 'e2'))).toEqual([DELIVERED, DELIVERED]);
      expect(readFileSync(file, 'utf8'), `${cut} bytes`).toBe(readFileSync(whole, 'utf8'));
    }
  });

  it('cut off in its header, begins anew', async () => {
    const file = newFile();
    writeFileSync(file, HEADER.slice(0, 5));
    await open(file).deliver(events('e1'));
    expect(readFileSync(file, 'utf8').startsWith(`${HEADER}\r\ne1,`)).toBe(true);
  });

  it('of somebody else is left as it is', async () => {
    const file = newFile();
    writeFileSync(file, 'name,amount\r\nx,1\r\n');
    const sink = open(file);
    expect(await sink.preflight([CALLS], 0)).toMatchObject([{ meter: null, code: 'csv_foreign' }]);
    expect(await sink.deliver(events('e1'))).toMatchObject([{ kind: 'rejected', reason: 'unauthorized' }]);
    expect(readFileSync(file, 'utf8')).toBe('name,amount\r\nx,1\r\n');
  });

  it('made shorter by hand, is believed', async () => {
    const file = newFile();
    const sink = open(file);
    await sink.deliver(events('e1', 'e2'));
    writeFileSync(file, `${readFileSync(file, 'utf8').split('\r\n').slice(0, 2).join('\r\n')}\r\n`);
    await sink.deliver(events('e1', 'e2'));
    expect(idsOf(file)).toEqual(['e1', 'e2']);
  });

  it('is one account of the ledger wherever the project lies', async () => {
    expect(await open(newFile()).account()).toBe(await open(newFile()).account());
  });
});

describe('bad days', () => {
  it('a full disk: it says so, and what to do', async () => {
    const sink = open('/dev/full');
    expect(await sink.preflight([CALLS], 0)).toEqual([]);
    // Only because a device cannot be made shorter does nobody know.
    expect(await sink.deliver(events('e1'))).toMatchObject([
      { kind: 'ambiguous', message: expect.stringContaining('is full: free some space') },
    ]);
  });

  it('a disk that fills in the middle of a batch: it is taken back whole, and sent again later', async () => {
    const file = newFile();
    await open(file).deliver(events('e0'));
    const said = await limited(file, 2048, 200);
    expect(said.at(-1)).toContain('"kind":"retry"');
    const kept = said.filter((line) => !line.includes('retry')).length;
    expect(idsOf(file)).toEqual(['e0', ...Array.from({ length: 5 * kept }, (_, n) => `e${1000 + n}`)]);
    const all = Array.from({ length: 200 }, (_, n) => `e${1000 + n}`);
    expect(await open(file).deliver(events(...all))).toEqual(all.map(() => DELIVERED));
    expect(idsOf(file)).toEqual(['e0', ...all]);
  });

  it('a folder that is not there, or not ours, is found before anything is sent', async () => {
    const nowhere = join(dir, 'nowhere', 'usage.csv');
    expect(await open(nowhere).preflight([CALLS], 0)).toMatchObject([
      { code: 'csv_unwritable', next: `ls -ld ${dirname(nowhere)} ${nowhere}` },
    ]);
    expect(await open(nowhere).deliver(events('e1'))).toMatchObject([
      { kind: 'retry', reason: 'unreachable' },
    ]);
    const file = newFile();
    await open(file).deliver(events('e1'));
    chmodSync(file, 0o400);
    // Root may write everywhere.
    if (process.getuid?.() !== 0) {
      expect(await open(file).preflight([CALLS], 0)).toMatchObject([{ code: 'csv_unwritable' }]);
    }
  });
});

describe('two at once', () => {
  it('write in turns: every id once, however often it is sent', async () => {
    const file = newFile();
    const children = [run(file, 0, 100), run(file, 0, 100), run(file, 50, 100)];
    await Promise.all(children.map(({ ended }) => ended));
    expect(idsOf(file).sort()).toEqual(Array.from({ length: 150 }, (_, n) => `e${n}`).sort());
    expect(readdirSync(join(file, '..'))).toEqual(['usage.csv']);
  });

  it('one killed in its turn is no obstacle, and leaves nothing half or twice', async () => {
    const file = newFile();
    for (let round = 0; round < 5; round++) {
      const { child, lines, ended } = run(file, round * 20, 200);
      for (let n = 0; n <= round % 3; n++) await lines();
      child.kill('SIGKILL');
      await ended;
    }
    const { ended } = run(file, 0, 200);
    await ended;
    const ids = idsOf(file);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(200);
    expect(linesOf(file).every((line) => line.split(',').length === 7)).toBe(true);
  });

  it('a living holder is waited for, then the event stays for later', async () => {
    const file = newFile();
    const stat = existsSync('/proc/1/stat') ? readFileSync('/proc/self/stat', 'utf8') : null;
    const began = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
    const { hostname } = await import('node:os');
    const holder = { token: 'other', host: hostname(), pid: process.pid, began };
    writeFileSync(`${file}.lock`, JSON.stringify(holder));
    expect(await open(file).deliver(events('e1'))).toMatchObject([
      { kind: 'retry', reason: 'conflict', message: expect.stringContaining(`${file}.lock`) },
    ]);
    // The same number, but of a process that began at another time: the holder is dead.
    writeFileSync(`${file}.lock`, JSON.stringify({ ...holder, began: '1' }));
    if (began !== null) expect(await open(file).deliver(events('e1'))).toEqual([DELIVERED]);
    rmSync(`${file}.lock`, { force: true });
    appendFileSync(`${file}.lock`, 'half of a lo');
    expect(await open(file).deliver(events('e2'))).toEqual([DELIVERED]);
  });
});

function run(file: string, first: number, count: number, command: string[] = []) {
  const [program = process.execPath, ...args] = [
    ...command,
    process.execPath,
    writer,
    file,
    String(first),
    String(count),
  ];
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const reader = createInterface(child.stdout as NodeJS.ReadableStream);
  const said: string[] = [];
  reader.on('line', (line) => said.push(line));
  const ended = once(child, 'close').then(() => said);
  return { child, ended, lines: () => Promise.race([once(reader, 'line'), ended]) };
}

/** The writer where no file may grow beyond `bytes`: the system cuts its write off, as a full disk does. */
async function limited(file: string, bytes: number, count: number): Promise<string[]> {
  const script = `trap '' XFSZ; ulimit -f ${Math.ceil(bytes / 1024)}; exec "$@"`;
  return run(file, 1000, count, ['/bin/bash', '-c', script, 'limited']).ended;
}
