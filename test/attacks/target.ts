// What is attacked, and how it is seen that an attack came to nothing.
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { expect } from 'vitest';
import type { Json } from '../fixtures/cli.ts';
import { type RawAnswer, type RawRequest, send } from '../local/fixtures/raw-http.ts';
import type { Issuer } from '../runtime/jwt/issuer.ts';

/** `acme` attacks; `acme-corp` has a name that begins with its own. */
export const TENANTS = {
  acme: 'pool',
  'acme-corp': 'pool',
  globex: 'pool',
  hooli: 'bridge',
  initech: 'silo',
  idle: 'pool',
  gone: 'pool',
  small: 'pool',
} as const;
export type TenantId = keyof typeof TENANTS;

export interface Keys extends Record<TenantId, string> {
  /** Of acme, of the environment that the API does not serve. */
  test: string;
  revoked: string;
  expired: string;
}

/** An item as it is stored, in DynamoDB's own JSON. */
export interface StoredItem {
  table: string;
  item: Record<string, unknown>;
}

/** A deployed API with tenants on it, and the operator's eyes. */
export interface Target {
  mode: 'authorizer' | 'inline';
  url: string;
  /** Where it is not the one in `url`. */
  host?: string;
  /** Where the silo tenant's own functions answer; `null`: all are served at `url`. */
  silo: { url: string; host?: string } | null;
  /** Put into every request, in turn name and value. */
  headers?: readonly string[];
  stack: string;
  keys: Keys;
  /** What is in each tenant's data and nowhere else. */
  canaries: Record<TenantId, string>;
  /** Runs a command of the tool against the stack, and gives what it printed. */
  operator(words: string): Promise<Json>;
  /** Every item of every table. */
  items(): Promise<StoredItem[]>;
  /** Whose tokens it takes; `null`: it takes none. */
  issuer: Issuer | null;
}

export interface Attack<Loot = never> {
  name: string;
  /** Whose items it may change: its caller's. `acme` unless given. */
  by?: readonly TenantId[];
  /** Only against targets that have it. */
  needs?: 'tokens' | 'local' | 'silo';
  /** What was there before: calls of other tenants, by themselves. */
  setup?(target: Target): Promise<Loot>;
  /** The attack. Throws where an answer is another than it must be. */
  run(target: Target, loot: Loot): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: each attack knows its own loot
export type AnyAttack = Attack<any>;

/** A request of somebody with that key; `null`: with none. A body that is no text is sent as JSON. */
export async function call(
  target: Target,
  key: string | null,
  line: string,
  body?: unknown,
  headers: readonly string[] = [],
): Promise<Answer> {
  const [method = 'GET', path = '/'] = line.split(' ');
  return sendTo(target, key === target.keys.initech ? (target.silo ?? target) : target, {
    method,
    path,
    headers: [
      ...(key === null ? [] : ['x-api-key', key]),
      ...(body === undefined ? [] : ['content-type', 'application/json']),
      ...headers,
    ],
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

export interface Answer extends RawAnswer {
  json(): Json;
}

/** Sends it as it is, to whoever is served there. */
export async function sendTo(
  target: Target,
  at: Pick<Target, 'url' | 'host'>,
  request: RawRequest,
): Promise<Answer> {
  const host = at.host === undefined ? [] : ['host', at.host];
  const headers = [...host, ...(target.headers ?? []), ...(request.headers ?? [])];
  const answer = { ...(await send(at.url, { ...request, headers })) };
  heard.get(target)?.push(`${JSON.stringify(answer.headers)}\n${answer.body}`);
  return { ...answer, json: () => JSON.parse(answer.body) };
}

/** Writes text on one connection and gives all that comes back until it falls silent or is closed. */
export function talk(target: Target, text: string): Promise<string> {
  const { hostname, port } = new URL(target.url);
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding('utf8').setTimeout(30_000, () => socket.destroy());
    socket.on('data', (more: string) => {
      said += more;
    });
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? undefined : reject(error),
    );
    socket.on('close', () => {
      heard.get(target)?.push(said);
      resolve(said);
    });
  });
}

export const hostOf = ({ host, url }: Pick<Target, 'url' | 'host'>): string => host ?? new URL(url).host;

/** What was answered while an attack ran. */
const heard = new WeakMap<Target, string[]>();

/** Runs an attack. Throws where it got through: by its answers, by what they tell, or by what changed. */
export async function withstand<Loot>(target: Target, attack: Attack<Loot>): Promise<void> {
  const loot = (await attack.setup?.(target).catch((cause: Error) => {
    // Not an attack that got through: there was none yet.
    throw new Error(`${attack.name} cannot be set up: ${cause.message}`, { cause });
  })) as Loot;
  const by = attack.by ?? ['acme'];
  // Nothing happens between two attacks but the setup of the second.
  const last = attack.setup === undefined ? latest.get(target.items) : undefined;
  const before = ofOthers(last ?? (await target.items()), by);
  latest.delete(target.items);
  // A target of its own, so that what is heard is heard of this attack alone.
  const watched: Target = { ...target };
  const answers: string[] = [];
  heard.set(watched, answers);
  await attack.run(watched, loot);
  const left = await target.items();
  const after = ofOthers(left, by);
  const changed = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const name of changed) if (before[name] === after[name]) changed.delete(name);
  expect([...changed], 'changed of others’ items').toEqual([]);
  for (const [tenantId, canary] of Object.entries(target.canaries)) {
    if (by.includes(tenantId as TenantId)) continue;
    const secrets = [canary, target.keys[tenantId as TenantId]];
    for (const answer of answers)
      for (const secret of secrets) expect(answer, `what is ${tenantId}’s`).not.toContain(secret);
  }
  latest.set(target.items, left);
}

/** What an attack that came to nothing left behind, by who looks at it. */
const latest = new WeakMap<Target['items'], StoredItem[]>();

/** A checksum of each item that is not the callers' own, by its table and key. */
function ofOthers(items: readonly StoredItem[], by: readonly TenantId[]): Record<string, string> {
  const own = new Set(by.flatMap((id) => [`TENANT#${id}`, `GATE#${id}`]));
  const others = items.filter(({ table, item }) => {
    const ownKey = table.endsWith('-api-keys') && by.includes(text(item['tenantId']) as TenantId);
    return !own.has(text(item['PK'])) && !ownKey;
  });
  return Object.fromEntries(others.map((one) => [nameOf(one), checksum(one.item)]));
}

/** A tenant's stored items, by their sort keys; of the customer's own data unless a table is named. */
export async function itemsOf(
  target: Target,
  tenantId: string,
  suffix = 'app-data',
): Promise<Map<string, Record<string, unknown>>> {
  const own = TENANTS[tenantId as TenantId] === 'pool' || suffix !== 'app-data';
  const table = `${target.stack}-${suffix}${own ? '' : `-${tenantId}`}`;
  const pk = suffix === 'gates' ? `GATE#${tenantId}` : `TENANT#${tenantId}`;
  const stored = (await target.items()).filter((one) => one.table === table && text(one.item['PK']) === pk);
  return new Map(stored.map(({ item }) => [text(item['SK']), item]));
}

const text = (value: unknown): string => String((value as { S?: string } | undefined)?.S ?? '');
const nameOf = ({ table, item }: StoredItem): string => `${table} ${text(item['PK'])} ${text(item['SK'])}`;

const checksum = (item: StoredItem['item']): string =>
  createHash('sha1')
    .update(JSON.stringify(sorted(item)))
    .digest('base64');

/** Engines give the members of a map in any order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, member]) => [name, sorted(member)]);
}
