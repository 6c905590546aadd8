// Keys, headers and events as nobody should send them.
import fc from 'fast-check';
import { checksum, mintKey } from '../../src/core/keys/format.ts';
import { authorize } from '../../src/lambda/authorize.ts';
import { createGate } from '../../src/runtime/gate.ts';
import type { Wire } from '../../src/runtime/wire/client.ts';
import { marshalItem } from '../../src/runtime/wire/marshal.ts';
import { withTenant } from '../../src/runtime/with-tenant.ts';
import { gateFixture, mappingFixture, NOON, putGate, putKey, STACK } from '../fixtures/gate.ts';
import { memoryWire } from '../runtime/memory-dynamo.ts';

const good = mintKey('anb', 'live');

const mutated = fc
  .tuple(fc.nat({ max: good.length - 1 }), fc.string({ unit: 'binary', maxLength: 3 }), fc.nat({ max: 3 }))
  .map(([at, put, drop]) => good.slice(0, at) + put + good.slice(at + drop))
  .filter((key) => key !== good);
// The checksum is no secret: a forger gets it right.
const forged = fc
  .tuple(
    fc.constantFrom('anb_live_', 'anb_test_', 'anb_', '_', 'anb_live_x_'),
    fc.stringMatching(/^[0-9A-Za-z]{30,34}$/),
  )
  .map(([start, body]) => start + body + checksum(start + body));
const joined = fc.constantFrom(
  `${good},${good}`,
  `${good}, ${good}`,
  ` ${good}`,
  `${good}\0`,
  `${good}\n`,
  encodeURIComponent(`${good} `),
);
const huge = fc.nat({ max: 102_400 }).map((length) => good + 'a'.repeat(length + 1));
const badKey = fc.oneof(mutated, forged, joined, huge, fc.string({ unit: 'binary' }));

const headerName = fc.oneof(
  fc.constantFrom(
    'x-api-key',
    'X-Api-Key',
    'X-API-KEY',
    'x_api_key',
    'authorization',
    '__proto__',
    'constructor',
  ),
  fc.string(),
);
const headers = fc.dictionary(headerName, fc.oneof(badKey, fc.anything()));
const events = fc.oneof(
  { weight: 4, arbitrary: badKey.map((key) => ({ headers: { 'x-api-key': key } })) },
  { weight: 4, arbitrary: fc.record({ headers, version: fc.constant('2.0') }) },
  { weight: 1, arbitrary: fc.anything() },
  { weight: 1, arbitrary: fc.record({ headers: fc.anything(), requestContext: fc.anything() }) },
);

/** Puts `runs` odd events to the authorizer and to both modes of withTenant; throws when one passes or crashes. */
export async function fuzz(runs: number): Promise<void> {
  const { wire } = memoryWire();
  const options = { wire, stack: STACK, prefix: 'anb', envs: ['live' as const], policy: 'deny' as const };
  const silent = { log: () => {}, now: () => NOON };
  const gate = createGate({ ...options, ...silent, importedKeys: true });
  await putGate(wire, gateFixture());
  await putKey(wire, undefined, good);
  const accepted = await authorize({ headers: { 'x-api-key': good } }, gate);
  if (!accepted.isAuthorized) throw new Error('the good key must pass, or nothing is tested');

  const reached = () => {
    throw new Error('the handler was reached');
  };
  const inline = withTenant(reached, { mode: 'inline', gate });
  const behind = withTenant(reached, silent);
  const refusedEverywhere = fc.asyncProperty(events, async (event) => {
    const { isAuthorized } = await authorize(event, gate);
    if (isAuthorized) throw new Error('authorised');
    const statuses = [await inline(event as never, {}), await behind(event as never, {})].map(
      (result) => (result as { statusCode: number }).statusCode,
    );
    if (![401, 403].includes(statuses[0] as number) || statuses[1] !== 500)
      throw new Error(`answered ${statuses}`);
  });
  await fc.assert(refusedEverywhere, { numRuns: runs });
}

/**
 * Puts mutations of a good key to a gate over a store that knows every hash: only the look of a key can refuse
 * them. Without `checked` it is the broken gate that looks up what it should have refused unseen.
 */
export async function fuzzChecksum(runs: number, checked = true): Promise<void> {
  const { wire } = memoryWire();
  await putGate(wire, gateFixture());
  const everyKey: Wire = {
    ...wire,
    send: async (operation, body) =>
      operation === 'GetItem'
        ? { kind: 'applied', output: { Item: marshalItem({ ...mappingFixture() }) } }
        : wire.send(operation, body),
  };
  const look = checked ? { prefix: 'anb', importedKeys: false } : { prefix: 'other', importedKeys: true };
  const options = { stack: STACK, envs: ['live' as const], policy: 'deny' as const, now: () => NOON };
  const gate = createGate({ ...options, ...look, wire: everyKey, log: () => {} });
  const refused = fc.asyncProperty(mutated, async (key) => {
    const { isAuthorized } = await authorize({ headers: { 'x-api-key': key } }, gate);
    if (isAuthorized) throw new Error('authorised');
  });
  await fc.assert(refused, { numRuns: runs });
}
