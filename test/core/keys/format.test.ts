import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksum, hashKey, mintKey, parseKey } from '../../../src/core/keys/format.ts';

describe('the checksum', () => {
  it("is GitHub's: the published body ends in its own CRC", () => {
    const body = 'zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17';
    expect(checksum(body.slice(0, 30))).toBe(body.slice(30));
  });
});

describe('a minted key', () => {
  it('reads back with its environment, whatever the prefix', () => {
    for (const prefix of ['anb', 'acme2']) {
      for (const env of ['live', 'test'] as const) {
        const key = mintKey(prefix, env);
        expect(key).toMatch(new RegExp(`^${prefix}_${env}_[0-9A-Za-z]{38}$`));
        expect(parseKey(key, prefix)).toEqual({ kind: 'ours', env });
      }
    }
  });

  it('is refused with any one character changed, added or cut', () => {
    const key = mintKey('anb', 'live');
    fc.assert(
      fc.property(fc.nat(key.length - 1), fc.constantFrom(...'0aZ_-é '), (at, char) => {
        fc.pre(key[at] !== char);
        expect(parseKey(key.slice(0, at) + char + key.slice(at + 1), 'anb').kind).not.toBe('ours');
        expect(parseKey(key.slice(0, at) + char + key.slice(at), 'anb').kind).not.toBe('ours');
        expect(parseKey(key.slice(0, at) + key.slice(at + 1), 'anb').kind).not.toBe('ours');
      }),
    );
  });

  it('of another prefix is foreign, not malformed', () => {
    expect(parseKey(mintKey('other', 'live'), 'anb')).toEqual({ kind: 'foreign' });
    expect(parseKey('sk-12345', 'anb')).toEqual({ kind: 'foreign' });
  });

  it('of an unknown environment is malformed even with a right checksum', () => {
    const body = `anb_prod_${'a'.repeat(32)}`;
    expect(parseKey(body + checksum(body), 'anb')).toEqual({ kind: 'malformed' });
  });

  it('is stored as SHA-256', () => {
    expect(hashKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
