import type { StackState } from '../deploy/ports.ts';
import { isOwn as isOwnStack, tenantStackName } from '../deploy/profile-stacks.ts';
import { standingOf } from '../deploy/states.ts';
import type { GateItem } from '../gate/layout.ts';
import type { TenantMutation } from '../mutation.ts';
import { ownDataTable } from '../schema.ts';
import { change } from './change.ts';
import { gateDrift } from './drift.ts';
import { goOnWith, isHeldByAnother, unfinished } from './operation.ts';
import { activateTenant, finishOffboarding } from './provisioning.ts';
import type { Tenant } from './tenant.ts';

/** What there is of a tenant, beside its profile. */
export interface Reality {
  gate: GateItem | null;
  /** Its own data table, if it is there. */
  table: { isProtected: boolean } | null;
  stack: StackState | null;
}

/** Where it is looked at: `stack` is the profile's. Epoch ms. */
export interface Place {
  stack: string;
  region: string;
  isLocal: boolean;
  now: number;
}

/** What of a tenant is not as its profile says, or is worth knowing. */
export interface Discrepancy {
  tenantId: string;
  check: 'tenant' | 'gate' | 'table' | 'stack' | 'state' | 'api';
  status: 'ok' | 'warn' | 'fail';
  detail: string;
  /** The command to run next. */
  remedy: string | null;
  /** What makes it right and can do no harm; `table`: an empty one in place of the one that is gone. */
  mend: TenantMutation | 'table' | null;
}

/** The stored state against what there is. Empty: they agree, and nothing is under way. */
export function reconcile(tenant: Tenant, real: Reality, place: Place): Discrepancy[] {
  const { id } = tenant;
  const mendable = `saasctl tenant doctor ${id} --yes`;
  const found = [
    ...gateFindings(tenant, real, place),
    ...(tenant.status === 'deleted' || tenant.isolation === 'pool'
      ? leftovers(tenant, real, place)
      : unfinished(tenant) === null
        ? resourceFindings(tenant, real, place)
        : workFindings(tenant, real, place)),
  ];
  return found.map((one) => ({ tenantId: id, ...one, remedy: one.mend === null ? one.remedy : mendable }));
}

type Found = Omit<Discrepancy, 'tenantId'>;

const fail = (check: Found['check'], detail: string, remedy: string | null): Found => ({
  check,
  status: 'fail',
  detail,
  remedy,
  mend: null,
});
const warn = (check: Found['check'], detail: string, remedy: string | null): Found => ({
  ...fail(check, detail, remedy),
  status: 'warn',
});

function gateFindings(tenant: Tenant, { gate }: Reality, { now }: Place): Found[] {
  const { id, status, isolation } = tenant;
  const trail = `saasctl audit list --tenant ${id}`;
  if (gate === null) {
    return [fail('gate', 'it has no gate: no call passes, and what was counted is lost', trail)];
  }
  const found: Found[] = [];
  const lies = gate.iso ?? 'pool';
  if (lies !== isolation && status !== 'deleted') {
    const detail = `the gate sends its data to ${lies}, and it is a ${isolation} tenant`;
    found.push(fail('gate', detail, `saasctl tenant suspend ${id} --yes`));
  }
  // What a gate says besides is of no matter once its tenant is deleted.
  const drift = gateDrift(tenant, gate).filter((one) => status !== 'deleted' || one.startsWith('status'));
  if (drift.length === 0) return found;
  const mend =
    status === 'deleted'
      ? change('tenant.mend', tenant, {}, now, {
          more: [{ edit: 'status', to: 'deleted' }, { edit: 'removeAllKeys' }],
        })
      : change('tenant.mend', tenant, {}, now, { rewrite: true });
  return [
    ...found,
    { ...fail('gate', drift.join('; '), null), mend: gate.status === 'deleted' ? null : mend },
  ];
}

/** A tenant that is ready: its table, its stack, its address. */
function resourceFindings(tenant: Tenant, real: Reality, place: Place): Found[] {
  const table = ownDataTable(place.stack, tenant.id);
  const found: Found[] = [];
  if (real.table === null) {
    const backups = `aws dynamodb list-backups --table-name ${table} --backup-type SYSTEM --region ${place.region}`;
    const detail = `data table ${table} is gone: every call that needs it fails`;
    found.push({
      ...fail('table', detail, backups),
      mend: place.isLocal ? 'table' : null,
    });
  }
  return place.isLocal ? found : [...found, ...stackFindings(tenant, real.stack, place)];
}

function stackFindings(tenant: Tenant, state: StackState | null, place: Place): Found[] {
  const name = tenantStackName(place.stack, tenant.id);
  const deploy = `saasctl deploy --stack ${name}`;
  const look = `aws cloudformation describe-stack-events --stack-name ${name} --region ${place.region}`;
  if (state === null) return [fail('stack', `stack ${name} is gone`, deploy)];
  if (!isOwn(state, tenant, place)) {
    return [fail('stack', `stack ${name} is there, without the tags of this tenant`, look)];
  }
  const said = `stack ${name} is ${state.status}${state.reason ? `: ${state.reason}` : ''}`;
  switch (standingOf(state.status)) {
    case 'ready':
      break;
    case 'changing':
    case 'settling':
      return [warn('stack', said, look)];
    case 'stuck':
    case 'deleting':
      return [fail('stack', said, look)];
    default:
      return [fail('stack', said, deploy)];
  }
  const found: Found[] = [];
  // Only a comparison with the project can tell whether that is well.
  if (state.status.includes('ROLLBACK')) {
    const back = warn('stack', `${said}; what ran before runs on`, 'saasctl deploy status');
    found.push({ ...back, status: 'ok' });
  }
  const apiUrl = state.outputs['ApiUrl'] || null;
  if (apiUrl !== tenant.apiUrl) {
    const detail = `the stack answers at ${apiUrl}, recorded is ${tenant.apiUrl}`;
    found.push({
      ...fail('api', detail, null),
      mend: change('tenant.mend', tenant, { apiUrl }, place.now),
    });
  }
  return found;
}

/** A tenant on its way: by whom, and whether all that is missing is to say that it has arrived. */
function workFindings(tenant: Tenant, real: Reality, place: Place): Found[] {
  const { status, operation, failure, updatedAt } = tenant;
  const next = goOnWith(tenant);
  if (failure !== null) {
    const detail = `failed at ${failure.at}, ${failure.during}, step ${failure.step}: ${failure.error}`;
    return [fail('state', detail, next)];
  }
  if (isHeldByAnother(operation, { id: '', now: place.now })) {
    return [warn('state', `${status} since ${operation?.startedAt}, by ${operation?.actor}, at work`, null)];
  }
  const since = operation?.startedAt ?? updatedAt;
  const gone = `${status} since ${since}, and nobody is at work on it`;
  const mend = arrived(tenant, real, place);
  if (mend !== null) return [{ ...fail('state', `${gone}; all is as it should be`, next), mend }];
  return [fail('state', gone, next)];
}

/** The step that was all that was left, or `null`. */
function arrived(tenant: Tenant, { table, stack }: Reality, place: Place): TenantMutation | null {
  if (tenant.status === 'offboarding') {
    return place.isLocal || stack === null ? finishOffboarding(tenant, place.now) : null;
  }
  if (tenant.status !== 'provisioning' || table === null) return null;
  if (place.isLocal) return activateTenant(tenant, null, place.now);
  if (stack === null || !isOwn(stack, tenant, place)) return null;
  const isComplete = standingOf(stack.status) === 'ready' && !stack.status.includes('ROLLBACK');
  if (!isComplete || stack.parameters['Isolation'] !== tenant.isolation) return null;
  // Protection is its last step: the command that makes the tenant goes on with it.
  if (stack.parameters['DeletionProtection'] !== 'true') return null;
  return activateTenant(tenant, stack.outputs['ApiUrl'] || null, place.now);
}

/** What a tenant has that it should not have, or no more. */
function leftovers(tenant: Tenant, real: Reality, place: Place): Found[] {
  const found: Found[] = [];
  const why = tenant.status === 'deleted' ? 'the tenant is deleted' : 'the tenant is in the pool';
  if (real.stack !== null) found.push(strayStack(tenant.id, why, place));
  if (real.table !== null) {
    const status = tenant.status === 'deleted' ? 'ok' : 'warn';
    found.push({ ...strayTable(tenant.id, real.table, why, place), status });
  }
  return found;
}

/** Of no tenant at all. */
export function strays(
  id: string,
  { table, stack }: Pick<Reality, 'table' | 'stack'>,
  place: Place,
): Discrepancy[] {
  const found: Found[] = [];
  if (stack !== null) found.push(strayStack(id, 'there is no such tenant', place));
  if (table !== null) found.push(strayTable(id, table, 'there is no such tenant', place));
  return found.map((one) => ({ tenantId: id, ...one }));
}

function strayStack(id: string, why: string, { stack }: Place): Found {
  const name = tenantStackName(stack, id);
  return fail('stack', `stack ${name} is there: ${why}`, `saasctl destroy ${name} --confirm ${name}`);
}

function strayTable(id: string, { isProtected }: { isProtected: boolean }, why: string, place: Place): Found {
  const table = ownDataTable(place.stack, id);
  const remedy = place.isLocal ? null : deleteTableCommand(table, place.region, isProtected);
  return warn('table', `data table ${table} is kept: ${why}`, remedy);
}

/** The command that deletes a table, and with it the data in it. */
export function deleteTableCommand(table: string, region: string, isProtected: boolean): string {
  const on = `--table-name ${table} --region ${region}`;
  const unprotect = isProtected
    ? `aws dynamodb update-table ${on} --no-deletion-protection-enabled && aws dynamodb wait table-exists ${on} && `
    : '';
  return `${unprotect}aws dynamodb delete-table ${on}`;
}

const isOwn = (state: StackState, { id }: Tenant, { stack }: Place): boolean =>
  isOwnStack(state, { stack, tenantId: id });
