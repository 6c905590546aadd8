import * as z from 'zod/mini';
import { NEVER } from '../core/gate/layout.ts';
import { KEY_ENVS, KEY_PREFIX } from '../core/keys/format.ts';

/** `saasctl.json`, shape and single values. What spans several values is in `rules.ts`. */

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
// Metrics are JSON fields too (`api_calls`), so an underscore may stand in them.
const METRIC_NAME = /^[a-z][a-z0-9_-]{0,62}$/;
const STACK = /^[a-z][a-z0-9-]{0,62}$/;
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
const RATE = 'a number of calls a second above 0 and up to 1000000, or null for no limit';

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
});

const plan = strict({
  apiCallsPerMonth: limit,
  storageBytes: limit,
  maxUsers: limit,
  rate: z.nullable(
    z.number({ error: RATE }).check(z.positive({ error: RATE }), z.maximum(1_000_000, { error: RATE })),
  ),
  burst: wholeNumber(1, 1_000_000, 'a whole number from 1 to 1000000'),
  features: z.array(text(/^\S.{0,62}$/, 'a name of at most 63 characters'), { error: 'a list of names' }),
  overage: oneOf(['block', 'bill']),
});

const metric = strict({
  unit: text(/^\S.{0,31}$/, 'a unit such as "seconds", at most 32 characters'),
  kind: oneOf(['counter', 'gauge']),
  scale: z.optional(wholeNumber(0, 9, 'a whole number from 0 to 9')),
});

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
});

/** The user's own preferences, for all projects: what a project file never says. */
export const userSchema = strict({
  output: z.optional(oneOf(OUTPUTS)),
  color: z.optional(z.boolean({ error: 'true or false' })),
});

export type Project = z.infer<typeof projectSchema>;
export type ProfileConfig = z.infer<typeof profile>;
export type UserSettings = z.infer<typeof userSchema>;
