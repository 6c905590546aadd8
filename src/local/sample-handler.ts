// The function behind `saasctl dev` where no --handler is given: what a customer's own looks like.
import { withTenant } from '../runtime/with-tenant.ts';

const mode = process.env['SAASCTL_MODE'] === 'inline' ? 'inline' : 'authorizer';

export const handler = withTenant(
  (_event, tenant) => ({
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: `Hello from ${tenant.tenantId}`, tenant }),
  }),
  { mode },
);
