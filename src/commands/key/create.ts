import { Option } from 'commander';
import { usageError } from '../../core/errors.ts';
import { gateCost, sizeWarning } from '../../core/gate/size.ts';
import { createKey, type KeyInput } from '../../core/keys/create.ts';
import { KEY_ENVS, type KeyEnv } from '../../core/keys/format.ts';
import { checkKeyName, checkScope, newKeyId } from '../../core/keys/key.ts';
import { parseRate } from '../../core/keys/rate.ts';
import { checkTenantId, staying } from '../../core/tenants/tenant.ts';
import { parseDuration } from '../../core/time.ts';
import type { Context, Host } from '../context.ts';
import { collect, define, dryRunOption, onRun } from '../define.ts';
import { mutate } from '../mutate.ts';
import { mint, secretFileOption, staged } from './secret.ts';
import { printKeyOutcome } from './view.ts';

export interface KeyOptions {
  tenant: string;
  name?: string;
  env?: KeyEnv;
  rate?: string;
  burst?: string;
  expires?: string;
  scope?: string[];
  dryRun?: boolean;
}

export const envOption = () =>
  new Option('--env <env>', 'environment; the profile’s first one by default').choices(KEY_ENVS);
export const rateOption = () =>
  new Option('--rate <rate>', 'a rate of its own (50/s, 600/m, 1000/h) in place of the plan’s');
export const burstOption = () =>
  new Option('--burst <n>', 'calls at once; two seconds of the rate by default');

export function create(host: Host) {
  const command = define('create', {
    summary: 'Mint an API key; the secret is shown this once',
    examples: [
      'key create --tenant acme --name ci --expires 90d --secret-file acme.key',
      'key create --tenant acme --rate 50/s --burst 100 --scope read --scope write',
    ],
    exits: [3, 5, 7],
  })
    .requiredOption('--tenant <id>', 'whose key')
    .option('--name <name>', 'unique among the tenant’s living keys')
    .addOption(envOption())
    .addOption(rateOption())
    .addOption(burstOption())
    .option(
      '--expires <duration>',
      'lifetime of its secrets, such as 90d; without it they live until revoked',
    )
    .addOption(new Option('--scope <scope>', 'a scope handed to the handler; repeatable').argParser(collect))
    .addOption(secretFileOption())
    .addOption(dryRunOption());
  return onRun(host, command, runCreate);
}

async function runCreate(cx: Context, options: KeyOptions & { secretFile?: string }): Promise<void> {
  const { project } = await cx.config();
  const tenantId = checkTenantId(options.tenant);
  const input = await keyInput(cx, options);
  const prefix = project.keyPrefix;
  const minted = await mint(cx, prefix, input.env, options);
  const done = await mutate(cx, {
    plan: async (store) => {
      const tenant = staying(await store.tenant(tenantId), tenantId);
      const holder = input.name === null ? null : await store.keyNamed(tenantId, input.name);
      const onGate = Object.keys((await store.gate(tenantId))?.k ?? {}).length;
      const prefixed = { ...input, prefix: `${prefix}_${input.env}` };
      return createKey(tenant, prefixed, minted.digest, holder, onGate, cx.now());
    },
    danger: 'mild',
    doing: `create a key for ${tenantId}`,
    id: tenantId,
    dryRun: options.dryRun,
    secret: staged(minted),
  });
  await printKeyOutcome(cx, done, { value: minted.value, inFile: minted.file !== null });
  if (!done.planned) await warnOfSize(cx, tenantId);
}

/** Every call reads and writes the gate with all its keys. */
async function warnOfSize(cx: Context, tenantId: string): Promise<void> {
  const gate = await (await cx.store()).gate(tenantId);
  const warning = gate === null ? null : sizeWarning(gateCost(gate));
  if (warning !== null)
    cx.note(`warning: ${tenantId} has many keys: ${warning}; revoke those that are not used`);
}

/** The flags, checked against the profile. */
export async function keyInput(cx: Context, options: KeyOptions): Promise<KeyInput> {
  const { profile, profileName } = await cx.config();
  const env = options.env ?? profile.keyEnvs[0] ?? 'live';
  if (!profile.keyEnvs.includes(env)) {
    throw usageError('env_not_served', `profile ${profileName} does not serve ${env} keys`, {
      hint: `its keyEnvs are ${profile.keyEnvs.join(', ')}: a ${env} key would be refused on every call`,
    });
  }
  if (options.burst !== undefined && options.rate === undefined) {
    throw usageError('burst_without_rate', '--burst goes with --rate', {
      hint: 'a key has a rate and burst of its own, or the plan’s',
    });
  }
  return {
    keyId: newKeyId(),
    name: options.name === undefined ? null : checkKeyName(options.name),
    env,
    prefix: null,
    rate: options.rate === undefined ? null : parseRate(options.rate, options.burst),
    scopes: (options.scope ?? []).map(checkScope),
    lifetime: options.expires === undefined ? null : parseDuration(options.expires, '--expires'),
  };
}
