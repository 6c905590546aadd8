import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConfigSources, loadConfig } from '../../src/config/load.ts';
import { directory, prod, starter } from './files.ts';

/** Loads as somebody at a terminal in `cwd`, without a home of their own. */
function load(cwd: string, more: Partial<ConfigSources> = {}) {
  return loadConfig({ cwd, env: {}, flags: {}, home: directory(), interactive: true, ...more });
}

function twoProfiles() {
  const file = starter();
  file.profiles.prod = { ...prod };
  return file;
}

describe('the project file', () => {
  it('is the nearest at or above the current directory', async () => {
    const dir = directory({ 'saasctl.json': starter(), 'apps/api/src/x': '' });
    expect(await load(join(dir, 'apps/api/src'))).toMatchObject({
      file: join(dir, 'saasctl.json'),
      dir,
      storeDir: join(dir, '.saasctl'),
      profileName: 'local',
      isLocal: true,
      output: 'table',
      color: null,
      warnings: [],
    });
  });

  it('missing, names init and --config', async () => {
    await expect(load(directory())).rejects.toMatchObject({
      code: 'config_not_found',
      exitCode: 2,
      hint: expect.stringContaining('--config'),
      next: 'saasctl init',
    });
  });

  it('is taken where --config or SAASCTL_CONFIG names it, relative to the current directory', async () => {
    const dir = directory({ 'conf/other.json': starter() });
    const file = join(dir, 'conf/other.json');
    expect(await load(dir, { flags: { config: 'conf/other.json' } })).toMatchObject({
      file,
      dir: join(dir, 'conf'),
    });
    expect(await load(dir, { env: { SAASCTL_CONFIG: file } })).toMatchObject({ file });
  });

  it('named but not there, says who named it', async () => {
    const dir = directory({ 'saasctl.json': starter() });
    const error = { code: 'config_not_found', exitCode: 2 };
    await expect(load(dir, { flags: { config: 'no.json' } })).rejects.toMatchObject({
      ...error,
      hint: '--config names it',
    });
    const env = { SAASCTL_CONFIG: 'no.json' };
    await expect(load(dir, { env })).rejects.toMatchObject({ ...error, hint: 'SAASCTL_CONFIG names it' });
  });

  it('that is a directory, is said to be one', async () => {
    const dir = directory({ 'saasctl.json/x': '' });
    await expect(load(dir)).rejects.toMatchObject({
      code: 'config_unreadable',
      exitCode: 2,
      message: expect.stringContaining('is a directory'),
    });
  });

  it('that cannot be reached, says what the system says', async () => {
    const dir = directory();
    symlinkSync('saasctl.json', join(dir, 'saasctl.json'));
    await expect(load(dir)).rejects.toMatchObject({
      code: 'config_unreadable',
      hint: 'the system says ELOOP',
    });
  });

  it('that is far too large, is not read', async () => {
    const dir = directory({ 'saasctl.json': ' '.repeat(1024 * 1024 + 1) });
    await expect(load(dir)).rejects.toMatchObject({ message: expect.stringContaining('larger than 1 MiB') });
  });

  it('may begin with a byte order mark', async () => {
    const dir = directory({ 'saasctl.json': `\ufeff${JSON.stringify(starter())}` });
    expect((await load(dir)).profileName).toBe('local');
  });
});

describe('the profile', () => {
  it('comes from the flag, then SAASCTL_PROFILE, then the file', async () => {
    const dir = directory({ 'saasctl.json': twoProfiles() });
    const env = { SAASCTL_PROFILE: 'prod' };
    expect(await load(dir, { env, flags: { profile: 'local' } })).toMatchObject({
      profileName: 'local',
      isLocal: true,
    });
    expect(await load(dir, { env })).toMatchObject({
      profileName: 'prod',
      isLocal: false,
      profile: { account: prod.account },
    });
    expect(await load(dir)).toMatchObject({ profileName: 'local' });
  });

  it('unknown, lists the known ones', async () => {
    const dir = directory({ 'saasctl.json': twoProfiles() });
    await expect(load(dir, { flags: { profile: 'prd' } })).rejects.toMatchObject({
      code: 'unknown_profile',
      exitCode: 2,
      hint: 'did you mean prod? the profiles are local, prod',
    });
    for (const profile of ['constructor', '__proto__', '']) {
      await expect(load(dir, { flags: { profile } })).rejects.toMatchObject({ code: 'unknown_profile' });
    }
  });

  it.each([
    ['without a terminal', { interactive: false, env: {} }],
    ['in CI', { interactive: true, env: { CI: 'true' } }],
  ])('%s must be named where there are several', async (_name, sources) => {
    const dir = directory({ 'saasctl.json': twoProfiles() });
    await expect(load(dir, sources)).rejects.toMatchObject({
      code: 'profile_required',
      exitCode: 2,
      hint: expect.stringContaining('local, prod'),
      next: expect.stringContaining('--profile'),
    });
    expect(await load(dir, { ...sources, flags: { profile: 'prod' } })).toMatchObject({
      profileName: 'prod',
    });
    const env = { ...sources.env, SAASCTL_PROFILE: 'prod' };
    expect(await load(dir, { ...sources, env })).toMatchObject({ profileName: 'prod' });
  });

  it('needs no name in CI where there is one, nor where CI says false', async () => {
    expect(
      await load(directory({ 'saasctl.json': starter() }), { env: { CI: '1' }, interactive: false }),
    ).toMatchObject({ profileName: 'local' });
    expect(await load(directory({ 'saasctl.json': twoProfiles() }), { env: { CI: 'false' } })).toMatchObject({
      profileName: 'local',
    });
  });
});

describe('each setting', () => {
  const origins = async (cwd: string, more: Partial<ConfigSources> = {}) =>
    Object.fromEntries(
      (await load(cwd, more)).settings.map(({ name, value, origin }) => [name, [value, origin]]),
    );

  it('says where it came from', async () => {
    const dir = directory({ 'saasctl.json': starter() });
    const file = join(dir, 'saasctl.json');
    expect(await origins(dir)).toEqual({
      config: [file, 'nearest above the current directory'],
      profile: ['local', file],
      region: ['us-east-1', file],
      output: ['table', 'default'],
      color: [null, 'default'],
      account: ['000000000000', file],
      stack: ['local', file],
      stripe: ['stand-in', file],
      keyEnvs: ['live test', file],
      importedKeys: [true, file],
      awsProfile: [null, 'default'],
      keyPrefix: ['anb', 'default'],
    });
  });

  it('goes to the strongest source', async () => {
    const dir = directory({ 'saasctl.json': starter() });
    const home = directory({ '.config/saasctl/config.json': { output: 'csv', color: false } });
    const userFile = join(home, '.config/saasctl/config.json');
    const env = { SAASCTL_OUTPUT: 'yaml', SAASCTL_REGION: 'eu-west-1' };
    const flags = { output: 'json', region: 'eu-north-1', color: false };
    expect(await origins(dir, { home })).toMatchObject({
      output: ['csv', userFile],
      color: [false, userFile],
    });
    expect(await origins(dir, { home, env })).toMatchObject({
      output: ['yaml', 'SAASCTL_OUTPUT'],
      region: ['eu-west-1', 'SAASCTL_REGION'],
    });
    expect(await origins(dir, { home, env, flags })).toMatchObject({
      output: ['json', '--output'],
      region: ['eu-north-1', '--region'],
      color: [false, '--no-color'],
    });
  });

  it('set to nothing is not set', async () => {
    const dir = directory({ 'saasctl.json': starter() });
    const env = {
      SAASCTL_OUTPUT: '',
      SAASCTL_REGION: '',
      SAASCTL_PROFILE: '',
      SAASCTL_CONFIG: '',
      XDG_CONFIG_HOME: '',
      CI: '',
    };
    expect(await load(dir, { env })).toMatchObject({
      output: 'table',
      profileName: 'local',
      profile: { region: 'us-east-1' },
    });
  });

  it('that is the region reaches the profile', async () => {
    const dir = directory({ 'saasctl.json': starter() });
    expect((await load(dir, { flags: { region: 'eu-north-1' } })).profile.region).toBe('eu-north-1');
  });

  it('is checked wherever it comes from', async () => {
    const dir = directory({ 'saasctl.json': starter() });
    await expect(load(dir, { env: { SAASCTL_OUTPUT: 'jsn' } })).rejects.toMatchObject({
      code: 'bad_output',
      exitCode: 2,
      message: 'SAASCTL_OUTPUT: "jsn" is not an output format',
      hint: expect.stringContaining('did you mean json?'),
    });
    await expect(load(dir, { flags: { region: 'here' } })).rejects.toMatchObject({
      code: 'bad_region',
      exitCode: 2,
    });
  });
});

describe('the user file', () => {
  const dir = directory({ 'saasctl.json': starter() });

  it('is found by XDG_CONFIG_HOME where that is absolute', async () => {
    const xdg = directory({ 'saasctl/config.json': { output: 'id' } });
    expect(await load(dir, { env: { XDG_CONFIG_HOME: xdg } })).toMatchObject({ output: 'id' });
    expect(await load(dir, { env: { XDG_CONFIG_HOME: 'relative' } })).toMatchObject({ output: 'table' });
  });

  it.each([
    ['{"output": "xml"}', 'output is "xml"'],
    ['{"outptu": "json"}', 'has an unknown key "outptu"'],
    ['{"output": "json",}', ':1:19: '],
  ])('%s is refused like the project file', async (text, message) => {
    const home = directory({ '.config/saasctl/config.json': text });
    await expect(load(dir, { home })).rejects.toMatchObject({
      code: 'config_invalid',
      exitCode: 2,
      message: expect.stringContaining(message),
    });
  });

  it('that is a directory is an error, not silence', async () => {
    const home = directory();
    mkdirSync(join(home, '.config/saasctl/config.json'), { recursive: true });
    await expect(load(dir, { home })).rejects.toMatchObject({ code: 'config_unreadable' });
  });
});

it('a variable that looks misspelt is warned of, those of others are not', async () => {
  const dir = directory({ 'saasctl.json': starter() });
  const env = {
    SAASCTL_PROFIL: 'prod',
    SAASCTL_ENGINE: '/x',
    SAASCTL_STRIPE_URL: 'http://x',
    SAASCTL_STACK: 's',
    SAASCTL_FROBNICATION: '1',
    PROFILE: 'x',
  };
  expect((await load(dir, { env })).warnings).toEqual([
    'SAASCTL_PROFIL is not a setting and is ignored: did you mean SAASCTL_PROFILE?',
  ]);
});

it('nothing is remembered: the next call sees the file as it is then', async () => {
  const dir = directory({ 'saasctl.json': starter() });
  expect((await load(dir)).project.keyPrefix).toBe('anb');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(dir, 'saasctl.json'), JSON.stringify({ ...starter(), keyPrefix: 'acme' }));
  expect((await load(dir)).project.keyPrefix).toBe('acme');
});
