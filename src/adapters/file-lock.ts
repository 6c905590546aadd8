import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 10;

interface Holder {
  token: string;
  host: string;
  pid: number;
  /** When the process began, as the kernel counts it; `null` where it does not say. Tells a pid used again. */
  began: string | null;
}

export interface FileLock {
  /** Whether it is still ours: a lock can be removed by hand. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

/**
 * A lock between the processes of a machine: `path` is there while it is held. One whose process has died is taken
 * over. Waits up to `waitMs`, then resolves to `null`. Throws the system's errors.
 */
export async function lockFile(path: string, waitMs: number): Promise<FileLock | null> {
  const own: Holder = {
    token: randomUUID(),
    host: hostname(),
    pid: process.pid,
    began: await beginningOf(process.pid),
  };
  const draft = `${path}.${own.token}`;
  const end = performance.now() + waitMs;
  // Whole from the first moment on: linked, never written in place.
  await writeFile(draft, JSON.stringify(own), { flag: 'wx', mode: 0o600 });
  try {
    for (;;) {
      if (await linked(draft, path)) return held(path, own.token);
      const holder = await holderOf(path);
      if (holder !== null && !(await isAlive(holder))) await breakLock(path, holder);
      else if (performance.now() >= end) return null;
      else await pause(POLL_MS);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

function held(path: string, token: string): FileLock {
  const isHeld = async (): Promise<boolean> => (await holderOf(path))?.token === token;
  return {
    isHeld,
    async release() {
      if (await isHeld()) await rm(path, { force: true });
    },
  };
}

/** Takes a dead holder's lock away; gives it back where another process had done so and holds it by now. */
async function breakLock(path: string, dead: Holder): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  if (!(await moved(path, aside))) return;
  const taken = await holderOf(aside);
  if (taken !== null && taken.token !== dead.token) await linked(aside, path);
  await rm(aside, { force: true });
}

const moved = (from: string, to: string): Promise<boolean> => unless('ENOENT', rename(from, to));
const linked = (from: string, to: string): Promise<boolean> => unless('EEXIST', link(from, to));

async function unless(code: string, done: Promise<void>): Promise<boolean> {
  try {
    await done;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}

async function holderOf(path: string): Promise<Holder | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as Holder;
  } catch {
    // Not one of ours, or damaged: nobody holds it.
    return { token: '', host: hostname(), pid: 0, began: null };
  }
}

async function isAlive({ host, pid, began }: Holder): Promise<boolean> {
  if (host !== hostname()) return true;
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return began === null || (await beginningOf(pid)) === began;
}

async function beginningOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The 22nd field; the second one, a name in brackets, may hold spaces.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}
