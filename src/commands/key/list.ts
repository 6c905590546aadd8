import { usageError } from '../../core/errors.ts';
import { type Key, type KeyView, keyView } from '../../core/keys/key.ts';
import type { ControlStore } from '../../core/ports.ts';
import { checkTenantId, type Tenant } from '../../core/tenants/tenant.ts';
import type { Context, Host } from '../context.ts';
import { afterOption, define, type ListOptions, limitOption, onRun } from '../define.ts';
import { pageRequest } from '../page.ts';
import { existing } from '../tenant-lookup.ts';
import { checkKeyId, findKey } from './lookup.ts';
import { keyColumns, keyFields, viewKey } from './view.ts';

export function list(host: Host) {
  const command = define('list', {
    summary: 'List a tenant’s keys, or everybody’s',
    examples: ['key list --tenant acme', 'key list -o csv'],
    exits: [3],
  })
    .option('--tenant <id>', 'only this tenant’s')
    .addOption(limitOption())
    .addOption(afterOption());
  return onRun(host, command, runList);
}

async function runList(cx: Context, options: ListOptions & { tenant?: string }): Promise<void> {
  const { limit, after } = pageRequest(options);
  const [afterTenant, afterKey = ''] = after?.split('/') ?? [];
  if (after !== null && afterKey === '') {
    throw usageError('bad_after', '--after is not where a list of keys ended', {
      hint: 'it is the `next` of an earlier page, tenant/key',
    });
  }
  if (options.tenant !== undefined) checkTenantId(options.tenant);
  const store = await cx.store();
  const tenants = await tenantsFrom(store, options.tenant, afterTenant);
  let next: string | null = null;
  async function* items(): AsyncGenerator<KeyView> {
    let count = 0;
    let last = '';
    for await (const tenant of tenants) {
      const gate = await store.gate(tenant.id);
      for await (const key of keysAfter(store, tenant, afterTenant, afterKey)) {
        if (count === limit) {
          next = last;
          return;
        }
        count++;
        last = `${tenant.id}/${key.keyId}`;
        yield keyView(key, tenant, gate?.k[key.keyId], cx.now());
      }
    }
  }
  await cx.print({
    kind: 'list',
    items: items(),
    next: () => next,
    id: ({ keyId }) => keyId,
    columns: keyColumns,
    empty: 'no keys yet; create one with  saasctl key create --tenant <id>',
  });
}

async function tenantsFrom(
  store: ControlStore,
  one: string | undefined,
  after: string | undefined,
): Promise<AsyncIterable<Tenant>> {
  if (one === undefined) {
    // The page before may have stopped in the middle of a tenant: start with that one again.
    return store.tenants(
      { limit: null, after: after === undefined ? null : before(after) },
      ({ status }) => status !== 'deleted',
    ).items;
  }
  const tenant = await existing(store.tenant(one), one);
  return (async function* only() {
    yield tenant;
  })();
}

/** The greatest string below an id, to list from the id on: ids hold no character below the hyphen. */
const before = (id: string): string =>
  `${id.slice(0, -1)}${String.fromCharCode(id.charCodeAt(id.length - 1) - 1)}~`;

async function* keysAfter(
  store: ControlStore,
  { id }: Tenant,
  afterTenant: string | undefined,
  afterKey: string,
): AsyncGenerator<Key> {
  for await (const key of store.keys(id)) if (id !== afterTenant || key.keyId > afterKey) yield key;
}

export function show(host: Host) {
  const command = define('show <keyId>', {
    summary: 'Show a key, its secrets and its rotation',
    examples: ['key show key_3fJ9aQ2z'],
    exits: [3],
  });
  return onRun(host, command, async (cx: Context, id: string) => {
    const keyId = checkKeyId(id);
    const store = await cx.store();
    const view = await viewKey(store, await findKey(store, { keyId }), cx.now());
    await cx.print({ kind: 'one', item: view, id: keyId, fields: keyFields });
  });
}
