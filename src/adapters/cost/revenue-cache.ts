import { hashOf, keptFiles, OPEN_MS } from './kept-files.ts';

export interface RevenueCache {
  /** `null`: not there, too old, damaged, or of another account. */
  read<T>(kind: string, month: string): Promise<T | null>;
  /** `final`: kept for ever, otherwise for hours. */
  write<T>(kind: string, month: string, final: boolean, value: T): Promise<void>;
  /** What was found and not used. */
  notes(): readonly string[];
}

/**
 * What Stripe said of a month: amounts and customer ids, no names. `account` names whose it is; only a hash of it is
 * written.
 */
export function revenueCache(folder: string, account: string, now: () => number): RevenueCache {
  const files = keptFiles(folder, now);
  const owner = hashOf(account).slice(0, 16);
  const prefixOf = (kind: string, month: string): string => `stripe-${kind}-${month}`;
  return {
    async read<T>(kind: string, month: string) {
      const kept = await files.read<{ final: boolean; text: string }>(prefixOf(kind, month), {
        owner,
        kind,
        month,
      });
      if (kept === null) return null;
      const age = now() - kept.at;
      if (!kept.value.final && (age < 0 || age > OPEN_MS)) return null;
      return JSON.parse(kept.value.text, (_, value) =>
        typeof value === 'string' && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
      ) as T;
    },
    write(kind, month, final, value) {
      const text = JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one));
      return files.write(prefixOf(kind, month), { owner, kind, month }, { final, text });
    },
    notes: files.notes,
  };
}
