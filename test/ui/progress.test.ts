import { describe, expect, it } from 'vitest';
import { progressLine } from '../../src/ui/progress.ts';
import { testIo } from '../../src/ui/test-io.ts';

describe('progress', () => {
  it('is one line that changes in place on a terminal, ten times a second at most, and goes away', () => {
    const io = testIo({ tty: true, columns: 13 });
    let now = 0;
    const line = progressLine(io, () => now, false);
    line.show('1 sent');
    line.show('2 sent');
    now = 100;
    line.show('3 sent\u001b[31m, a long tale');
    line.end();
    expect(io.stderr()).toBe('\r1 sent\u001b[K\r3 sent\\u001b\u001b[K\r\u001b[K');
    expect(io.stdout()).toBe('');
  });

  it('is a line a minute in CI', () => {
    const io = testIo({ tty: true, env: { CI: 'true' } });
    let now = 0;
    const line = progressLine(io, () => now, false);
    for (now = 0; now <= 130_000; now += 1000) line.show(`after ${now / 1000} s`);
    line.end();
    expect(io.stderr()).toBe('after 60 s\nafter 120 s\n');
  });

  it.each([
    ['off a terminal', {}, false],
    ['where CI says no', { env: { CI: 'false' } }, false],
    ['with --quiet', { tty: true }, true],
  ] as const)('is nothing %s', (_, options, silent) => {
    const io = testIo(options);
    const line = progressLine(io, () => 0, silent);
    line.show('1 sent');
    line.end();
    expect(io.stderr()).toBe('');
  });
});
