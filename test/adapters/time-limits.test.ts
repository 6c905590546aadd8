// A server that takes the call and never answers it, or stops half-way.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openStore } from '../../src/adapters/dynamodb/store.ts';
import { callerIdentity } from '../../src/adapters/sts.ts';
import { READ_TRIES, timeLimits } from '../../src/adapters/time-limits.ts';
import { suspendTenant } from '../../src/core/tenants/mutations.ts';
import { free, NOON, tenantOn } from '../fixtures/tenants.ts';
import { CREDENTIALS, commitOf, REGION, STACK } from './tenancy.ts';

/** For ever to whom nobody answers; long enough for one that answers at once to be heard. */
const SHORT_MS = 500;

let server: Server;
let endpoint: string;
let calls: string[];
let answer: (operation: string, outgoing: ServerResponse) => void;
beforeEach(async () => {
  calls = [];
  answer = () => {};
  server = createServer((incoming, outgoing) => {
    incoming.resume();
    const operation = String(incoming.headers['x-amz-target']).replace(/^.*\./, '');
    calls.push(operation);
    answer(operation, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const open = async () => {
  const settings = { region: REGION, stack: STACK, endpoint, credentials: CREDENTIALS, timeoutMs: SHORT_MS };
  return (await openStore({ ...settings, awsProfile: null, createMissing: false, trace: null })).store;
};
const unavailable = { code: 'aws_unavailable', exitCode: 6, retryable: true };

it('a read is given up after so many tries, all of them within 35 s', async () => {
  await expect(open()).rejects.toMatchObject({
    ...unavailable,
    message: expect.not.stringContaining('@smithy'),
  });
  expect(calls).toEqual(Array.from({ length: READ_TRIES }, () => 'GetItem'));
  const { connectionTimeout, requestTimeout } = timeLimits();
  expect(READ_TRIES * Math.max(requestTimeout, connectionTimeout)).toBeLessThan(35_000);
});

it('so is one whose answer stops half-way', async () => {
  answer = (_, outgoing) => void outgoing.writeHead(200, { 'content-length': 100 }).write('{');
  await expect(open()).rejects.toMatchObject(unavailable);
});

describe('a write', () => {
  it('is sent once, and may have been made', async () => {
    answer = (operation, outgoing) => {
      // The store opens; whatever follows hangs.
      if (calls.length === 1 && operation === 'GetItem') outgoing.writeHead(200).end('{}');
    };
    const store = await open();
    const change = commitOf(suspendTenant(tenantOn(free), NOON), NOON);
    await expect(store.commit(change)).rejects.toMatchObject({ code: 'write_ambiguous', exitCode: 6 });
    expect(calls.filter((operation) => operation === 'TransactWriteItems')).toHaveLength(1);
    await store.close();
  });
});

it('asking who is calling is given up as well', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_STS', endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  const asked = callerIdentity({ region: REGION, awsProfile: null, trace: null, timeoutMs: SHORT_MS });
  await expect(asked).rejects.toMatchObject(unavailable);
  expect(calls).toHaveLength(2);
});
