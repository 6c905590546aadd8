// Many tenants at once in the same sandboxes.
import { Agent, request } from 'node:http';
import { expect } from 'vitest';
import type { Json } from '../../fixtures/cli.ts';
import { type AnyAttack, hostOf, itemsOf, type Target, type TenantId } from '../target.ts';

const CALLERS = ['acme', 'acme-corp', 'globex', 'hooli', 'initech'] as const;

interface Turn {
  tenantId: TenantId;
  nonce: string;
  status: number;
  body: Json;
}

/** Each answer belongs to its caller, and each tenant's counters moved by its own calls. */
async function interleave(
  target: Target,
  calls: number,
  turn: (tenantId: TenantId, nonce: string) => Promise<{ status: number; body: Json }>,
): Promise<void> {
  const before = await countersOf(target);
  const turns = await Promise.all(
    Array.from({ length: calls }, async (_, at): Promise<Turn> => {
      const tenantId = CALLERS[at % CALLERS.length] as TenantId;
      const nonce = `${tenantId}-${at}`;
      return { tenantId, nonce, ...(await turn(tenantId, nonce)) };
    }),
  );
  const answered = turns.filter(({ status }) => status === 200);
  // A machine that is too busy to authorise says so, and may have counted.
  expect(turns.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
  expect(answered.length).toBeGreaterThan(calls * 0.9);
  for (const { tenantId, nonce, body } of answered) {
    expect(body, nonce).toMatchObject({ tenantId, canary: target.canaries[tenantId], nonce });
  }
  const after = await countersOf(target);
  for (const tenantId of CALLERS) {
    const sent = turns.filter((each) => each.tenantId === tenantId);
    const mine = answered.filter((each) => each.tenantId === tenantId);
    const [was, is] = [before[tenantId], after[tenantId]];
    expect(is.turns - was.turns, tenantId).toBe(mine.length);
    expect(is.calls - was.calls, tenantId).toBeGreaterThanOrEqual(mine.length);
    expect(is.calls - was.calls, tenantId).toBeLessThanOrEqual(sent.length);
    // Each of its turns was counted once: no two answers saw the same.
    expect(new Set(mine.map(({ body }) => body.turns)).size, tenantId).toBe(mine.length);
  }
}

type Counters = { calls: number; turns: number };

async function countersOf(target: Target): Promise<Record<(typeof CALLERS)[number], Counters>> {
  const counted = CALLERS.map(async (id): Promise<[string, Counters]> => {
    const [gates, items] = [await itemsOf(target, id, 'gates'), await itemsOf(target, id)];
    const days = gates.get('')?.['u'] as { M: Record<string, { N: string }> } | undefined;
    const calls = Object.entries(days?.M ?? {}).filter(([day]) => !day.endsWith('.c'));
    const turns = items.get('turns')?.['turns'] as { N: string } | undefined;
    return [id, { calls: sum(calls.map(([, { N }]) => Number(N))), turns: Number(turns?.N ?? 0) }];
  });
  return Object.fromEntries(await Promise.all(counted)) as never;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** Over HTTP, as many at a time as there are connections. */
export const interleaved = (calls: number, connections = 50): AnyAttack => ({
  name: `${calls.toLocaleString('en')} parallel calls of five tenants`,
  by: CALLERS,
  async run(target) {
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    await interleave(target, calls, (id, nonce) => {
      const at = id === 'initech' ? (target.silo ?? target) : target;
      return turnOver(at, agent, [...(target.headers ?? []), 'x-api-key', target.keys[id]], nonce);
    });
    agent.destroy();
  },
});

function turnOver(
  at: Pick<Target, 'url' | 'host'>,
  agent: Agent,
  more: readonly string[],
  nonce: string,
): Promise<{ status: number; body: Json }> {
  const { hostname, port } = new URL(at.url);
  const headers = ['host', hostOf(at), ...more];
  return new Promise((resolve, reject) => {
    const options = { agent, hostname, port, path: `/turn?nonce=${nonce}`, headers: headers as never };
    request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: text === '' ? null : JSON.parse(text) }),
      );
      answer.on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}

export type Handler = (event: unknown, context: unknown) => Promise<Json>;

/** Straight through the functions' modules, all in one process and all at once. */
export const inOneProcess = (
  calls: number,
  authorizer: Handler,
  handler: Handler,
  headers: Record<string, string> = {},
): AnyAttack => ({
  name: `${calls.toLocaleString('en')} parallel calls of five tenants in one process`,
  by: CALLERS,
  run: (target) =>
    interleave(target, calls, async (id, nonce) => {
      const event = {
        rawPath: '/turn',
        queryStringParameters: { nonce },
        headers: { ...headers, 'x-api-key': target.keys[id] },
      };
      const verdict = await authorizer({ ...event, identitySource: [target.keys[id]] }, {});
      const requestContext = { http: { method: 'GET' }, authorizer: { lambda: verdict.context } };
      const { statusCode, body } = await handler({ ...event, requestContext }, {});
      return { status: statusCode, body: JSON.parse(body) };
    }),
});
