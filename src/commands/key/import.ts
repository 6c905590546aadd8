import { Option } from 'commander';
import { SaasctlError, usageError } from '../../core/errors.ts';
import { importKey } from '../../core/keys/create.ts';
import { checkTenantId, staying } from '../../core/tenants/tenant.ts';
import type { Context, Host } from '../context.ts';
import { collect, define, dryRunOption, onRun } from '../define.ts';
import { mutate } from '../mutate.ts';
import { burstOption, envOption, type KeyOptions, keyInput, rateOption } from './create.ts';
import { printKeyOutcome } from './view.ts';

export function importCommand(host: Host) {
  const command = define('import', {
    summary: 'Register a key of another system by its SHA-256',
    details:
      'The key itself is never seen: hash it where it lives. The profile must say "importedKeys": true.',
    examples: [
      'key import --tenant acme --name legacy --hash 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    ],
    exits: [3, 5],
  })
    .requiredOption('--tenant <id>', 'whose key')
    .requiredOption('--name <name>', 'unique among the tenant’s living keys')
    .requiredOption('--hash <sha256>', 'SHA-256 of the key, 64 hexadecimal digits')
    .addOption(envOption())
    .addOption(rateOption())
    .addOption(burstOption())
    .option('--expires <duration>', 'lifetime, such as 90d')
    .addOption(new Option('--scope <scope>', 'a scope handed to the handler; repeatable').argParser(collect))
    .addOption(dryRunOption());
  return onRun(host, command, runImport);
}

async function runImport(cx: Context, options: KeyOptions & { name: string; hash: string }): Promise<void> {
  const { profile, profileName, file } = await cx.config();
  if (!profile.importedKeys) {
    throw new SaasctlError({
      code: 'imports_disabled',
      category: 'config',
      message: `profile ${profileName} does not look up imported keys`,
      hint: `set "importedKeys": true for it in ${file}: keys of another shape then cost a look-up each`,
    });
  }
  const tenantId = checkTenantId(options.tenant);
  const hash = options.hash.toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hash)) {
    // What was typed may be the key itself: it is not repeated.
    throw usageError('bad_hash', '--hash is not a SHA-256', {
      hint: 'it is 64 hexadecimal digits: printf %s "$KEY" | sha256sum',
    });
  }
  const input = await keyInput(cx, options);
  const typed = {
    ...(options.env === undefined ? {} : { env: input.env }),
    ...(options.rate === undefined ? {} : { rate: input.rate }),
    ...(options.scope === undefined ? {} : { scopes: input.scopes }),
  };
  const done = await mutate(cx, {
    plan: async (store) => {
      const tenant = staying(await store.tenant(tenantId), tenantId);
      const mapping = await store.mapping(hash);
      const known = mapping === null ? null : { mapping, key: await store.key(mapping.keyId) };
      const holder = await store.keyNamed(tenantId, options.name);
      const onGate = Object.keys((await store.gate(tenantId))?.k ?? {}).length;
      return importKey(tenant, input, typed, hash, known, holder, onGate, cx.now());
    },
    danger: 'mild',
    doing: `import a key for ${tenantId}`,
    id: tenantId,
    dryRun: options.dryRun,
  });
  await printKeyOutcome(cx, done);
}
