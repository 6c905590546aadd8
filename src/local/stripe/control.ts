/**
 * What can go wrong with a request. `before` and `after` say whether it was carried out first:
 * `drop`: the connection is cut. `hang`: no answer ever comes. `error`: 500, stored under the idempotency key.
 * `unavailable`: 503, never seen by the account. `html`: a page of a proxy instead. `empty`: 200 without a body.
 * `duplicate`: the network delivers it twice, the second time without its idempotency key.
 */
export const FAULTS = [
  'drop_before',
  'drop_after',
  'hang_before',
  'hang_after',
  'error_before',
  'error_after',
  'unavailable',
  'html_before',
  'html_after',
  'empty_before',
  'empty_after',
  'duplicate',
] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface Fault {
  kind: FaultKind;
  /** Requests that it meets; all unless stated. `path` is a beginning, `contains` a part of the body. */
  method?: string;
  path?: string;
  contains?: string;
  /** That many are spared first; then that many are met (`null`: all of them, from then on); each by this chance. */
  skip?: number;
  times?: number | null;
  chance?: number;
}

export interface Settings {
  /** Epoch ms at which time stands still; `null`: it goes on. */
  clock: number | null;
  /** Added to the time that goes on. */
  clockOffsetMs: number;
  latencyMs: number;
  /** Requests a second and mode; more are answered 429. `null`: no limit. */
  perSecond: number | null;
  /** `Retry-After` of a 429, seconds; Stripe sends none. */
  retryAfter: number | null;
  /** Summaries and previews lack what came within this many ms. */
  lagMs: number;
  /** Whether an event for an unknown customer is refused, or taken and reported later. */
  customerErrors: 'sync' | 'async';
  /** API keys that are not good for everything. */
  keys: Record<string, 'revoked' | 'expired' | 'restricted'>;
  faults: Fault[];
}

export interface Control {
  settings: Settings;
  now(): number;
  /** Sets what is given. Throws an `Error` that names what it does not know. */
  change(patch: Partial<Settings>): void;
  /** The fault that meets this request, or `null`. */
  faultFor(method: string, path: string, body: string): FaultKind | null;
}

export function createControl(clock: () => number, random: () => number): Control {
  const settings: Settings = {
    clock: null,
    clockOffsetMs: 0,
    latencyMs: 0,
    perSecond: null,
    retryAfter: null,
    lagMs: 0,
    customerErrors: 'sync',
    keys: {},
    faults: [],
  };
  return {
    settings,
    now: () => settings.clock ?? clock() + settings.clockOffsetMs,
    change(patch) {
      for (const name of Object.keys(patch)) {
        if (!Object.hasOwn(settings, name)) throw new Error(`there is no setting ${JSON.stringify(name)}`);
      }
      for (const { kind } of patch.faults ?? []) {
        if (!FAULTS.includes(kind)) throw new Error(`there is no fault ${JSON.stringify(kind)}`);
      }
      // Copies, because they are counted down.
      Object.assign(settings, patch, patch.faults && { faults: patch.faults.map((one) => ({ ...one })) });
    },
    faultFor(method, path, body) {
      for (const fault of settings.faults) {
        const isMeant =
          (fault.method ?? method) === method &&
          path.startsWith(fault.path ?? '') &&
          body.includes(fault.contains ?? '');
        if (!isMeant || !isDue(fault, random)) continue;
        return fault.kind;
      }
      return null;
    },
  };
}

function isDue(fault: Fault, random: () => number): boolean {
  if ((fault.skip ?? 0) > 0) {
    fault.skip = (fault.skip ?? 0) - 1;
    return false;
  }
  const left = fault.times === undefined ? 1 : fault.times;
  if (left === 0 || random() >= (fault.chance ?? 1)) return false;
  fault.times = left === null ? null : left - 1;
  return true;
}
