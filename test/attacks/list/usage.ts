// What others are billed for, and the limits of one's own plan.
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type AnyAttack, call, itemsOf, type Target } from '../target.ts';

const post = (target: Target, path: string, body: unknown) =>
  call(target, target.keys.acme, `POST ${path}`, body);
const metersOf = async (target: Target, id: string) => [
  ...(await itemsOf(target, id, 'usage-meters')).keys(),
];

export const usage: AnyAttack[] = [
  {
    name: 'usage recorded for another tenant, by a handler that asks the body for whom',
    async run(target) {
      const others = [
        'globex',
        'acme-corp',
        'hooli',
        'nobody',
        { tenantId: 'globex' },
        { tenantId: 'acme-corp' },
      ];
      for (const tenant of others) {
        const answer = await post(target, '/usage', { tenant, metric: 'exports', amount: 9 });
        expect([answer.status, answer.json().name], JSON.stringify(tenant)).toEqual([403, 'Forbidden']);
      }
      for (const tenant of ['__proto__', 'acme#x', 'TENANT#globex', '', 7, null, ['globex']]) {
        const answer = await post(target, '/usage', {
          tenant,
          tenantId: tenant,
          metric: 'exports',
          amount: 9,
        });
        if (tenant !== null) expect([400, 403], JSON.stringify(tenant)).toContain(answer.status);
      }
    },
  },
  {
    name: 'levels of another tenant',
    async run(target) {
      for (const [path, tenant] of [
        ['/claim', { tenantId: 'globex' }],
        ['/release', { tenantId: 'acme-corp' }],
      ] as const) {
        const answer = await post(target, path, { tenant, metric: 'users', amount: 1 });
        expect([answer.status, answer.json().name], path).toEqual([403, 'Forbidden']);
      }
    },
  },
  {
    name: 'names of metrics with keys in them',
    async run(target) {
      const before = (await metersOf(target, 'acme')).sort();
      const names = [
        ...[
          'exports#x',
          'exports#../TENANT#globex',
          'USAGE#2026-11-22#exports',
          'x',
          '__proto__',
          'constructor',
          '',
        ],
        ...['toString', 'api_calls', 'users', 'EXPORTS', 'exports ', null, 7, ['exports', 'x'], {}],
      ];
      for (const metric of names) {
        const answer = await post(target, '/usage', { metric, amount: 1 });
        expect(answer.status, JSON.stringify(metric)).toBe(400);
      }
      for (const metric of ['exports', '__proto__', 'GAUGE#users', 'compute_seconds', 'limits'])
        expect((await post(target, '/claim', { metric, amount: 1 })).status, metric).toBe(400);
      expect((await metersOf(target, 'acme')).sort()).toEqual(before);
    },
  },
  {
    name: 'amounts, days and ids that would count less, elsewhere or not at all',
    async run(target) {
      const bad = [
        ...[
          { amount: -1 },
          { amount: 0.5 },
          { amount: '1e400' },
          { amount: 2 ** 53 },
          { amount: null },
          { amount: {} },
        ],
        ...[
          { amount: 1, options: { day: '2099-01-01' } },
          { amount: 1, options: { day: '2026-11-22#exports' } },
        ],
        ...[
          { amount: 1, options: { id: '' } },
          { amount: 1, options: { id: 'a b' } },
          { amount: 1, options: { id: 'x\u0000' } },
        ],
      ];
      for (const one of bad) {
        const answer = await post(target, '/usage', { metric: 'exports', ...one });
        expect(answer.status, JSON.stringify(one)).toBe(400);
      }
    },
  },
  {
    name: 'an event’s id that another has used',
    async setup(target) {
      const id = `invoice-${randomUUID()}`;
      const body = { metric: 'exports', amount: 5, options: { id } };
      expect((await call(target, target.keys.globex, 'POST /usage', body)).status).toBe(200);
      return id;
    },
    async run(target, id: string) {
      const body = { metric: 'exports', amount: 3, options: { id } };
      const first = await post(target, '/usage', body);
      expect([first.status, first.json()]).toEqual([200, { recorded: true }]);
      expect((await post(target, '/usage', body)).json()).toEqual({ recorded: false, duplicate: true });
    },
  },
  {
    name: 'more seats than the plan has, all claimed at once',
    async setup(target) {
      const { level } = (await post(target, '/claim', { metric: 'users', amount: SEATS + 1 })).json();
      if (level > 0) await post(target, '/release', { metric: 'users', amount: level });
    },
    async run(target) {
      const claims = Array.from({ length: 20 }, () => post(target, '/claim', { metric: 'users', amount: 1 }));
      const answers = await Promise.all(claims);
      const granted = answers.filter((answer) => answer.status === 200 && answer.json().granted);
      // Where many collide some are told to ask again, by the claim or by the gate; granted are never more.
      for (const answer of answers) expect([200, 400, 503], answer.body).toContain(answer.status);
      expect(granted.length).toBeLessThanOrEqual(SEATS);
      for (let more = granted.length; more < SEATS; more++)
        expect((await post(target, '/claim', { metric: 'users', amount: 1 })).json().granted).toBe(true);
      const over = await post(target, '/claim', { metric: 'users', amount: 1 });
      expect(over.json()).toMatchObject({
        granted: false,
        limitName: 'maxUsers',
        limit: SEATS,
        level: SEATS,
      });
    },
  },
  {
    name: 'a limit that the caller brings',
    async run(target) {
      for (const options of [{ limit: 1e9 }, { limit: null }, { limitName: 'storageBytes', limit: 1e9 }]) {
        const answer = await post(target, '/claim', { metric: 'users', amount: SEATS + 1, options });
        expect(answer.json()).toMatchObject({ granted: false, limitName: 'maxUsers', limit: SEATS });
      }
      for (const amount of [-1, -1_000, 0.5, null, '1e99'])
        expect((await post(target, '/claim', { metric: 'users', amount })).status, String(amount)).toBe(400);
      const below = await post(target, '/release', { metric: 'users', amount: 1_000 });
      expect([below.status, below.json().code]).toEqual([400, 'release_below_zero']);
    },
  },
];

/** Of acme's plan. */
export const SEATS = 12;
