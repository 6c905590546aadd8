import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startStripeStandIn } from '../../../src/local/stripe/server.ts';
import { bundle } from '../fixtures/bundles.ts';
import { killRounds } from './hosts.ts';

const ROUNDS = 40;

it(`two stand-ins on one store, one of them killed, ${ROUNDS} times: every answered event is there once`, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'saasctl-stripe-'));
  try {
    const program = await bundle(dir, 'test/local/fixtures/stripe-host.ts');
    const { answered, killed } = await killRounds(program, dir, ROUNDS);
    const standIn = await startStripeStandIn({ storeDir: dir });
    const total = standIn.totals().reduce((sum, { value }) => sum + Number(value), 0);
    await standIn.stop();
    expect(answered).toBeGreaterThan(ROUNDS * 30);
    expect(total).toBeGreaterThanOrEqual(answered);
    expect(total).toBeLessThanOrEqual(answered + killed);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
