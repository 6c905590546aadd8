import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildAuthorizer } from '../../.ci/authorizer.mjs';
import { CREDENTIALS, makeKey, makeTenant, REGION, STACK } from '../adapters/tenancy.ts';
import { atMost, type Figure } from './figure.ts';
import { PLAN, type World } from './world.ts';

const ROUNDS = 15;

/** Import and first call of the authorizer in a new process, over the same one on the AWS SDK, both bundled alike. */
export async function coldStartFigures({ root, dir, endpoint, store }: World): Promise<Figure[]> {
  const now = Date.now();
  const { secret } = await makeKey(store, await makeTenant(store, 'cold', PLAN, now), { now });
  const outdir = join(dir, 'cold');
  const lean = await buildAuthorizer(outdir, root);
  const { metafile } = await build({
    entryPoints: { sdk: join(root, 'test', 'bench', 'sdk-authorizer.ts') },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20.17',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    metafile: true,
  });
  const kilobytes = (outputs: Record<string, { bytes: number }>): string =>
    `${(Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0) / 1024).toFixed(0)} KB`;
  const files = { lean: 'authorizer.mjs', sdk: 'sdk.mjs' };
  const times: Record<'lean' | 'sdk', number[]> = { lean: [], sdk: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of ['lean', 'sdk'] as const) {
      const took = firstCall(join(outdir, files[name]), secret, endpoint);
      if (round > 0) times[name].push(took);
    }
  }
  const over = (of: (numbers: readonly number[]) => number) => of(times.lean) / of(times.sdk);
  const value = over((numbers) => Math.min(...numbers));
  const said = `${value.toFixed(2)} (median ${over(median).toFixed(2)}; ${kilobytes(lean)} with its lazy chunks, ${kilobytes(metafile.outputs)})`;
  return [atMost('authorizer: import and first call, over the AWS SDK', value, 0.45, said)];
}

function firstCall(file: string, secret: string, endpoint: string): number {
  const script = `
    const started = performance.now();
    const { handler } = await import(${JSON.stringify(file)});
    const { isAuthorized } = await handler({ headers: { 'x-api-key': ${JSON.stringify(secret)} } });
    console.log(isAuthorized ? performance.now() - started : 'refused');
  `;
  const env = {
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    SAASCTL_STACK: STACK,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env,
    encoding: 'utf8',
  });
  const took = Number(stdout.trim());
  if (!(took > 0)) throw new Error(`${file}: ${stdout}${stderr}`);
  return took;
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
