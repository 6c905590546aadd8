// A customer's handler as a careless one would write it: every id, key, option and expression comes from the
// request, and every error is echoed whole. Only whose data it is comes from `withTenant`.
import {
  claim,
  type HttpEvent,
  recordUsage,
  release,
  type Tenant,
  type TenantData,
  tenantData,
  withTenant,
} from '../../src/runtime/index.ts';

export interface ApiEvent extends HttpEvent {
  rawPath: string;
  queryStringParameters?: Record<string, string>;
  headers: Record<string, string>;
  body?: string;
  isBase64Encoded?: boolean;
  requestContext: { http: { method: string } };
}

/** What a request says, as it says it. */
export interface Said {
  method: string;
  root: string;
  /** The path after its first part. */
  rest: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: a careless handler checks nothing
  body: any;
}

type Route = (said: Said, tenant: Tenant, data: TenantData) => unknown;

/** Kept from the first request on, as people do to spare themselves the making. */
let kept: TenantData | undefined;

const routes: Record<string, Route> = {
  'GET whoami': (_, tenant) => ({ tenant }),
  'GET items': ({ rest, query }, _, data) => (rest !== '' ? data.get(rest) : data.query(pageOf(query))),
  'POST items': async ({ body, query }, _, data) => {
    await data.put({ SK: query['name'], ...body });
    return { stored: body };
  },
  'PUT items': async ({ rest, body }, _, data) => {
    await data.put({ ...body, SK: rest }, { condition: 'attribute_not_exists(SK)', ...body.options });
    return { created: rest };
  },
  'PATCH items': ({ rest, body }, _, data) => data.update(rest, body.update, body.options),
  'DELETE items': ({ rest, body }, _, data) => data.delete(rest, body.options),
  'POST query': ({ body }, _, data) => data.query(body),
  'POST batch': async ({ body }, _, data) => ({
    ...(body.write === undefined ? {} : await data.batchWrite(body.write)),
    ...(body.get === undefined ? {} : await data.batchGet(body.get)),
  }),
  'POST transact': ({ body }, _, data) => data.transact(body.writes, body.options),
  // A remote procedure call on whatever the library has.
  'POST call': ({ body }, _, data) =>
    (data as never as Record<string, (...args: unknown[]) => unknown>)[body.method]?.(...body.args),
  'POST usage': ({ body }, tenant) =>
    recordUsage(body.tenant ?? body.tenantId ?? tenant, body.metric, body.amount, body.options),
  'POST claim': ({ body }, tenant) =>
    claim({ ...tenant, ...body.tenant }, body.metric, body.amount, body.options),
  'POST release': ({ body }, tenant) => release({ ...tenant, ...body.tenant }, body.metric, body.amount),
  'GET kept': (_, tenant) => {
    kept ??= tenantData(tenant);
    return kept.get('profile');
  },
  // Whose data it is, is in the path, and nobody compares.
  'GET of': ({ rest }, tenant) => {
    const [tenantId = '', sk = ''] = rest.split('/');
    return tenantData({ ...tenant, tenantId }).get(sk);
  },
  'GET tenants': ({ rest }, tenant) => {
    const [tenantId = '', , sk = ''] = rest.split('/');
    return tenantData({ ...tenant, tenantId }).get(sk);
  },
  'GET echo': ({ query }) => ({
    statusCode: 200,
    headers: { 'x-echo': query['value'] ?? '' },
    body: JSON.stringify({ echo: query['value'] }),
  }),
  'GET turn': async ({ query }, tenant, data) => {
    const profile = await data.get('profile');
    // So that others come in between.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
    const { turns } = await data.update('turns', 'ADD turns :one', { values: { ':one': 1 } });
    return { tenantId: tenant.tenantId, canary: profile?.['canary'], turns, nonce: query['nonce'] };
  },
};

const pageOf = ({ prefix, limit, cursor }: Record<string, string>) => ({
  ...(prefix === undefined ? {} : { sk: { beginsWith: prefix } }),
  ...(limit === undefined ? {} : { limit: Number(limit) }),
  cursor,
});

/** What a request says; a body that is no JSON says nothing. */
export function read(event: ApiEvent): Said {
  const [, root = '', ...rest] = event.rawPath.split('/');
  const text = event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64').toString() : event.body;
  return {
    method: event.requestContext.http.method,
    root,
    rest: rest.join('/'),
    query: event.queryStringParameters ?? {},
    headers: event.headers,
    body: parsed(text ?? '') ?? {},
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Runs a route and echoes what comes of it, errors with all they carry. */
export async function answer(run: () => unknown): Promise<unknown> {
  try {
    const result = await run();
    if (typeof result === 'object' && result !== null && 'statusCode' in result) return result;
    return { statusCode: 200, headers: JSON_TYPE, body: JSON.stringify(result ?? null, shown) };
  } catch (error) {
    const { name, message, statusCode = 400, ...more } = error as Error & { statusCode?: number };
    return { statusCode, headers: JSON_TYPE, body: JSON.stringify({ name, message, ...more }, shown) };
  }
}

const JSON_TYPE = { 'content-type': 'application/json' };
const shown = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value instanceof Set ? [...value] : value;

const handle = (event: ApiEvent, tenant: Tenant) =>
  answer(() => {
    const said = read(event);
    const route = routes[`${said.method} ${said.root}`];
    return route === undefined ? { statusCode: 404, body: '{}' } : route(said, tenant, tenantData(tenant));
  });

const mode = process.env['SAASCTL_MODE'] === 'inline' ? 'inline' : 'authorizer';
const plain = withTenant(handle, { mode });
const ofTenant = withTenant(handle, { mode, tenantOf: ({ rawPath }) => rawPath.split('/')[2] });

export const handler = (event: ApiEvent, context: unknown): Promise<unknown> =>
  (event.rawPath.startsWith('/tenants/') ? ofTenant : plain)(event, context);
