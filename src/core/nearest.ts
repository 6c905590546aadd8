import { distance } from 'fastest-levenshtein';

/** `did you mean pro? `, or nothing where no known word is near. */
export function didYouMean(text: string, known: readonly string[]): string {
  const near = known
    .map((word) => ({ word, far: distance(text.toLowerCase(), word.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)[0];
  return near !== undefined && near.far <= Math.max(2, near.word.length / 3)
    ? `did you mean ${near.word}? `
    : '';
}
