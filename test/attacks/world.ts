// Tenants of every kind, their keys and what is theirs.
import { randomBytes } from 'node:crypto';
import type { Wire } from '../../src/runtime/wire/client.ts';
import { marshalItem } from '../../src/runtime/wire/marshal.ts';
import type { Json } from '../fixtures/cli.ts';
import { SEATS } from './list/usage.ts';
import { type Keys, type StoredItem, type Target, TENANTS, type TenantId } from './target.ts';

const IDS = Object.keys(TENANTS) as TenantId[];

/** Runs a command that must succeed, and gives what it printed. */
export type Operator = (words: string) => Promise<Json>;

/** Makes the tenants, those with resources of their own among them. */
export async function makeTenants(operator: Operator): Promise<void> {
  for (const id of IDS) {
    const words = `tenant create ${id} --plan ${id === 'small' ? 'free' : 'enterprise'} --limit maxUsers=${SEATS}`;
    await operator(TENANTS[id] === 'pool' ? words : `${words} --isolation ${TENANTS[id]}`);
  }
}

/** A living key for each, then the end of some. `backThen`: runs a command two days ago. */
export async function makeKeys(operator: Operator, backThen: Operator): Promise<Keys> {
  const made = async (words: string, by = operator): Promise<{ key: string; keyId: string }> =>
    by(`key create --tenant ${words}`);
  const keys = {} as Keys;
  // Calls of a busy machine may be applied long after they were stamped: a deep bucket takes them.
  const rate = (id: TenantId) => (id === 'small' ? '--rate 1/h --burst 1' : '--rate 1000/s --burst 100000');
  for (const id of IDS) keys[id] = (await made(`${id} ${rate(id)}`)).key;
  keys.test = (await made('acme --env test')).key;
  keys.expired = (await made('acme --expires 1d', backThen)).key;
  const revoked = await made('acme');
  keys.revoked = revoked.key;
  await operator(`key revoke ${revoked.keyId} --yes`);
  await operator('tenant suspend idle --yes');
  await operator('tenant delete gone --confirm gone');
  return keys;
}

/** Puts into each tenant's data what nobody else may see, straight into the tables. */
export async function seed(wire: Wire, stack: string): Promise<Target['canaries']> {
  const canaries = Object.fromEntries(IDS.map((id) => [id, `canary-${randomBytes(9).toString('hex')}`]));
  for (const id of IDS) {
    const TableName = `${stack}-app-data${TENANTS[id] === 'pool' ? '' : `-${id}`}`;
    const named = [
      'secret',
      'profile',
      'order#1',
      'order#2',
      'order#3',
      ...(id === 'acme' ? [] : ['shared']),
    ];
    for (const SK of named) {
      const Item = marshalItem({ PK: `TENANT#${id}`, SK, canary: canaries[id] });
      const reply = await wire.send('PutItem', { TableName, Item });
      if (reply.kind !== 'applied') throw new Error(JSON.stringify(reply));
    }
  }
  return canaries as Target['canaries'];
}

/** Every item of every table of a stack. */
export async function allItems(wire: Wire, stack: string): Promise<StoredItem[]> {
  const listed = await wire.send('ListTables', {});
  if (listed.kind !== 'applied') throw new Error(JSON.stringify(listed));
  const tables = (listed.output['TableNames'] as string[]).filter((name) => name.startsWith(`${stack}-`));
  const items = await Promise.all(tables.map((table) => scan(wire, table)));
  return items.flat();
}

async function scan(wire: Wire, table: string): Promise<StoredItem[]> {
  const items: StoredItem[] = [];
  let ExclusiveStartKey: unknown;
  do {
    const page = {
      TableName: table,
      ConsistentRead: true,
      ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
    };
    const reply = await wire.send('Scan', page);
    if (reply.kind !== 'applied') throw new Error(JSON.stringify(reply));
    items.push(...(reply.output['Items'] as StoredItem['item'][]).map((item) => ({ table, item })));
    ExclusiveStartKey = reply.output['LastEvaluatedKey'];
  } while (ExclusiveStartKey !== undefined);
  return items;
}
