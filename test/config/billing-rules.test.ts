import { describe, expect, it } from 'vitest';
import { parseProject } from '../../src/config/parse.ts';
import type { SaasctlError } from '../../src/core/errors.ts';
import { starter } from './files.ts';

const parse = (billing: object, metrics: object = {}) => {
  const file = starter();
  return parseProject(JSON.stringify({ ...file, billing, metrics }), 'saasctl.json');
};
const refused = async (billing: object, metrics: object = {}): Promise<SaasctlError> =>
  parse(billing, metrics).then(
    () => expect.fail('it was accepted'),
    (error: SaasctlError) => error,
  );
const usd = (more: object) => ({ pro: { api_calls: { currency: 'usd', ...more } } });
const seats = { seats: { unit: 'seats', kind: 'gauge' } };

describe('what is billed', () => {
  it('is calls, unless the file says otherwise', async () => {
    const { billing } = await parseProject(JSON.stringify({ ...starter(), billing: undefined }), 'f');
    expect(billing).toEqual({ meters: { api_calls: {} }, prices: {}, finalInvoice: 'carry' });
  });

  it('may be any counter by its sum, any gauge by its hours or its highest level', async () => {
    await parse(
      {
        meters: {
          api_calls: { measure: 'sum' },
          storage_bytes: { measure: 'hours' },
          seats: { measure: 'day_max', eventName: 'acme.seats' },
        },
        prices: {
          pro: {
            api_calls: {
              currency: 'usd',
              tiers: [
                { upTo: 1000, unitAmount: '0' },
                { upTo: null, unitAmount: '0.02' },
              ],
            },
          },
        },
      },
      seats,
    );
  });

  it.each([
    [
      'a metric that nobody measures',
      { meters: { api_call: {} } },
      'billing.meters names "api_call", which is no metric',
      'did you mean api_calls?',
    ],
    [
      'a measure that a counter has not',
      { meters: { api_calls: { measure: 'hours' } } },
      'billing.meters.api_calls.measure is "hours"',
      'a counter is billed by "sum"',
    ],
    [
      'a measure that a gauge has not',
      { meters: { users: { measure: 'sum' } } },
      'billing.meters.users.measure is "sum"',
      'a gauge is billed by "hours" or "day_max"',
    ],
    [
      'two metrics under one name',
      { meters: { api_calls: { eventName: 'n' }, users: { eventName: 'n' } } },
      'billing.meters.users.eventName is "n"',
      'billing.meters.api_calls has that event name already',
    ],
    [
      'one metric under the name of another',
      { meters: { api_calls: {}, users: { eventName: 'api_calls' } } },
      'billing.meters.users.eventName is "api_calls"',
      'their usage would be added up',
    ],
    [
      'a price of a plan that is not there',
      { prices: { prp: { api_calls: { currency: 'usd', unitAmount: '1' } } } },
      'billing.prices names "prp", which is no plan',
      'did you mean pro?',
    ],
    [
      'a price of what is not billed',
      { prices: { pro: { users: { currency: 'usd', unitAmount: '1' } } } },
      'billing.prices.pro names "users", which is no billed metric',
      'the billed metrics are api_calls',
    ],
    [
      'a price of nothing',
      { prices: usd({}) },
      'billing.prices.pro.api_calls has neither',
      '"unitAmount" or "tiers"',
    ],
    [
      'a price of two kinds',
      { prices: usd({ unitAmount: '1', tiers: [{ upTo: null, unitAmount: '1' }] }) },
      'billing.prices.pro.api_calls has both',
      'one of them',
    ],
    [
      'tiers that go down',
      {
        prices: usd({
          tiers: [
            { upTo: 10, unitAmount: '1' },
            { upTo: 10, unitAmount: '1' },
            { upTo: null, unitAmount: '1' },
          ],
        }),
      },
      'billing.prices.pro.api_calls.tiers.1.upTo is 10',
      'it must be above 10',
    ],
    [
      'a last tier that ends',
      { prices: usd({ tiers: [{ upTo: 10, unitAmount: '1' }] }) },
      'billing.prices.pro.api_calls.tiers.0.upTo is 10',
      'the last tier is open',
    ],
    [
      'an open tier before the last',
      {
        prices: usd({
          tiers: [
            { upTo: null, unitAmount: '1' },
            { upTo: null, unitAmount: '1' },
          ],
        }),
      },
      'billing.prices.pro.api_calls.tiers.0.upTo is null',
      'only the last tier is open',
    ],
    [
      'two currencies in a plan',
      {
        meters: { api_calls: {}, users: {} },
        prices: {
          pro: {
            api_calls: { currency: 'usd', unitAmount: '1' },
            users: { currency: 'eur', unitAmount: '1' },
          },
        },
      },
      'billing.prices.pro.users.currency is "eur"',
      'api_calls has "usd"',
    ],
  ] as const)('is never %s', async (_, billing, what, allowed) => {
    const error = await refused(billing);
    expect(error).toMatchObject({ code: 'config_invalid', exitCode: 2, message: `saasctl.json: ${what}` });
    expect(error.hint).toContain(allowed);
  });
});
