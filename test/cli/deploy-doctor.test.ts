// What `doctor` says of an AWS profile, and what `init --aws` writes.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { createDeps } from '../../src/deps.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { type Json, openProject, ROOT } from '../fixtures/cli.ts';
import { type DeployProject, openDeployProject } from '../fixtures/deploy.ts';

describe('doctor', () => {
  let at: DeployProject;
  afterEach(() => at.close());
  const findings = async (check: string): Promise<Json[]> =>
    (await at.cli('doctor -o json')).json().items.filter((one: Json) => one.check === check);

  it('says who deploys where, what the account lets run, and what is not deployed', async () => {
    at = await openDeployProject({ limit: 10 });
    expect(await findings('account')).toEqual([
      expect.objectContaining({
        status: 'ok',
        detail: '123456789012 in eu-central-1, as arn:aws:iam::123456789012:user/somebody',
      }),
    ]);
    const [concurrency] = await findings('concurrency');
    expect(concurrency).toMatchObject({ status: 'warn' });
    expect(concurrency.remedy).toContain('request-service-quota-increase');
    expect((await findings('stack')).map(({ status, detail }) => [status, detail])).toEqual([
      ['warn', 'acme-bootstrap is not deployed'],
      ['warn', 'acme is not deployed'],
      ['warn', 'acme-service is not deployed'],
    ]);
  });

  it('says which stack is behind, and which has failed', async () => {
    at = await openDeployProject();
    await at.cli('deploy --yes -q');
    expect((await findings('stack')).map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
    at.code['service'] = 'two';
    expect((await findings('stack'))[2]).toMatchObject({
      status: 'warn',
      detail: 'acme-service is not as this project would deploy it: HandlerKey',
      remedy: 'saasctl deploy',
    });
    at.cloud.failAt('Function', 'no such runtime');
    expect((await at.cli('deploy --yes -q')).code).toBe(6);
    expect((await findings('stack'))[2]).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining('its last change failed; it is not as this project'),
    });
    at.code['service'] = 'one';
    expect((await findings('stack'))[2]).toMatchObject({
      status: 'ok',
      detail: expect.stringContaining('its last change failed'),
    });
  });

  it('says which stack runs on without being in the profile', async () => {
    at = await openDeployProject();
    await at.cli('deploy --yes -q');
    await at.edit((profile) => {
      delete profile.deploy.service;
    });
    expect((await findings('stack')).map(({ status, remedy }) => [status, remedy])).toEqual([
      ['ok', null],
      ['ok', null],
      ['warn', 'saasctl destroy acme-service'],
    ]);
  });

  it('looks no further where the account cannot be asked', async () => {
    at = await openDeployProject();
    at.cloud.deny('account');
    const ran = await at.cli('doctor -o json');
    expect(ran.code).toBe(2);
    expect(ran.json().items.at(-1)).toMatchObject({ check: 'account', status: 'fail' });
    // As what it says is to be done: it is this command that was typed.
    expect([ran.json().items.at(-1).remedy, ran.error().next]).toEqual([null, null]);
  });
});

describe('init --aws', () => {
  let dir: string;
  let close: () => Promise<void>;
  beforeEach(async () => {
    const project = await openProject();
    dir = project.dir;
    close = project.close;
  });
  afterEach(() => close());

  const init = async (words: string) => {
    const io = testIo({ env: {} });
    const world = { io, cwd: dir, home: dir, now: Date.now, signal: new AbortController().signal };
    const deps = {
      ...createDeps(world, ROOT, '0.0.0'),
      identify: async (region: string | null) => ({
        account: '123456789012',
        arn: 'arn:aws:iam::123456789012:user/somebody',
        region: region ?? 'us-west-2',
      }),
    };
    const code = await run(words.split(' '), deps);
    return { code, stdout: io.stdout(), stderr: io.stderr() };
  };
  const file = async (): Promise<string> => readFile(join(dir, 'saasctl.json'), 'utf8');

  it('adds a profile of the caller’s account, and leaves the rest of the file as it was', async () => {
    const before = await file();
    const ran = await init('init --aws --stack acme -o json');
    expect([ran.code, JSON.parse(ran.stdout).outcome]).toEqual([0, 'updated']);
    const written = JSON.parse(await file());
    expect(written.profiles.aws).toEqual({
      account: '123456789012',
      region: 'us-west-2',
      stack: 'acme',
      keyEnvs: ['live'],
      stripe: 'test',
      deploy: { service: {} },
    });
    delete written.profiles.aws;
    expect(written).toEqual(JSON.parse(before));
  });

  it('again, or with another region, it overwrites nothing', async () => {
    await init('init --aws --stack acme');
    const before = await file();
    const ran = await init('init --aws --stack other --region eu-west-1 -o json');
    expect([ran.code, JSON.parse(ran.stdout).outcome]).toEqual([0, 'unchanged']);
    expect(await file()).toBe(before);
  });

  it('takes the region asked for, and a stack’s name from the folder', async () => {
    await init('init --aws --region eu-west-1');
    const { region, stack } = JSON.parse(await file()).profiles.aws;
    expect(region).toBe('eu-west-1');
    expect(stack).toMatch(/^saasctl-cli-[a-z0-9-]*$/);
    expect(stack.length).toBeLessThanOrEqual(24);
  });

  it.each(['init --aws --region mars', 'init --aws --stack Acme', `init --aws --stack ${'a'.repeat(25)}`])(
    '%s is refused, and nothing is written',
    async (words) => {
      const before = await file();
      expect((await init(words)).code).toBe(2);
      expect(await file()).toBe(before);
      // Nor where there is no project yet.
      await rm(join(dir, 'saasctl.json'));
      expect((await init(words)).code).toBe(2);
      await expect(file()).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );
});
