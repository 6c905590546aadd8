// A new secret on its way into a file, while the store answers, refuses, or is lost.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openProject, type Project } from '../fixtures/cli.ts';
import { startProxy, type WireProxy } from './proxy.ts';

let project: Project;
let proxy: WireProxy;
let file: string;
beforeEach(async () => {
  project = await openProject();
  await project.cli('tenant create acme');
  proxy = await startProxy(project.endpoint);
  file = join(project.dir, 'acme.key');
});
afterEach(async () => {
  await proxy.close();
  await project.close();
});

const through = (words: string) =>
  project.cli(`${words} -o json`, { env: { AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint } });

const create = () => through('key create --tenant acme --name ci --secret-file acme.key');
const verify = async (path: string) =>
  (await project.cli('key verify -o json', { stdin: readFileSync(path, 'utf8') })).json();

it('is in the file, and nowhere else, once the change is made', async () => {
  const { code, stdout, stderr } = await create();
  expect([code, existsSync(`${file}.new`)]).toEqual([0, false]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(stdout + stderr).not.toContain(readFileSync(file, 'utf8').trim());
  expect(await verify(file)).toMatchObject({ valid: true, tenantId: 'acme' });
});

describe('the answer is lost and the store is gone', () => {
  beforeEach(() => {
    proxy.rule = ({ operation }) => (operation === 'TransactWriteItems' ? 'die' : undefined);
  });

  it('is kept beside the file, which is said, since it may live', async () => {
    const { code, stderr, error } = await create();
    expect([code, error().code, error().retryable]).toEqual([6, 'write_ambiguous', true]);
    expect(stderr).toContain(`kept in ${file}.new`);
    expect(existsSync(file)).toBe(false);
    expect(statSync(`${file}.new`).mode & 0o777).toBe(0o600);
    // Here it was applied: losing the file would have lost a living key.
    expect(await verify(`${file}.new`)).toMatchObject({ valid: true });
  });

  it('and no second try writes over it', async () => {
    await create();
    const secret = readFileSync(`${file}.new`, 'utf8');
    const again = await project.cli('key create --tenant acme --name other --secret-file acme.key -o json');
    expect([again.code, again.error().code]).toEqual([5, 'secret_staged']);
    expect(readFileSync(`${file}.new`, 'utf8')).toBe(secret);
    const { items } = (await project.cli('key list --tenant acme -o json')).json();
    expect(items).toHaveLength(1);
  });
});

describe('the change was provably not made', () => {
  it.each([
    ['the store can no longer be reached', 'leave'],
    ['the store refuses it', 'refuse'],
  ] as const)('%s: nothing is left of it', async (_, fault) => {
    proxy.rule = ({ operation, body }) => {
      if (fault === 'refuse') return operation === 'TransactWriteItems' ? 'denied' : undefined;
      // The last thing read before the write.
      return operation === 'GetItem' && body.TableName.endsWith('-gates') ? 'leave' : undefined;
    };
    const { code, stderr, error } = await create();
    expect([code, error().code]).toEqual(fault === 'leave' ? [6, 'aws_unavailable'] : [4, 'aws_denied']);
    expect(stderr).not.toContain('kept in');
    expect([existsSync(file), existsSync(`${file}.new`)]).toEqual([false, false]);
    const { items } = (await project.cli('key list --tenant acme -o json')).json();
    expect(items).toEqual([]);
  });
});
