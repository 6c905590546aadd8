import type { GateLimits } from '../plans.ts';
import { bucketOf, type GateItem, type GateKey, type GateStatus, type Rate } from './layout.ts';

/** What the tool may do to a gate. Requests never wait for these: each is one conditional write. */
export type GateEdit =
  | { edit: 'create'; gate: GateItem }
  | { edit: 'status'; to: GateStatus }
  | { edit: 'limits'; to: GateLimits }
  /** New rate for every key that inherits the plan's. */
  | { edit: 'rates'; to: Rate }
  | { edit: 'addKey'; keyId: string; key: GateKey }
  | { edit: 'removeKey'; keyId: string }
  | { edit: 'removeAllKeys' }
  | { edit: 'setSecret'; keyId: string; secretId: string; expiry: number }
  | { edit: 'removeSecret'; keyId: string; secretId: string };

export interface GateUpdate {
  UpdateExpression: string;
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Record<string, unknown>;
}

/** Living keys a gate may have: what one update expression (4 KB) can re-rate at once. */
export const MAX_KEYS = 40;

/** Whether compiling an edit needs the gate as it stands. */
export const needsGate = (edits: readonly GateEdit[]): boolean => edits.some(({ edit }) => edit === 'rates');

/**
 * The edits as one conditional update. A deleted gate takes none, and a key edit needs its key.
 * `gate` is the item as just read, for `rates` only: the condition fails, and the caller reads again, when
 * a bucket has meanwhile moved to the other side of its clamp or a key came or went.
 */
export function compileEdits(edits: readonly GateEdit[], gate: GateItem | null, now: number): GateUpdate {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const set: string[] = [];
  const remove: string[] = [];
  const conditions = new Set<string>();

  const name = (text: string): string => {
    const known = Object.entries(names).find(([, attribute]) => attribute === text);
    if (known) return known[0];
    const token = `#${Object.keys(names).length}`;
    names[token] = text;
    return token;
  };
  const value = (of: unknown): string => {
    const known = Object.entries(values).find(([, other]) => other === of);
    if (known) return known[0];
    const token = `:${Object.keys(values).length}`;
    values[token] = of;
    return token;
  };
  const keyPath = (keyId: string): string => `${name('k')}.${name(keyId)}`;
  const secretPath = (keyId: string, secretId: string): string =>
    `${keyPath(keyId)}.${name('s')}.${name(secretId)}`;

  conditions.add(`attribute_exists(${name('status')})`);
  conditions.add(`${name('status')} <> ${value('deleted')}`);
  for (const edit of edits) {
    switch (edit.edit) {
      case 'create':
        throw new Error('a gate is created by a put, not by an update');
      case 'status':
        set.push(`${name('status')} = ${value(edit.to)}`);
        break;
      case 'limits':
        for (const [field, to] of Object.entries(edit.to)) set.push(`${name(field)} = ${value(to)}`);
        break;
      case 'rates': {
        if (gate === null) throw new Error('re-rating needs the gate as read');
        const keyIds = Object.keys(gate.k);
        conditions.add(`size(${name('k')}) = ${value(keyIds.length)}`);
        for (const keyId of keyIds) {
          const key = gate.k[keyId] as GateKey;
          if (key.inh) rerate(keyId, key, edit.to);
          else conditions.add(`attribute_exists(${keyPath(keyId)})`);
        }
        break;
      }
      case 'addKey':
        conditions.add(`attribute_not_exists(${keyPath(edit.keyId)})`);
        conditions.add(`size(${name('k')}) < ${value(MAX_KEYS)}`);
        set.push(`${keyPath(edit.keyId)} = ${value(edit.key)}`);
        break;
      case 'removeKey':
        remove.push(keyPath(edit.keyId));
        break;
      case 'removeAllKeys':
        set.push(`${name('k')} = ${value({})}`);
        break;
      case 'setSecret':
        conditions.add(`attribute_exists(${keyPath(edit.keyId)})`);
        set.push(`${secretPath(edit.keyId, edit.secretId)} = ${value(edit.expiry)}`);
        break;
      case 'removeSecret':
        conditions.add(`attribute_exists(${keyPath(edit.keyId)})`);
        remove.push(secretPath(edit.keyId, edit.secretId));
        break;
    }
  }

  // An old offset under a new T would let a flood through: the bucket is rewritten with its rate.
  // tat stays, but at most one full burst of the new rate ahead of now; aat follows from it.
  function rerate(keyId: string, key: GateKey, to: Rate): void {
    const path = keyPath(keyId);
    const { T, bm } = bucketOf(to);
    const latest = now + (to.perSecond === null ? 0 : to.burst * T);
    const [t, b, a, at] = [name('T'), name('bm'), name('aat'), name('tat')];
    set.push(`${path}.${t} = ${value(T)}`, `${path}.${b} = ${value(bm)}`);
    if (key.tat <= latest) {
      conditions.add(`${path}.${at} <= ${value(latest)}`);
      set.push(`${path}.${a} = ${path}.${at} - ${value(T + bm)}`);
    } else {
      conditions.add(`${path}.${at} > ${value(latest)}`);
      set.push(`${path}.${a} = ${value(latest - T - bm)}`, `${path}.${at} = ${value(latest)}`);
    }
  }

  const clauses = [
    set.length > 0 ? `SET ${set.join(', ')}` : '',
    remove.length > 0 ? `REMOVE ${remove.join(', ')}` : '',
  ];
  return {
    UpdateExpression: clauses.filter((clause) => clause !== '').join(' '),
    ConditionExpression: [...conditions].join(' AND '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}

/** A fresh key's bucket and secret: full, never used. */
export function newGateKey(
  rate: Rate,
  inherited: boolean,
  scopes: readonly string[],
  secretId: string,
  expiry: number,
): GateKey {
  return {
    ...bucketOf(rate),
    aat: 0,
    tat: 0,
    lu: 0,
    inh: inherited,
    ...(scopes.length > 0 ? { sc: scopes.join(' ') } : {}),
    s: { [secretId]: expiry },
  };
}
