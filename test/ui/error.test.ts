import { describe, expect, it } from 'vitest';
import { SaasctlError, usageError } from '../../src/core/errors.ts';
import { renderError } from '../../src/ui/error.ts';
import type { Format } from '../../src/ui/output.ts';
import { paintFor } from '../../src/ui/paint.ts';
import { testIo } from '../../src/ui/test-io.ts';

function said(error: SaasctlError, format: Format, io = testIo()): string {
  renderError(error, format, io, paintFor('stderr', io));
  expect(io.stdout()).toBe('');
  return io.stderr();
}

const conflict = new SaasctlError({
  code: 'tenant_conflict',
  category: 'conflict',
  message: "tenant 'acme' is on another plan",
  hint: 'it is on free',
  next: 'saasctl tenant update acme --plan pro',
});

describe('an error', () => {
  it('says what, why and the next command', () => {
    expect(said(conflict, 'table')).toBe(
      "error: tenant 'acme' is on another plan\n  why: it is on free\n  next: saasctl tenant update acme --plan pro\n",
    );
  });

  it('leaves out what it does not know', () => {
    expect(said(usageError('bad', 'bad'), 'csv')).toBe('error: bad\n');
  });

  it('is one JSON line with -o json, with exactly the documented fields', () => {
    const line = said(conflict, 'json', testIo({ tty: true }));
    expect(line.endsWith('}\n')).toBe(true);
    expect(line.trimEnd()).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      code: 'tenant_conflict',
      category: 'conflict',
      message: "tenant 'acme' is on another plan",
      hint: 'it is on free',
      next: 'saasctl tenant update acme --plan pro',
      retryable: false,
      requestId: null,
      exitCode: 5,
    });
  });

  it('cannot repaint the screen with a name it repeats', () => {
    const nasty = usageError('bad', 'no plan \x1b[2J\x9b\r', { hint: 'one\ntwo' });
    expect(said(nasty, 'table')).toBe('error: no plan \\u001b[2J\\u009b\\r\n  why: one\n       two\n');
    expect(said(nasty, 'json')).not.toMatch(/(?!\n)\p{Cc}/u);
  });

  it.each([
    ['saasctl deploy', 'saasctl deploy --profile prod'],
    ['saasctl deploy --stack acme', 'saasctl deploy --stack acme --profile prod'],
    ['saasctl key verify < acme.key', 'saasctl key verify --profile prod < acme.key'],
    ['saasctl cost report --profile test --source ce', 'saasctl cost report --profile test --source ce'],
    ['saasctl deploy --help', 'saasctl deploy --help'],
    [
      'aws cloudformation wait x && saasctl deploy',
      'aws cloudformation wait x && saasctl deploy --profile prod',
    ],
    ['saasctl init --aws', 'saasctl init --aws'],
    ['aws sso login', 'aws sso login'],
    ['npm install saasctl@latest', 'npm install saasctl@latest'],
  ])('of a run on --profile prod: %s is to be typed as %s', (next, typed) => {
    const error = usageError('bad', 'bad', { next });
    for (const format of ['table', 'json'] as const) {
      const io = testIo();
      renderError(error, format, io, paintFor('stderr', io), { profile: 'prod', config: null });
      const shown = format === 'json' ? JSON.parse(io.stderr()).next : /next: (.*)/.exec(io.stderr())?.[1];
      expect(shown).toBe(typed);
    }
    expect(JSON.parse(said(error, 'json')).next).toBe(next);
  });

  it.each([
    ['saasctl deploy', null, 'saasctl deploy --config ../b/saasctl.json'],
    [
      'saasctl key verify < a.key',
      'prod',
      'saasctl key verify --profile prod --config ../b/saasctl.json < a.key',
    ],
    ['saasctl deploy --profile test', 'prod', 'saasctl deploy --profile test --config ../b/saasctl.json'],
    ['saasctl deploy --config a.json', 'prod', 'saasctl deploy --config a.json --profile prod'],
    ['saasctl init', 'prod', 'saasctl init'],
    ['saasctl deploy --help', 'prod', 'saasctl deploy --help'],
  ])(
    'of a run on --config ../b/saasctl.json: %s, with --profile %s, is to be typed as %s',
    (next, profile, typed) => {
      const io = testIo();
      const named = { profile, config: '../b/saasctl.json' };
      renderError(usageError('bad', 'bad', { next }), 'json', io, paintFor('stderr', io), named);
      expect(JSON.parse(io.stderr()).next).toBe(typed);
    },
  );

  it('is red on a terminal only', () => {
    expect(said(conflict, 'table', testIo({ tty: true }))).toContain('\x1b[31merror:\x1b[39m');
  });
});
