import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeInStrings, visible, visibleText } from '../../src/ui/visible.ts';

describe('visible', () => {
  it('shows what a terminal would obey', () => {
    expect(visible('a\x1b[2Jb')).toBe('a\\u001b[2Jb');
    expect(visible('one\ntwo\tthree\r')).toBe('one\\ntwo\\tthree\\r');
    expect(visible('\x9b31m\x7f')).toBe('\\u009b31m\\u007f');
  });

  it('shows marks that reorder text', () => {
    expect(visible('abc\u202edcba')).toBe('abc\\u202edcba');
  });

  it('leaves every written language as it is', () => {
    for (const text of ['Zoë', '日本語', 'שלום', '👩‍👩‍👧', 'a\\nb']) expect(visible(text)).toBe(text);
  });
});

describe('visibleText', () => {
  it('keeps lines, tabs and colours', () => {
    expect(visibleText('\x1b[1mNAME\x1b[22m\tvalue\nnext')).toBe('\x1b[1mNAME\x1b[22m\tvalue\nnext');
  });

  it('disarms every other sequence', () => {
    expect(visibleText('\x1b[2J\x1b]0;title\x07\r')).toBe('\\u001b[2J\\u001b]0;title\\u0007\\r');
  });
});

describe('escapeInStrings', () => {
  it('changes nothing that JSON.parse gives back', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 1 }), (value) => {
        expect(JSON.parse(escapeInStrings(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
