// The authorizer with one mistake at a time, named in the header `x-flaw`.
import { type AuthorizerResult, authorize } from '../../src/lambda/authorize.ts';
import { gateFrom } from '../../src/runtime/gate-from.ts';
import { bearerFrom } from '../../src/runtime/jwt/bearer.ts';
import { processEnvironment, processLog } from '../../src/runtime/settings.ts';

interface AuthorizerEvent {
  headers: Record<string, string>;
  identitySource: string[];
}

const env = processEnvironment();
const gate = gateFrom(env, processLog);
const anyEnvironment = gateFrom({ ...env, SAASCTL_KEY_ENVS: 'live,test' }, processLog);
const bearer = bearerFrom(env, gate, processLog);
const allowed = (tenantId: string): AuthorizerResult => ({
  isAuthorized: true,
  context: { tenantId, plan: 'pro', keyId: 'k', env: 'live', apiCalls: 1 },
});

/** What was answered before, as an authorizer with a cache gives it again. */
const cached = new Map<string, AuthorizerResult>();

const flaws: Record<string, (event: AuthorizerEvent) => Promise<AuthorizerResult> | AuthorizerResult> = {
  'the first of several keys': (event) => {
    const [first = ''] = (event.headers['x-api-key'] ?? '').split(/, ?/);
    return authorize({ headers: { 'x-api-key': first }, identitySource: [first] }, gate, bearer);
  },
  'keys of any environment': (event) => authorize(event, anyEnvironment, bearer),
  'verdicts from a cache': async (event) => {
    const key = event.headers['x-api-key'] ?? '';
    const verdict = cached.get(key) ?? (await authorize(event, gate, bearer));
    cached.set(key, verdict);
    return verdict;
  },
  'tokens that are only decoded': (event) => {
    const [, body = ''] = (event.headers['authorization'] ?? '').split('.');
    try {
      return allowed(JSON.parse(Buffer.from(body, 'base64url').toString()).tenant);
    } catch {
      return authorize(event, gate, bearer);
    }
  },
  // A context with `denied` reaches withTenant, whose answer differs from the gateway's own.
  'a word on why a key is refused': async (event) => {
    const outcome = await gate.check(event.headers['x-api-key'] ?? '');
    if (outcome.outcome !== 'refused') return authorize(event, gate, bearer);
    return outcome.reason === 'suspended'
      ? { isAuthorized: true, context: { denied: 'quota', retryAfter: 60, tenantId: 'idle' } }
      : { isAuthorized: false };
  },
};

export const handler = (event: AuthorizerEvent): Promise<AuthorizerResult> | AuthorizerResult =>
  (flaws[event.headers['x-flaw'] ?? ''] ?? ((asked) => authorize(asked, gate, bearer)))(event);
