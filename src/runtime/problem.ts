import type { HttpResult } from './http-result.ts';
import type { Outcome } from './outcome.ts';

/** Registered by the RateLimit draft; it names the policies that were exceeded. */
const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

const LIMITED = {
  rate: { title: 'Rate limit exceeded', detail: 'Too many calls at once.' },
  quota: { title: 'Monthly quota exceeded', detail: 'The calls included this month are used up.' },
};

/** The answer to a call that does not pass, as problem details (RFC 9457). Refusals are all alike. */
export function denial(outcome: Exclude<Outcome, { outcome: 'allowed' }>): HttpResult {
  switch (outcome.outcome) {
    case 'refused':
      return problem(403, 'The API key or token is not accepted.');
    case 'unavailable':
      return problem(503, 'The call could not be authorised now. Try again.', retryAfter(outcome.retryAfter));
    case 'limited': {
      const { title, detail } = LIMITED[outcome.by];
      const body = { type: QUOTA_EXCEEDED, title, status: 429, detail, 'violated-policies': [outcome.by] };
      return answer(body, { ...retryAfter(outcome.retryAfter), ...outcome.headers });
    }
  }
}

export const missingKey = (): HttpResult => problem(401, 'An API key is required in the x-api-key header.');
export const missingKeyOrToken = (): HttpResult =>
  problem(401, 'An API key in the x-api-key header or a bearer token is required.', {
    'www-authenticate': 'Bearer',
  });
/** Which of the two would be limited and counted is not for us to choose. */
export const keyAndToken = (): HttpResult => problem(400, 'Present an API key or a bearer token, not both.');
export const misconfigured = (): HttpResult => problem(500, 'This API is not set up correctly.');

function problem(
  status: keyof typeof TITLES,
  detail: string,
  headers: Record<string, string> = {},
): HttpResult {
  return answer({ type: 'about:blank', title: TITLES[status], status, detail }, headers);
}

function answer(
  body: { type: string; status: number; [member: string]: unknown },
  headers: Record<string, string>,
): HttpResult {
  return {
    statusCode: body.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

const retryAfter = (seconds: number) => ({ 'retry-after': String(seconds) });
