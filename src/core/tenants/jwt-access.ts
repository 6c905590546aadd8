import { newGateKey } from '../gate/edits.ts';
import { type GateItem, type GateKey, NEVER, type Rate } from '../gate/layout.ts';

/** The pseudo-key under which a gate counts and limits callers with a JWT: no row, no secret to leak. */
export const JWT_KEY = { keyId: 'jwt', secretId: 'jwt' } as const;

/** As it is put on a gate: it never expires, and its rate follows the plan. Scopes come with each token. */
export const jwtGateKey = (rate: Rate): GateKey => newGateKey(rate, true, [], JWT_KEY.secretId, NEVER);

/** Whether JWTs of this tenant are taken. */
export const takesJwts = (gate: GateItem): boolean => Object.hasOwn(gate.k, JWT_KEY.keyId);
