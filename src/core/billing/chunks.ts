import type { Work } from './settle.ts';

/** Chunks of rows worked on side by side, and rows in one: what one transaction holds. */
export const CHUNKS = 4;
export const CHUNK_ROWS = 96;

/** Rows of one tenant, for one chunk each. */
export function inParts(work: Work, most: number): Work[] {
  const parts: Work[] = [];
  for (let at = 0; at === 0 || at < work.pairs.length; at += most)
    parts.push({ ...work, pairs: work.pairs.slice(at, at + most) });
  work.of.parts = parts.length;
  return parts;
}

/** Works as chunks of so many rows. The parts of one tenant are put together first: no chunk has it twice. */
export function* inChunks(works: readonly Work[], most: number): Generator<Work[]> {
  const whole = new Map<string, Work>();
  for (const work of works) {
    const pairs = [...(whole.get(work.tenant.id)?.pairs ?? []), ...work.pairs];
    whole.set(work.tenant.id, { ...work, pairs });
  }
  let chunk: Work[] = [];
  let rows = 0;
  for (const work of whole.values())
    for (const part of inParts(work, most)) {
      if (rows > 0 && rows + part.pairs.length > most) {
        yield chunk;
        [chunk, rows] = [[], 0];
      }
      chunk.push(part);
      rows += part.pairs.length;
    }
  if (rows > 0) yield chunk;
}
