import { resolve } from 'node:path';
import type { Config } from '../config/load.ts';
import { stackName, type Target } from '../config/stack-names.ts';
import { stripeKeyParameter, templateParameters } from '../config/template-parameters.ts';
import { fillParameters } from '../core/deploy/parameters.ts';
import type { Cloud, StackKind, StackState } from '../core/deploy/ports.ts';
import { standingOf } from '../core/deploy/states.ts';
import { VERSION_TAG } from '../core/deploy/versions.ts';
import { SaasctlError } from '../core/errors.ts';
import type { CodeName, Context, Zip } from './context.ts';

/** One stack as the project wants it: what the engine makes a change set of. */
export interface StackSource {
  name: string;
  kind: StackKind;
  body: string;
  /** Every one that the template declares. */
  parameters: Record<string, string>;
  tags: Record<string, string>;
  /** What must lie in the code bucket before the stack is made. */
  zips: Zip[];
  /** The code bucket. */
  bucket: string;
}

/** Which zip a template takes by which parameter. */
const CODE: Readonly<Record<StackKind, Readonly<Record<string, CodeName>>>> = {
  bootstrap: {},
  core: { AuthorizerKey: 'authorizer', BillingSyncKey: 'billing-sync' },
  service: { HandlerKey: 'service' },
  guardrails: {},
  silo: { HandlerKey: 'service' },
};

/** What one tenant's own stack is told besides. */
export interface TenantPart {
  isolation: 'silo' | 'bridge';
}

/**
 * What a stack is to be: its template, code and parameters. A parameter has the value that the profile states for it,
 * else what the tool knows by its name: settings, keys of zips, outputs of the stacks it builds on. How a tenant is
 * isolated is its stack's own to know, where `tenant` does not say.
 */
export async function stackSource(
  cx: Context,
  cloud: Cloud,
  target: Target,
  tenant: TenantPart | null = null,
): Promise<StackSource> {
  const config = await cx.config();
  const { profile, dir } = config;
  const { stack, deploy } = profile;
  const { kind } = target;
  const name = stackName(stack, target);
  const own = kind === 'service' || kind === 'silo' ? deploy?.[kind] : undefined;
  const path = (relative: string | undefined) => (relative === undefined ? null : resolve(dir, relative));
  // A tenant's own functions are the service's, unless the project says otherwise.
  const code = path(own?.code ?? (kind === 'silo' ? deploy?.service?.code : undefined));
  const body = await cx.deps.artifacts.template(kind, path(own?.template));
  const zips: Zip[] = [];
  const keys: Record<string, string> = {};
  for (const [parameter, what] of Object.entries(CODE[kind])) {
    const zip = await cx.deps.artifacts.zip(what, code);
    zips.push(zip);
    keys[parameter] = zip.key;
  }
  const [bootstrap, core, current] = await Promise.all([
    cloud.stacks.describe(stackName(stack, { kind: 'bootstrap' })),
    kind === 'core' || kind === 'bootstrap' ? null : cloud.stacks.describe(stack),
    cloud.stacks.describe(name),
  ]);
  if (kind === 'service' || kind === 'silo') needCore(stack, core);
  const previous = isThere(current) ? current : null;
  const isolation = tenant?.isolation ?? previous?.parameters['Isolation'];
  const known: Record<string, string> = {
    ...templateParameters(config, await canBill(cloud, config)),
    ...inherited(core),
    // Where the core has no JWTs any more, nobody else has.
    JwtAuthorizerId: '',
    ...bootstrap?.outputs,
    ...core?.outputs,
    ...keys,
    ...(target.kind === 'silo' ? { TenantId: target.tenantId } : {}),
    ...(isolation === undefined ? {} : { Isolation: isolation }),
    DeletionProtection: 'true',
  };
  const given = deploy?.parameters?.[kind] ?? {};
  return {
    name,
    kind,
    body,
    parameters: fillParameters({
      kind,
      template: await cloud.stacks.template(body),
      given,
      known,
      previous,
    }),
    bucket: known['CodeBucket'] ?? '',
    tags: {
      'saasctl-stack': stack,
      // A stack's tags spread to its resources: what tenants share has none, or Cost Explorer would not find it.
      ...(target.kind === 'silo' ? { 'saasctl-tenant': target.tenantId } : {}),
      [VERSION_TAG]: cx.deps.version,
    },
    zips,
  };
}

const UNMADE: ReadonlySet<string> = new Set(['empty', 'unborn', 'deleting', 'undeletable']);

/** Whether a stack has been made, and not deleted since. */
export const isThere = (state: StackState | null): state is StackState =>
  state !== null && state.status !== 'CREATE_IN_PROGRESS' && !UNMADE.has(standingOf(state.status));

/** Uploads what a stack is made of; what lies there already is left alone. */
export async function uploadCode(cloud: Cloud, { zips, bucket }: StackSource): Promise<void> {
  for (const { key, bytes } of zips) await cloud.code.put(bucket, key, bytes);
}

/** What is one thing in all stacks of a profile, and stated for its core. */
const SHARED = [
  'AmbiguousPolicy',
  'OperatorRoleArn',
  'SecretsKmsKeyArn',
  'LogRetentionDays',
  'PointInTimeRecovery',
];

const inherited = (core: StackState | null): Record<string, string> =>
  Object.fromEntries(Object.entries(core?.parameters ?? {}).filter(([name]) => SHARED.includes(name)));

function needCore(stack: string, core: StackState | null): void {
  if (isThere(core)) return;
  throw new SaasctlError({
    code: 'core_missing',
    category: 'config',
    message: `the stack ${stack} is not deployed, and this one builds on it`,
    hint: 'nothing was changed',
    next: 'saasctl deploy',
  });
}

/** Whether the scheduled sync has a key to bill with; it is deployed once it has. */
async function canBill(cloud: Cloud, { profile }: Config): Promise<boolean> {
  const named = profile.deploy?.stripeKey;
  if (named !== undefined && 'secret' in named) return true;
  return cloud.secrets.exists(stripeKeyParameter(profile));
}
