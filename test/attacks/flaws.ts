import { named } from './list/all.ts';
import type { AnyAttack } from './target.ts';

/** A mistake of flawed-handler.ts or flawed-authorizer.ts, and attacks that it lets through. */
export const FLAWS: readonly { flaw: string; attacks: readonly AnyAttack[] }[] = [
  [
    'tenant from the path',
    'tenant id in the path, compared with the caller',
    'tenant id in the path, compared by nobody',
  ],
  ['tenant from the body', 'tenant id in the body'],
  ['tenant from a header', 'tenant id in headers'],
  ['context from a header', 'headers that look like the authorizer’s context'],
  ['the item over the key', 'another’s partition key in an item'],
  [
    'tenants by the beginning of their names',
    'the sibling whose name begins with one’s own, from both sides',
    'reading everything there is',
  ],
  ['one key space for all, and the old item told', 'asking a condition whether another has an item'],
  ['a condition over all tenants', 'asking a cancelled transaction whether another has an item'],
  ['a cursor that nobody signed', 'a forged cursor', 'a cursor of another tenant'],
  ['a transaction token as it came', 'a transaction’s token that another has used'],
  [
    'usage for whom the body says',
    'usage recorded for another tenant, by a handler that asks the body for whom',
  ],
  ['a limit that is looked at, then claimed', 'more seats than the plan has, all claimed at once'],
  ['a limit from the body', 'a limit that the caller brings'],
  ['the first of several keys', 'several keys at once, in any case'],
  ['keys of any environment', 'a test key where live keys are served'],
  [
    'verdicts from a cache',
    'a key that was revoked a moment ago, on connections and in sandboxes that know it',
  ],
  ['tokens that are only decoded', 'a token without a signature, alg none', 'a token for another audience'],
  ['a word on why a key is refused', 'telling from the answer why a key is no good, or that it ever was'],
].map(([flaw = '', ...attacks]) => ({ flaw, attacks: attacks.map(named) }));
