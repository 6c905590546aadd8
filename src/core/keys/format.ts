import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * An API key: `<prefix>_<live|test>_<32 base62><6 base62 CRC32>`.
 * The checksum covers everything before it, so a typo or a truncated paste is refused without any I/O.
 */
export type KeyEnv = 'live' | 'test';
export const KEY_ENVS: readonly KeyEnv[] = ['live', 'test'];

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BODY_LENGTH = 32;
const CHECKSUM_LENGTH = 6;
const TAIL = new RegExp(`^[0-9A-Za-z]{${BODY_LENGTH + CHECKSUM_LENGTH}}$`);

/** What a prefix may look like. */
export const KEY_PREFIX = /^[a-z][a-z0-9]{1,11}$/;

/** `length` random base62 characters, each equally likely. */
export function randomBase62(length: number): string {
  let out = '';
  while (out.length < length) {
    for (const byte of randomBytes(length * 2)) {
      // 248 = 4 · 62: the bytes above it would favour the first characters.
      if (byte < 248 && out.length < length) out += BASE62[byte % 62];
    }
  }
  return out;
}

/** CRC32 of `text` as six base62 digits, most significant first (GitHub's token encoding). */
export function checksum(text: string): string {
  let rest = crc32(text);
  let out = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    out = BASE62[rest % 62] + out;
    rest = Math.floor(rest / 62);
  }
  return out;
}

export function mintKey(prefix: string, env: KeyEnv): string {
  const body = `${prefix}_${env}_${randomBase62(BODY_LENGTH)}`;
  return body + checksum(body);
}

/** How a key is stored and looked up: SHA-256, hex. 190 bits of entropy need no slow hash. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}

export type ParsedKey =
  | { kind: 'ours'; env: KeyEnv }
  /** Our prefix, but not a key we could have minted: a typo, a cut or a forgery. */
  | { kind: 'malformed' }
  /** Another shape: only known where keys were imported by hash. */
  | { kind: 'foreign' };

/** Reads a key from the right, so a prefix never has to be escaped. No I/O, never throws. */
export function parseKey(key: string, prefix: string): ParsedKey {
  if (!key.startsWith(`${prefix}_`)) return { kind: 'foreign' };
  const [env, tail, ...more] = key.slice(prefix.length + 1).split('_', 3);
  if (more.length > 0 || tail === undefined || !TAIL.test(tail)) return { kind: 'malformed' };
  if (env !== 'live' && env !== 'test') return { kind: 'malformed' };
  const split = key.length - CHECKSUM_LENGTH;
  if (checksum(key.slice(0, split)) !== key.slice(split)) return { kind: 'malformed' };
  return { kind: 'ours', env };
}
