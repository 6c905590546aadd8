// Keys that are not good, keys presented oddly, and what the answers tell of them.
import { expect } from 'vitest';
import { mintKey } from '../../../src/core/keys/format.ts';
import { type Answer, type AnyAttack, call, type Keys, type Target } from '../target.ts';

/** The same for all who are nobody, whatever the reason. */
async function isNobody(target: Target, key: string): Promise<Answer> {
  const answer = await call(target, key, 'GET /items/secret');
  expect(answer.status).toBe(403);
  return answer;
}

const refused = (name: string, which: keyof Keys): AnyAttack => ({
  name,
  // Not even the tenant's own counter may move.
  by: [],
  async run(target) {
    for (let times = 0; times < 3; times++) await isNobody(target, target.keys[which]);
  },
});

/** An answer without what differs from request to request. */
function shapeOf({ status, headers, body }: Answer) {
  const { date: _, 'apigw-requestid': __, ...rest } = headers;
  return { status, headers: rest, body: body.replace(/"requestId":"[^"]*"/, '') };
}

export const keys: AnyAttack[] = [
  refused('the key of a suspended tenant', 'idle'),
  refused('the key of a deleted tenant', 'gone'),
  refused('a revoked key', 'revoked'),
  refused('an expired key', 'expired'),
  refused('a test key where live keys are served', 'test'),
  {
    name: 'telling from the answer why a key is no good, or that it ever was',
    by: [],
    async run(target) {
      const { keys: given } = target;
      const bad = [
        ...[given.idle, given.gone, given.revoked, given.expired, given.test],
        ...[mintKey('anb', 'live'), mintKey('anb', 'test'), mintKey('zzz', 'live')],
        ...[`${given.acme.slice(0, -1)}~`, given.acme.slice(0, -6), given.globex.toLowerCase(), 'x'],
      ];
      const answers = await Promise.all(bad.map((key) => isNobody(target, key)));
      const shapes = answers.map((answer) => JSON.stringify(shapeOf(answer)));
      expect([...new Set(shapes)]).toHaveLength(1);
      for (const { headers } of answers)
        expect(Object.keys(headers).filter((name) => /ratelimit|retry-after/.test(name))).toEqual([]);
    },
  },
  {
    name: 'several keys at once, in any case',
    async run(target) {
      const { acme, globex, revoked } = target.keys;
      const pairs: string[][] = [
        ['x-api-key', acme, 'x-api-key', globex],
        ['X-API-KEY', globex, 'x-Api-Key', acme],
        ['x-api-key', acme, 'X-Api-Key', revoked],
        ['x-api-key', `${acme},${globex}`],
        ['x-api-key', `${acme}, ${acme}`],
      ];
      for (const headers of pairs) {
        const answer = await call(target, null, 'GET /whoami', undefined, headers);
        expect([400, 403], headers.join(' ')).toContain(answer.status);
      }
    },
  },
  {
    name: 'an empty key beside a good one',
    async run(target) {
      const answer = await call(target, null, 'GET /whoami', undefined, [
        'x-api-key',
        '',
        'x-api-key',
        target.keys.acme,
      ]);
      if (answer.status === 200) expect(answer.json().tenant.tenantId).toBe('acme');
      else expect([400, 401, 403]).toContain(answer.status);
    },
  },
  {
    name: 'a key that is almost one',
    async run(target) {
      const { acme, globex } = target.keys;
      const almost = [
        ...[
          `Bearer ${acme}`,
          `"${acme}"`,
          `${acme};`,
          `${acme}\t${globex}`,
          `${acme}%00`,
          acme.toUpperCase(),
        ],
        ...[
          `${acme.slice(0, 12)}${globex.slice(12)}`,
          `${globex.slice(0, -6)}${acme.slice(-6)}`,
          `anb_live_${globex}`,
        ],
        ...[
          '__proto__',
          'constructor',
          'toString',
          'anb_live___proto__',
          'KEY#x',
          '*',
          'null',
          'undefined',
          '{}',
          '0',
        ],
      ];
      for (const key of almost) expect((await call(target, key, 'GET /whoami')).status, key).toBe(403);
    },
    // Made of globex's key, though of no use: nothing of it comes back.
    by: [],
  },
  {
    name: 'a key anywhere but in its header',
    by: [],
    async run(target) {
      const { acme } = target.keys;
      const elsewhere: [string, unknown, string[]][] = [
        [`GET /whoami?x-api-key=${acme}&apiKey=${acme}`, undefined, []],
        ['GET /whoami', undefined, ['cookie', `x-api-key=${acme}`]],
        ['POST /items?name=k', { 'x-api-key': acme }, []],
        [
          'GET /whoami',
          undefined,
          ['x-api-key2', acme, 'api-key', acme, 'x_api_key', acme, 'x-amz-api-key', acme],
        ],
      ];
      for (const [line, body, headers] of elsewhere)
        expect((await call(target, null, line, body, headers)).status, line).toBe(401);
    },
  },
  {
    name: 'a key in place of a token',
    by: [],
    async run(target) {
      for (const scheme of ['Bearer', 'bearer', 'Basic', 'ApiKey']) {
        const answer = await call(target, null, 'GET /whoami', undefined, [
          'authorization',
          `${scheme} ${target.keys.acme}`,
        ]);
        expect([401, 403], scheme).toContain(answer.status);
      }
    },
  },
  {
    name: 'a key that was revoked a moment ago, on connections and in sandboxes that know it',
    async setup(target) {
      const made = await target.operator('key create --tenant acme');
      const calls = Array.from({ length: 4 }, () => call(target, made.key, 'GET /whoami'));
      for (const answer of await Promise.all(calls)) expect(answer.status).toBe(200);
      await target.operator(`key revoke ${made.keyId} --yes`);
      return made.key;
    },
    by: [],
    async run(target, key: string) {
      const answers = await Promise.all(Array.from({ length: 4 }, () => isNobody(target, key)));
      expect(answers).toHaveLength(4);
    },
  },
  {
    name: 'learning from limits how another tenant stands',
    async setup(target) {
      // Used up: its headers say so to its own callers.
      const answers = [
        await call(target, target.keys.small, 'GET /whoami'),
        await call(target, target.keys.small, 'GET /whoami'),
      ];
      expect(answers.at(-1)?.status).toBe(429);
      return answers.at(-1);
    },
    async run(target, limited: Answer) {
      const own = await call(target, target.keys.acme, 'GET /whoami?tenantId=small', undefined, [
        'x-tenant-id',
        'small',
      ]);
      expect(own.status).toBe(200);
      expect(own.headers['retry-after']).toBeUndefined();
      expect(own.headers['ratelimit']).not.toBe(limited.headers['ratelimit']);
      expect(own.headers['ratelimit-policy']).not.toBe(limited.headers['ratelimit-policy']);
      // Nor does a bad key of the limited tenant see more than one of nobody.
      const forged = `${target.keys.small.slice(0, -6)}000000`;
      expect(shapeOf(await isNobody(target, forged))).toEqual(
        shapeOf(await isNobody(target, mintKey('anb', 'live'))),
      );
    },
  },
];
