// The tenant's own items, and the others' next to them in the same table.
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type Answer, type AnyAttack, call, itemsOf, type Target } from '../target.ts';

const bySortKey = (a: { SK: string }, b: { SK: string }): number => (a.SK < b.SK ? -1 : 1);
const OTHERS = ['globex', 'acme-corp', 'hooli', 'initech'] as const;
const post = (target: Target, path: string, body: unknown) =>
  call(target, target.keys.acme, `POST ${path}`, body);

/** Refused before anything was sent. */
function isForbidden(answer: Answer, about: string): void {
  expect([400, 403], `${about}: ${answer.body}`).toContain(answer.status);
  expect(['Forbidden', 'TypeError'], about).toContain(answer.json().name);
}

/** Requests of which each must be refused. */
const allForbidden = (name: string, requests: [path: string, body: unknown][]): AnyAttack => ({
  name,
  async run(target) {
    for (const [line, body] of requests)
      isForbidden(await call(target, target.keys.acme, line, body), `${line} ${JSON.stringify(body)}`);
  },
});

const foreign = { PK: 'TENANT#globex', SK: 'secret' };

export const data: AnyAttack[] = [
  allForbidden('another’s partition key in an item', [
    ['POST /items', foreign],
    ['POST /items', { PK: { S: 'TENANT#globex' }, SK: 'secret' }],
    ['POST /items', { PK: ['TENANT#globex'], SK: 'secret' }],
    ['POST /items', { SK: 'x', LPK: 'TENANT#0', LSK: 'globex' }],
    ['PUT /items/secret', foreign],
    ['POST /items', { SK: 'x', nested: { PK: 'TENANT#globex' } }],
  ]),
  {
    name: 'partition keys inside sort keys',
    async run(target) {
      const names = [
        ...[
          'TENANT#globex',
          'TENANT#globex#secret',
          '../TENANT#globex',
          'secret","PK":{"S":"TENANT#globex"}',
          '#globex',
        ],
        ...[
          'GATE#globex',
          'USAGE#2026-11-22#api_calls',
          'GAUGE#users',
          'EVENT#x',
          'PROFILE',
          "' OR '1'='1",
          '*',
        ],
      ];
      for (const SK of names) {
        expect((await post(target, '/items', { SK, mine: true })).status, SK).toBe(200);
      }
      const { items } = (await post(target, '/batch', { get: names })).json();
      expect(items.sort(bySortKey)).toEqual(names.sort().map((SK) => ({ SK, mine: true })));
      const stored = await itemsOf(target, 'acme');
      expect(names.filter((name) => !stored.has(name))).toEqual([]);
    },
  },
  {
    name: 'odd letters in sort keys: NUL, composed and decomposed, direction marks, other spellings of #',
    async run(target) {
      const names = [
        'a\u0000b',
        '\u0000',
        'é',
        'e\u0301',
        'TENANT\uff03globex',
        '\u202eTENANT#xebolg',
        '\ufeffsecret',
        '😀',
        'K',
        '\u212a',
      ];
      for (const SK of names) await post(target, '/items', { SK, mine: SK });
      const { items } = (await post(target, '/batch', { get: names })).json();
      expect(items.sort(bySortKey)).toEqual(names.sort().map((SK) => ({ SK, mine: SK })));
      for (const SK of ['\ud800', 'x'.repeat(1_025), '', null, 7, {}, ['secret'], { S: 'secret' }])
        isForbidden(await post(target, '/call', { method: 'put', args: [{ SK }] }), JSON.stringify(SK) ?? '');
    },
  },
  allForbidden('partition keys in expressions', [
    ['PATCH /items/x', { update: 'SET PK = :p', options: { values: { ':p': 'TENANT#globex' } } }],
    [
      'PATCH /items/x',
      { update: 'SET #p = :p', options: { names: { '#p': 'PK' }, values: { ':p': 'TENANT#globex' } } },
    ],
    ['PATCH /items/x', { update: 'SET a = PK' }],
    ['PATCH /items/x', { update: 'REMOVE a.#k', options: { names: { '#k': 'LPK' } } }],
    ['DELETE /items/x', { options: { condition: 'PK <> :p', values: { ':p': 'x' } } }],
    ['PUT /items/x', { options: { condition: 'attribute_exists(PK)' } }],
    ['POST /query', { filter: 'PK = :p', values: { ':p': 'TENANT#globex' } }],
    ['POST /query', { projection: 'PK, SK' }],
  ]),
  allForbidden('the library’s own placeholders, redefined', [
    ['POST /query', { filter: 'a = :a', values: { ':saasctl_pk': 'TENANT#globex', ':a': 1 } }],
    ['POST /query', { filter: '#a = :a', names: { '#saasctl_pk': 'owner', '#a': 'a' }, values: { ':a': 1 } }],
    ['POST /query', { names: { '#saasctl_sk': 'a' } }],
    ['PATCH /items/x', { update: 'SET a = :saasctl_a', options: { values: { ':saasctl_a': 1 } } }],
    ['POST /query', { names: { PK: 'x' }, values: { saasctl_pk: 'x' } }],
  ]),
  allForbidden('another table or index, and raw parameters of DynamoDB', [
    ['POST /query', { TableName: 'local-gates' }],
    ['POST /query', { IndexName: 'list' }],
    [
      'POST /query',
      { KeyConditionExpression: 'PK = :p', ExpressionAttributeValues: { ':p': { S: 'TENANT#globex' } } },
    ],
    ['POST /query', { ExclusiveStartKey: foreign }],
    ['POST /call', { method: 'get', args: ['secret', { TableName: 'local-app-data-hooli' }] }],
    ['POST /call', { method: 'get', args: [foreign] }],
    ['POST /call', { method: 'put', args: [{ SK: 'x' }, { TableName: 'local-gates' }] }],
    ['POST /call', { method: 'update', args: ['x', 'SET a = :a', { Key: foreign, values: { ':a': 1 } }] }],
    ['POST /call', { method: 'query', args: [{ sk: { beginsWith: 'a', equals: 'b' } }] }],
    ['POST /call', { method: 'query', args: [{ sk: { 'equals = :x OR PK': 'b' } }] }],
  ]),
  {
    name: 'methods that the library does not have: Scan, PartiQL, the object’s own',
    async run(target) {
      const names = [
        'scan',
        'Scan',
        'executeStatement',
        'send',
        'wire',
        'table',
        '__defineGetter__',
        'wireFor',
        'client',
      ];
      for (const method of names) {
        const args = [{ Statement: 'SELECT * FROM "local-app-data"', TableName: 'local-app-data' }];
        const answer = await post(target, '/call', { method, args });
        expect(answer.body, method).not.toContain('canary');
      }
      expect((await call(target, target.keys.acme, 'GET /items/secret')).json().canary).toBe(
        target.canaries.acme,
      );
    },
  },
  {
    name: 'a batch of own and others’ items',
    async run(target) {
      const write = [
        { put: { SK: 'batch-own' } },
        { put: { ...foreign, stolen: true } },
        { delete: 'batch-x' },
      ];
      isForbidden(await post(target, '/batch', { write }), 'foreign put');
      isForbidden(
        await post(target, '/batch', { write: [{ put: { SK: 'batch-own' } }, { delete: foreign }] }),
        'foreign delete',
      );
      isForbidden(await post(target, '/batch', { get: ['secret', foreign] }), 'foreign get');
      isForbidden(await post(target, '/batch', { write: [{ PutRequest: { Item: foreign } }] }), 'raw');
      expect((await itemsOf(target, 'acme')).has('batch-own'), 'its own part').toBe(false);
      const { items } = (
        await post(target, '/batch', { get: ['secret', 'TENANT#globex#secret', 'nothing'] })
      ).json();
      expect(items.map(({ canary }: { canary?: string }) => canary).filter(Boolean)).toEqual([
        target.canaries.acme,
      ]);
    },
  },
  {
    name: 'a transaction of own and others’ items',
    async run(target) {
      const own = { put: { SK: 'transaction-own' } };
      const mixes = [
        [own, { put: foreign }],
        [own, { update: foreign, expression: 'SET a = :a', values: { ':a': 1 } }],
        [own, { check: foreign, condition: 'attribute_exists(SK)' }],
        [own, { delete: 'secret', TableName: 'local-app-data-hooli' }],
        [own, { Put: { TableName: 'local-gates', Item: { PK: { S: 'GATE#globex' } } } }],
        [own, { check: 'secret', condition: 'PK = :p', values: { ':p': 'TENANT#globex' } }],
      ];
      for (const writes of mixes)
        isForbidden(await post(target, '/transact', { writes }), JSON.stringify(writes));
      expect((await itemsOf(target, 'acme')).has('transaction-own'), 'its own part').toBe(false);
    },
  },
  {
    name: 'asking a condition whether another has an item',
    async run(target) {
      // All others have `shared`, nobody has `unheard-of`: the answers must not tell.
      for (const sk of ['shared', 'unheard-of']) {
        const first = await call(target, target.keys.acme, `PUT /items/${sk}`, { mine: sk });
        expect([first.status, first.json()], sk).toEqual([200, { created: sk }]);
        const again = await call(target, target.keys.acme, `PUT /items/${sk}`, { mine: sk });
        expect(again.status, sk).toBe(409);
        expect(again.json(), sk).toEqual({
          name: 'ConditionFailed',
          message: expect.any(String),
          operations: [],
        });
        await call(target, target.keys.acme, `DELETE /items/${sk}`, {});
      }
      const told = {
        options: { condition: 'attribute_not_exists(SK)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' },
      };
      isForbidden(await call(target, target.keys.acme, 'PUT /items/shared', told), 'the old item');
    },
  },
  {
    name: 'asking a cancelled transaction whether another has an item',
    async run(target) {
      const bodies = [];
      for (const sk of ['shared', 'unheard-of']) {
        const writes = [{ put: { SK: 'transaction-own' } }, { check: sk, condition: 'attribute_exists(SK)' }];
        const answer = await post(target, '/transact', { writes });
        expect([answer.status, answer.json().operations], sk).toEqual([409, [1]]);
        bodies.push(answer.body);
      }
      expect(new Set(bodies).size).toBe(1);
      expect(bodies[0]).not.toMatch(/canary|TENANT#|Item/);
    },
  },
  {
    name: 'a transaction’s token that another has used',
    async setup(target) {
      const token = randomUUID();
      const writes = [{ put: { SK: 'by-token', canary: target.canaries.globex } }];
      const body = { writes, options: { token } };
      expect((await call(target, target.keys.globex, 'POST /transact', body)).status).toBe(200);
      return token;
    },
    async run(target, token: string) {
      const writes = [{ put: { SK: 'by-token', of: 'acme' } }];
      const answer = await post(target, '/transact', { writes, options: { token } });
      expect(answer.status, answer.body).toBe(200);
      expect((await itemsOf(target, 'acme')).get('by-token')).toMatchObject({ of: { S: 'acme' } });
    },
  },
  {
    name: 'a table view that another’s request left behind',
    async setup(target) {
      // In every sandbox, whoever comes first.
      const first = Array.from({ length: 6 }, () => call(target, target.keys.globex, 'GET /kept'));
      for (const answer of await Promise.all(first)) expect([200, 403]).toContain(answer.status);
    },
    async run(target) {
      const later = Array.from({ length: 6 }, () => call(target, target.keys.acme, 'GET /kept'));
      for (const answer of await Promise.all(later)) {
        if (answer.status === 200) expect(answer.json().canary).toBe(target.canaries.acme);
        else expect([answer.status, answer.json().name]).toEqual([403, 'Forbidden']);
      }
    },
  },
  {
    name: 'reading everything there is',
    async run(target) {
      const seen: string[] = [];
      const asked = [
        {},
        { sk: { greaterThan: '\u0000' } },
        { sk: { atMost: '\uffff' }, descending: true },
        { limit: 1_000, consistent: true },
      ];
      for (const options of asked) {
        const answer = await post(target, '/query', options);
        expect(answer.status, answer.body).toBe(200);
        seen.push(
          ...answer
            .json()
            .items.map(({ canary }: { canary?: string }) => canary)
            .filter(Boolean),
        );
      }
      expect([...new Set(seen)]).toEqual([target.canaries.acme]);
    },
  },
  {
    name: 'the sibling whose name begins with one’s own, from both sides',
    by: ['acme', 'acme-corp'],
    async run(target) {
      for (const id of ['acme', 'acme-corp'] as const) {
        const all = await call(target, target.keys[id], 'POST /query', {});
        expect(all.json().items.filter(({ SK }: { SK: string }) => SK === 'secret')).toHaveLength(1);
        const other = target.canaries[id === 'acme' ? 'acme-corp' : 'acme'];
        expect(all.body).not.toContain(other);
        for (const path of ['-corp/secret', '%23secret', '-corp%23secret'])
          expect((await call(target, target.keys[id], `GET /items/${path}`)).body).not.toContain(other);
      }
    },
  },
  {
    name: 'own tables of bridge and silo tenants, from the pool and from each other',
    by: [...OTHERS],
    async run(target) {
      for (const id of OTHERS) {
        const answer = await call(target, target.keys[id], 'GET /items/secret');
        expect(answer.json().canary, id).toBe(target.canaries[id]);
        for (const other of OTHERS.filter((each) => each !== id)) {
          const reached = await call(target, target.keys[id], `GET /of/${other}/secret`);
          expect(reached.status, `${id} at ${other}`).toBe(403);
        }
      }
    },
  },
];
