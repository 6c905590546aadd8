// ministack: AWS on one port of this machine, from a package of another ecosystem.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PeerServer, startPeer } from './server.ts';

/** The account that all its callers are of. */
export const ACCOUNT = '000000000000';
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

/** `auth`: signatures and policies are enforced for everybody but the credentials above, which are the account's root. */
export async function startMinistack({ auth = false } = {}): Promise<PeerServer> {
  // Functions run in folders below TMPDIR, as modules of the nearest package.json: it is this one.
  const dir = await mkdtemp(join(tmpdir(), 'saasctl-ministack-'));
  const clear = () => rm(dir, { recursive: true, force: true, maxRetries: 5 });
  await writeFile(join(dir, 'package.json'), '{}');
  try {
    const { endpoint, stop } = await startPeer({
      command: 'ministack',
      path: '/_ministack/health',
      env: (port) => ({
        TMPDIR: dir,
        AUTH: String(auth),
        BIND_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        // Functions inherit this environment. A busy machine must not make a call look lost.
        SAASCTL_TIMEOUT_MS: '5000',
      }),
    });
    return { endpoint, stop: () => stop().then(clear) };
  } catch (error) {
    await clear();
    throw error;
  }
}
