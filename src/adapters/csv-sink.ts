import { dirname } from 'node:path';
import type { Delivery, Sink, SinkProblem, UsageEvent } from '../core/billing/sink.ts';
import { shellWord } from '../core/shell-word.ts';
import { decimalOf } from '../core/usage/metrics.ts';
import { type CsvFile, csvFile, ForeignFile } from './csv-file.ts';
import { lockFile } from './file-lock.ts';

const BATCH = 500;
/** How long another run may be in its turn. */
const LOCK_WAIT_MS = 5_000;

export interface CsvSinkOptions {
  /** Absolute path; the file is made when missing, its folder is not. */
  file: string;
  /** What the ledger is kept under, wherever the file lies. */
  name: string;
  mode: 'live' | 'test';
  /** Of each metric. */
  units: Readonly<Record<string, string>>;
  /** How long to wait for another run, ms. */
  lockWaitMs?: number;
}

/**
 * A file that grows by one line an event: `id,tenant,metric,day,value,unit,timestamp`, RFC 4180. Every batch is on the
 * disk before it counts as delivered, an id that is in the file is never written again, and a line that a crash cut
 * off is taken back first. Runs at the same time write in turns.
 */
export function csvSink(options: CsvSinkOptions): Sink {
  const { name, mode, units, lockWaitMs = LOCK_WAIT_MS } = options;
  const lines = csvFile(options.file);
  const inTurn = turns();

  async function attempt(events: readonly UsageEvent[]): Promise<Delivery> {
    const lock = await lockFile(`${options.file}.lock`, lockWaitMs);
    if (lock === null) {
      const message = `another run is writing ${options.file}; if none is, remove ${options.file}.lock`;
      return { kind: 'retry', reason: 'conflict', message, afterMs: null };
    }
    try {
      await lines.catchUp();
      const unwritten = new Map(events.filter(({ id }) => !lines.has(id)).map((event) => [event.id, event]));
      if (!(await lock.isHeld())) {
        const message = `${options.file}.lock was taken away from this run`;
        return { kind: 'retry', reason: 'conflict', message, afterMs: null };
      }
      await lines.append([...unwritten.values()].map((event) => fieldsOf(event, units)));
      return { kind: 'delivered' };
    } finally {
      await lock.release();
    }
  }

  return {
    name: 'csv',
    mode,
    needsCustomer: false,
    batch: BATCH,
    perSecond: null,
    backdateDays: null,
    dedupeHours: null,
    account: async () => name,
    preflight: () => preflight(lines, options.file),
    async deliver(events) {
      const delivery = await inTurn(() =>
        attempt(events).catch((error: unknown) => failed(error, options.file)),
      );
      return events.map(() => delivery);
    },
    async total({ tenantId, meter, day }) {
      await lines.catchUp();
      return lines.total(tenantId, meter.metric, day, meter.scale);
    },
    close: () => lines.close(),
  };
}

function fieldsOf(
  { id, tenantId, meter, day, value, timestamp }: UsageEvent,
  units: CsvSinkOptions['units'],
): string[] {
  const time = new Date(timestamp * 1000).toISOString();
  return [id, tenantId, meter.metric, day, decimalOf(value, meter.scale), units[meter.metric] ?? '', time];
}

/** One after the other. */
function turns() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(turn: () => Promise<T>): Promise<T> => {
    const result = last.then(turn);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Nothing was kept, unless taking back what was written failed, too: `csvFile` says `uncertain` then. */
function failed(error: unknown, file: string): Delivery {
  const { code, message: said, uncertain } = error as NodeJS.ErrnoException & { uncertain?: boolean };
  if (error instanceof ForeignFile) return { kind: 'rejected', reason: 'unauthorized', message: said };
  const message =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? `the disk under ${file} is full: free some space, then run the same command again`
      : `cannot write ${file}: ${code ?? said}`;
  if (uncertain) return { kind: 'ambiguous', reason: 'server_error', message };
  return { kind: 'retry', reason: 'unreachable', message, afterMs: null };
}

async function preflight(lines: CsvFile, file: string): Promise<SinkProblem[]> {
  try {
    await lines.catchUp();
    return [];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isForeign = error instanceof ForeignFile;
    return [
      {
        meter: null,
        code: isForeign ? 'csv_foreign' : 'csv_unwritable',
        message: isForeign ? message : `cannot write ${file}: ${code ?? message}`,
        hint: isForeign ? 'it was left as it is' : 'the folder must be there, and the file ours to write',
        next: isForeign
          ? 'choose another "billing"."csv"."file" in saasctl.json'
          : `ls -ld ${shellWord(dirname(file))} ${shellWord(file)}`,
      },
    ];
  }
}
