import { stackName } from '../../config/stack-names.ts';
import { destroyStack } from '../../core/deploy/destroy.ts';
import { stackTaken } from '../../core/deploy/failures.ts';
import { type Following, follow } from '../../core/deploy/follow.ts';
import { patientCloud } from '../../core/deploy/patient-cloud.ts';
import type { Cloud, StackState } from '../../core/deploy/ports.ts';
import { isOwn } from '../../core/deploy/profile-stacks.ts';
import { fateOf, refuseLoss } from '../../core/deploy/retention.ts';
import type { Deployed } from '../../core/deploy/run.ts';
import { standingOf } from '../../core/deploy/states.ts';
import { SaasctlError } from '../../core/errors.ts';
import { goOnWith } from '../../core/tenants/operation.ts';
import { deleteTableCommand } from '../../core/tenants/reconcile.ts';
import type { Tenant } from '../../core/tenants/tenant.ts';
import type { Context } from '../context.ts';
import { deployTarget, type StackDeploy } from '../stack-deploy.ts';
import type { TenantResources, Work } from './resources.ts';

/** On AWS what a tenant has to itself is a stack: of a silo the whole of it, of a bridge the data table alone. */
export async function stackResources(cx: Context): Promise<TenantResources> {
  const { profile, profileName, file } = await cx.config();
  const { stack, region, deploy: stated } = profile;
  const nameOf = ({ id }: Tenant) => stackName(stack, { kind: 'silo', tenantId: id });
  const ownerOf = ({ id }: Tenant) => ({ stack, tenantId: id });

  const deploy = async (tenant: Tenant, how: Pick<StackDeploy, 'dryRun' | 'waiting'>): Promise<Deployed> => {
    const cloud = how.waiting === undefined ? await cx.cloud() : await patient(cx, how.waiting.pause);
    return deployTarget(cx, cloud, {
      target: { kind: 'silo', tenantId: tenant.id },
      tenant: { isolation: tenant.isolation === 'bridge' ? 'bridge' : 'silo' },
      allowReplace: false,
      // What is made for a new tenant was asked for by the command itself; user data is never replaced here.
      ask: false,
      command: goOnWith(tenant) ?? `saasctl deploy --stack ${nameOf(tenant)}`,
      ...how,
    });
  };

  return {
    checkCode() {
      if (stated?.service === undefined && stated?.silo?.code === undefined) throw noCode(profileName, file);
    },

    async stranger(id) {
      const { stacks } = await cx.cloud();
      const state = await stacks.describe(stackName(stack, { kind: 'silo', tenantId: id }));
      const owner = { stack, tenantId: id };
      if (state === null || standingOf(state.status) === 'deleting' || isOwn(state, owner)) return null;
      return stackTaken(state, owner);
    },

    async preview(tenant) {
      const { changes } = await deploy(tenant, { dryRun: true });
      return changes.map(({ action, logicalId, type, replacement }) => ({
        action,
        logicalId,
        type,
        replacement,
      }));
    },

    async make(tenant, work) {
      work.begin('stack', `making stack ${nameOf(tenant)}`);
      const { outputs } = await deploy(tenant, {
        dryRun: false,
        waiting: { say: work.say, pause: (ms) => pausing(cx, work, ms) },
      });
      return { apiUrl: outputs['ApiUrl'] || null };
    },

    async checkRemoval(tenant) {
      const { stacks } = await cx.cloud();
      const state = await stacks.describe(nameOf(tenant));
      if (state === null || standingOf(state.status) === 'deleting' || !isOwn(state, ownerOf(tenant))) return;
      const { loses } = await fateOf(stacks, state, cx.deps);
      refuseLoss(loses, nameOf(tenant));
    },

    async remove(tenant, work) {
      work.begin('stack', `taking down stack ${nameOf(tenant)}`);
      const cloud = await patient(cx, (ms) => pausing(cx, work, ms));
      const state = await cloud.stacks.describe(nameOf(tenant));
      if (state !== null && !isOwn(state, ownerOf(tenant))) {
        cx.note(`the stack ${nameOf(tenant)} is not the tenant’s, by its tags: it is left alone`);
      } else if (state !== null) {
        const hooks: Following = {
          onEvent: ({ logicalId, status }) => work.say(`${nameOf(tenant)}: ${logicalId} ${status}`),
          signal: cx.deps.signal,
          pause: (ms) => pausing(cx, work, ms),
        };
        const command = goOnWith(tenant) ?? `saasctl destroy ${nameOf(tenant)}`;
        await takeDown(cloud, state, { stack, command }, hooks);
      }
      // Of an interruption while it was followed.
      await work.goOn();
    },

    async kept({ id }) {
      const { dataTables } = await cx.store();
      const found = await dataTables.find(id);
      const table = dataTables.name(id);
      return found === null ? [] : [{ table, remove: deleteTableCommand(table, region, found.isProtected) }];
    },
  };
}

const noCode = (profile: string, file: string): SaasctlError =>
  new SaasctlError({
    code: 'no_silo_code',
    category: 'config',
    message: `profile ${profile} does not say what a silo runs: its API would be the example that ships`,
    hint: 'state deploy.service, or deploy.silo.code for tenants’ own stacks alone; "service": {} is the example; this command recorded and made nothing',
    next: `edit ${file} and run the command again`,
  });

/** The account, waiting for it with a pause that keeps the hold. */
const patient = async (cx: Context, pause: (ms: number) => Promise<void>): Promise<Cloud> =>
  patientCloud(await cx.cloud(), { pause, signal: cx.deps.signal, onNote: (text) => cx.note(text) });

async function pausing(cx: Context, work: Work, ms: number): Promise<void> {
  // An interrupt is the engine's own to see: it says what CloudFormation goes on with.
  if (!cx.deps.signal.aborted) await work.goOn();
  await cx.deps.pause(ms);
}

/** Deletes the stack, after whatever is under way with it. Its template retains the table. */
async function takeDown(
  cloud: Cloud,
  state: StackState,
  { stack, command }: { stack: string; command: string },
  hooks: Following,
): Promise<void> {
  const standing = standingOf(state.status);
  if (standing === 'changing' || standing === 'settling') {
    const ended = await follow(cloud.stacks, state, null, hooks);
    if (ended.interrupted) return;
  }
  const request = { name: state.name, stack, dryRun: false, command };
  // The command has asked already.
  await destroyStack(cloud, request, { ...hooks, confirm: async () => {} });
}
