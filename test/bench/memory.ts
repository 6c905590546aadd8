import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import { documentClient } from '../../src/adapters/dynamodb/client.ts';
import { profileItem } from '../../src/adapters/dynamodb/items.ts';
import { tableName } from '../../src/core/schema.ts';
import { createTenant } from '../../src/core/tenants/mutations.ts';
import { CREDENTIALS, REGION, STACK } from '../adapters/tenancy.ts';
import { atMost, exactly, type Figure } from './figure.ts';
import { PLAN, type World } from './world.ts';

const TENANTS = 10_000;
const BOUND_MB = 150;

/** The most memory `tenant list` ever holds, as a whole process, with many tenants in the store. */
export async function memoryFigures(world: World): Promise<Figure[]> {
  await seed(world.endpoint);
  const listed: Figure[] = [];
  for (const [name, args] of [
    ['tenant list -o json', ['-o', 'json']],
    ['tenant list', []],
  ] as const) {
    const { megabytes, tenants } = await list(world, args);
    listed.push(
      exactly(`${name}: seeded tenants printed`, tenants, TENANTS),
      atMost(`${name}: peak resident memory`, megabytes, BOUND_MB, `${megabytes.toFixed(0)} MB`, ' MB'),
    );
  }
  return listed;
}

async function seed(endpoint: string): Promise<void> {
  const client = documentClient({
    region: REGION,
    endpoint,
    credentials: CREDENTIALS,
    awsProfile: null,
    trace: null,
  });
  const now = Date.now();
  const items = Array.from({ length: TENANTS }, (_, at) => {
    const id = `many-${String(at).padStart(5, '0')}`;
    const input = { name: `Customer number ${at}` };
    return profileItem(createTenant(null, id, input, { plan: PLAN, ifNotExists: false, now }).after);
  });
  for (let at = 0; at < items.length; at += 25) {
    const puts = items.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteCommand({ RequestItems: { [tableName(STACK, 'tenants')]: puts } }));
  }
  client.destroy();
}

/** Linux keeps the high-water mark of a process; read as it ends. */
async function list({ root, dir, endpoint }: World, args: readonly string[]) {
  const hook = join(dir, 'peak.cjs');
  const peak = join(dir, 'peak');
  await writeFile(
    hook,
    `const fs = require('node:fs');
process.on('exit', () => fs.writeFileSync(${JSON.stringify(peak)}, fs.readFileSync('/proc/self/status')));`,
  );
  const { PATH } = process.env;
  const child = spawn(
    process.execPath,
    ['--require', hook, join(root, 'bin', 'saasctl.js'), 'tenant', 'list', ...args],
    {
      cwd: dir,
      env: { PATH, HOME: dir, AWS_ENDPOINT_URL_DYNAMODB: endpoint },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`tenant list ended with ${code}`);
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(peak, 'utf8')) ?? [];
  const tenants = new Set(said.match(/\bmany-\d{5}\b/g)).size;
  return { megabytes: Number(kilobytes) / 1024, tenants };
}
