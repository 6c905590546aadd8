import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFunctionPool, type FunctionPool } from '../../src/local/function-pool.ts';
import { toContext } from '../../src/runtime/authorizer-context.ts';
import { bundle, sandboxBundle } from './fixtures/bundles.ts';

let dir: string;
let pool: FunctionPool;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-sample-'));
  const [sandbox, file] = await Promise.all([sandboxBundle(dir), bundle(dir, 'src/local/sample-handler.ts')]);
  pool = createFunctionPool({ name: 'sample', file, env: {} }, { sandbox, log: () => undefined });
});
afterAll(async () => {
  await pool.close();
  rmSync(dir, { recursive: true, force: true });
});

const tenant = {
  tenantId: 'acme',
  plan: 'free',
  isolation: 'pool' as const,
  limits: { apiCallsPerMonth: 1_000, storageBytes: null, maxUsers: 3 },
  keyId: 'k1',
  env: 'live' as const,
  scopes: ['read'],
  usage: { apiCalls: 1, remaining: 999 },
};

async function answered(lambda: unknown): Promise<{ statusCode: number; body: string }> {
  const outcome = await pool.invoke({ headers: {}, requestContext: { authorizer: { lambda } } });
  if (!outcome.ok) throw new Error(outcome.error.errorMessage);
  return JSON.parse(outcome.payload) as { statusCode: number; body: string };
}

it('greets the tenant that the authorizer let through', async () => {
  const { statusCode, body } = await answered(toContext({ outcome: 'allowed', tenant, headers: null }));
  expect(statusCode).toBe(200);
  expect(JSON.parse(body)).toEqual({ message: 'Hello from acme', tenant });
});

it('answers nobody else', async () => {
  expect((await answered(null)).statusCode).toBe(500);
});
