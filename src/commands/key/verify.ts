import { SaasctlError, usageError } from '../../core/errors.ts';
import { hashKey, parseKey } from '../../core/keys/format.ts';
import { type Verdict, verdict } from '../../core/keys/verify.ts';
import { microseconds } from '../../core/time.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';

export function verify(host: Host) {
  const command = define('verify', {
    summary: 'Say whether a key would be let in now; the key is read from stdin only',
    details: 'Nothing is metered and no limit is touched. Exit code 0: valid; 4: not.',
    examples: ['key verify < acme.key'],
  });
  return onRun(host, command, runVerify);
}

async function runVerify(cx: Context): Promise<void> {
  if (cx.io.stdinIsTTY) cx.note('paste the key, then Ctrl-D');
  const key = (await cx.io.readStdin()).trim();
  if (key === '') throw usageError('no_key', 'no key on stdin', { next: 'saasctl key verify < file' });
  const { project, profile } = await cx.config();
  const parsed = parseKey(key, project.keyPrefix);
  const answer = await judge(cx, parsed, key, profile.keyEnvs);
  await cx.print({
    kind: 'one',
    item: answer,
    id: answer.keyId ?? '',
    fields: [
      {
        header: 'valid',
        value: ({ valid }) => valid,
        paint: (text, { valid }, paint) => (valid ? paint.green(text) : paint.red(text)),
      },
      { header: 'reason', value: ({ reason }) => reason },
      { header: 'tenant', value: ({ tenantId }) => tenantId },
      { header: 'key id', value: ({ keyId }) => keyId },
      { header: 'secret', value: ({ secretId }) => secretId },
      { header: 'env', value: ({ env }) => env },
    ],
  });
  if (!answer.valid) {
    throw new SaasctlError({
      code: 'key_invalid',
      category: 'auth',
      message: `the key is not valid: ${answer.reason}`,
    });
  }
}

async function judge(
  cx: Context,
  parsed: ReturnType<typeof parseKey>,
  key: string,
  envs: Parameters<typeof verdict>[3],
): Promise<Verdict> {
  const now = microseconds(cx.now());
  // The checksum refuses before any I/O, here as on the hot path.
  if (parsed.kind === 'malformed') return verdict(parsed, null, null, envs, now);
  const store = await cx.store();
  const mapping = await store.mapping(hashKey(key));
  return verdict(parsed, mapping, mapping === null ? null : await store.gate(mapping.tenantId), envs, now);
}
