import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth, endWithin, fitColumns } from '../../src/ui/width.ts';

it.each([
  ['acme', 4],
  ['Zoë', 3],
  ['Zoe\u0308', 3],
  ['日本語', 6],
  ['ok 👍', 5],
  ['👩‍👩‍👧', 2],
  ['', 0],
])('%s takes %d cells', (text, cells) => {
  expect(displayWidth(text)).toBe(cells);
});

it.each([
  ['▁▂▃▄', 4, '▁▂▃▄'],
  ['▁▂▃▄▅', 4, '…▃▄▅'],
  ['日本語', 4, '…語'],
  ['▁▂', 1, '…'],
])('%s within %d cells keeps its end', (text, width, kept) => {
  expect(endWithin(text, width, '…')).toBe(kept);
});

describe('fitting columns', () => {
  it('leaves them alone where there is room', () => {
    expect(fitColumns([5, 10, 3], 18)).toEqual([5, 10, 3]);
  });

  it('takes from the widest, and from the first last', () => {
    expect(fitColumns([20, 30, 10], 45)).toEqual([20, 15, 10]);
    expect(fitColumns([20, 30, 10], 24)).toEqual([16, 4, 4]);
  });

  it('takes from the one that yields before any other', () => {
    expect(fitColumns([20, 30, 25], 60, 2)).toEqual([20, 30, 10]);
    expect(fitColumns([20, 30, 25], 50, 2)).toEqual([20, 26, 4]);
    expect(fitColumns([5, 10, 3], 18, 1)).toEqual([5, 10, 3]);
  });

  it('never exceeds the room, or every column is at its least', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { minLength: 1, maxLength: 10 }), fc.nat(200), (natural, room) => {
        const widths = fitColumns(natural, room);
        const total = widths.reduce((sum, width) => sum + width, 0);
        expect(total <= room || widths.every((width) => width <= 4)).toBe(true);
        expect(widths.every((width, i) => width <= (natural[i] ?? 0))).toBe(true);
      }),
    );
  });
});
