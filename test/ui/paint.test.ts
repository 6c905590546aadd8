import { describe, expect, it } from 'vitest';
import { paintFor, wantsColor } from '../../src/ui/paint.ts';
import { testIo } from '../../src/ui/test-io.ts';

describe('whether to colour', () => {
  it.each([
    ['a terminal', {}, true, {}, true],
    ['a pipe', {}, false, {}, false],
    ['a dumb terminal', { TERM: 'dumb' }, true, {}, false],
    ['NO_COLOR', { NO_COLOR: '1' }, true, {}, false],
    ['NO_COLOR set to nothing', { NO_COLOR: '' }, true, {}, true],
    ['FORCE_COLOR in a pipe', { FORCE_COLOR: '' }, false, {}, true],
    ['FORCE_COLOR=0', { FORCE_COLOR: '0' }, true, {}, false],
    ['FORCE_COLOR over NO_COLOR', { FORCE_COLOR: '1', NO_COLOR: '1' }, false, {}, true],
    ['--no-color over FORCE_COLOR', { FORCE_COLOR: '1' }, true, { flag: false }, false],
    ['the user’s setting', {}, true, { setting: false }, false],
    ['a setting for colour, in a pipe', {}, false, { setting: true }, false],
  ])('%s', (_name, env, isTTY, choice, expected) => {
    expect(wantsColor(env, isTTY, choice)).toBe(expected);
  });
});

it('each stream is asked for itself', () => {
  const io = testIo({ tty: { stderr: true } });
  expect(paintFor('stdout', io).red('x')).toBe('x');
  expect(paintFor('stderr', io).red('x')).toBe('\x1b[31mx\x1b[39m');
});
