import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createFunctionPool, type FunctionPool } from '../../src/local/function-pool.ts';
import type { FunctionSpec } from '../../src/local/function-sandbox.ts';
import type { Outcome } from '../../src/local/runtime-api.ts';
import { fixture, sandboxBundle } from './fixtures/bundles.ts';
import { eventually, processesMentioning } from './fixtures/processes.ts';

let dir: string;
let sandbox: string;
let pool: FunctionPool | undefined;
let lines: string[];
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-pool-'));
  sandbox = await sandboxBundle(dir);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));
afterEach(() => pool?.close());

function create(spec: Partial<FunctionSpec> = {}): FunctionPool {
  lines = [];
  const whole = { name: 'fn', file: fixture('function.mjs'), env: {}, ...spec };
  pool = createFunctionPool(whole, { sandbox, log: (line) => lines.push(line) });
  return pool;
}

function payload(outcome: Outcome): unknown {
  if (!outcome.ok) throw new Error(`${outcome.error.errorType}: ${outcome.error.errorMessage}`);
  return JSON.parse(outcome.payload);
}

/** Killed processes may be seen for a moment longer; a leaked one stays for the two seconds of its watchdog at least. */
const noProcessLeft = () =>
  eventually('no process left', () => processesMentioning(sandbox).length === 0, 1_900);

interface Echo {
  event: unknown;
  invocations: number;
  pid: number;
  env: Record<string, string>;
  requestId: string;
}
const echo = async (of: FunctionPool, event = {}): Promise<Echo> =>
  payload(await of.invoke({ ...event, do: 'echo' })) as Echo;

describe('an invocation', () => {
  it('gets its event and context, and its result comes back', async () => {
    const answer = await echo(create(), { text: 'Grüße 🌍', list: [1, null] });
    expect(answer.event).toEqual({ do: 'echo', text: 'Grüße 🌍', list: [1, null] });
    expect(answer.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('sees only the environment of its function, a PATH and what Lambda sets', async () => {
    process.env['STRIPE_API_KEY'] = 'sk_live_ours';
    const { env } = await echo(create({ env: { MINE: '1' } }));
    delete process.env['STRIPE_API_KEY'];
    const names = Object.keys(env).filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name));
    expect(names.sort()).toEqual(['AWS_LAMBDA_FUNCTION_NAME', 'AWS_LAMBDA_RUNTIME_API', 'MINE', 'PATH']);
    expect(env['AWS_LAMBDA_FUNCTION_NAME']).toBe('fn');
  });

  it('knows its deadline', async () => {
    const left = payload(await create({ timeoutMs: 600_000 }).invoke({ do: 'remaining' })) as number;
    expect(left).toBeGreaterThan(300_000);
    expect(left).toBeLessThanOrEqual(600_000);
  });

  it('that returns nothing answers null', async () => {
    expect(payload(await create().invoke({ do: 'nothing' }))).toBeNull();
  });

  it('is run in a warm sandbox', async () => {
    const warm = create();
    const [first, second] = [await echo(warm), await echo(warm)];
    expect([first.invocations, second.invocations]).toEqual([1, 2]);
    expect(second.pid).toBe(first.pid);
  });

  it('prints to the log, under its name', async () => {
    await create().invoke({ do: 'print', text: 'hello\nworld' });
    await eventually('lines', () => lines.length === 2);
    expect(lines).toEqual(['[fn] hello', '[fn] world']);
  });
});

describe('an invocation that fails', () => {
  it('by throwing answers the error, says its stack once, and keeps the sandbox', async () => {
    const fn = create();
    const { pid } = await echo(fn);
    expect(await fn.invoke({ do: 'throw' })).toMatchObject({
      ok: false,
      error: { errorType: 'RangeError', errorMessage: 'out of range' },
    });
    expect(lines.filter((line) => line.includes('RangeError: out of range'))).toHaveLength(1);
    expect(lines.join('\n')).toContain('function.mjs');
    expect((await echo(fn)).pid).toBe(pid);
  });

  it('with a result that is not JSON', async () => {
    expect(await create().invoke({ do: 'cyclic' })).toMatchObject({
      ok: false,
      error: { errorType: 'TypeError' },
    });
  });

  it('with a result over 6 MB', async () => {
    const fn = create();
    expect((await fn.invoke({ do: 'large', bytes: 6 * 1024 * 1024 - 2 })).ok).toBe(true);
    expect(await fn.invoke({ do: 'large', bytes: 6 * 1024 * 1024 })).toMatchObject({
      error: { errorType: 'Function.ResponseSizeTooLarge' },
    });
  });

  it('by ending its process, which is replaced', async () => {
    const fn = create();
    const { pid } = await echo(fn);
    expect(await fn.invoke({ do: 'exit' })).toMatchObject({
      error: { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('exit code 3') },
    });
    const next = await echo(fn);
    expect(next.pid).not.toBe(pid);
    expect(next.invocations).toBe(1);
  });

  it.each(['hang', 'spin'])('by running out of time (%s), and its process is replaced', async (how) => {
    // Long enough for any echo.
    const fn = create({ timeoutMs: 2_500 });
    const { pid } = await echo(fn);
    expect(await fn.invoke({ do: how })).toMatchObject({
      ok: false,
      error: { errorType: 'Sandbox.Timedout', errorMessage: 'the function timed out after 2.5 s' },
    });
    expect((await echo(fn)).pid).not.toBe(pid);
  });

  it('after its idle sandbox was killed, does not: another takes over', async () => {
    const fn = create();
    const { pid } = await echo(fn);
    process.kill(pid, 'SIGKILL');
    await eventually('sandbox gone', () => processesMentioning(sandbox).length === 0);
    const answers = await Promise.all([fn.invoke({ do: 'nothing' }), fn.invoke({ do: 'nothing' })]);
    // The one that may have met the dying process says so; none hangs.
    expect(answers.filter((answer) => answer.ok).length).toBeGreaterThanOrEqual(1);
  });
});

describe('a function that cannot be loaded', () => {
  it.each([
    ['broken.mjs', 'cannot be loaded'],
    ['no-handler.mjs', 'does not export a function named handler'],
    ['absent.mjs', 'Cannot find module'],
  ])('%s: every invocation fails, the stack is said once', async (name, message) => {
    const fn = create({ file: fixture(name) });
    for (let i = 0; i < 2; i++) {
      const outcome = await fn.invoke({});
      expect(outcome).toMatchObject({ ok: false, error: { errorMessage: expect.stringContaining(message) } });
    }
    expect(lines.filter((line) => line.includes('could not be loaded'))).toHaveLength(1);
    expect(lines.some((line) => /^\[fn\] +at /.test(line))).toBe(true);
    await noProcessLeft();
  });
});

describe('concurrency', () => {
  it('runs as many at once as there may be sandboxes', async () => {
    const fn = create({ concurrency: 3 });
    const meeting = mkdtempSync(join(dir, 'meet-'));
    const event = { do: 'meet', dir: meeting, parties: 3 };
    const outcomes = await Promise.all([fn.invoke(event), fn.invoke(event), fn.invoke(event)]);
    expect(outcomes.map(payload)).toEqual([3, 3, 3]);
  });

  it('queues the rest, one invocation a sandbox at a time', async () => {
    const fn = create({ concurrency: 2 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => echo(fn)));
    expect(new Set(answers.map((answer) => answer.pid)).size).toBeLessThanOrEqual(2);
    const served = new Map<number, number[]>();
    for (const { pid, invocations } of answers) served.set(pid, [...(served.get(pid) ?? []), invocations]);
    for (const counts of served.values()) {
      expect(counts.sort((a, b) => a - b)).toEqual(counts.map((_, i) => i + 1));
    }
  });
});

describe('closing', () => {
  it('answers what is under way or queued, and leaves no process', async () => {
    const fn = create({ concurrency: 1 });
    await echo(fn);
    const pending = Promise.all([fn.invoke({ do: 'spin' }), fn.invoke({ do: 'nothing' })]);
    await eventually('the first to begin', () => lines.includes('[fn] spinning'));
    await Promise.all([fn.close(), fn.close()]);
    const [running, queued] = await pending;
    expect(running).toMatchObject({ ok: false, error: { errorType: 'Runtime.ExitError' } });
    expect(queued).toMatchObject({ ok: false, error: { errorType: 'Sandbox.Closed' } });
    expect(await fn.invoke({})).toMatchObject({ ok: false, error: { errorType: 'Sandbox.Closed' } });
    await noProcessLeft();
  });
});
