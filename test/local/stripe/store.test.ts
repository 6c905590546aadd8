// What is kept in `.saasctl/stripe.journal`, and by several processes at the same time.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStripeStandIn } from '../../../src/local/stripe/server.ts';
import { makeMeter, openStripe } from '../../fixtures/stripe.ts';
import { bundle } from '../fixtures/bundles.ts';
import { host, killRounds, send } from './hosts.ts';

let dir: string;
let program: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-stripe-'));
  program = await bundle(dir, 'test/local/fixtures/stripe-host.ts');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const newStore = (): string => mkdtempSync(join(dir, 'store-'));
const journalOf = (storeDir: string): string => join(storeDir, 'stripe.journal');

async function totalIn(storeDir: string): Promise<number> {
  const standIn = await startStripeStandIn({ storeDir });
  const total = standIn.totals().reduce((sum, { value }) => sum + Number(value), 0);
  await standIn.stop();
  return total;
}

describe('the store', () => {
  it('holds everything, replies to idempotency keys included', async () => {
    const storeDir = newStore();
    const first = await openStripe({ storeDir });
    await makeMeter(first.api);
    const { id } = await first.api.customers.create(
      { name: 'Acme', metadata: { a: 'b' } },
      { idempotencyKey: 'k1' },
    );
    await send(first.api, 'e1', id, '2.5');
    await first.close();
    const second = await openStripe({ storeDir });
    expect(await second.api.customers.retrieve(id)).toMatchObject({ name: 'Acme', metadata: { a: 'b' } });
    const again = await second.api.customers.create(
      { name: 'Acme', metadata: { a: 'b' } },
      { idempotencyKey: 'k1' },
    );
    expect(again.id).toBe(id);
    await expect(send(second.api, 'e1', id)).rejects.toThrow('already exists');
    expect(second.standIn.totals()).toMatchObject([{ value: '2.5' }]);
    await second.close();
  });

  it('does not grow by what is refused or only read', async () => {
    const storeDir = newStore();
    const { api, close } = await openStripe({ storeDir });
    await makeMeter(api);
    const { id } = await api.customers.create({});
    await send(api, 'e1', id);
    const before = readFileSync(journalOf(storeDir), 'utf8');
    for (let i = 0; i < 5; i++) await send(api, 'e1', id).catch(() => null);
    await api.customers.list();
    expect(readFileSync(journalOf(storeDir), 'utf8')).toBe(before);
    await close();
  });

  it('goes on after an entry that was cut off anywhere', async () => {
    const storeDir = newStore();
    const { api, close } = await openStripe({ storeDir });
    await makeMeter(api);
    const { id } = await api.customers.create({});
    await send(api, 'e1', id);
    const whole = readFileSync(journalOf(storeDir)).length;
    await send(api, 'e2', id);
    await close();
    const entry = readFileSync(journalOf(storeDir)).length - whole;
    for (const left of [1, 2, 20, entry - 2]) {
      const copy = newStore();
      writeFileSync(journalOf(copy), readFileSync(journalOf(storeDir)));
      truncateSync(journalOf(copy), whole + left);
      const again = await openStripe({ storeDir: copy });
      expect(again.standIn.totals(), `${left} bytes`).toMatchObject([{ value: '1' }]);
      await send(again.api, 'e2', id);
      await send(again.api, 'e3', id);
      expect(again.standIn.totals()).toMatchObject([{ value: '3' }]);
      await again.close();
      expect(await totalIn(copy)).toBe(3);
    }
  });

  it('of a newer tool is left alone', async () => {
    const storeDir = newStore();
    writeFileSync(journalOf(storeDir), '\n{"journal":2}\n');
    await expect(startStripeStandIn({ storeDir })).rejects.toMatchObject({
      code: 'store_too_new',
      exitCode: 2,
    });
  });
});

describe('processes that share a store', () => {
  it('are one account: each sees what the others did, and an event counts once', async () => {
    const storeDir = newStore();
    const [a, b] = await Promise.all([host(program, storeDir), host(program, storeDir)]);
    await makeMeter(a.api);
    await expect(makeMeter(b.api)).rejects.toMatchObject({ code: 'resource_already_exists' });
    const { id } = await b.api.customers.create({});
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, (_, n) => send([a, b][n % 2]?.api as Stripe, `e${n >> 1}`, id)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
    for (const { child, close } of [a, b]) {
      close();
      child.kill('SIGKILL');
    }
    expect(await totalIn(storeDir)).toBe(100);
  });

  it('lose nothing that was answered to a SIGKILL, and go on', async () => {
    const storeDir = newStore();
    const { answered, killed } = await killRounds(program, storeDir, 3);
    const total = await totalIn(storeDir);
    expect(answered).toBeGreaterThan(80);
    expect(total).toBeGreaterThanOrEqual(answered);
    expect(total).toBeLessThanOrEqual(answered + killed);
  });

  it('a foreign line in the journal, such as half of two writes, harms no other', async () => {
    const storeDir = newStore();
    const { api, close, standIn } = await openStripe({ storeDir });
    await makeMeter(api);
    const { id } = await api.customers.create({});
    appendFileSync(journalOf(storeDir), '\n{"seed":"x","at');
    await send(api, 'e1', id);
    expect(standIn.totals()).toMatchObject([{ value: '1' }]);
    await close();
    expect(await totalIn(storeDir)).toBe(1);
  });
});
