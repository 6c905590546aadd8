import { gateFrom } from '../runtime/gate-from.ts';
import { processEnvironment, processLog, whenStopped } from '../runtime/settings.ts';
import { type AuthorizerResult, authorize } from './authorize.ts';

const env = processEnvironment();
const gate = gateFrom(env, processLog);
whenStopped(gate.settle);
const bearer = env['SAASCTL_JWT_ISSUER']
  ? (await import('../runtime/jwt/bearer.ts')).bearerFrom(env, gate, processLog)
  : null;
// Awaited: the sandbox may be frozen once the module has loaded, and a half-made connection with it.
await gate.warm();

export const handler = (event: unknown): Promise<AuthorizerResult> => authorize(event, gate, bearer);
