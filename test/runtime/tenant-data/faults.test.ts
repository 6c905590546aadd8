import { describe, expect, it } from 'vitest';
import type { TenantData } from '../../../src/runtime/tenant-data/tenant-data.ts';
import type { Wire } from '../../../src/runtime/wire/client.ts';
import type { Reply } from '../../../src/runtime/wire/reply.ts';
import { dataOver } from './fixture.ts';

const notApplied = (reason: 'throttled' | 'conflict' | 'unreachable' | 'rejected', code: string): Reply => ({
  kind: 'not_applied',
  reason,
  code,
  message: 'x',
});
const throttled = notApplied('throttled', 'ThrottlingException');
const conflict = notApplied('conflict', 'TransactionConflictException');
const unreachable = notApplied('unreachable', 'unreachable');
const invalid = notApplied('rejected', 'ValidationException');
const lost: Reply = { kind: 'ambiguous', reason: 'timeout', message: 'no answer' };
const applied = (output = {}): Reply => ({
  kind: 'applied',
  output: { Items: [], Attributes: {}, ...output },
});
const cancelled = (...codes: string[]): Reply => ({
  ...(notApplied('rejected', 'TransactionCanceledException') as Reply & { kind: 'not_applied' }),
  cancelled: codes.map((Code) => ({ Code })),
});

/** A wire that answers as told, the last for ever, and keeps what it was asked. */
function answering(...replies: Reply[]) {
  const sent: { operation: string; body: Record<string, unknown> }[] = [];
  const send: Wire['send'] = async (operation, body) => {
    sent.push({ operation, body: body as Record<string, unknown> });
    return (replies.length > 1 ? replies.shift() : replies[0]) as Reply;
  };
  const data = dataOver({ send, warm: async () => {}, close() {} });
  return { sent, data };
}

type Call = (data: TenantData) => Promise<unknown>;
const condition = { condition: 'attribute_not_exists(SK)' };
const reads: [string, Call][] = [
  ['get', (data) => data.get('a')],
  ['query', (data) => data.query()],
];
const whole: [string, Call][] = [
  ['put', (data) => data.put({ SK: 'a' })],
  ['delete', (data) => data.delete('a')],
];
const once: [string, Call][] = [
  ['update', (data) => data.update('a', 'ADD n :one', { values: { ':one': 1 } })],
  ['conditional put', (data) => data.put({ SK: 'a' }, condition)],
  ['conditional delete', (data) => data.delete('a', condition)],
];
const transaction: [string, Call] = ['transact', (data) => data.transact([{ put: { SK: 'a' } }])];

describe('what provably did not happen is tried again', () => {
  it.each([...reads, ...whole, ...once, transaction])('%s', async (_, call) => {
    const { sent, data } = answering(throttled, conflict, unreachable, applied());
    await call(data);
    expect(sent).toHaveLength(4);
  });

  it.each([...reads, ...whole, ...once, transaction])(
    '%s: four times, then it is Throttled',
    async (_, call) => {
      const { sent, data } = answering(throttled);
      await expect(call(data)).rejects.toMatchObject({ name: 'Throttled', statusCode: 503 });
      expect(sent).toHaveLength(4);
    },
  );
});

describe('what may have happened', () => {
  it.each([...reads, ...whole, transaction])('%s is sent again: twice is once', async (_, call) => {
    const { sent, data } = answering(lost, lost, applied());
    await call(data);
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  it.each(once)('%s is not: twice would be wrong', async (_, call) => {
    const { sent, data } = answering(lost, applied());
    await expect(call(data)).rejects.toMatchObject({ name: 'Ambiguous', statusCode: 503 });
    expect(sent).toHaveLength(1);
  });

  it.each([...whole, transaction])('%s stays in doubt when later tries are refused', async (_, call) => {
    await expect(call(answering(lost, throttled).data)).rejects.toMatchObject({ name: 'Ambiguous' });
    await expect(call(answering(lost).data)).rejects.toMatchObject({ name: 'Ambiguous' });
    for (const later of [invalid, unreachable, { kind: 'condition_failed', old: null } as const])
      await expect(call(answering(lost, later).data)).rejects.toMatchObject({ name: 'Ambiguous' });
  });

  it.each(['ConditionalCheckFailed', 'ValidationError'])(
    'a transaction stays in doubt when the repeat is cancelled for %s',
    async (code) => {
      const { data } = answering(lost, cancelled(code));
      await expect(transaction[1](data)).rejects.toMatchObject({ name: 'Ambiguous' });
    },
  );

  it.each(reads)('%s that is refused later is Rejected: a read leaves nothing in doubt', async (_, call) => {
    await expect(call(answering(lost, invalid).data)).rejects.toMatchObject({ name: 'Rejected' });
  });

  it.each(reads)('%s without an answer is Throttled: a read leaves nothing in doubt', async (_, call) => {
    await expect(call(answering(lost).data)).rejects.toMatchObject({ name: 'Throttled' });
  });
});

describe('a refusal', () => {
  it.each([...reads, ...whole, ...once, transaction])('%s is not repeated', async (_, call) => {
    const { sent, data } = answering(invalid);
    await expect(call(data)).rejects.toMatchObject({ name: 'Rejected', code: 'ValidationException' });
    expect(sent).toHaveLength(1);
  });

  it.each([
    [['None', 'ConditionalCheckFailed'], 'ConditionFailed', 1],
    [['TransactionConflict', 'None'], 'Throttled', 4],
    [['ThrottlingError', 'ProvisionedThroughputExceeded'], 'Throttled', 4],
    [['ValidationError', 'TransactionConflict'], 'Rejected', 1],
    [['ConditionalCheckFailed', 'TransactionConflict'], 'ConditionFailed', 1],
  ])('a transaction cancelled for %j is %s', async (codes, name, sends) => {
    const { sent, data } = answering(cancelled(...codes));
    await expect(data.transact([{ put: { SK: 'a' } }])).rejects.toMatchObject({ name });
    expect(sent).toHaveLength(sends);
  });
});

describe('without credentials', () => {
  const unsigned = (reason: 'unreachable' | 'rejected') => notApplied(reason, 'no_credentials');

  it.each([...reads, ...whole, ...once, transaction])(
    '%s is sent once: they were asked for often',
    async (_, call) => {
      for (const [reason, name] of [
        ['unreachable', 'Throttled'],
        ['rejected', 'Rejected'],
      ] as const) {
        const { sent, data } = answering(unsigned(reason));
        await expect(call(data)).rejects.toMatchObject({ name });
        expect(sent).toHaveLength(1);
      }
    },
  );

  it.each([...whole, transaction])('%s stays in doubt once an answer was lost', async (_, call) => {
    const { data } = answering(lost, unsigned('unreachable'));
    await expect(call(data)).rejects.toMatchObject({ name: 'Ambiguous' });
  });
});

describe('a batch', () => {
  const write = (request: object) => applied({ UnprocessedItems: { 'test-app-data': [request] } });
  const key = (sk: string) => ({ PK: { S: 'TENANT#acme' }, SK: { S: sk } });

  it('sends again what was not got to, and only that', async () => {
    const { sent, data } = answering(write({ DeleteRequest: { Key: key('b') } }), applied());
    expect(await data.batchWrite([{ put: { SK: 'a' } }, { delete: 'b' }])).toEqual({ unprocessed: [] });
    expect(sent[1]?.body['RequestItems']).toEqual({
      'test-app-data': [{ DeleteRequest: { Key: key('b') } }],
    });
  });

  it('tells what is left in the end, as it was given', async () => {
    const { sent, data } = answering(write({ PutRequest: { Item: key('a') } }));
    const put = { put: { SK: 'a', n: 1 } };
    expect(await data.batchWrite([put, { delete: 'b' }])).toEqual({ unprocessed: [put] });
    expect(sent).toHaveLength(4);
  });

  it('of reads likewise', async () => {
    const left = applied({
      Responses: { 'test-app-data': [key('a')] },
      UnprocessedKeys: { 'test-app-data': { Keys: [key('b')] } },
    });
    const { data } = answering(left, applied());
    expect(await data.batchGet(['a', 'b'])).toEqual({ items: [{ SK: 'a' }], unprocessed: [] });
    expect((await answering(left).data.batchGet(['a', 'b'])).unprocessed).toEqual(['b']);
  });

  it('a chunk that fails does not hide what became of the others', async () => {
    const writes = Array.from({ length: 30 }, (_, n) => ({ put: { SK: `${n}` } }));
    const { data } = answering(applied(), throttled);
    expect((await data.batchWrite(writes)).unprocessed).toEqual(writes.slice(25));
    const doubtful = answering(applied(), lost);
    expect((await doubtful.data.batchWrite(writes)).unprocessed).toEqual(writes.slice(25));
    await expect(answering(applied(), invalid).data.batchWrite(writes)).rejects.toMatchObject({
      name: 'Rejected',
    });
  });
});
