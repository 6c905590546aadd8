import { describe, expect, it } from 'vitest';
import { compileQuery, queryKeeps } from '../../src/ui/query.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { acme, globex, list, one, rendered } from './items.ts';

describe('--query', () => {
  it('sees the whole document, next included', async () => {
    const query = '{ids: items[].id, next: next}';
    const { stdout, stderr } = await rendered(list([acme, globex], { next: () => 'c' }), 'json', { query });
    expect(stdout).toBe('{"ids":["acme","globex"],"next":"c"}\n');
    expect(stderr).toBe('');
  });

  it.each([
    ['table', 'name', 'Acme Inc\n'],
    ['csv', 'name', 'Acme Inc\n'],
    ['json', 'name', '"Acme Inc"\n'],
    ['yaml', 'name', 'Acme Inc\n'],
    ['table', 'calls', '12\n'],
    ['table', 'nothing', 'null\n'],
    ['id', '[id, name]', '["acme","Acme Inc"]\n'],
    ['yaml', '[id]', '- acme\n'],
  ] as const)('as -o %s, %s', async (format, query, stdout) => {
    expect((await rendered(one(acme), format, { query })).stdout).toBe(stdout);
  });

  it('is indented on a terminal', async () => {
    const io = testIo({ tty: true });
    expect((await rendered(one(acme), 'table', { query: '[id]', io })).stdout).toBe('[\n  "acme"\n]\n');
  });

  it('lets no control character through', async () => {
    const { stdout } = await rendered(one({ ...acme, name: '\x1b[2J' }), 'table', { query: 'name' });
    expect(stdout).toBe('\\u001b[2J\n');
  });

  it.each(['items[', 'nope(@)', 'items[?nope(id)].id', ''])(
    '%s is refused when it is compiled',
    async (expression) => {
      await expect(compileQuery(expression)).rejects.toMatchObject({ code: 'bad_query', exitCode: 2 });
    },
  );

  it('a function on the wrong type is a usage error too', async () => {
    const query = await compileQuery('length(calls)');
    expect(() => query(acme)).toThrowError(expect.objectContaining({ code: 'bad_query', exitCode: 2 }));
  });

  it('reaches own properties only', async () => {
    for (const expression of ['constructor', 'toString', 'id.length']) {
      expect((await compileQuery(expression))(acme) ?? null).toBeNull();
    }
  });
});

it('tells whether a secret would be shown at all', async () => {
  const keeps = async (expression: string) =>
    queryKeeps(await compileQuery(expression), { keyId: 'k1' }, 'key');
  expect(await keeps('key')).toBe(true);
  expect(await keeps('[keyId, key]')).toBe(true);
  expect(await keeps('@')).toBe(true);
  expect(await keeps('keyId')).toBe(false);
  expect(await keeps('length(key)')).toBe(false);
});
