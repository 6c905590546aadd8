import type { Config } from '../config/load.ts';
import { SaasctlError } from '../core/errors.ts';
import { gateCost, sizeWarning } from '../core/gate/size.ts';
import type { ControlStore } from '../core/ports.ts';
import { gateDrift } from '../core/tenants/drift.ts';
import { takesJwts } from '../core/tenants/jwt-access.ts';
import { applyPlan } from '../core/tenants/mutations.ts';
import { unfinished } from '../core/tenants/operation.ts';
import { asTyped } from '../ui/error.ts';

import { inBatches } from './batches.ts';
import type { Backend, Context, Host } from './context.ts';
import { define, onRun } from './define.ts';
import { attempt, type Finding, few, ok } from './finding.ts';

export function doctor(host: Host) {
  const command = define('doctor', {
    summary:
      'Check Node, engine, configuration, deployment, store, clock, drift and billing, each with its remedy',
    details:
      'Exit code 0: all well, warnings included; 2: something is broken; 8: stored and real state differ.',
    examples: ['doctor', 'doctor -o json'],
    exits: [8],
  });
  return onRun(host, command, runDoctor);
}

async function runDoctor(cx: Context): Promise<void> {
  const found: Finding[] = [];
  async function* findings(): AsyncGenerator<Finding> {
    for await (const { remedy, ...rest } of examine(cx)) {
      const finding = { ...rest, remedy: remedy && asTyped(remedy, cx.globals.named) };
      found.push(finding);
      yield finding;
    }
  }
  await cx.print({
    kind: 'list',
    items: findings(),
    id: ({ check }) => check,
    columns: [
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
  const broken = found.filter(({ status }) => status === 'fail');
  if (broken.length === 0) return;
  const drift = broken.every(({ check }) => check === 'gates' || check === 'ledger');
  throw new SaasctlError({
    code: drift ? 'drift' : 'unhealthy',
    category: drift ? 'pending' : 'config',
    message: `${broken.map(({ check }) => check).join(', ')}: not as it should be`,
    next: broken[0]?.remedy ?? undefined,
  });
}

/** The checks in the order in which one needs the other; the first that fails hides those behind it. */
async function* examine(cx: Context): AsyncGenerator<Finding> {
  const host = await cx.deps.host();
  yield ok('saasctl', cx.deps.version);
  yield nodeVersion(host.node);
  const config = await attempt('config', () => cx.config());
  if ('finding' in config) return yield config.finding;
  const { file, profileName, isLocal, warnings } = config.value;
  yield ok('config', `${file}, profile ${profileName}`);
  for (const warning of warnings) yield { check: 'config', status: 'warn', detail: warning, remedy: null };
  if (isLocal) yield engineFound(host.engine);
  const { deployment } = await import('./doctor-deploy.ts');
  if (!(yield* deployment(cx, config.value))) return;
  const backend = await attempt('store', () => cx.backend());
  if ('finding' in backend) return yield backend.finding;
  yield ok('store', `${config.value.profile.stack}-* answers, as ${backend.value.actor}`);
  yield clock(backend.value);
  yield* drift(config.value, backend.value.store, cx.now());
  const { billing } = await import('./doctor-billing.ts');
  yield* billing(cx, backend.value);
  const { costFindings } = await import('./doctor-cost.ts');
  yield await costFindings(cx, config.value);
}

function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.replace('v', '').split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 17)) {
    return {
      check: 'node',
      status: 'fail',
      detail: `${version} is too old`,
      remedy: 'install Node 20.17 or newer',
    };
  }
  if (major < 22) {
    const detail = `${version} works here, but is out of support, and the AWS SDK drops it`;
    return { check: 'node', status: 'warn', detail, remedy: 'install Node 24' };
  }
  return ok('node', version);
}

function engineFound(engine: { path: string; version: string } | { missing: string }): Finding {
  if ('path' in engine) return ok('engine', `${engine.version} at ${engine.path}`);
  return {
    check: 'engine',
    status: 'warn',
    detail: engine.missing,
    remedy: 'or set AWS_ENDPOINT_URL_DYNAMODB',
  };
}

/** Stripe refuses events five minutes ahead, AWS signatures five minutes off. */
const WORST_SKEW_MS = 120_000;

function clock({ clockSkewMs }: Backend): Finding {
  if (clockSkewMs === null) return ok('clock', 'this machine’s own, as the engine’s');
  const seconds = Math.round(clockSkewMs / 1000);
  if (Math.abs(clockSkewMs) <= WORST_SKEW_MS) return ok('clock', `${seconds} s from AWS`);
  return {
    check: 'clock',
    status: 'fail',
    detail: `${seconds} s from AWS`,
    remedy: 'set the clock: timedatectl set-ntp true',
  };
}

/** Gates against profiles, profiles against the plans of the project file. */
async function* drift(
  { project, profile }: Config,
  store: ControlStore,
  now: number,
): AsyncGenerator<Finding> {
  let count = 0;
  const outdated: string[] = [];
  const differing: string[] = [];
  const heavy: string[] = [];
  const halfway: string[] = [];
  const living = store.tenants({ limit: null, after: null }, ({ status }) => status !== 'deleted');
  for await (const tenants of inBatches(living.items, 100)) {
    const gates = await store.gates(tenants.map(({ id }) => id));
    for (const tenant of tenants) {
      const gate = gates.get(tenant.id);
      const plan = Object.hasOwn(project.plans, tenant.plan) ? project.plans[tenant.plan] : undefined;
      const size = gate === undefined ? null : sizeWarning(gateCost(gate));
      if (size !== null) heavy.push(`${tenant.id}: ${size}`);
      if (unfinished(tenant) !== null) halfway.push(`${tenant.id} is ${tenant.status}`);
      if (gate === undefined) differing.push(`${tenant.id} has no gate`);
      else differing.push(...gateDrift(tenant, gate).map((what) => `${tenant.id}: ${what}`));
      if (gate !== undefined && profile.jwt !== undefined && !takesJwts(gate))
        differing.push(`${tenant.id}: takes no JWTs, as the profile does`);
      if (plan === undefined) outdated.push(`${tenant.id} (plan ${tenant.plan} is not in the file)`);
      else if (applyPlan(tenant, { name: tenant.plan, ...plan }, false, now).outcome !== 'unchanged')
        outdated.push(tenant.id);
    }
    count += tenants.length;
  }
  yield differing.length === 0
    ? ok('gates', `${count} tenants, each gate as its profile says`)
    : { check: 'gates', status: 'fail', detail: few(differing), remedy: 'saasctl plan apply' };
  if (halfway.length > 0)
    yield { check: 'tenants', status: 'warn', detail: few(halfway), remedy: 'saasctl tenant doctor' };
  if (heavy.length > 0) {
    const remedy = `saasctl key list --tenant ${heavy[0]?.split(':')[0]}`;
    yield {
      check: 'gate size',
      status: 'warn',
      detail: `${few(heavy)}; revoke keys that are not used`,
      remedy,
    };
  }
  yield outdated.length === 0
    ? ok('plans', 'every tenant has its plan as the file has it')
    : {
        check: 'plans',
        status: 'warn',
        detail: `not yet applied to ${few(outdated)}`,
        remedy: 'saasctl plan apply --dry-run',
      };
}
