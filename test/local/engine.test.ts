import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SaasctlError } from '../../src/core/errors.ts';
import { type Engine, type EngineOptions, startEngine } from '../../src/local/engine.ts';
import { findEngine } from '../../src/local/find-engine.ts';
import { eventually, processesMentioning } from './fixtures/processes.ts';

const binary = findEngine({ env: process.env, platform: process.platform, arch: process.arch });
let dir: string;
let started: Engine[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-engine-'));
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map((engine) => engine.stop()));
  rmSync(dir, { recursive: true, force: true });
});

async function start(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await startEngine({ binary, storeDir: join(dir, '.saasctl'), ...options });
  started.push(engine);
  return engine;
}

async function refused(options: Partial<EngineOptions> = {}): Promise<SaasctlError> {
  const error = await start(options).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SaasctlError);
  return error as SaasctlError;
}

async function call(engine: Engine, operation: string, input: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(engine.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': '20261122T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=a/20261122/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x',
    },
    body: JSON.stringify(input),
  });
  const output = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(JSON.stringify(output));
  return output;
}

const createTable = (engine: Engine) =>
  call(engine, 'CreateTable', {
    TableName: 'things',
    KeySchema: [{ AttributeName: 'PK', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'PK', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
const put = (engine: Engine, id: string) =>
  call(engine, 'PutItem', { TableName: 'things', Item: { PK: { S: id } } });
const count = async (engine: Engine) => (await call(engine, 'Scan', { TableName: 'things' }))['Count'];

/** A program that fails as the engine would. */
function failing(script: string): string {
  const path = join(dir, 'failing');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const holdPort = (): Promise<{ port: number; server: Server }> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      resolve({ port: (server.address() as { port: number }).port, server });
    });
  });

describe('a started engine', () => {
  it('answers at once on 127.0.0.1, in a directory that only its owner can read', async () => {
    const engine = await start();
    expect(engine.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await call(engine, 'ListTables', {})).toEqual({ TableNames: [] });
    expect(statSync(join(dir, '.saasctl')).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, '.saasctl/store.db')).isFile()).toBe(true);
  });

  it('keeps what was written after it is stopped, and leaves no process', async () => {
    const first = await start();
    await createTable(first);
    await put(first, 'a');
    await Promise.all([first.stop(), first.stop()]);
    await first.stop();
    expect(await first.exited).toBeNull();
    // One that was left to its watchdog would be there for two seconds.
    await eventually('no process left', () => processesMentioning(dir).length === 0, 1_900);
    expect(await count(await start())).toBe(1);
  });

  it('shares one store with another', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    expect(one.endpoint).not.toBe(two.endpoint);
    await createTable(one);
    await Promise.all(['a', 'b', 'c', 'd'].map((id, i) => put(i % 2 ? one : two, id)));
    await one.stop();
    expect(await count(two)).toBe(4);
  });

  it('takes another port when somebody was quicker', async () => {
    const { port, server } = await holdPort();
    const ports = [port, port];
    const engine = await start({ choosePort: async () => ports.pop() ?? (await unusedPort()) });
    expect(engine.endpoint).not.toBe(`http://127.0.0.1:${port}`);
    expect(ports).toEqual([]);
    expect(await call(engine, 'ListTables', {})).toEqual({ TableNames: [] });
    server.close();
  });

  it('gives up when every port it tries is taken', async () => {
    const { port, server } = await holdPort();
    const error = await refused({ choosePort: async () => port });
    expect(error).toMatchObject({ code: 'engine_failed', category: 'remote', retryable: true });
    expect(error.hint).toContain(`port ${port} is already in use`);
    server.close();
  });
});

async function unusedPort(): Promise<number> {
  const { port, server } = await holdPort();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('an engine that dies in the middle', () => {
  it('is noticed, and nothing acknowledged is lost', async () => {
    const engine = await start();
    await createTable(engine);
    await put(engine, 'a');
    process.kill(engine.pid, 'SIGKILL');
    expect(await engine.exited).toMatchObject({ code: 'engine_failed', category: 'remote', exitCode: 6 });
    await engine.stop();
    await eventually('no process left', () => processesMentioning(dir).length === 0);
    expect(await count(await start())).toBe(1);
  });

  it('is explained by its last words', async () => {
    const binary = failing(
      'echo "Dynoxide listening on http://127.0.0.1:$4"; echo "its last words" >&2; exit 9',
    );
    const engine = await start({ binary });
    expect((await engine.exited)?.hint).toContain('its last words');
  });

  it('goes with its watchdog', async () => {
    const engine = await start();
    const [shell] = processesMentioning('saasctl-watchdog').filter((line) => line.includes(dir));
    expect(shell).toBeDefined();
    const watchdog = parentOf(engine.pid);
    if (watchdog === null) return;
    process.kill(watchdog, 'SIGKILL');
    expect(await engine.exited).toMatchObject({ code: 'engine_failed' });
    await eventually('no process left', () => processesMentioning(dir).length === 0);
  });
});

/** Parent's process id, where the system tells. */
function parentOf(pid: number): number | null {
  try {
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')[1],
    );
  } catch {
    return null;
  }
}

describe('a store that cannot be used', () => {
  it('a corrupt file is refused and left as it is', async () => {
    const store = join(dir, '.saasctl');
    mkdirSync(store);
    writeFileSync(
      join(store, 'store.db'),
      'this is not a database, but long enough to be looked at'.repeat(100),
    );
    const before = readFileSync(join(store, 'store.db'));
    const error = await refused();
    expect(error).toMatchObject({ code: 'store_corrupt', category: 'config', exitCode: 2 });
    expect(error.next).toBe(`mv ${store}/store.db ${store}/store.db.broken`);
    expect(readFileSync(join(store, 'store.db'))).toEqual(before);
  });

  it.each([
    ['the directory is a file', () => writeFileSync(join(dir, '.saasctl'), 'x')],
    ['its parent is a file', () => symlinkSync('/dev/null/x', join(dir, '.saasctl'))],
    ['the store file is a directory', () => mkdirSync(join(dir, '.saasctl/store.db'), { recursive: true })],
  ])('%s', async (_, prepare) => {
    prepare();
    const error = await refused();
    expect(error).toMatchObject({ code: 'store_unusable', category: 'config', exitCode: 2 });
    expect(error.message).toContain(join(dir, '.saasctl'));
    expect(error.next).toContain('ls -ld');
  });

  it('a read-only file system', async () => {
    const error = await refused({ storeDir: '/proc/saasctl-store' });
    expect(error).toMatchObject({ code: 'store_unusable', exitCode: 2 });
  });

  it('a file that the engine may only read', async () => {
    const said = 'echo "error: Internal error: attempt to write a readonly database" >&2; exit 1';
    expect(await refused({ binary: failing(said) })).toMatchObject({ code: 'store_unusable', exitCode: 2 });
  });

  it('a full disk', async () => {
    mkdirSync(join(dir, '.saasctl'));
    symlinkSync('/dev/full', join(dir, '.saasctl/store.db'));
    const error = await refused();
    expect(error).toMatchObject({ code: 'store_full', category: 'config', exitCode: 2 });
    expect(error.next).toBe(`df -h ${join(dir, '.saasctl')}`);
  });

  it('quotes a path with spaces in the command to run next', async () => {
    const storeDir = join(dir, "it's here");
    writeFileSync(storeDir, 'x');
    expect((await refused({ storeDir })).next).toContain(`'${dir}/it'\\''s here'`);
  });
});

it('a binary that cannot run is an error with what it said', async () => {
  const error = await refused({ binary: join(dir, 'absent') });
  expect(error).toMatchObject({ code: 'engine_failed', category: 'remote' });
  expect(error.hint).toContain('absent');
});
