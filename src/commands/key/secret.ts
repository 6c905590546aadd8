import { Option } from 'commander';
import { usageError } from '../../core/errors.ts';
import type { SecretDigest } from '../../core/keys/draft.ts';
import { hashKey, type KeyEnv, mintKey } from '../../core/keys/format.ts';
import type { KeyView } from '../../core/keys/key.ts';
import type { SecretFile } from '../../core/ports.ts';
import { compileQuery, queryKeeps } from '../../ui/query.ts';
import type { Context } from '../context.ts';

export const secretFileOption = () =>
  new Option('--secret-file <file>', 'write the new secret there (0600), and not to stdout');

export interface Minted {
  value: string;
  digest: SecretDigest;
  file: SecretFile | null;
}

/** A fresh secret, and where it goes. Refuses, before anything happens, an output that would lose it. */
export async function mint(
  cx: Context,
  prefix: string,
  env: KeyEnv,
  { secretFile: path, dryRun }: { secretFile?: string; dryRun?: boolean },
): Promise<Minted> {
  if (path === undefined && dryRun !== true) await checkShown(cx);
  const value = mintKey(prefix, env);
  return {
    value,
    digest: { hash: hashKey(value), last4: value.slice(-4) },
    file: path === undefined ? null : cx.deps.secretFile(path),
  };
}

/** What a query is tried on before there is a key. */
const SAMPLE: KeyView & { outcome: string } = {
  keyId: 'key_00000000',
  tenantId: 'tenant',
  name: 'name',
  env: 'live',
  status: 'active',
  prefix: 'anb_live',
  last4: '0000',
  rate: { perSecond: 1, burst: 1, inherited: true },
  scopes: ['scope'],
  createdAt: '2026-01-01T00:00:00.000Z',
  expiresAt: '2026-01-01T00:00:00.000Z',
  lastUsedAt: null,
  secrets: [{ secretId: 's1', createdAt: '2026-01-01T00:00:00.000Z', expiresAt: null, status: 'active' }],
  rotation: null,
  outcome: 'created',
};

async function checkShown({ io, globals: { format, query, quiet } }: Context): Promise<void> {
  const lost = io.stdoutDiscards
    ? 'stdout'
    : format === 'id'
      ? '-o id'
      : quiet
        ? '--quiet'
        : query !== undefined && !queryKeeps(await compileQuery(query), SAMPLE, 'key')
          ? '--query'
          : null;
  if (lost === null) return;
  throw usageError(
    'secret_would_be_lost',
    `${lost} would not print the new secret, which is shown only this once`,
    {
      hint: 'nothing was changed',
      next: 'the same command with --secret-file <file>',
    },
  );
}

/** The secret for `mutate`: only what has a file needs staging. */
export const staged = ({ value, file }: Minted) => (file === null ? undefined : { value, file });
