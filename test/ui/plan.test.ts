import { expect, it } from 'vitest';
import { paintFor } from '../../src/ui/paint.ts';
import { renderChanges } from '../../src/ui/plan.ts';
import { testIo } from '../../src/ui/test-io.ts';

const plain = paintFor('stdout', testIo());
const colored = paintFor('stdout', testIo({ tty: true }));

it('shows what is added, changed and removed, aligned', () => {
  const changes = [
    { field: 'plan', from: 'free', to: 'pro' },
    { field: 'stripeCustomerId', from: null, to: 'cus_1' },
    { field: 'name', from: 'Acme', to: null },
  ];
  expect(renderChanges(changes, plain)).toBe(
    ['~ plan              free -> pro', '+ stripeCustomerId  cus_1', '- name              Acme'].join('\n'),
  );
});

it('goes into objects, where null is a value', () => {
  const from = { apiCallsPerMonth: 1000, maxUsers: 3 };
  expect(renderChanges([{ field: 'limits', from, to: { apiCallsPerMonth: null, maxUsers: 3 } }], plain)).toBe(
    '~ limits.apiCallsPerMonth  1000 -> null',
  );
});

it('shows lists as JSON and disarms text', () => {
  const changes = [
    { field: 'scopes', from: null, to: ['a', 'b'] },
    { field: 'name', from: 'a', to: '\x1b[2J' },
  ];
  expect(renderChanges(changes, plain)).toBe('+ scopes  ["a","b"]\n~ name    a -> \\u001b[2J');
});

it('is coloured on a terminal', () => {
  expect(renderChanges([{ field: 'name', from: null, to: 'x' }], colored)).toBe('\x1b[32m+ name  x\x1b[39m');
});

it('is nothing where nothing changes', () => {
  expect(renderChanges([], plain)).toBe('');
});
