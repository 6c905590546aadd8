import type { AnyAttack } from '../target.ts';
import { cursors } from './cursors.ts';
import { data } from './data.ts';
import { identity } from './identity.ts';
import { keys } from './keys.ts';
import { serving } from './serving.ts';
import { tokens } from './tokens.ts';
import { usage } from './usage.ts';

/** Every attack but the many parallel calls, whose number is each target's own. */
export const ATTACKS: readonly AnyAttack[] = [
  ...[...identity, ...keys, ...tokens, ...data, ...cursors, ...usage],
  ...serving,
];

export const named = (name: string): AnyAttack => {
  const attack = ATTACKS.find((one) => one.name === name);
  if (attack === undefined) throw new Error(`no attack is named ${name}`);
  return attack;
};

/** Those that need nothing but this. */
export const needing = (...has: NonNullable<AnyAttack['needs']>[]): readonly AnyAttack[] =>
  ATTACKS.filter(({ needs }) => needs === undefined || has.includes(needs));
