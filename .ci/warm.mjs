// What the shim needs to start fast: the root help as text, and V8's code cache of the program, taken after a
// run, so that it holds the functions that a command needs.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundle = join(root, 'dist', 'saasctl.cjs');
const { script, program, run, createDeps } = createRequire(import.meta.url)('../bin/bundle.js').load(bundle);

const help = program({ context: () => Promise.reject(new Error('not run')) });
help.configureOutput({ getOutHelpWidth: () => 80 });
writeFileSync(join(root, 'dist', 'help.txt'), help.helpInformation());

// A store with one tenant, for a command that runs all the way.
const text = (S) => ({ S });
const number = (N) => ({ N: String(N) });
const map = (M) => ({ M });
const tenant = {
  ...Object.fromEntries(
    ['id', 'name', 'plan', 'isolation', 'status', 'overage', 'createdAt', 'updatedAt'].map((field) => [
      field,
      text(field),
    ]),
  ),
  limits: map({ apiCallsPerMonth: number(1), storageBytes: { NULL: true }, maxUsers: number(1) }),
  overrides: map({}),
  rate: map({ perSecond: number(1), burst: number(1) }),
  stripeCustomerId: { NULL: true },
  version: number(1),
};
const store = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(
    JSON.stringify(body.includes('PROFILE') ? { Item: tenant } : { Item: { version: number(1) } }),
  );
});
await new Promise((resolve) => store.listen(0, '127.0.0.1', resolve));
const dir = mkdtempSync(join(tmpdir(), 'saasctl-warm-'));
copyFileSync(join(root, 'templates', 'saasctl.json'), join(dir, 'saasctl.json'));
let said = '';
const io = {
  out: async () => {},
  err: (text) => {
    said += text;
  },
  stdoutIsTTY: false,
  stdoutDiscards: false,
  stderrIsTTY: false,
  stdinIsTTY: false,
  columns: 80,
  env: { AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${store.address().port}` },
  closed: false,
};
const world = { io, cwd: dir, home: dir, now: Date.now, signal: new AbortController().signal };
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
const code = await run(['tenant', 'show', 'somebody'], createDeps(world, root, ''));
store.close();
store.closeAllConnections();
rmSync(dir, { recursive: true });
if (code !== 0) throw new Error(`the built program does not run: ${said}`);
writeFileSync(`${bundle}.cache`, script.createCachedData());
