import { SaasctlError } from '../core/errors.ts';

/**
 * The endpoint that an environment variable names, as it was given. Throws `bad_endpoint` (category config)
 * unless it is an http or https address.
 */
export function checkEndpoint(url: string, variable: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return url;
  const shown = url.replace(/\/\/[^/]*@/, '//…@');
  throw new SaasctlError({
    code: 'bad_endpoint',
    category: 'config',
    message: `${variable} is ${JSON.stringify(shown)}, which is not an http or https address`,
    hint: 'it looks like http://127.0.0.1:8000; without it the tool finds its store by itself',
    next: `unset ${variable}`,
  });
}
