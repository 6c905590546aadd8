import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { SaasctlError } from '../../core/errors.ts';

/*
 * One file, only ever appended to, that any number of processes share: its order is what happened. Every process
 * reads what the others added before it decides, and takes its own entry from the file, in its place.
 *
 * An append is one write with O_APPEND, in the kernel when it returns: kill -9 loses nothing that was answered.
 * What was cut off by one, or by a full disk, is no whole line of JSON and never counts; every entry begins on a line of its own.
 * fdatasync comes with `close` only: after a power cut the last seconds of the stand-in may be missing.
 */
const VERSION = 1;
/** Above the longest entry: a request's body is limited to half of it. */
const CHUNK = 1024 * 1024;

interface Entry {
  /** Names the entry among all of the file. */
  seed: string;
}

export interface Journal<E extends Entry, R> {
  /** Takes in what other processes have added. */
  catchUp(): void;
  /** Adds an entry and returns what `perform` made of it, at its place in the order. Throws where it was not added. */
  append(entry: E): R;
  close(): void;
}

/** `perform` is given every entry once, in the order of the file. Throws `store_unusable` or `store_too_new` (config). */
export function openJournal<E extends Entry, R>(file: string, perform: (entry: E) => R): Journal<E, R> {
  const fd = openFile(file);
  let read = 0;
  let wanted: string | null = null;
  let result: R | null = null;

  function take(line: string): void {
    const entry = parsed(line);
    if (entry === null) return;
    if (typeof entry['journal'] === 'number') {
      checkVersion(file, entry['journal']);
      return;
    }
    const made = perform(entry as unknown as E);
    if (entry['seed'] === wanted) result = made;
  }

  function catchUp(): void {
    for (let { size } = fstatSync(fd); read < size; { size } = fstatSync(fd)) {
      const chunk = Buffer.allocUnsafe(Math.min(size - read, CHUNK));
      const got = readSync(fd, chunk, 0, chunk.length, read);
      const end = chunk.subarray(0, got).lastIndexOf(10) + 1;
      // An entry under way in another process, or the rest of one that was cut off.
      if (end === 0) return;
      read += end;
      for (const line of chunk.toString('utf8', 0, end).split('\n')) if (line !== '') take(line);
    }
  }

  catchUp();
  if (read === 0) writeSync(fd, `\n${JSON.stringify({ journal: VERSION })}\n`);
  catchUp();
  return {
    catchUp,
    append(entry) {
      const line = Buffer.from(`\n${JSON.stringify(entry)}\n`);
      if (writeSync(fd, line) < line.length) throw new Error('the disk is full');
      if (fstatSync(fd).size === read + line.length) {
        read += line.length;
        return perform(entry);
      }
      wanted = entry.seed;
      result = null;
      catchUp();
      wanted = null;
      if (result === null) throw new Error(`${file} lost an entry`);
      return result;
    },
    close() {
      fdatasyncSync(fd);
      closeSync(fd);
    },
  };
}

function openFile(file: string): number {
  try {
    return openSync(file, 'a+', 0o600);
  } catch (error) {
    throw new SaasctlError({
      code: 'store_unusable',
      category: 'config',
      message: `the Stripe stand-in cannot write ${file}: ${(error as NodeJS.ErrnoException).code}`,
      hint: 'nothing was sent',
      next: 'saasctl doctor',
      cause: error,
    });
  }
}

/** A whole entry, or `null` for what was cut off. */
function parsed(line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function checkVersion(file: string, found: number): void {
  if (found <= VERSION) return;
  throw new SaasctlError({
    code: 'store_too_new',
    category: 'config',
    message: `${file} was written by a newer saasctl`,
    hint: 'this one would not understand all of it; nothing was changed',
    next: 'npm install --save-dev saasctl@latest',
  });
}
