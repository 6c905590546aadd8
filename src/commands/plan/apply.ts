import { SaasctlError } from '../../core/errors.ts';
import type { GateItem } from '../../core/gate/layout.ts';
import type { Change } from '../../core/mutation.ts';
import { findPlan, type Plan } from '../../core/plans.ts';
import type { ControlStore } from '../../core/ports.ts';
import { gateDrift } from '../../core/tenants/drift.ts';
import { takesJwts } from '../../core/tenants/jwt-access.ts';
import { applyPlan } from '../../core/tenants/mutations.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import { renderChanges } from '../../ui/plan.ts';
import { inBatches } from '../batches.ts';
import type { Context, Host } from '../context.ts';
import { define, dryRunOption, onRun } from '../define.ts';
import { confirmDanger, mutate } from '../mutate.ts';
import { existing } from '../tenant-lookup.ts';

type Row = {
  tenantId: string;
  plan: string;
  outcome: 'updated' | 'unchanged' | 'planned' | 'failed';
  error: string | null;
};

export function apply(host: Host) {
  const command = define('apply [plan]', {
    summary: 'Carry the plans as they stand in the project file to the tenants on them',
    details:
      'Limits and inherited key rates change live. A tenant’s own limits and keys with a rate of their own stay.\nStopped half-way, the same command does the rest.',
    examples: ['plan apply pro --dry-run', 'plan apply --yes'],
    exits: [7],
  }).addOption(dryRunOption());
  return onRun(host, command, runApply);
}

async function runApply(
  cx: Context,
  name: string | undefined,
  { dryRun }: { dryRun?: boolean },
): Promise<void> {
  const { project, profile } = await cx.config();
  const jwt = profile.jwt !== undefined;
  const plans = new Map<string, Plan>(
    (name === undefined ? Object.keys(project.plans) : [name]).map((plan) => [
      plan,
      findPlan(project.plans, plan),
    ]),
  );
  const store = await cx.store();
  const outdated = await outdatedTenants(store, plans, jwt, cx.now());
  if (!dryRun && outdated.length > 0) {
    await confirmDanger(
      cx,
      'moderate',
      `apply to ${outdated.length} tenant${outdated.length === 1 ? '' : 's'}`,
      '',
      summary(cx, outdated),
    );
  }
  // All of the work before any of the output: a reader that goes away must not stop it half-way.
  const rows: Row[] = [];
  for (const { tenant } of outdated) {
    if (cx.deps.signal.aborted) break;
    rows.push(await applyToOne(cx, tenant.id, plans, jwt, dryRun));
  }
  await cx.print<Row>({
    kind: 'list',
    items: rows,
    id: ({ tenantId }) => tenantId,
    columns: [
      { header: 'tenant', value: ({ tenantId }) => tenantId },
      { header: 'plan', value: ({ plan }) => plan },
      { header: 'outcome', value: ({ outcome }) => outcome },
      { header: 'error', value: ({ error }) => error },
    ],
    empty: 'every tenant has its plan as the project file has it',
  });
  if (rows.length < outdated.length) {
    throw new SaasctlError({
      code: 'interrupted',
      category: 'interrupted',
      message: `interrupted after ${rows.length} of ${outdated.length} tenants`,
      hint: 'those are done; the same command does the rest',
    });
  }
  const failed = rows.filter(({ outcome }) => outcome === 'failed').length;
  if (failed > 0) {
    throw new SaasctlError({
      code: 'plan_apply_incomplete',
      category: 'partial',
      message: `${failed} of ${rows.length} tenants could not be changed`,
      hint: 'the others were; nothing is applied twice',
      next: `saasctl plan apply${name === undefined ? '' : ` ${name}`}`,
      retryable: true,
    });
  }
}

async function outdatedTenants(
  store: ControlStore,
  plans: ReadonlyMap<string, Plan>,
  jwt: boolean,
  now: number,
) {
  const outdated: { tenant: Tenant; changes: Change[] }[] = [];
  const on = store.tenants(ALL, ({ status, plan }) => status !== 'deleted' && plans.has(plan));
  for await (const tenants of inBatches(on.items, 100)) {
    const gates = await store.gates(tenants.map(({ id }) => id));
    for (const tenant of tenants) {
      const gate = gates.get(tenant.id) ?? null;
      const { outcome, changes } = planFor(tenant, gate, plans, jwt, now);
      if (outcome !== 'unchanged') outdated.push({ tenant, changes });
    }
  }
  return outdated;
}

const ALL = { limit: null, after: null };
const hasDrifted = (tenant: Tenant, gate: GateItem | null): boolean =>
  gate !== null && gateDrift(tenant, gate).length > 0;

function planFor(
  tenant: Tenant,
  gate: GateItem | null,
  plans: ReadonlyMap<string, Plan>,
  jwt: boolean,
  now: number,
) {
  const addJwt = jwt && gate !== null && !takesJwts(gate);
  return applyPlan(tenant, plans.get(tenant.plan), hasDrifted(tenant, gate), now, addJwt);
}

const SHOWN = 5;

function summary(cx: Context, outdated: Awaited<ReturnType<typeof outdatedTenants>>): string {
  const lines = outdated
    .slice(0, SHOWN)
    .map(({ tenant, changes }) => `${tenant.id}\n${renderChanges(changes, cx.paint)}`);
  if (outdated.length > SHOWN) lines.push(`… and ${outdated.length - SHOWN} more`);
  return lines.join('\n');
}

async function applyToOne(
  cx: Context,
  id: string,
  plans: ReadonlyMap<string, Plan>,
  jwt: boolean,
  dryRun: boolean | undefined,
): Promise<Row> {
  let plan = '';
  try {
    const { mutation, planned } = await mutate(cx, {
      plan: async (store) => {
        const tenant = await existing(store.tenant(id), id);
        plan = tenant.plan;
        return planFor(tenant, await store.gate(id), plans, jwt, cx.now());
      },
      danger: 'mild',
      doing: `apply plan to ${id}`,
      id,
      dryRun,
    });
    return {
      tenantId: id,
      plan,
      outcome: planned ? 'planned' : (mutation.outcome as 'updated' | 'unchanged'),
      error: null,
    };
  } catch (error) {
    if (!(error instanceof SaasctlError) || error.category === 'interrupted') throw error;
    return { tenantId: id, plan, outcome: 'failed', error: error.message };
  }
}
