import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functionVariables } from '../../src/config/function-env.ts';
import { parseProject } from '../../src/config/parse.ts';
import type { ProfileConfig } from '../../src/config/schema.ts';
import { SaasctlError } from '../../src/core/errors.ts';
import { findPlan } from '../../src/core/plans.ts';
import { parseJwtSettings } from '../../src/runtime/jwt/settings.ts';
import { prod, starter } from './files.ts';

async function refused(content: string | object): Promise<SaasctlError> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const error = await parseProject(text, 'saasctl.json').then(
    () => expect.fail('it was accepted'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SaasctlError);
  expect(error).toMatchObject({
    category: 'config',
    exitCode: 2,
    next: expect.any(String),
    hint: expect.any(String),
  });
  return error as SaasctlError;
}

/** The starter file with one value changed, `plans.free.burst` style. */
function withValue(path: string, value: unknown): object {
  const file = starter();
  file.profiles.prod = structuredClone(prod);
  const keys = path.split('.');
  const last = keys.pop() as string;
  const parent = keys.reduce((object, key) => object[key], file);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return file;
}

describe('a good file', () => {
  it('comes with its defaults', async () => {
    const file = starter();
    delete file.metrics;
    delete file.profiles.local.importedKeys;
    const project = await parseProject(JSON.stringify(file), 'saasctl.json');
    expect(project).toMatchObject({
      keyPrefix: 'anb',
      metrics: {},
      profiles: { local: { importedKeys: false } },
    });
  });

  it('may have plans, profiles and metrics of any fitting name', async () => {
    const file = starter();
    file.plans.constructor = file.plans.free;
    file.profiles['eu-1'] = prod;
    file.metrics = { render_minutes: { unit: 'seconds', kind: 'counter', scale: 3 } };
    const project = await parseProject(JSON.stringify(file), 'saasctl.json');
    expect(findPlan(project.plans, 'constructor')).toMatchObject({ name: 'constructor', burst: 10 });
  });

  it('matches no plan by accident', async () => {
    const project = await parseProject(JSON.stringify(starter()), 'saasctl.json');
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(() => findPlan(project.plans, name)).toThrow(SaasctlError);
    }
  });

  it('may hold any braces, colons and quotes in its strings', async () => {
    const file = starter();
    file.plans.free.features = ['a":"b', '{"x": 1}', '\\', 'tab\there'];
    expect((await parseProject(JSON.stringify(file, null, 2), 'f')).plans['free']?.features).toEqual(
      file.plans.free.features,
    );
  });
});

describe('what is not JSON', () => {
  it.each([
    ['{\n  "version": 1,\n  "plans": {,}\n}', 3, 13],
    ['{\n  "version": 1\n  "plans": {}\n}', 3, 3],
    ['{\n  // comment\n  "version": 1\n}', 2, 3],
    ['{\n  "version": 1,\n}', 3, 1],
    ['{\n  "version": tru\n}', 2, 14],
    ['{\n  "a": "b\n"}', 2, 8],
    ['{"version": 1', 1, 14],
    ['', 1, 1],
  ])('%j says line %d, column %d', async (text, line, column) => {
    const { message, code } = await refused(text);
    expect(code).toBe('config_invalid');
    expect(message).toMatch(new RegExp(`^saasctl\\.json:${line}:${column}: \\S`));
  });

  it('a key that is there twice', async () => {
    const text = '{\n  "version": 1,\n  "plans": {\n    "free": {},\n    "free": {}\n  }\n}';
    expect((await refused(text)).message).toBe('saasctl.json:5:5: "free" is there twice');
  });

  it('a key that is there twice in another spelling', async () => {
    expect((await refused('{"plans": 1,\n"pl\\u0061ns": 2}')).message).toBe(
      'saasctl.json:2:1: "plans" is there twice',
    );
  });
});

describe('a key nobody knows', () => {
  it.each([
    ['defaultProfil', 'local', 'the file', 'did you mean defaultProfile?'],
    ['profiles.prod.acount', '123456789012', 'profiles.prod', 'did you mean account?'],
    ['profiles.local.regoin', 'x', 'profiles.local', 'did you mean region?'],
    ['plans.pro.maxUser', 1, 'plans.pro', 'did you mean maxUsers?'],
    ['plans.pro.zzzzzzzz', 1, 'plans.pro', 'the keys are apiCallsPerMonth, '],
  ])('%s', async (path, value, where, hint) => {
    const error = await refused(withValue(path, value));
    expect(error.message).toBe(`saasctl.json: ${where} has an unknown key "${path.split('.').at(-1)}"`);
    expect(error.hint).toContain(hint);
  });
});

it('a misspelt key is named before the one that is missing for it', async () => {
  const file = starter();
  file.plans.pro.burts = file.plans.pro.burst;
  delete file.plans.pro.burst;
  const { message, hint } = await refused(file);
  expect(message).toBe('saasctl.json: plans.pro has an unknown key "burts"');
  expect(hint).toContain('also: plans.pro.burst is missing');
});

describe('a value that cannot be', () => {
  it.each([
    ['profiles.prod.account', 123456789012, 'is 123456789012', '12 digits'],
    ['profiles.prod.account', '1234', 'is "1234"', '12 digits'],
    ['profiles.prod.account', undefined, 'is missing', '12 digits'],
    ['profiles.prod.region', 'Frankfurt', 'is "Frankfurt"', 'AWS region'],
    ['profiles.prod.stack', 'a#b', 'is "a#b"', 'lower-case'],
    ['profiles.prod.keyEnvs', [], 'is []', '"live", "test" or both'],
    ['profiles.prod.keyEnvs.0', 'staging', 'is "staging"', 'one of live, test'],
    ['profiles.prod.keyEnvs', ['live', 'live'], 'is a list', 'once'],
    ['profiles.prod.stripe', 'prod', 'is "prod"', 'one of stand-in, test, live'],
    ['profiles.prod.stripe', 'stand-in', 'is "stand-in"', 'only the profile local'],
    ['profiles.local.stripe', 'live', 'is "live"', '"stand-in" or "test"'],
    ['profiles', [], 'is []', 'an object'],
    ['defaultProfile', 'staging', 'is "staging"', 'one of the profiles: local, prod'],
    ['defaultProfile', 'constructor', 'is "constructor"', 'one of the profiles'],
    ['version', 0, 'is 0', 'it must be 1'],
    ['version', '1', 'is "1"', 'it must be 1'],
    ['keyPrefix', 'A_b', 'is "A_b"', '2 to 12'],
    ['plans.free', null, 'is null', 'an object'],
    ['plans.free.apiCallsPerMonth', -1, 'is -1', 'whole number from 0'],
    ['plans.free.apiCallsPerMonth', 1.5, 'is 1.5', 'whole number from 0'],
    ['plans.free.apiCallsPerMonth', 1e308, 'is 1e+308', 'whole number from 0'],
    ['plans.free.apiCallsPerMonth', 9e15, 'is 9000000000000000', 'whole number from 0'],
    ['plans.free.apiCallsPerMonth', '1000', 'is "1000"', 'whole number from 0'],
    ['plans.free.apiCallsPerMonth', undefined, 'is missing', 'null for unlimited'],
    ['plans.free.rate', 0, 'is 0', 'above 0'],
    ['plans.free.rate', 1e7, 'is 10000000', 'up to 1000000'],
    ['plans.free.burst', 0, 'is 0', 'from 1 to 1000000'],
    ['plans.free.burst', 2.5, 'is 2.5', 'from 1 to 1000000'],
    ['plans.free.overage', 'charge', 'is "charge"', 'one of block, bill'],
    ['plans.free.features', 'all', 'is "all"', 'a list of names'],
    ['metrics.jobs', { unit: 'jobs', kind: 'sum' }, '.kind is "sum"', 'one of counter, gauge'],
    ['metrics.jobs', { unit: 'jobs', kind: 'counter', scale: 10 }, '.scale is 10', 'from 0 to 9'],
  ])('%s = %j', async (path, value, found, allowed) => {
    const { message, hint } = await refused(withValue(path, value));
    expect(message).toContain(`saasctl.json: ${path}`);
    expect(message).toContain(found);
    expect(hint).toContain(allowed);
  });

  it('a rate so slow that its bucket would take years to fill', async () => {
    const file = starter();
    Object.assign(file.plans.free, { rate: 0.001, burst: 1_000_000 });
    expect((await refused(file)).message).toBe('saasctl.json: plans.free.burst is 1000000');
    Object.assign(file.plans.free, { rate: 1e-300, burst: 1 });
    expect((await refused(file)).hint).toContain('more than a year');
  });

  it('a lease larger than the burst that it is taken from', async () => {
    const file = starter();
    Object.assign(file.plans.free, { burst: 10, lease: 11 });
    const { message, hint } = await refused(file);
    expect(message).toBe('saasctl.json: plans.free.lease is 11');
    expect(hint).toContain('at most the burst, 10');
  });

  const JWT = { issuer: 'https://id.example.com', audience: 'api', tenantClaim: 'tenant' };

  it.each([
    ['issuer', 'http://example.com', 'https, or http on 127.0.0.1 and localhost'],
    ['issuer', 'https://user:word@example.com', 'https, or http'],
    ['issuer', 'https://', 'https, or http'],
    ['jwksUri', 'http://127.0.0.1.example.com/keys', 'https, or http'],
    ['audience', 'one,two', 'without commas'],
    ['audience', ['one', 'two,three'], 'without commas'],
  ])('jwt.%s = %j, which a function would refuse to start with', async (name, value, allowed) => {
    const { message, hint } = await refused(withValue('profiles.prod.jwt', { ...JWT, [name]: value }));
    expect(message).toContain(`saasctl.json: profiles.prod.jwt.${name}`);
    expect(hint).toContain(allowed);
  });

  it('every jwt that is accepted is one that the functions take', async () => {
    for (const jwt of [
      JWT,
      { ...JWT, issuer: 'http://127.0.0.1:8080', jwksUri: 'http://localhost/keys', audience: ['a', 'b'] },
      { ...JWT, issuer: 'http://[::1]:1/' },
    ]) {
      const project = await parseProject(JSON.stringify(withValue('profiles.prod.jwt', jwt)), 'saasctl.json');
      const profile = project.profiles['prod'] as ProfileConfig;
      const taken = parseJwtSettings(functionVariables({ profile, project }, 'inline'));
      expect(taken).toMatchObject({ issuer: jwt.issuer, audience: [jwt.audience].flat() });
    }
  });

  it('all of them are said at once', async () => {
    const file = starter();
    file.plans.free.burst = 0;
    file.plans.pro.overage = 'no';
    const { message, hint } = await refused(file);
    expect(message).toContain('plans.free.burst is 0');
    expect(hint).toContain('also: plans.pro.overage is "no"; it must be one of block, bill');
  });

  it('a secret that strayed in is not repeated', async () => {
    for (const secret of [
      'sk_live_51Habcdef',
      'rk_test_abc',
      'whsec_abc',
      'AKIAABCDEFGHIJKLMNOP',
      'anb_live_abc',
    ]) {
      const { message, hint } = await refused(withValue('profiles.prod.stripe', secret));
      expect(`${message} ${hint}`).not.toContain(secret);
    }
  });
});

describe('a name that cannot be', () => {
  it.each(['Pro', 'a b', 'a#b', 'a/b', '', '-a', 'é', '🦊', 'a'.repeat(64)])('plan %j', async (name) => {
    const { message, hint } = await refused(withValue(`plans.${name}`, starter().plans.free));
    expect(message).toBe(`saasctl.json: plans has the name ${JSON.stringify(name)}`);
    expect(hint).toContain('at most 63');
  });

  it.each(['plans', 'profiles', 'metrics'])('__proto__ among the %s', async (where) => {
    const text = JSON.stringify(starter())
      .replace(`"${where}":{`, (found) => `${found}"__proto__":{"burst":7},`)
      .replace(',}', '}');
    expect((await refused(text)).message).toBe(`saasctl.json: ${where} has the name "__proto__"`);
    expect(({} as { burst?: number }).burst).toBeUndefined();
  });
});

it('a file of a newer saasctl is refused by its version, whatever else is in it', async () => {
  const error = await refused({ version: 2, tenants: [] });
  expect(error).toMatchObject({ code: 'config_too_new', next: 'npm install --global saasctl@latest' });
});

it('no text makes it throw anything else', async () => {
  const text = JSON.stringify(starter());
  const broken = fc
    .tuple(fc.nat(text.length), fc.nat(3), fc.string({ maxLength: 3 }))
    .map(([at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut));
  await fc.assert(
    fc.asyncProperty(fc.oneof(broken, fc.json(), fc.string()), async (damaged) => {
      const outcome = await parseProject(damaged, 'f').catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SaasctlError);
    }),
    { numRuns: 500 },
  );
});
