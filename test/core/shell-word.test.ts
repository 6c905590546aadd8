import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { shellWord } from '../../src/core/shell-word.ts';

it.each(['/srv/bills/a-1.csv', 'focus:/a b', "it's", '$HOME `id` "x"', '*', 'a\\b', 'two\nlines', 'é', ''])(
  '%j is one word that the shell reads as it is',
  (text) => {
    const printed = execFileSync('/bin/sh', ['-c', `printf '%s|' ${shellWord(text)}`], { encoding: 'utf8' });
    expect(printed).toBe(`${text}|`);
  },
);

it('is not quoted where nothing asks for it', () => {
  expect(shellWord('focus:/srv/bills_2026/a-1.csv')).toBe('focus:/srv/bills_2026/a-1.csv');
});
