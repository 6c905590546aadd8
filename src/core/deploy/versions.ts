import { SaasctlError } from '../errors.ts';
import type { StackState } from './ports.ts';

/** The tag with the version of the tool that deployed a stack last. */
export const VERSION_TAG = 'saasctl-version';

/** The parameters that name zips, by the hash of their bytes. */
export const CODE_PARAMETERS = ['AuthorizerKey', 'BillingSyncKey', 'HandlerKey'] as const;

export interface Versions {
  /** The tool that deployed last; `null`: not known. */
  deployed: string | null;
  /** This tool against that one. */
  tool: 'same' | 'newer' | 'older' | 'unknown';
  /** The code of this machine against what runs; `null` where the stack holds none, or it is not known. */
  code: 'same' | 'different' | null;
  /** The zips that run, by parameter. */
  running: Record<string, string>;
}

/** What a stack runs, beside this tool's version and the zip keys (by parameter) that it would deploy. */
export function versionsOf(
  { tags, parameters }: Pick<StackState, 'tags' | 'parameters'>,
  version: string,
  keys: Readonly<Record<string, string>>,
): Versions {
  const deployed = tags[VERSION_TAG] ?? null;
  const order = deployed === null ? null : compareVersions(version, deployed);
  const running = Object.fromEntries(
    CODE_PARAMETERS.flatMap((name) => (parameters[name] ? [[name, parameters[name]]] : [])),
  );
  const compared = Object.keys(running).filter((name) => keys[name] !== undefined);
  const differ = compared.some((name) => keys[name] !== running[name]);
  return {
    deployed,
    tool: order === null ? 'unknown' : order === 0 ? 'same' : order > 0 ? 'newer' : 'older',
    code: compared.length === 0 ? null : differ ? 'different' : 'same',
    running,
  };
}

/**
 * Refuses to deploy over what a newer tool has deployed: its code may rely on what this one would take away. Throws
 * `older_tool` (category conflict).
 */
export function refuseDowngrade(state: StackState, version: string): void {
  const { deployed, tool } = versionsOf(state, version, {});
  if (tool !== 'older' || deployed === null) return;
  throw new SaasctlError({
    code: 'older_tool',
    category: 'conflict',
    message: `${state.name} was deployed by saasctl ${deployed}, and this is ${version}`,
    hint: 'an older tool does not know what the newer one relies on; nothing was changed',
    next: `npm install --save-dev saasctl@${deployed}`,
  });
}

/** Below, above or 0, as semver orders versions (semver.org, 11); `null` where either is none. */
export function compareVersions(a: string, b: string): number | null {
  const [left, right] = [parsed(a), parsed(b)];
  if (left === null || right === null) return null;
  for (const [i, part] of left.core.entries()) {
    const other = right.core[i] ?? 0;
    if (part !== other) return part - other;
  }
  if (left.pre.length === 0 || right.pre.length === 0) return right.pre.length - left.pre.length;
  for (let i = 0; i < Math.max(left.pre.length, right.pre.length); i++) {
    const order = comparePart(left.pre[i], right.pre[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (left && right) return Number(a) - Number(b);
  if (left !== right) return left ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function parsed(version: string): { core: number[]; pre: string[] } | null {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/.exec(version);
  if (match === null) return null;
  return { core: match.slice(1, 4).map(Number), pre: match[4]?.split('.') ?? [] };
}
