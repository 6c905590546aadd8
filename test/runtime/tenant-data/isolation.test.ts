import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Forbidden } from '../../../src/runtime/tenant-data/errors.ts';
import type { TenantData } from '../../../src/runtime/tenant-data/tenant-data.ts';
import type { Wire } from '../../../src/runtime/wire/client.ts';
import type { Item } from '../../../src/runtime/wire/marshal.ts';
import { ACME, dataOver } from './fixture.ts';

interface Sent {
  operation: string;
  body: Record<string, unknown>;
}

/** A wire that finds nothing and keeps what it was asked. */
function emptyWire(output: Item = { Items: [], Attributes: {}, Responses: {} }) {
  const sent: Sent[] = [];
  const wire: Wire = {
    async send(operation, body) {
      sent.push({ operation, body: JSON.parse(JSON.stringify(body)) });
      return { kind: 'applied', output };
    },
    warm: async () => {},
    close() {},
  };
  return { sent, data: dataOver(wire, ACME) };
}

const OPERATIONS = [
  ...['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query'],
  ...['BatchGetItem', 'BatchWriteItem', 'TransactWriteItems'],
];

/** What is wrong with a request, looked at as IAM would and harder: `null` when it stays with the tenant. */
function trespass({ operation, body }: Sent): string | null {
  if (!OPERATIONS.includes(operation)) return operation;
  const text = JSON.stringify(body);
  if (/"(IndexName|Statement|LPK|LSK)":/.test(text)) return text;
  const names = (body['ExpressionAttributeNames'] ?? {}) as Record<string, string>;
  const standsFor = Object.entries(names).filter(([, name]) => ['PK', 'LPK', 'LSK'].includes(name));
  if (standsFor.some(([token]) => operation !== 'Query' || token !== '#saasctl_pk')) return text;
  const expressions = [...text.matchAll(/"(?:\w+Expression)":"((?:[^"\\]|\\.)*)"/g)].map(
    ([, each]) => each ?? '',
  );
  if (expressions.some((each) => /(?<![#:\w])(PK|LPK|LSK)\b/.test(each))) return text;
  const keys = [...text.matchAll(/"PK":(\{[^}]*\}|"[^"]*")/g)].map(([, key]) => key);
  if (operation !== 'Query' && keys.length === 0) return text;
  if (keys.some((key) => key !== '{"S":"TENANT#acme"}')) return text;
  if (operation === 'Query') {
    if (!String(body['KeyConditionExpression']).startsWith('#saasctl_pk = :saasctl_pk')) return text;
    const values = body['ExpressionAttributeValues'] as Record<string, unknown>;
    if (JSON.stringify(values[':saasctl_pk']) !== '{"S":"TENANT#acme"}') return text;
  }
  const tables = [...text.matchAll(/"TableName":"([^"]*)"/g)].map(([, table]) => table);
  return tables.every((table) => table === 'test-app-data') ? null : text;
}

type Attempt = (data: TenantData) => Promise<unknown>;
const sk = 'x';
const attempts: [string, Attempt][] = [
  ['a foreign PK in an item', (data) => data.put({ SK: sk, PK: 'TENANT#globex' })],
  ['a PK of another type', (data) => data.put({ SK: sk, PK: null })],
  ['an index key in an item', (data) => data.put({ SK: sk, LPK: 'TENANT#0' })],
  ['an index sort key in an item', (data) => data.put({ SK: sk, LSK: 'acme' })],
  ['PK in a map of an item', (data) => data.put({ SK: sk, sub: { PK: 1 } })],
  ['PK in a map of a list', (data) => data.batchWrite([{ put: { SK: sk, list: [{ LSK: 1 }] } }])],
  ['PK in a map of a value', (data) => data.update(sk, 'SET a = :v', { values: { ':v': { PK: 1 } } })],
  ['an update within a map', (data) => data.update(sk, 'SET sub.PK = :v', { values: { ':v': 1 } })],
  ['PK in a condition', (data) => data.put({ SK: sk }, { condition: 'PK = :p', values: { ':p': 1 } })],
  ['PK within a function', (data) => data.delete(sk, { condition: 'attribute_exists( PK)' })],
  ['PK behind a name', (data) => data.delete(sk, { condition: '#pk = :p', names: { '#pk': 'PK' } })],
  ['PK deep in a path', (data) => data.delete(sk, { condition: 'a.b[3].PK = :p' })],
  [
    'PK behind a name deep in a path',
    (data) => data.delete(sk, { condition: 'a.#k', names: { '#k': 'PK' } }),
  ],
  ['an update of PK', (data) => data.update(sk, 'SET PK = :p', { values: { ':p': 'TENANT#globex' } })],
  ['an update of an index key', (data) => data.update(sk, 'SET\tLPK=:p', { values: { ':p': 'x' } })],
  ['a removal of PK', (data) => data.update(sk, 'REMOVE a,PK')],
  ['PK in a filter', (data) => data.query({ filter: 'NOT(PK=:p)' })],
  ['PK in a projection', (data) => data.get(sk, { projection: 'SK,PK' })],
  ['a foreign PK in a batch', (data) => data.batchWrite([{ put: { SK: sk, PK: 'TENANT#globex' } }])],
  ['PK in a check', (data) => data.transact([{ check: sk, condition: 'PK<>:p' }])],
  ['our own placeholder', (data) => data.query({ values: { ':saasctl_pk': 'TENANT#globex' } })],
  ['our own name', (data) => data.query({ names: { '#saasctl_pk': 'SK' } })],
  ['an index', (data) => data.query({ IndexName: 'list' } as never)],
  ['another table', (data) => data.get(sk, { TableName: 'test-gates' } as never)],
  ['a key condition', (data) => data.query({ KeyConditionExpression: 'PK = :x' } as never)],
  ['a start key', (data) => data.query({ ExclusiveStartKey: { PK: 'TENANT#globex', SK: 'a' } } as never)],
  ['a table in a batch', (data) => data.batchWrite([{ put: { SK: sk }, TableName: 'test-gates' } as never])],
  ['a table in a transaction', (data) => data.transact([{ delete: sk, TableName: 'test-gates' } as never])],
  ['a symbol', (data) => data.put({ SK: sk }, { [Symbol('condition')]: 1 } as never)],
];

describe('what reaches beyond the tenant is refused before anything is sent', () => {
  it.each(attempts)('%s', async (_, attempt) => {
    const { sent, data } = emptyWire();
    await expect(attempt(data)).rejects.toThrow(Forbidden);
    expect(sent).toEqual([]);
  });

  it.each([
    ['', TypeError],
    ['\ud800', TypeError],
    ['a'.repeat(1025), TypeError],
    [{ PK: 'TENANT#globex', SK: 'a' }, TypeError],
    [['TENANT#globex', 'a'], TypeError],
    [null, TypeError],
  ])('the sort key %j', async (bad, error) => {
    const { sent, data } = emptyWire();
    for (const call of [
      () => data.get(bad as never),
      () => data.delete(bad as never),
      () => data.put({ SK: bad } as never),
      () => data.query({ sk: { beginsWith: bad } } as never),
      () => data.batchGet([bad] as never),
    ])
      await expect(call()).rejects.toThrow(error);
    expect(sent).toEqual([]);
  });

  it.each([
    { delete: sk, expression: 'SET n = :n' },
    { check: sk, condition: 'attribute_exists(SK)', expression: 'SET n = :n' },
    { put: { SK: sk }, expression: 'SET n = :n' },
    { update: sk },
  ])('the write %j of a transaction, whose expression has no update or the reverse', async (write) => {
    const { sent, data } = emptyWire();
    await expect(data.transact([write as never])).rejects.toThrow(TypeError);
    expect(sent).toEqual([]);
  });

  it.each([
    '',
    'a',
    'ACME',
    'acme#x',
    'TENANT#acme',
    '../acme',
    '__proto__',
    'x'.repeat(64),
    null,
    7,
    ['acme'],
  ])('the tenant id %j', (tenantId) => {
    expect(() => dataOver(emptyWire() as never, { tenantId } as never)).toThrow(Forbidden);
  });

  it('an isolation that is none', () => {
    expect(() => dataOver(emptyWire() as never, { ...ACME, isolation: '__proto__' } as never)).toThrow(
      Forbidden,
    );
  });

  it('there is no Scan, no PartiQL and no raw call', () => {
    const { data } = emptyWire();
    const methods = ['batchGet', 'batchWrite', 'delete', 'get', 'put', 'query', 'transact', 'update'];
    expect(Object.keys(data).sort()).toEqual(methods);
  });

  it('a tenant that changes afterwards is still who it was', async () => {
    const tenant = { tenantId: 'acme' };
    const { sent, data } = emptyWire();
    const mutable = dataOver(
      {
        send: async (operation: string, body: object) => {
          sent.push({ operation, body: body as never });
          return { kind: 'applied', output: {} };
        },
      } as never,
      tenant,
    );
    tenant.tenantId = 'globex';
    await mutable.get(sk);
    expect(sent[0]?.body['Key']).toMatchObject({ PK: { S: 'TENANT#acme' } });
    expect(data).toBeDefined();
  });

  it('an answer with another tenant’s item goes no further', async () => {
    const { data } = emptyWire({ Item: { PK: { S: 'TENANT#globex' }, SK: { S: sk } } });
    await expect(data.get(sk)).rejects.toThrow(Forbidden);
  });
});

const nasty = fc.constantFrom(
  ...['PK', 'LPK', 'LSK', 'SK', 'TENANT#globex', 'TENANT#acme', '#pk', ':p', 'a.PK', 'PK ', ' PK', 'P\u212a'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '#saasctl_pk',
    ':saasctl_pk',
    'PK = :p',
    'a AND PK=:p',
    '#a.#b',
  ],
);
const word = fc.oneof({ weight: 3, arbitrary: nasty }, { weight: 1, arbitrary: fc.string() });
const expression = fc
  .array(
    fc.oneof(word, fc.constantFrom('SET', 'REMOVE', 'AND', '=', '(', ')', ',', '.', '#a', '#b', 'size(')),
    { maxLength: 6 },
  )
  .map((words) => words.join(' '));
const dictionary = (key: fc.Arbitrary<string>) => fc.dictionary(key, word, { maxKeys: 3 });
const options = fc.record(
  {
    condition: expression,
    filter: expression,
    projection: expression,
    names: dictionary(fc.oneof(word, fc.constantFrom('#a', '#b'))),
    values: dictionary(fc.oneof(word, fc.constantFrom(':p', ':q'))),
    limit: fc.oneof(fc.nat(), word),
    IndexName: word,
    TableName: word,
    cursor: word,
    sk: fc.oneof(word, dictionary(word)),
  },
  { requiredKeys: [] },
);
const call = fc.record({
  method: fc.constantFrom('get', 'put', 'update', 'delete', 'query', 'batchGet', 'batchWrite', 'transact'),
  sk: word,
  item: fc.oneof(dictionary(word), fc.anything()),
  expression,
  options: fc.oneof({ weight: 5, arbitrary: options }, { weight: 1, arbitrary: fc.anything() }),
});

async function run(data: TenantData, { method, sk: key, item, expression: text, options: given }: Called) {
  const withKey = { SK: key, ...(item as object) };
  switch (method) {
    case 'put':
      return data.put(withKey as never, given as never);
    case 'update':
      return data.update(key, text, given as never);
    case 'query':
      return data.query(given as never);
    case 'batchGet':
      return data.batchGet([key, item as never]);
    case 'batchWrite':
      return data.batchWrite([{ put: withKey as never }, item as never].slice(0, key.length % 2 || 2));
    case 'transact': {
      const write = { ...(given as object), [key.length % 2 ? 'check' : 'update']: key, expression: text };
      return data.transact([write as never]);
    }
    default:
      return data[method](key, given as never);
  }
}
type Called = typeof call extends fc.Arbitrary<infer T> ? T : never;

describe('whatever it is asked', () => {
  it('every request that leaves names the tenant’s own keys and table, and nothing else', async () => {
    let left = 0;
    await fc.assert(
      fc.asyncProperty(call, async (called) => {
        const { sent, data } = emptyWire();
        await run(data, called).catch(() => undefined);
        left += sent.length;
        expect(sent.map(trespass).filter((each) => each !== null)).toEqual([]);
      }),
      { numRuns: 10_000 },
    );
    // Some 650 requests leave, give or take 20: below half of them the calls are no longer those meant.
    expect(left).toBeGreaterThan(300);
  });

  it('the same watch sees a client that checks less', () => {
    const own = { PK: { S: 'TENANT#acme' }, SK: { S: 'x' } };
    const base = { TableName: 'test-app-data', Key: own };
    const broken: Sent[] = [
      { operation: 'Scan', body: { TableName: 'test-app-data' } },
      { operation: 'GetItem', body: { ...base, Key: { ...own, PK: { S: 'TENANT#globex' } } } },
      { operation: 'GetItem', body: { ...base, TableName: 'test-gates' } },
      { operation: 'UpdateItem', body: { ...base, UpdateExpression: 'SET PK = :p' } },
      { operation: 'DeleteItem', body: { ...base, ExpressionAttributeNames: { '#pk': 'PK' } } },
      { operation: 'PutItem', body: { TableName: 'test-app-data', Item: { ...own, LPK: { S: 'x' } } } },
      {
        operation: 'Query',
        body: { ...base, IndexName: 'list', KeyConditionExpression: '#saasctl_pk = :saasctl_pk' },
      },
      {
        operation: 'Query',
        body: {
          TableName: 'test-app-data',
          KeyConditionExpression: '#saasctl_pk = :saasctl_pk',
          ExpressionAttributeValues: { ':saasctl_pk': { S: 'TENANT#globex' } },
        },
      },
    ];
    for (const sent of broken) expect(trespass(sent), JSON.stringify(sent)).not.toBeNull();
  });
});
