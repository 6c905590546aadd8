import { expect, it } from 'vitest';
import { fuzz, fuzzChecksum } from './fuzz.ts';

it('no odd key, header or event is authorised or crashes anything (20,000)', () => fuzz(20_000));

it('no mutated key gets past its checksum to a store that would know it', () => fuzzChecksum(5_000));

it('these find a gate that does not check the checksum', async () => {
  await expect(fuzzChecksum(100, false)).rejects.toThrow('Property failed');
});
