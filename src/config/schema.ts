import * as z from 'zod/mini';
import { OVERHEADS, TREATMENTS } from '../core/cost/types.ts';
import { NEVER } from '../core/gate/layout.ts';
import { isTrustedUrl } from '../core/jwt.ts';
import { KEY_ENVS, KEY_PREFIX } from '../core/keys/format.ts';
import { MEASURES } from '../core/usage/metrics.ts';

/** `saasctl.json`, shape and single values. What spans several values is in `rules.ts`. */

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
// Metrics are JSON fields too (`api_calls`), so an underscore may stand in them.
const METRIC_NAME = /^[a-z][a-z0-9_-]{0,62}$/;
export const STACK = /^[a-z][a-z0-9-]{0,62}$/;
export const REGION = /^[a-z]{2}(-[a-z]+)+-\d{1,2}$/;

export const OUTPUTS = ['table', 'json', 'csv', 'yaml', 'id'] as const;
export type Output = (typeof OUTPUTS)[number];

// Every message completes "it must be …".
const text = (pattern: RegExp, error: string) => z.string({ error }).check(z.regex(pattern, { error }));
const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `one of ${values.join(', ')}` });
const wholeNumber = (from: number, to: number, error: string) =>
  z.int({ error }).check(z.minimum(from, { error }), z.maximum(to, { error }));
const strict = <T extends z.core.$ZodShape>(shape: T) => z.strictObject(shape, { error: 'an object' });
const named = <T extends z.core.$ZodType>(value: T) =>
  z.record(text(NAME, 'lower-case letters, digits and dashes, at most 63'), value, { error: 'an object' });

const name = text(NAME, 'lower-case letters, digits and dashes, at most 63');
const limit = z.nullable(
  wholeNumber(0, NEVER - 1, 'a whole number from 0 to 8999999999999999, or null for unlimited'),
);
const AUDIENCE = 'an audience without commas and spaces, or a list of them';
const audience = text(/^[^\s,]{1,500}$/, AUDIENCE);
const RATE = 'a number of calls a second above 0 and up to 1000000, or null for no limit';

const trustedUrl = (what: string) => {
  const error = `${what}: https, or http on 127.0.0.1 and localhost`;
  return text(/^https?:\/\/\S{1,500}$/, error).check(z.refine(isTrustedUrl, { error, abort: true }));
};

const jwt = strict({
  issuer: trustedUrl('the URL that tokens name as `iss`'),
  audience: z.union([audience, z.array(audience).check(z.minLength(1, { error: AUDIENCE }))], {
    error: AUDIENCE,
  }),
  tenantClaim: text(/^\S{1,200}$/, 'the name of the claim that holds the tenant id'),
  scopesClaim: z._default(text(/^\S{1,200}$/, 'the name of a claim'), 'scope'),
  jwksUri: z.optional(trustedUrl('the URL of the issuer’s key set')),
});

const path = text(/^\S(.{0,398}\S)?$/, 'a path');
const parameters = z.optional(
  z.record(
    text(/^[A-Za-z0-9]{1,255}$/, 'the name of a parameter of the template'),
    z.string({ error: 'a text: a template takes every parameter as one' }),
    { error: 'an object' },
  ),
);
const SECRET_NAME = 'the name of a secret, never the secret nor an ARN';
// The template and the code may be the project's own; a folder holds handler.mjs and what it imports.
const ownStack = z.optional(strict({ template: z.optional(path), code: z.optional(path) }));

const deploy = strict({
  codeBucket: z.optional(
    text(
      /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
      'a bucket name of 3 to 63 lower-case letters, digits and dashes',
    ),
  ),
  parameters: z.optional(
    strict({
      bootstrap: parameters,
      core: parameters,
      service: parameters,
      guardrails: parameters,
      silo: parameters,
    }),
  ),
  service: ownStack,
  silo: ownStack,
  guardrails: z._default(z.boolean({ error: 'true or false' }), false),
  stripeKey: z.optional(
    z.union(
      [
        strict({ parameter: text(/^(?=.{2,1011}$)(\/[\w.-]+)+$/, SECRET_NAME) }),
        // No ARN: templates and roles are told names. A pasted Stripe key would be one by its letters.
        strict({ secret: text(/^(?!(sk|rk|whsec)_)[\w/+=.@-]{1,512}$/, SECRET_NAME) }),
      ],
      { error: '{"parameter": <SSM name>} or {"secret": <Secrets Manager name>}' },
    ),
  ),
});

const profile = strict({
  account: text(/^\d{12}$/, '12 digits in quotes'),
  region: text(REGION, 'an AWS region such as "eu-central-1"'),
  awsProfile: z.optional(text(/^\S.{0,127}$/, 'the name of a profile in ~/.aws/config')),
  stack: text(STACK, 'lower-case letters, digits and dashes, beginning with a letter, at most 63'),
  keyEnvs: z
    .array(oneOf(KEY_ENVS), { error: 'a list of "live", "test" or both' })
    .check(z.minLength(1, { error: 'a list of "live", "test" or both' })),
  importedKeys: z._default(z.boolean({ error: 'true or false' }), false),
  stripe: oneOf(['stand-in', 'test', 'live']),
  jwt: z.optional(jwt),
  deploy: z.optional(deploy),
});

const plan = strict({
  apiCallsPerMonth: limit,
  storageBytes: limit,
  maxUsers: limit,
  rate: z.nullable(
    z.number({ error: RATE }).check(z.positive({ error: RATE }), z.maximum(1_000_000, { error: RATE })),
  ),
  burst: wholeNumber(1, 1_000_000, 'a whole number from 1 to 1000000'),
  lease: z._default(wholeNumber(1, 1000, 'a whole number from 1 to 1000, at most the burst'), 1),
  features: z.array(text(/^\S.{0,62}$/, 'a name of at most 63 characters'), { error: 'a list of names' }),
  overage: oneOf(['block', 'bill']),
});

const metric = strict({
  unit: text(/^\S.{0,31}$/, 'a unit such as "seconds", at most 32 characters'),
  kind: oneOf(['counter', 'gauge']),
  scale: z.optional(wholeNumber(0, 9, 'a whole number from 0 to 9')),
});

const usage = strict({
  dedupeDays: z._default(wholeNumber(1, 400, 'a whole number of days from 1 to 400'), 34),
  computeSeconds: z._default(z.boolean({ error: 'true or false' }), true),
});

const DECIMAL = 'a decimal number in quotes, in the currency’s smallest unit, such as "0.25"';
const amount = text(/^\d{1,12}(\.\d{1,12})?$/, DECIMAL);
const price = strict({
  currency: text(/^[a-z]{3}$/, 'a currency such as "usd"'),
  unitAmount: z.optional(amount),
  tiers: z.optional(
    z
      .array(
        strict({
          upTo: z.nullable(wholeNumber(1, NEVER - 1, 'a whole number from 1, or null for the last tier')),
          unitAmount: amount,
          flatAmount: z.optional(amount),
        }),
        { error: 'a list of tiers' },
      )
      .check(z.minLength(1, { error: 'a list of tiers' })),
  ),
});

const metricNamed = <const T extends z.core.$ZodType>(value: T) =>
  z.record(text(METRIC_NAME, 'the name of a metric'), value, { error: 'an object' });

// A ledger is kept under it: where the sink writes to may change without billing anything again.
const sinkName = (standard: string) =>
  z._default(text(/^[\w-]{1,40}$/, 'letters, digits, - and _, at most 40'), standard);

const billing = strict({
  meters: z._default(
    metricNamed(
      strict({
        eventName: z.optional(text(/^[\w.:-]{1,100}$/, 'letters, digits and _ . : -, at most 100')),
        measure: z.optional(oneOf(MEASURES)),
      }),
    ),
    { api_calls: {} },
  ),
  prices: z._default(named(metricNamed(price)), {}),
  finalInvoice: z._default(oneOf(['carry', 'drop', 'fail']), 'carry'),
  eventsPerSecond: z.optional(wholeNumber(1, 10_000, 'a whole number from 1 to 10000')),
  webhook: z.optional(
    strict({
      name: sinkName('webhook'),
      url: text(/^https?:\/\/\S{1,500}$/, 'an http or https URL'),
    }),
  ),
  csv: z.optional(strict({ name: sinkName('csv'), file: text(/^\S.{0,400}$/, 'a path') })),
});

const DRIVER = 'a driver such as "requests", or a list of them';
const driver = z.union(
  [
    text(METRIC_NAME, DRIVER),
    z.array(text(METRIC_NAME, DRIVER), { error: DRIVER }).check(z.minLength(1, { error: DRIVER })),
  ],
  { error: DRIVER },
);
const SHARE = '0% to 100%, such as "5%"';
const service = text(/^\S.{0,99}$/, 'a service as the bill names it, or part of a usage type');

const cost = strict({
  source: z.optional(text(/^(ce|sample|focus:.{1,400})$/, '"ce", "sample" or "focus:<path>"')),
  tenantTag: z._default(text(/^\S(.{0,126}\S)?$/, 'the key of a cost allocation tag'), 'saasctl-tenant'),
  drivers: z._default(
    z.record(
      service,
      z.union([driver, z.record(service, driver)], {
        error: `${DRIVER}, or one by part of the usage type`,
      }),
      { error: 'an object' },
    ),
    {},
  ),
  overhead: z._default(oneOf(OVERHEADS), 'proportional'),
  credits: z._default(oneOf(TREATMENTS), 'follow'),
  refunds: z._default(oneOf(TREATMENTS), 'follow'),
  tax: z._default(oneOf(TREATMENTS), 'overhead'),
  support: z._default(oneOf(TREATMENTS), 'overhead'),
  maxUnallocated: z.optional(text(/^(100|\d{1,2}(\.\d{1,4})?)%$/, SHARE)),
  maxRequests: z.optional(wholeNumber(1, 10_000, 'a whole number of requests from 1 to 10000')),
});

/** What a project without a `cost` section has. */
const COST_DEFAULTS = {
  tenantTag: 'saasctl-tenant',
  drivers: {},
  overhead: 'proportional',
  credits: 'follow',
  refunds: 'follow',
  tax: 'overhead',
  support: 'overhead',
} as const;

export const projectSchema = strict({
  $schema: z.optional(z.string({ error: 'a path or URL' })),
  version: z.literal(1, { error: '1' }),
  defaultProfile: name,
  keyPrefix: z._default(
    text(KEY_PREFIX, '2 to 12 lower-case letters and digits, beginning with a letter'),
    'anb',
  ),
  profiles: named(profile),
  plans: named(plan),
  metrics: z._default(
    z.record(text(METRIC_NAME, 'lower-case letters, digits, dashes and underscores, at most 63'), metric, {
      error: 'an object',
    }),
    {},
  ),
  usage: z._default(usage, { dedupeDays: 34, computeSeconds: true }),
  billing: z._default(billing, { meters: { api_calls: {} }, prices: {}, finalInvoice: 'carry' }),
  cost: z._default(cost, COST_DEFAULTS),
});

/** The user's own preferences, for all projects: what a project file never says. */
export const userSchema = strict({
  output: z.optional(oneOf(OUTPUTS)),
  color: z.optional(z.boolean({ error: 'true or false' })),
});

export type Project = z.infer<typeof projectSchema>;
export type ProfileConfig = z.infer<typeof profile>;
export type DeployConfig = z.infer<typeof deploy>;
export type UserSettings = z.infer<typeof userSchema>;
