import { createHash } from 'node:crypto';
import { type Zippable, zipSync } from 'fflate';

export interface Zip {
  /** Where it lies in the code bucket: what it is, and the hash of its bytes. */
  key: string;
  bytes: Uint8Array;
}

const MODE = 0o644;
const UNIX = 3;

/**
 * Files, by their names in the zip, as the same bytes on every machine: sorted by name, one time, one mode, one
 * level. The key carries the sha256 of the zip, in hex.
 */
export function zipOf(what: string, files: ReadonlyMap<string, Uint8Array>): Zip {
  const entries: Zippable = {};
  // In the local calendar, whose fields a zip carries: when its clock begins, in every time zone.
  const mtime = new Date(1980, 0, 1);
  for (const name of [...files.keys()].sort()) {
    entries[name] = [files.get(name) ?? new Uint8Array(), { level: 9, mtime, os: UNIX, attrs: MODE << 16 }];
  }
  const bytes = zipSync(entries);
  return { key: `${what}/${createHash('sha256').update(bytes).digest('hex')}.zip`, bytes };
}
