import { checkTenantId } from '../../core/tenants/tenant.ts';
import type { Context, Host } from '../context.ts';
import { define, onRun } from '../define.ts';
import { existing } from '../tenant-lookup.ts';
import { tenantResult } from './view.ts';

export function show(host: Host) {
  const command = define('show <id>', {
    summary: 'Show a tenant and the limits in force',
    examples: ['tenant show acme', 'tenant show acme --json --query limits.apiCallsPerMonth'],
    exits: [3],
  });
  return onRun(host, command, runShow);
}

async function runShow(cx: Context, id: string): Promise<void> {
  checkTenantId(id);
  const store = await cx.store();
  await cx.print(tenantResult(await existing(store.tenant(id), id)));
}
