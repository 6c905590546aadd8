// The service that `saasctl deploy` ships as an example, meant to be copied: a greeting, and each tenant's own notes.
// Who calls is what withTenant found out, never what the request says; tenantData reaches that tenant's items alone.
import { randomUUID } from 'node:crypto';
import { tenantData, withTenant } from 'saasctl/runtime';

const NOTE = 'note#';
const PAGE = 50;

export const handler = withTenant(
  async (event, tenant) => {
    const { method } = event.requestContext.http;
    const [, first, id, ...more] = event.rawPath.split('/');
    const route = more.length > 0 ? '' : `${method} /${first}${id === undefined ? '' : '/{id}'}`;
    try {
      return await (routes[route] ?? notFound)({ event, tenant, id });
    } catch (error) {
      // What tenantData throws says how to answer: 400 for a cursor of another query, 409 for a failed condition, 503
      // for what is worth trying again. Anything else is a fault, and a 500 by itself.
      const { statusCode, message } = error;
      if (statusCode === 503) return json(503, { error: 'try again' }, { 'retry-after': '1' });
      if (statusCode >= 400 && statusCode < 500) return json(statusCode, { error: message });
      throw error;
    }
  },
  { mode: process.env.SAASCTL_MODE === 'inline' ? 'inline' : 'authorizer' },
);

const routes = {
  'GET /hello': ({ tenant }) => json(200, { message: `Hello from ${tenant.tenantId}`, tenant }),
  'GET /me': ({ tenant }) => json(200, { tenantId: tenant.tenantId, scopes: tenant.scopes }),

  async 'GET /notes'({ event, tenant }) {
    const { cursor = null } = event.queryStringParameters ?? {};
    const page = await tenantData(tenant).query({ sk: { beginsWith: NOTE }, limit: PAGE, cursor });
    return json(200, { items: page.items.map(shown), next: page.cursor });
  },

  async 'POST /notes'({ event, tenant }) {
    const text = textOf(event);
    if (text === null) return badText();
    const note = { SK: NOTE + randomUUID(), text, at: new Date().toISOString() };
    await tenantData(tenant).put(note);
    return json(201, shown(note));
  },

  async 'GET /notes/{id}'({ tenant, id }) {
    const note = await tenantData(tenant).get(NOTE + id);
    return note === null ? notFound() : json(200, shown(note));
  },

  async 'PUT /notes/{id}'({ event, tenant, id }) {
    const text = textOf(event);
    if (text === null) return badText();
    const note = { SK: NOTE + id, text, at: new Date().toISOString() };
    await tenantData(tenant).put(note);
    return json(200, shown(note));
  },

  async 'DELETE /notes/{id}'({ tenant, id }) {
    await tenantData(tenant).delete(NOTE + id);
    return { statusCode: 204 };
  },
};

const shown = ({ SK, text, at }) => ({ id: SK.slice(NOTE.length), text, at });

/** The `text` of a JSON body; `null` where there is none. */
function textOf({ body = '', isBase64Encoded }) {
  try {
    const { text } = JSON.parse(isBase64Encoded ? Buffer.from(body, 'base64').toString() : body);
    return typeof text === 'string' && text.length <= 10_000 ? text : null;
  } catch {
    return null;
  }
}

const json = (statusCode, body, headers = {}) => ({
  statusCode,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
const notFound = () => json(404, { error: 'there is nothing here' });
const badText = () => json(400, { error: 'the body is JSON with a text of at most 10,000 characters' });
