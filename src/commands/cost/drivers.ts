import { ageNote, changedSince, meteredMonths, stillHolds, storeCheck } from '../../core/cost/metered.ts';
import type { Census, ListedTenant, MeterCache, MeteredMonth } from '../../core/cost/types.ts';
import { SaasctlError } from '../../core/errors.ts';
import type { UsageItem } from '../../core/usage/usage.ts';

/** Tenants whose usage is held at a time. */
const AT_ONCE = 1000;
/** How often usage is read again that was being folded meanwhile; a fold moves a day once. */
const TRIES = 3;

export interface Metered {
  /** One a month asked for, in that order. */
  months: readonly MeteredMonth[];
  notes: readonly string[];
}

/**
 * What was metered in the months, ascending. A month that cannot change any more is read once and kept for ever; a
 * later one of a large stack for hours, and of the tenants that changed meanwhile it is read again. `fresh`: nothing
 * that was kept is used.
 */
export async function metered(
  census: Census,
  cache: MeterCache,
  listing: Promise<readonly ListedTenant[]>,
  { months, now, fresh }: { months: readonly string[]; now: number; fresh: boolean },
): Promise<Metered> {
  const notes: string[] = [];
  const readAt = new Date(now).toISOString();
  const found: MeteredMonth[] = [];
  // Read while the tenants are being listed.
  for (const month of fresh ? [] : months)
    found.push(...[await cache.read(month)].filter((one) => one !== null));
  const tenants = await listing;
  const isOfStore = storeCheck(tenants);
  const kept = new Map<string, MeteredMonth>();
  for (const one of found) {
    if (!stillHolds(one.month, one.readAt, tenants.length, now)) continue;
    if (isOfStore(one)) kept.set(one.month, one);
    else notes.push(`the usage kept of ${one.month} is of another store: it was read again`);
  }
  const missing = months.filter((month) => !kept.has(month));
  const everybody = tenants.map(({ id }) => id);
  const read = new Map<string, MeteredMonth>();
  for (const month of await readMonths(census, everybody, missing, readAt)) {
    read.set(month.month, month);
    await cache.write(month);
  }
  for (const month of kept.values()) {
    const changed = changedSince(month, tenants);
    const [again] = await readMonths(census, changed, changed.length === 0 ? [] : [month.month], readAt);
    if (again !== undefined) kept.set(month.month, withAgain(month, again, changed));
    const note = ageNote(month, now);
    if (note !== null) notes.push(note);
  }
  return {
    months: months.flatMap((month) => read.get(month) ?? kept.get(month) ?? []),
    notes: [...cache.notes(), ...notes],
  };
}

/** What is known of all, with what was read again of some. Calls by day stay those of then. */
function withAgain(kept: MeteredMonth, again: MeteredMonth, ids: readonly string[]): MeteredMonth {
  const amounts = () => {
    const merged = new Map(kept.amounts());
    for (const id of ids) merged.delete(id);
    for (const [id, of] of again.amounts()) merged.set(id, of);
    return merged;
  };
  const { month, readAt, calls } = kept;
  return { month, readAt, calls, ids: [...new Set([...kept.ids, ...again.ids])], amounts };
}

async function readMonths(
  census: Census,
  ids: readonly string[],
  months: readonly string[],
  readAt: string,
): Promise<MeteredMonth[]> {
  const sums = meteredMonths(months, readAt);
  const [first = '', last = first] = [months[0], months.at(-1)];
  if (months.length === 0) return [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const usage = await readUsage(census, ids.slice(at, at + AT_ONCE), first, last);
    for (const [id, items] of usage) sums.add(id, items);
  }
  return sums.months();
}

/**
 * Folded usage with what is still on the gates, each unit once. Folded usage is read before the gates: a day that was
 * folded between the two is in neither, so whose gate has lost a day meanwhile is read again.
 */
async function readUsage(
  census: Census,
  ids: readonly string[],
  first: string,
  last: string,
): Promise<Map<string, readonly UsageItem[]>> {
  const usage = new Map<string, readonly UsageItem[]>();
  let left = ids;
  for (let tries = 0; left.length > 0; tries++) {
    const before = await census.onGates(left);
    const folded = await census.folded(left, `${first}-01`, `${last}-31`);
    const after = await census.onGates(left);
    for (const id of left) usage.set(id, [...(folded.get(id) ?? []), ...(after.get(id) ?? [])]);
    left = left.filter((id) => {
      const days = new Set((after.get(id) ?? []).map(({ day }) => day));
      return (before.get(id) ?? []).some(({ day }) => !days.has(day));
    });
    if (tries === TRIES && left.length > 0)
      throw new SaasctlError({
        code: 'usage_moving',
        category: 'remote',
        message: `usage of ${left.length} tenants was being folded while it was read`,
        next: 'saasctl cost report',
        retryable: true,
      });
  }
  return usage;
}
