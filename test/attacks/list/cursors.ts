// Cursors: the one thing that leaves the API, comes back, and says where to read.
import { expect } from 'vitest';
import { sealCursor } from '../../../src/runtime/tenant-data/cursor.ts';
import { compileQuery } from '../../../src/runtime/tenant-data/query.ts';
import { type AnyAttack, call, type Target, type TenantId } from '../target.ts';

const PAGE = 'GET /items?prefix=order&limit=1';

/** The cursor of somebody's first page of that list. */
async function cursorOf(target: Target, tenantId: TenantId, line = PAGE): Promise<string> {
  const { cursor } = (await call(target, target.keys[tenantId], line)).json();
  expect(cursor).toEqual(expect.any(String));
  return cursor;
}

/** Each is refused as no cursor of this query, and nothing is read. */
async function allRefused(target: Target, cursors: readonly unknown[], line = PAGE): Promise<void> {
  for (const cursor of cursors) {
    const answer =
      typeof cursor === 'string' && cursor !== ''
        ? await call(target, target.keys.acme, `${line}&cursor=${encodeURIComponent(cursor)}`)
        : await call(target, target.keys.acme, 'POST /query', {
            sk: { beginsWith: 'order' },
            limit: 1,
            cursor,
          });
    expect([answer.status, answer.json().name], JSON.stringify(cursor)).toEqual([400, 'InvalidCursor']);
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64url');

export const cursors: AnyAttack[] = [
  {
    name: 'a forged cursor',
    async run(target) {
      const start = { PK: { S: 'TENANT#globex' }, SK: { S: 'order#1' } };
      const forged = [
        start,
        { PK: 'TENANT#globex', SK: 'a' },
        { tenantId: 'globex', table: 'app-data-hooli', sk: 'a' },
      ];
      const zeros = Buffer.concat([Buffer.alloc(32), Buffer.from('order#1')]).toString('base64url');
      await allRefused(target, [
        ...forged.map((each) => base64(JSON.stringify(each))),
        ...forged.map((each) => JSON.stringify(each)),
        ...[zeros, base64('order#1'), 'order#1', 'TENANT#globex', '0', '-1', 'null', '*'],
      ]);
    },
  },
  {
    name: 'a cursor of another tenant',
    setup: async (target) =>
      Promise.all((['globex', 'acme-corp', 'hooli', 'initech'] as const).map((id) => cursorOf(target, id))),
    run: (target, stolen: string[]) => allRefused(target, stolen),
  },
  {
    name: 'a cursor of another query',
    async run(target) {
      const others = [
        'GET /items?limit=1',
        'GET /items?prefix=order%23&limit=1',
        'GET /items?prefix=s&limit=1',
      ];
      const made = await Promise.all(others.map((line) => cursorOf(target, 'acme', line)));
      await allRefused(target, made);
    },
  },
  {
    name: 'a cursor cut short, made longer, or with a bit turned',
    async run(target) {
      const cursor = await cursorOf(target, 'acme');
      const bytes = Buffer.from(cursor, 'base64url');
      const turned = Array.from({ length: 9 }, (_, nth) => {
        const at = Math.floor((nth * (bytes.length - 1)) / 8);
        const copy = Buffer.from(bytes);
        copy[at] = (copy[at] as number) ^ (1 << (at % 8));
        return copy.toString('base64url');
      });
      const longer = Buffer.concat([bytes, Buffer.from('0')]).toString('base64url');
      const cut = [
        cursor.slice(0, -1),
        cursor.slice(1),
        cursor.slice(0, 43),
        bytes.subarray(0, 33).toString('base64url'),
      ];
      await allRefused(target, [...turned, ...cut, longer, `${cursor}=`, ` ${cursor}`, `${cursor}${cursor}`]);
      const whole = await call(target, target.keys.acme, `${PAGE}&cursor=${cursor}`);
      expect(whole.json().items.map(({ SK }: { SK: string }) => SK)).toEqual(['order#2']);
    },
  },
  {
    name: 'a cursor signed with another secret',
    async run(target) {
      const table = `${target.stack}-app-data`;
      const { scope } = compileQuery(table, 'acme', { sk: { beginsWith: 'order' }, limit: 1 });
      const secrets = [
        '',
        'undefined',
        'null',
        'secret',
        'saasctl',
        'saasctl cursor 1',
        target.stack,
        'x'.repeat(32),
      ];
      await allRefused(
        target,
        secrets.map((secret) => sealCursor(secret, scope, 'order#1')),
      );
    },
  },
  {
    name: 'a cursor that is no text, or a prototype',
    run: (target) =>
      allRefused(target, [
        ...['', 0, true, [], {}, ['a'], { toString: 'x' }, { PK: 'TENANT#globex' }],
        ...['__proto__', base64('{"__proto__":{"tenantId":"globex"},"SK":"a"}')],
        base64('{"constructor":{"prototype":{"PK":"TENANT#globex"}}}'),
        'a'.repeat(5_000),
      ]),
  },
];
