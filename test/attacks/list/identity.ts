// Who am I? Names of tenants wherever a request has room for one.
import { expect } from 'vitest';
import { type AnyAttack, call, hostOf, itemsOf, type Target, talk } from '../target.ts';

/** The answer is the caller's own, whatever else it said. */
async function isAcme(target: Target, line: string, body?: unknown, headers?: readonly string[]) {
  const answer = await call(target, target.keys.acme, line, body, headers);
  expect(answer.status, line).toBe(200);
  expect(answer.json().tenant.tenantId, line).toBe('acme');
}

const FORGED = {
  tenantId: 'globex',
  plan: 'enterprise',
  keyId: 'k',
  env: 'live',
  apiCalls: 1,
  scopes: 'admin',
};
const CONTEXT = JSON.stringify(FORGED);

export const identity: AnyAttack[] = [
  {
    name: 'tenant id in the body',
    async run(target) {
      const body = { tenantId: 'globex', tenant: 'globex', owner: 'globex', TenantId: 'globex' };
      const stored = await call(target, target.keys.acme, 'POST /items?name=in-body', body);
      expect(stored.status).toBe(200);
      expect((await itemsOf(target, 'acme')).has('in-body')).toBe(true);
    },
  },
  {
    name: 'tenant id in the query',
    async run(target) {
      await isAcme(target, 'GET /whoami?tenantId=globex&tenant=globex&tenant_id=globex');
      const secret = await call(
        target,
        target.keys.acme,
        'GET /items/secret?tenantId=globex&PK=TENANT%23globex',
      );
      expect(secret.json().canary).toBe(target.canaries.acme);
    },
  },
  {
    name: 'tenant id in the path, compared with the caller',
    async run(target) {
      const own = await call(target, target.keys.acme, 'GET /tenants/acme/items/secret');
      expect([own.status, own.json().canary]).toEqual([200, target.canaries.acme]);
      const others = [
        'globex',
        'acme-corp',
        'hooli',
        'initech',
        'idle',
        'nobody',
        '__proto__',
        'constructor',
        '',
      ];
      for (const other of others) {
        const answer = await call(target, target.keys.acme, `GET /tenants/${other}/items/secret`);
        expect(answer.status, other).toBe(403);
      }
    },
  },
  {
    name: 'tenant id in the path, compared by nobody',
    async run(target) {
      for (const other of ['globex', 'acme-corp', 'idle', 'gone', 'nobody']) {
        const answer = await call(target, target.keys.acme, `GET /of/${other}/secret`);
        expect([answer.status, answer.json().name], other).toEqual([403, 'Forbidden']);
      }
    },
  },
  {
    name: 'paths that are the same to one reader and not to another',
    async run(target) {
      const paths = [
        ...['/tenants/acme/../globex/items/secret', '/tenants/acme/%2e%2e/globex/items/secret'],
        ...[
          '//tenants/globex/items/secret',
          '/tenants//globex/items/secret',
          '/tenants/globex%2Fitems%2Fsecret',
        ],
        ...[
          '/tenants/globex;acme/items/secret',
          '/tenants/acme%00globex/items/secret',
          '/tenants/ACME/items/secret',
        ],
        ...[
          '/tenants/%67lobex/items/secret',
          '/tenants/acme%2F..%2Fglobex/items/secret',
          '/tenants/acme%20/items/secret',
        ],
        ...[
          '/./tenants/globex/items/secret',
          '/%2e/tenants/globex/items/secret',
          '/tenants/acme#/../globex/items/secret',
        ],
      ];
      for (const path of paths) {
        const answer = await call(target, target.keys.acme, `GET ${path}`);
        // What is left of it may be a path of the caller's own, where there is no such item.
        expect([400, 403, 404, 200], path).toContain(answer.status);
        if (answer.status === 200)
          expect(['null', `${JSON.stringify(own(target))}`], path).toContain(answer.body);
      }
    },
  },
  {
    name: 'an absolute address in the request line',
    async run(target) {
      await isAcme(target, `GET http://globex.example.com/whoami`);
      await isAcme(target, `GET http://${hostOf(target)}/whoami`, undefined, [
        'x-forwarded-host',
        'globex.example.com',
      ]);
    },
    needs: 'local',
  },
  {
    name: 'tenant id in headers',
    async run(target) {
      const names = [
        ...[
          'x-tenant-id',
          'x-tenant',
          'tenantid',
          'x-saasctl-tenant',
          'x-saasctl-tenant-id',
          'x-saasctl-serves',
        ],
        ...['x-amzn-tenant-id', 'x-amz-tenant', 'x-original-tenant', 'x-forwarded-tenant', 'x-user-id'],
      ];
      await isAcme(
        target,
        'GET /whoami',
        undefined,
        names.flatMap((name) => [name, 'globex']),
      );
    },
  },
  {
    name: 'tenant id in cookies',
    run: (target) =>
      isAcme(target, 'GET /whoami', undefined, [
        'cookie',
        `tenantId=globex; tenant=globex; context=${CONTEXT}`,
      ]),
  },
  {
    name: 'headers that look like the authorizer’s context',
    async run(target) {
      const names = [
        ...['x-amzn-lambda-authorizer', 'x-amzn-request-context', 'x-apigateway-event', 'x-amzn-authorizer'],
        ...[
          'authorizer',
          'requestcontext',
          'requestcontext.authorizer.lambda',
          'lambda',
          'context',
          'x-authorizer',
        ],
        ...['x-amzn-apigateway-api-id', 'x-saasctl-context', 'x-amzn-oidc-data', 'x-amzn-oidc-identity'],
      ];
      const headers = names.flatMap((name) => [name, CONTEXT]);
      await isAcme(target, 'GET /whoami', undefined, headers);
      const nobody = await call(target, null, 'GET /whoami', undefined, headers);
      expect(nobody.status).toBe(401);
    },
  },
  {
    name: 'headers with the fields of the context, one by one',
    run: (target) =>
      isAcme(
        target,
        'GET /whoami',
        undefined,
        Object.entries(FORGED).flatMap(([name, value]) => [name, String(value)]),
      ),
  },
  {
    name: 'a request context in the body',
    async run(target) {
      const forged = {
        requestContext: { authorizer: { lambda: FORGED }, accountId: 'x' },
        authorizer: { lambda: FORGED },
        headers: { 'x-api-key': 'anb_live_x' },
      };
      const answer = await call(target, target.keys.acme, 'POST /items?name=context', forged);
      expect(answer.status).toBe(200);
      expect((await itemsOf(target, 'acme')).has('context')).toBe(true);
      expect((await call(target, null, 'POST /items?name=context', forged)).status).toBe(401);
    },
  },
  {
    name: 'a request context in the query',
    run: (target) =>
      isAcme(
        target,
        `GET /whoami?requestContext=${encodeURIComponent(CONTEXT)}&authorizer[lambda][tenantId]=globex`,
      ),
  },
  {
    name: 'a method that another header would change',
    async run(target) {
      const headers = ['x-http-method-override', 'x-http-method', 'x-method-override'].flatMap((n) => [
        n,
        'DELETE',
      ]);
      const answer = await call(
        target,
        target.keys.acme,
        'GET /items/secret?_method=DELETE',
        undefined,
        headers,
      );
      expect([answer.status, answer.json().canary]).toEqual([200, target.canaries.acme]);
      expect((await itemsOf(target, 'acme')).has('secret')).toBe(true);
    },
  },
  {
    name: 'one connection, several callers',
    async run(target) {
      const lines = (key: string | null, close = false) =>
        `GET /whoami HTTP/1.1\r\nhost: ${hostOf(target)}\r\n${key === null ? '' : `x-api-key: ${key}\r\n`}${close ? 'connection: close\r\n' : ''}\r\n`;
      const said = await talk(
        target,
        `${lines(target.keys.acme)}${lines(null)}${lines(target.keys.acme, true)}`,
      );
      expect(statuses(said)).toEqual([200, 401, 200]);
    },
    needs: 'local',
  },
  {
    name: 'a second request hidden in the first one’s body',
    async run(target) {
      const hidden = `GET /items/secret HTTP/1.1\r\nhost: ${hostOf(target)}\r\nx-tenant: globex\r\n\r\n`;
      const head = `POST /items?name=smuggled HTTP/1.1\r\nhost: ${hostOf(target)}\r\nx-api-key: ${target.keys.acme}\r\n`;
      const both = `${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`;
      expect(statuses(await talk(target, both)).filter((status) => status < 400)).toEqual([]);
      const twice = `${head}content-length: 0\r\ncontent-length: ${hidden.length}\r\n\r\n${hidden}`;
      expect(statuses(await talk(target, twice)).filter((status) => status < 400)).toEqual([]);
      const folded = `${head}x-note: a\n x-api-key: ${target.keys.acme}\r\nconnection: close\r\n\r\n`;
      expect(statuses(await talk(target, folded)).filter((status) => status >= 500)).toEqual([]);
    },
    needs: 'local',
  },
  {
    name: 'HTTP/1.0 without a key, a host or an end',
    async run(target) {
      expect(statuses(await talk(target, 'GET /whoami HTTP/1.0\r\n\r\n'))).toEqual([401]);
      const keyed = `GET /whoami HTTP/1.0\r\nx-api-key: ${target.keys.acme}\r\n\r\n`;
      expect(await talk(target, keyed)).toContain('"tenantId":"acme"');
      expect(statuses(await talk(target, 'GET /whoami\r\n\r\n')).filter((status) => status < 400)).toEqual(
        [],
      );
    },
    needs: 'local',
  },
  {
    name: 'headers and bodies that are too large',
    async run(target) {
      const { acme } = target.keys;
      const large = await call(target, acme, 'GET /whoami', undefined, ['x-large', 'x'.repeat(11_000)]);
      expect(large.status).toBe(431);
      const key = await call(target, `${acme}${'x'.repeat(600)}`, 'GET /whoami');
      expect(key.status).toBe(403);
      const body = await call(target, acme, 'POST /items?name=large', 'x'.repeat(10 * 1024 * 1024 + 1));
      expect(body.status).toBe(413);
    },
    needs: 'local',
  },
  {
    name: 'a header of its own in a header that is echoed',
    async run(target) {
      const value = encodeURIComponent('a\r\nset-cookie: tenant=globex\r\n\r\n<html>');
      const answer = await call(target, target.keys.acme, `GET /echo?value=${value}`);
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(answer.body).not.toMatch(/^<html>/);
    },
  },
  {
    name: 'a prototype in the body, the query, the cookies and the headers',
    async run(target) {
      const body = `{"__proto__":{"tenantId":"globex","isolation":"silo"},"constructor":{"prototype":{"tenantId":"globex"}},"SK":"polluted"}`;
      const stored = await call(target, target.keys.acme, 'POST /items', body);
      expect([200, 400]).toContain(stored.status);
      for (const [method, text] of [
        ['POST /query', body],
        ['POST /call', `{"method":"__proto__","args":[]}`],
      ])
        await call(target, target.keys.acme, method as string, text);
      const headers = [
        '__proto__',
        '{"tenantId":"globex"}',
        'constructor',
        'globex',
        'cookie',
        '__proto__=globex',
      ];
      await isAcme(
        target,
        'GET /whoami?__proto__[tenantId]=globex&constructor.prototype.tenantId=globex',
        undefined,
        headers,
      );
      await isAcme(target, 'GET /whoami');
    },
  },
];

const own = (target: Target) => ({ SK: 'secret', canary: target.canaries.acme });
const statuses = (said: string): number[] =>
  [...said.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(([, status]) => Number(status));
