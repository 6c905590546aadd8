import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface RevenueCache {
  /** `null`: not there, too old, damaged, or of another account. */
  read<T>(kind: string, month: string): Promise<T | null>;
  /** `final`: kept for ever, otherwise for hours. */
  write<T>(kind: string, month: string, final: boolean, value: T): Promise<void>;
}

const FORMAT = 1;
const OPEN_MS = 6 * 3_600_000;

/**
 * What Stripe said of a month, as files: amounts and customer ids, no names. `account` names whose it is and goes
 * into the file's name and its check; a file that is damaged or of another account counts for nothing.
 */
export function revenueCache(folder: string, account: string, now: () => number): RevenueCache {
  const owner = hashOf(account).slice(0, 16);
  const fileOf = (kind: string, month: string) => join(folder, `stripe-${kind}-${month}-${owner}.json`);
  return {
    async read(kind, month) {
      const text = await readFile(fileOf(kind, month), 'utf8').catch(() => null);
      if (text === null) return null;
      const end = text.indexOf('\n');
      const body = text.slice(end + 1);
      try {
        const head = JSON.parse(text.slice(0, end));
        const whole = head.format === FORMAT && head.owner === owner && head.sha256 === hashOf(body);
        if (!whole || head.kind !== kind || head.month !== month) return null;
        const age = now() - head.fetchedAt;
        if (!head.final && (age < 0 || age > OPEN_MS)) return null;
        return JSON.parse(body, (_, value) =>
          typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
        );
      } catch {
        return null;
      }
    },
    async write(kind, month, final, value) {
      const body = JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one));
      const head = { format: FORMAT, owner, kind, month, final, fetchedAt: now(), sha256: hashOf(body) };
      const file = fileOf(kind, month);
      const draft = `${file}.${randomUUID()}.tmp`;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const handle = await open(draft, 'wx', 0o600);
        try {
          await handle.writeFile(`${JSON.stringify(head)}\n${body}`);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(draft, file);
      } catch {
        // The answer is there: a folder that cannot be written costs the next run some requests.
        await rm(draft, { force: true }).catch(() => {});
      }
    },
  };
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
