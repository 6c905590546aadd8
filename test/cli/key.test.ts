import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openProject, type Project } from '../fixtures/cli.ts';

let project: Project;
beforeAll(async () => {
  project = await openProject();
  await project.cli('tenant create acme --plan pro -q');
});
afterAll(() => project.close());
const cli = (...args: Parameters<Project['cli']>) => project.cli(...args);
const file = (name: string) => join(project.dir, name);
const exists = (name: string) =>
  stat(file(name)).then(
    () => true,
    () => false,
  );
const verify = (stdin: string) => cli('key verify -o json', { stdin });
const DAY = 86_400_000;

let n = 0;
/** A fresh named key and its secret. */
async function newKey(flags = ''): Promise<{ keyId: string; key: string; name: string }> {
  const name = `k${++n}`;
  const { keyId, key } = (await cli(`key create --tenant acme --name ${name}${flags} -o json`)).json();
  return { keyId, key, name };
}

describe('key create', () => {
  it('shows the secret once, and stores nothing that leads back to it', async () => {
    const ran = await cli(
      'key create --tenant acme --name first --rate 600/m --burst 3 --expires 90d --scope read --scope write -o json',
    );
    expect(ran.json()).toMatchObject({
      key: expect.stringMatching(/^anb_live_[0-9A-Za-z]{38}$/),
      outcome: 'created',
      env: 'live',
      status: 'active',
      prefix: 'anb_live',
      rate: { perSecond: 10, burst: 3, inherited: false },
      scopes: ['read', 'write'],
      expiresAt: new Date(project.clock.now + 90 * DAY).toISOString(),
      secrets: [{ secretId: 's1', status: 'active' }],
    });
    const { keyId, key, last4 } = ran.json();
    expect(key.endsWith(last4)).toBe(true);
    const secret = key.slice('anb_live_'.length);
    for (const words of [
      `key show ${keyId} -o json`,
      'key list -o json',
      'audit list -o json',
      'audit list -o yaml',
    ]) {
      expect((await cli(words)).stdout).not.toContain(secret.slice(0, 30));
    }
    expect(await verify(key)).toMatchObject({ code: 0 });
  });

  it('inherits the plan’s rate, and says so', async () => {
    const { keyId } = await newKey();
    expect((await cli(`key show ${keyId} -o json`)).json().rate).toEqual({
      perSecond: 50,
      burst: 100,
      inherited: true,
    });
    await cli('tenant update acme --plan enterprise -q');
    expect((await cli(`key show ${keyId} -o json`)).json().rate).toEqual({
      perSecond: 500,
      burst: 1000,
      inherited: true,
    });
    await cli('tenant update acme --plan pro -q');
  });

  it('with a name that a living key has is a conflict that names the rotation', async () => {
    expect((await cli('key create --tenant acme --name first -o json')).error()).toMatchObject({
      code: 'key_name_taken',
      exitCode: 5,
      next: 'saasctl key rotate --tenant acme --name first --grace 7d',
    });
  });

  it.each([
    ['-o id', 'secret_would_be_lost'],
    ['--query keyId -o json', 'secret_would_be_lost'],
    ['-q', 'secret_would_be_lost'],
    ['--query length(scopes) -o json', 'secret_would_be_lost'],
    ['--rate fast', 'bad_rate'],
    ['--rate 0/s', 'bad_rate'],
    ['--rate 1e9/s', 'bad_rate'],
    ['--burst 5', 'burst_without_rate'],
    ['--rate 5/s --burst 0', 'bad_burst'],
    ['--rate 1/h --burst 1000000', 'bad_burst'],
    ['--expires soon', 'bad_duration'],
    ['--expires 0', 'bad_expiry'],
    ['--name a/b', 'bad_key_name'],
    ['--scope two"quotes', 'bad_scope'],
    ['--env prod', 'invalid_argument'],
  ])('refuses %s before anything is made', async (flags, code) => {
    const before = (await cli('key list --tenant acme -o json')).json().items.length;
    const ran = await cli(`key create --tenant acme ${flags}`, {
      env: { SAASCTL_OUTPUT: flags.includes('-o') ? '' : 'json' },
    });
    expect([ran.code, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toMatch(flags === '-o id' ? /--secret-file/ : new RegExp(code));
    expect((await cli('key list --tenant acme -o json')).json().items).toHaveLength(before);
  });

  it('refuses an environment that the profile does not serve', async () => {
    await project.edit(({ profiles }) => {
      profiles.local.keyEnvs = ['test'];
    });
    expect((await cli('key create --tenant acme --env live -o json')).error()).toMatchObject({
      code: 'env_not_served',
      exitCode: 2,
    });
    expect((await cli('key create --tenant acme -o json')).json()).toMatchObject({
      env: 'test',
      prefix: 'anb_test',
    });
    await project.edit(({ profiles }) => {
      profiles.local.keyEnvs = ['live', 'test'];
    });
  });
});

describe('a secret file', () => {
  it('holds the secret, 0600, and stdout then holds none', async () => {
    const ran = await cli('key create --tenant acme --name filed --secret-file filed.key -o json');
    expect(ran.json()).toMatchObject({ key: null, outcome: 'created' });
    const secret = (await readFile(file('filed.key'), 'utf8')).trim();
    expect((await stat(file('filed.key'))).mode & 0o777).toBe(0o600);
    expect(await verify(secret)).toMatchObject({ code: 0 });
    expect(await exists('filed.key.new')).toBe(false);
  });

  it('is replaced by a rotation, and left alone by one that is under way already', async () => {
    const first = await readFile(file('filed.key'), 'utf8');
    await cli('key rotate --tenant acme --name filed --grace 7d --secret-file filed.key -q');
    const second = await readFile(file('filed.key'), 'utf8');
    expect(second).not.toBe(first);
    const again = await cli(
      'key rotate --tenant acme --name filed --grace 7d --secret-file filed.key -o json',
    );
    expect([again.code, again.json().outcome, again.json().key]).toEqual([0, 'already_rotating', null]);
    expect(await readFile(file('filed.key'), 'utf8')).toBe(second);
    for (const secret of [first, second]) expect(await verify(secret.trim())).toMatchObject({ code: 0 });
  });

  it('that cannot be written stops the change', async () => {
    const ran = await cli('key create --tenant acme --name lost --secret-file no/such/dir.key -o json');
    expect(ran.error()).toMatchObject({ code: 'secret_file_unwritable', exitCode: 2 });
    expect((await cli('key rotate --tenant acme --name lost --status -o json')).code).toBe(3);
  });

  it('provably not needed is gone again', async () => {
    const ran = await cli('key create --tenant acme --name filed --secret-file spare.key -o json');
    expect(ran.code).toBe(5);
    expect([await exists('spare.key'), await exists('spare.key.new')]).toEqual([false, false]);
  });

  it('left from a run that could not tell is not overwritten', async () => {
    await writeFile(file('unsure.key.new'), 'anb_live_perhaps\n');
    const ran = await cli('key create --tenant acme --name unsure --secret-file unsure.key -o json');
    expect(ran.error()).toMatchObject({
      code: 'secret_staged',
      exitCode: 5,
      next: expect.stringContaining('key verify <'),
    });
    expect(await readFile(file('unsure.key.new'), 'utf8')).toBe('anb_live_perhaps\n');
  });
});

describe('key rotate', () => {
  it('by id: both secrets work until the grace ends', async () => {
    const { keyId, key } = await newKey();
    const rotated = (await cli(`key rotate ${keyId} --grace 12h -o json`)).json();
    expect(rotated).toMatchObject({
      outcome: 'rotated',
      keyId,
      rotation: {
        oldSecretId: 's1',
        newSecretId: 's2',
        graceEndsAt: new Date(project.clock.now + 12 * 3_600_000).toISOString(),
      },
    });
    expect([(await verify(key)).code, (await verify(rotated.key)).code]).toEqual([0, 0]);
    project.clock.now += 12 * 3_600_000;
    expect((await verify(key)).json()).toMatchObject({ valid: false, reason: 'expired' });
    expect((await verify(rotated.key)).code).toBe(0);
  });

  it('--grace 0 asks first, and kills the old secret at once', async () => {
    const { keyId, key } = await newKey();
    expect((await cli(`key rotate ${keyId} --grace 0 -o json`)).code).toBe(2);
    expect((await verify(key)).code).toBe(0);
    const rotated = (await cli(`key rotate ${keyId} --grace 0 --yes -o json`)).json();
    expect([(await verify(key)).code, (await verify(rotated.key)).code]).toEqual([4, 0]);
  });

  it('--finish, --abort and --status', async () => {
    const { keyId, key } = await newKey();
    const fresh = (await cli(`key rotate ${keyId} -o json`)).json();
    expect((await cli(`key rotate ${keyId} --status -o json`)).json().rotation).toMatchObject({
      oldSecretId: 's1',
    });
    await cli(`key rotate ${keyId} --abort --yes -q`);
    expect([(await verify(key)).code, (await verify(fresh.key)).code]).toEqual([0, 4]);
    const next = (await cli(`key rotate ${keyId} -o json`)).json();
    await cli(`key rotate ${keyId} --finish --yes -q`);
    expect([(await verify(key)).code, (await verify(next.key)).code]).toEqual([4, 0]);
    expect((await cli(`key rotate ${keyId} --abort --yes -o json`)).error()).toMatchObject({
      code: 'no_rotation',
      exitCode: 5,
    });
  });

  it('a grace longer than the old secret’s life ends with it, and says so', async () => {
    const { keyId } = await newKey(' --expires 2d');
    const ran = await cli(`key rotate ${keyId} --grace 7d -o json`);
    expect(ran.json().rotation.graceEndsAt).toBe(new Date(project.clock.now + 2 * DAY).toISOString());
    const { keyId: other } = await newKey(' --expires 2d');
    const told = await cli(`key rotate ${other} --grace 7d`);
    expect(told.stderr).toContain('before the grace asked for would end');
  });

  it('ten at once rotate once; every other one reports it', async () => {
    const { keyId } = await newKey();
    const runs = await Promise.all(Array.from({ length: 10 }, () => cli(`key rotate ${keyId} -o json`)));
    expect(runs.map(({ json }) => json().outcome).sort()).toEqual([
      ...Array(9).fill('already_rotating'),
      'rotated',
    ]);
    expect((await cli(`key show ${keyId} -o json`)).json().secrets).toHaveLength(2);
  });

  it('dry run mints nothing', async () => {
    const { keyId } = await newKey();
    expect((await cli(`key rotate ${keyId} -n -o json`)).json()).toMatchObject({
      outcome: 'planned',
      key: null,
    });
    expect((await cli(`key show ${keyId} -o json`)).json().secrets).toHaveLength(1);
  });

  it.each([
    'key rotate',
    'key rotate --tenant acme',
    'key rotate key_00000000 --name x --tenant acme',
    'key rotate key_00000000 --finish --abort',
  ])('%s is refused', async (words) => {
    expect((await cli(`${words} -o json`)).code).toBe(2);
  });

  it('a secret typed in place of a key id is not repeated anywhere', async () => {
    const { key } = await newKey();
    const ran = await cli(`key rotate ${key} -o json`);
    expect([ran.code, `${ran.stdout}${ran.stderr}`.includes(key.slice(9, 30))]).toEqual([2, false]);
  });
});

describe('key revoke', () => {
  it('kills the key and frees its name', async () => {
    const { keyId, key, name } = await newKey();
    expect((await cli(`key revoke ${keyId} -o json`)).code).toBe(2);
    expect((await cli(`key revoke ${keyId} --yes -o json`)).json()).toMatchObject({
      status: 'revoked',
      outcome: 'revoked',
    });
    expect((await verify(key)).json()).toEqual({
      valid: false,
      reason: 'revoked',
      tenantId: 'acme',
      keyId,
      secretId: 's1',
      env: 'live',
    });
    expect((await cli(`key revoke ${keyId} --yes -o json`)).json()).toMatchObject({ outcome: 'unchanged' });
    expect((await cli(`key create --tenant acme --name ${name} -o json`)).json()).toMatchObject({
      outcome: 'created',
    });
    expect((await cli(`key rotate ${keyId} -o json`)).error()).toMatchObject({
      code: 'key_revoked',
      exitCode: 5,
    });
  });

  it('of an expired key leaves its name with the key that took it over', async () => {
    const old = await newKey(' --expires 1d');
    project.clock.now += DAY;
    const heir = (await cli(`key create --tenant acme --name ${old.name} -o json`)).json();
    await cli(`key revoke ${old.keyId} --yes -q`);
    expect((await cli(`key rotate --tenant acme --name ${old.name} --status -o json`)).json().keyId).toBe(
      heir.keyId,
    );
  });

  it('one secret leaves the other', async () => {
    const { keyId, key } = await newKey();
    const fresh = (await cli(`key rotate ${keyId} -o json`)).json();
    await cli(`key revoke ${keyId} --secret s1 --yes -q`);
    expect([(await verify(key)).code, (await verify(fresh.key)).code]).toEqual([4, 0]);
    expect((await cli(`key revoke ${keyId} --secret s9 --yes -o json`)).error()).toMatchObject({
      code: 'secret_not_found',
      exitCode: 3,
    });
  });
});

describe('key verify', () => {
  let key: string;
  beforeEach(async () => {
    key = (await newKey()).key;
  });

  it('a changed character is refused by the checksum, before any store is opened', async () => {
    const wrong = `${key.slice(0, -1)}${key.endsWith('x') ? 'y' : 'x'}`;
    const ran = await cli('key verify -o json', {
      stdin: wrong,
      env: { AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9' },
    });
    expect([ran.code, ran.json()]).toMatchObject([4, { valid: false, reason: 'malformed' }]);
  });

  it.each([
    ['anb_live_short', 'malformed'],
    ['other_live_something', 'unknown'],
    ['', undefined],
  ])('%j', async (stdin, reason) => {
    const ran = await verify(stdin);
    if (reason === undefined) expect(ran.code).toBe(2);
    else expect([ran.code, ran.json().reason]).toEqual([4, reason]);
  });

  it('knows a suspended tenant and another environment', async () => {
    await cli('tenant suspend acme --yes -q');
    expect((await verify(key)).json()).toMatchObject({ valid: false, reason: 'suspended' });
    await cli('tenant resume acme -q');
    await project.edit(({ profiles }) => {
      profiles.local.keyEnvs = ['test'];
    });
    expect((await verify(key)).json()).toMatchObject({ valid: false, reason: 'wrong_environment' });
    await project.edit(({ profiles }) => {
      profiles.local.keyEnvs = ['live', 'test'];
    });
    expect((await verify(key)).code).toBe(0);
  });
});

describe('key import', () => {
  const legacy = 'sk-legacy-7f3a';
  const hash = createHash('sha256').update(legacy).digest('hex');

  it('registers a key of another shape by its hash, once', async () => {
    const words = `key import --tenant acme --name legacy --hash ${hash} --rate 5/s -o json`;
    expect((await cli(words)).json()).toMatchObject({ outcome: 'created', prefix: null, last4: null });
    expect((await verify(legacy)).json()).toMatchObject({ valid: true, tenantId: 'acme' });
    expect((await cli(words)).json()).toMatchObject({ outcome: 'unchanged' });
    expect((await cli(words.replace('5/s', '6/s'))).error()).toMatchObject({
      code: 'key_exists',
      message: expect.stringContaining('another rate'),
    });
    expect((await cli(`key import --tenant acme --name twin --hash ${hash} -o json`)).error()).toMatchObject({
      code: 'key_exists',
      exitCode: 5,
    });
  });

  it('refuses what is not a hash without repeating it, and a profile without imports', async () => {
    const ran = await cli(`key import --tenant acme --name x --hash ${legacy} -o json`);
    expect([ran.error().code, ran.stderr.includes(legacy)]).toEqual(['bad_hash', false]);
    await project.edit(({ profiles }) => {
      profiles.local.importedKeys = false;
    });
    expect((await cli(`key import --tenant acme --name x --hash ${hash} -o json`)).error()).toMatchObject({
      code: 'imports_disabled',
      exitCode: 2,
    });
    await project.edit(({ profiles }) => {
      profiles.local.importedKeys = true;
    });
  });
});

describe('key list', () => {
  it('pages over tenants without gap or repeat', async () => {
    for (const id of ['alpha', 'zeta']) {
      await cli(`tenant create ${id} -q`);
      for (let i = 0; i < 3; i++) await cli(`key create --tenant ${id} -o json`);
    }
    const all = (await cli('key list -o json')).json().items.map(({ keyId }: { keyId: string }) => keyId);
    const paged: string[] = [];
    let after: string[] = [];
    for (let pages = 0; pages < 100; pages++) {
      const page = (await cli(['key', 'list', '-L', '4', '-o', 'json', ...after])).json();
      paged.push(...page.items.map(({ keyId }: { keyId: string }) => keyId));
      if (page.next === null) break;
      after = ['--after', page.next];
    }
    expect(paged).toEqual(all);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('a key that is rotated every day', () => {
  it('can be rotated for years: gate and record stay small', async () => {
    await cli('tenant create daily -q');
    const { keyId } = (await cli('key create --tenant daily -o json')).json();
    for (let day = 0; day < 30; day++) {
      project.clock.now += DAY;
      const rotated = (await cli(`key rotate ${keyId} --grace 12h -o json`)).json();
      expect(rotated).toMatchObject({ outcome: 'rotated', rotation: { newSecretId: `s${day + 2}` } });
      expect(rotated.secrets.length).toBeLessThanOrEqual(10);
    }
  });
});

describe('the keys of a deleted tenant', () => {
  it('cannot be rotated, and revoking them changes nothing', async () => {
    await cli('tenant create gone -q');
    const { keyId } = (await cli('key create --tenant gone -o json')).json();
    await cli('tenant delete gone --confirm gone -q');
    expect((await cli(`key rotate ${keyId} -o json`)).error()).toMatchObject({
      code: 'tenant_deleted',
      exitCode: 3,
    });
    expect((await cli(`key revoke ${keyId} --yes -o json`)).json()).toMatchObject({
      status: 'revoked',
      outcome: 'unchanged',
    });
  });
});

describe('a tenant’s keys', () => {
  it('are at most what its gate can re-rate at once, and say so', async () => {
    await cli('tenant create crowded -q');
    for (let i = 0; i < 40; i++) expect((await cli('key create --tenant crowded -o json')).code).toBe(0);
    const ran = await cli('key create --tenant crowded -o json');
    expect(ran.error()).toMatchObject({ code: 'too_many_keys', exitCode: 5 });
    expect((await cli('tenant update crowded --plan pro -o json')).json()).toMatchObject({
      outcome: 'updated',
    });
  });
});
