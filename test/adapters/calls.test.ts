// What every command asks of DynamoDB, seen at the wire.
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { program } from '../../src/cli.ts';
import { docOf } from '../../src/commands/define.ts';
import { hashKey } from '../../src/core/keys/format.ts';
import { openProject, type Project, type Ran } from '../fixtures/cli.ts';
import { startProxy, type WireProxy } from './proxy.ts';

let project: Project;
let proxy: WireProxy;
beforeAll(async () => {
  project = await openProject();
  proxy = await startProxy(project.endpoint);
});
afterAll(async () => {
  await proxy.close();
  await project.close();
});

/** They serve, run the others as processes of their own, or need an AWS account and no store. */
const APART = ['dev', 'quickstart', 'cost tags', 'deploy', 'deploy status', 'deploy secret', 'destroy'];

it('no command scans, or lists by PartiQL', async () => {
  const ran = new Set<string>();
  const done = async (words: string, stdin = ''): Promise<Ran> => {
    const result = await project.cli(`${words} -o json`, {
      stdin,
      env: { AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint },
    });
    expect(result.code, `${words}: ${result.stderr}`).toBe(0);
    ran.add(commandOf(words));
    return result;
  };

  await done('init');
  await done('tenant create acme --plan free');
  await done('tenant create beta --plan free');
  await done('tenant show acme');
  await done('tenant list -L 1');
  await done('tenant update acme --plan pro');
  await done('plan list');
  await done('plan show pro');
  const { key, keyId } = (await done('key create --tenant acme --name ci')).json();
  await done('key list');
  await done('key list --tenant acme');
  await done(`key show ${keyId}`);
  await done('key verify', key);
  await done('key rotate --tenant acme --name ci --grace 1d');
  await done(`key rotate ${keyId} --status`);
  await done(`key rotate ${keyId} --abort --yes`);
  await done(`key import --tenant acme --name old --hash ${hashKey('a key of another system')}`);
  await project.edit((file) => {
    file.plans.pro.rate = 7;
    file.metrics = { exports: { unit: 'files', kind: 'counter' } };
    file.billing = { meters: { exports: {} }, csv: { file: 'usage.csv' } };
  });
  await done('plan apply --yes');
  await done('usage show acme');
  await done('usage top');
  await done('usage history acme');
  await done('usage record acme exports 3 --id e1');
  await done('usage stripe setup');
  await done('tenant update acme --create-customer');
  await done('usage sync-stripe');
  await done('usage sync --sink csv');
  await done('usage reconcile');
  await done('usage ledger acme');
  await done('usage preview acme');
  const today = new Date(project.clock.now).toISOString().slice(0, 10);
  await done(`usage correct acme --meter exports --day ${today} --confirmed 2 --confirm acme`);
  await done('cost report --month this --source sample');
  await done('cost estimate');
  await done('cost advise --source sample');
  await done(`key revoke ${keyId} --yes`);
  await done('tenant suspend acme --yes');
  await done('tenant resume acme');
  await done('tenant delete acme --confirm acme');
  await done('tenant create own --isolation bridge');
  await done('tenant doctor');
  await done('tenant doctor own');
  await done('tenant delete own --confirm own');
  await done('audit list');
  await done('audit list --tenant acme');
  await done('config show --origin');
  await done('doctor');
  await done('help exit-codes');

  expect([...ran, ...APART].sort(), 'a command is not tried here').toEqual(commands().sort());
  const asked = new Set(proxy.operations());
  expect(asked).toContain('TransactWriteItems');
  expect(asked).toContain('Query');
  for (const forbidden of ['Scan', 'ExecuteStatement', 'BatchExecuteStatement', 'ExecuteTransaction'])
    expect(asked).not.toContain(forbidden);
});

const tree = () => program({ context: () => Promise.reject(new Error('not run')) } as never);

function commandOf(words: string): string {
  const path: string[] = [];
  let command = tree();
  for (const word of words.split(' ')) {
    const sub = command.commands.find((one) => one.name() === word);
    if (sub === undefined) break;
    path.push(word);
    command = sub;
  }
  return path.join(' ');
}

function commands(): string[] {
  const found: string[] = [];
  const walk = (command: Command, path: readonly string[]): void => {
    if (docOf(command) !== null) found.push(path.join(' '));
    for (const sub of command.commands) walk(sub, [...path, sub.name()]);
  };
  walk(tree(), []);
  return found;
}
