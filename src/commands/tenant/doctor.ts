import { randomUUID } from 'node:crypto';
import { tenantStacks } from '../../config/stack-names.ts';
import type { StackState } from '../../core/deploy/ports.ts';
import { isOwn, kindOf, ownStacks } from '../../core/deploy/profile-stacks.ts';
import { SaasctlError } from '../../core/errors.ts';
import type { ControlStore } from '../../core/ports.ts';
import { unfinished } from '../../core/tenants/operation.ts';
import { type Discrepancy, type Place, reconcile, strays } from '../../core/tenants/reconcile.ts';
import { checkTenantId, type Tenant } from '../../core/tenants/tenant.ts';
import { isoTime } from '../../core/time.ts';
import { asTyped } from '../../ui/error.ts';
import { inBatches } from '../batches.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { write } from '../mutate.ts';
import { existing } from '../tenant-lookup.ts';

type Row = Pick<Discrepancy, 'check' | 'status' | 'detail' | 'remedy'> & {
  /** `null`: all of them. */
  tenantId: string | null;
  mended: boolean;
};

export function doctor(host: Host) {
  const command = define('doctor [id]', {
    summary:
      'Compare what is recorded of tenants with what is there: gates, data tables, stacks, runs cut short',
    details:
      'With --yes, what is merely out of date and can be put right without harm is: a gate unlike its profile, a last step that a killed run did not come to, the address of a silo. All else is named with the command to run.\nExit code 8: recorded and real state differ.',
    examples: ['tenant doctor', 'tenant doctor acme', 'tenant doctor --yes', 'tenant doctor --yes --dry-run'],
    exits: [3, 5, 8],
  }).addOption(dryRunOption());
  return onRun(host, command, runDoctor);
}

async function runDoctor(
  cx: Context,
  id: string | undefined,
  { dryRun }: { dryRun?: boolean },
): Promise<void> {
  if (id !== undefined) checkTenantId(id);
  const mends = cx.globals.yes && dryRun !== true;
  const rows: Row[] = [];
  let canMend = false;
  async function* findings(): AsyncGenerator<Row> {
    for await (const { mend, ...found } of id === undefined ? everything(cx) : one(cx, id)) {
      let row: Row = { ...found, mended: false };
      if (mend !== null && mends) {
        const mended = await apply(cx, found.tenantId, mend);
        if (mended) row = { ...row, status: 'ok', detail: `mended: ${row.detail}`, remedy: null, mended };
        else row.detail = `${row.detail}; changed by somebody meanwhile`;
      } else if (mend !== null) {
        canMend = true;
        if (dryRun) row.detail = `${row.detail}; would be mended`;
      }
      row.remedy = row.remedy && asTyped(row.remedy, cx.globals.named);
      rows.push(row);
      yield row;
    }
    if (id === undefined && rows.length === 0) yield agree(null, 'every tenant is as recorded');
    if (id !== undefined && rows.length === 0) yield agree(id, 'as recorded');
  }
  await cx.print<Row>({
    kind: 'list',
    items: findings(),
    id: ({ tenantId }) => tenantId ?? '',
    columns: [
      { header: 'tenant', value: ({ tenantId }) => tenantId },
      { header: 'check', value: ({ check }) => check },
      {
        header: 'status',
        value: ({ status }) => status,
        paint: (text, { status }, paint) =>
          paint[({ ok: 'green', warn: 'yellow', fail: 'red' } as const)[status]](text),
      },
      { header: 'detail', value: ({ detail }) => detail },
      { header: 'remedy', value: ({ remedy }) => remedy },
    ],
  });
  const differing = rows.filter(({ status }) => status === 'fail');
  if (differing.length === 0) return;
  const ids = [...new Set(differing.map(({ tenantId }) => tenantId))];
  throw new SaasctlError({
    code: 'tenants_differ',
    category: 'pending',
    message: `not as recorded: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ` and ${ids.length - 5} more` : ''}`,
    next: canMend
      ? `saasctl tenant doctor${id === undefined ? '' : ` ${id}`} --yes`
      : (differing.find(({ remedy }) => remedy !== null)?.remedy ?? undefined),
  });
}

const agree = (tenantId: string | null, detail: string): Row => ({
  tenantId,
  check: 'tenant',
  status: 'ok',
  detail,
  remedy: null,
  mended: false,
});

/** `false`: somebody has changed the tenant since it was looked at. */
async function apply(
  cx: Context,
  tenantId: string,
  mend: NonNullable<Discrepancy['mend']>,
): Promise<boolean> {
  return cx.uninterrupted(async () => {
    if (mend !== 'table') return write(cx, mend);
    const { store, actor } = await cx.backend();
    await store.dataTables.make(tenantId);
    await store.note({
      id: randomUUID(),
      at: isoTime(cx.now()),
      actor,
      action: 'tenant.mend',
      tenantId,
      keyId: null,
      changes: [{ field: 'table', from: null, to: store.dataTables.name(tenantId) }],
      requestId: cx.requestId,
    });
    return true;
  });
}

async function placeOf(cx: Context): Promise<Place> {
  const { profile, isLocal } = await cx.config();
  return { stack: profile.stack, region: profile.region, isLocal, now: cx.now() };
}

async function* one(cx: Context, id: string): AsyncGenerator<Discrepancy> {
  const place = await placeOf(cx);
  const store = await cx.store();
  const tenant = await existing(store.tenant(id), id);
  const found = place.isLocal
    ? null
    : await (await cx.cloud()).stacks.describe(`${tenantStacks(place.stack)}${id}`);
  // Somebody else's is in the way of a tenant that needs the name, and of no other.
  const needsIt =
    tenant.isolation !== 'pool' && tenant.status !== 'deleted' && unfinished(tenant) !== 'offboarding';
  const isStray = found !== null && !isOwn(found, { stack: place.stack, tenantId: id });
  const stack = isStray && !needsIt ? null : found;
  const table = await store.dataTables.find(id);
  yield* reconcile(tenant, { gate: await store.gate(id), table, stack }, place);
}

/** Everything that is recorded, then everything that is there of nobody. */
async function* everything(cx: Context): AsyncGenerator<Discrepancy> {
  const place = await placeOf(cx);
  const store = await cx.store();
  const tables = new Set(await store.dataTables.list());
  const stacks = await stacksByTenant(cx, place);
  // Tenants that are created from here on are not taken for missing ones: they are looked up again at the end.
  const seen = new Set<string>();
  const all = store.tenants({ limit: null, after: null }, () => true);
  for await (const tenants of inBatches(all.items, 100)) {
    const gates = await store.gates(tenants.map(({ id }) => id));
    for (const tenant of tenants) {
      const { id } = tenant;
      seen.add(id);
      const table = tables.has(id) ? { isProtected: true } : null;
      const real = { gate: gates.get(id) ?? null, table, stack: stacks.get(id) ?? null };
      const found = reconcile(tenant, real, place);
      // A list is a moment old: what differs is looked at again, alone.
      if (found.length > 0) yield* again(cx, store, tenant);
    }
  }
  for (const id of new Set([...tables, ...stacks.keys()])) {
    if (seen.has(id) || (await store.tenant(id)) !== null) continue;
    yield* strays(id, { table: await store.dataTables.find(id), stack: stacks.get(id) ?? null }, place);
  }
}

async function* again(cx: Context, store: ControlStore, { id }: Tenant): AsyncGenerator<Discrepancy> {
  if ((await store.tenant(id)) !== null) yield* one(cx, id);
}

async function stacksByTenant(cx: Context, { stack, isLocal }: Place): Promise<Map<string, StackState>> {
  const found = new Map<string, StackState>();
  if (isLocal) return found;
  const { stacks } = await cx.cloud();
  for (const state of ownStacks(stack, await stacks.list(tenantStacks(stack)))) {
    const tenantId = kindOf(stack, state.name)?.tenantId ?? null;
    if (tenantId !== null) found.set(tenantId, state);
  }
  return found;
}
