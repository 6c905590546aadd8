import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gateRequest } from '../../../src/core/gate/request.ts';
import { createWire, type Wire, type WireOptions } from '../../../src/runtime/wire/client.ts';
import { getItem, updateItem } from '../../../src/runtime/wire/items.ts';
import { CREDENTIALS, gateFixture, NOON, putGate, readGate } from '../../fixtures/gate.ts';
import { selfSigned } from './certificate.ts';
import { type Fault, type FaultyServer, startFaultyServer } from './faulty-server.ts';

const CALL = { tenantId: 'acme', keyId: 'k1', secretId: 's1', now: NOON, branch: 'full' as const };
const request = { TableName: 'test-gates', ...gateRequest(CALL) };

const tls = selfSigned();
const schemes = { http: undefined, https: tls };

describe.each(['http', 'https'] as const)('the wire over %s', (scheme) => {
  let server: FaultyServer;
  const wires: Wire[] = [];
  const wireTo = (endpoint: string, more: Partial<WireOptions> = {}): Wire => {
    const wire = createWire({
      endpoint,
      region: 'us-east-1',
      credentials: CREDENTIALS,
      timeoutMs: 30_000,
      ca: tls.cert,
      ...more,
    });
    wires.push(wire);
    return wire;
  };

  beforeEach(async () => {
    server = await startFaultyServer(schemes[scheme]);
    await putGate(wireTo(server.endpoint), gateFixture());
    server.received.length = 0;
  });
  afterEach(async () => {
    for (const wire of wires.splice(0)) wire.close();
    await server.close();
  });

  it('applies an update and returns the item', async () => {
    const reply = await updateItem(wireTo(server.endpoint), request);
    expect(reply).toMatchObject({ kind: 'applied', item: { PK: 'GATE#acme', m: { '2026-11': 1 } } });
  });

  it('returns the old item of a failed condition, or none', async () => {
    const wire = wireTo(server.endpoint);
    await putGate(wire, gateFixture({ status: 'suspended' }));
    const noSuch = { ...request, Key: { PK: 'GATE#nobody' } };
    expect(await updateItem(wire, request)).toEqual({
      kind: 'condition_failed',
      old: gateFixture({ status: 'suspended' }),
    });
    expect(await updateItem(wire, noSuch)).toEqual({ kind: 'condition_failed', old: null });
    expect(await getItem(wire, 'test-gates', { PK: 'GATE#nobody' })).toEqual({ kind: 'applied', item: null });
  });

  const outcomes: [Fault, object, number][] = [
    ['drop before apply', { kind: 'ambiguous', reason: 'reset' }, 0],
    ['drop after apply', { kind: 'ambiguous', reason: 'reset' }, 1],
    ['500 before apply', { kind: 'ambiguous', reason: 'server_error' }, 0],
    ['500 after apply', { kind: 'ambiguous', reason: 'server_error' }, 1],
    ['hang after apply', { kind: 'ambiguous', reason: 'timeout' }, 1],
    ['half a response', { kind: 'ambiguous', reason: 'reset' }, 1],
    ['garbage', { kind: 'ambiguous', reason: 'unparsable' }, 1],
    ['empty 200', { kind: 'ambiguous', reason: 'unparsable' }, 1],
    ['html 502', { kind: 'ambiguous', reason: 'server_error' }, 0],
    ['html 403', { kind: 'ambiguous', reason: 'unparsable' }, 0],
    ['throttle', { kind: 'not_applied', reason: 'throttled' }, 0],
    ['conflict', { kind: 'not_applied', reason: 'conflict' }, 0],
    ['denied', { kind: 'not_applied', reason: 'rejected', code: 'AccessDeniedException' }, 0],
  ];
  it.each(outcomes)('tells what "%s" means, having sent once', async (fault, expected, counted) => {
    // Long enough for a handshake and an answer.
    const wire = wireTo(server.endpoint, fault === 'hang after apply' ? { timeoutMs: 1_000 } : {});
    server.faults.push(fault);
    expect(await updateItem(wire, request)).toMatchObject(expected);
    expect(server.received).toEqual(['UpdateItem']);
    expect((await readGate(wireTo(server.endpoint))).m).toEqual(counted === 0 ? {} : { '2026-11': counted });
  });

  it('calls a reset ambiguous on a connection that was kept, too', async () => {
    const wire = wireTo(server.endpoint);
    await updateItem(wire, request);
    server.faults.push('drop after apply');
    expect(await updateItem(wire, request)).toMatchObject({ kind: 'ambiguous', reason: 'reset' });
  });

  it('knows that nothing was applied when no connection stood', async () => {
    const { endpoint } = server;
    await server.close();
    expect(await updateItem(wireTo(endpoint), request)).toMatchObject({
      kind: 'not_applied',
      reason: 'unreachable',
    });
    server = await startFaultyServer(schemes[scheme]);
  });

  it('keeps its connection, and opens it ahead when warmed', async () => {
    const wire = wireTo(server.endpoint);
    const before = server.connections();
    await wire.warm();
    await updateItem(wire, request);
    await updateItem(wire, request);
    expect(server.connections() - before).toBe(1);
    expect(server.received).toEqual(['GET', 'UpdateItem', 'UpdateItem']);
  });

  it('drops connections that idled for more than 5 s, or over a clock set back, before writing', async () => {
    let now = NOON / 1000;
    const wire = wireTo(server.endpoint, { now: () => now });
    const before = server.connections();
    for (const later of [0, 5_000, 5_001, -1]) {
      now += later;
      expect(await updateItem(wire, request)).toMatchObject({ kind: 'applied' });
    }
    expect(server.connections() - before).toBe(3);
  });

  it('warms without complaint when nobody answers', async () => {
    const { endpoint } = server;
    await server.close();
    await expect(wireTo(endpoint).warm()).resolves.toBeUndefined();
    server = await startFaultyServer(schemes[scheme]);
  });

  it('signs for DynamoDB in its region, with the session token', async () => {
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' };
    await updateItem(wireTo(server.endpoint, { region: 'eu-west-1', credentials }), request);
    const { authorization, ...headers } = server.headers.at(-1) ?? {};
    expect(authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/dynamodb\/aws4_request, SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=[0-9a-f]{64}$/,
    );
    expect(headers).toMatchObject({
      'x-amz-security-token': 'token',
      'content-type': 'application/x-amz-json-1.0',
    });
    expect(JSON.stringify(server.headers)).not.toContain('secret"');
  });
});

it('sends nothing to a server whose certificate it does not trust', async () => {
  const server = await startFaultyServer(tls);
  const wire = createWire({ endpoint: server.endpoint, region: 'us-east-1', credentials: CREDENTIALS });
  expect(await updateItem(wire, request)).toMatchObject({ kind: 'not_applied', reason: 'unreachable' });
  expect(server.received).toEqual([]);
  wire.close();
  await server.close();
});

it('knows that nothing was applied when the handshake never ends', async () => {
  const silent = createServer((socket) => void socket.resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  const wire = createWire({
    endpoint: `https://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: CREDENTIALS,
    timeoutMs: 100,
  });
  expect(await updateItem(wire, request)).toMatchObject({ kind: 'not_applied', reason: 'unreachable' });
  wire.close();
  await new Promise((resolve) => silent.close(resolve));
});
