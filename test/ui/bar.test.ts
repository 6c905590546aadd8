import { describe, expect, it } from 'vitest';
import { drawsUnicode, quotaBar, sparkline } from '../../src/ui/bar.ts';

const bar = (used: number, limit: number | null, unicode = true) =>
  quotaBar(used, limit, { unicode, width: 10 });

describe('quota bar', () => {
  it.each([
    [0, 100, '░░░░░░░░░░'],
    [1, 100, '█░░░░░░░░░'],
    [50, 100, '█████░░░░░'],
    [99, 100, '█████████░'],
    [100, 100, '██████████'],
    [101, 100, '█████████▶'],
    [0, 0, '██████████'],
    [1, 0, '█████████▶'],
    [5, null, '░░░░░░░░░░'],
  ])('%d of %s', (used, limit, drawn) => {
    expect(bar(used, limit)).toBe(drawn);
  });

  it('has an ASCII form', () => {
    expect(bar(50, 100, false)).toBe('#####.....');
    expect(bar(101, 100, false)).toBe('#########>');
  });
});

describe('sparkline', () => {
  it('goes from zero to the greatest, any use above zero', () => {
    expect(sparkline([0, 1, 500, 1000], { unicode: true })).toBe('▁▂▅█');
    expect(sparkline([0, 1, 500, 1000], { unicode: false })).toBe('_.=#');
  });

  it('leaves a day without data blank', () => {
    expect(sparkline([null, 3, null], { unicode: true })).toBe(' █ ');
  });

  it('draws nothing out of nothing', () => {
    expect(sparkline([], { unicode: true })).toBe('');
    expect(sparkline([0, 0], { unicode: true })).toBe('▁▁');
  });
});

it('the locale says what can be drawn, the strongest variable first', () => {
  expect(drawsUnicode({ LANG: 'en_US.UTF-8' })).toBe(true);
  expect(drawsUnicode({ LANG: 'de_DE.utf8' })).toBe(true);
  expect(drawsUnicode({ LC_ALL: 'C', LANG: 'en_US.UTF-8' })).toBe(false);
  expect(drawsUnicode({})).toBe(false);
});
