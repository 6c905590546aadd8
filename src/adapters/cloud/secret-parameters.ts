import { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { SecretParameters } from '../../core/deploy/ports.ts';
import { SaasctlError } from '../../core/errors.ts';
import { createService } from '../../runtime/wire/service.ts';
import { awsError, refusedFor } from '../aws-errors.ts';
import type { CloudSettings } from './client.ts';

const TYPE = 'application/x-amz-json-1.1';
const REQUEST_MS = 10_000;

interface Described {
  Parameters?: unknown[];
  NextToken?: string | null;
}

/**
 * Secrets as SSM parameters of the type SecureString. Their values are sent and never read, shown or logged: of an
 * answer only its code is told. `endpoint` `null`: AWS. `kmsKey`: the ARN of the key that they are encrypted with,
 * `null`: AWS's own.
 */
export function openSecretParameters(
  settings: CloudSettings,
  endpoint: string | null,
  kmsKey: string | null = null,
): SecretParameters & { close(): void } {
  const { region, awsProfile, trace } = settings;
  const service = createService({
    service: 'ssm',
    endpoint:
      endpoint ?? `https://ssm.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}/`,
    region,
    credentials: defaultProvider(awsProfile === null ? {} : { profile: awsProfile }),
    timeoutMs: settings.timeoutMs ?? REQUEST_MS,
  });

  /** `null` where the service refuses for the reason named. */
  async function ask(
    operation: string,
    doing: string,
    body: object,
    refusal: string,
  ): Promise<string | null> {
    const started = performance.now();
    const answer = await service
      .ask({ type: TYPE, target: `AmazonSSM.${operation}`, body: JSON.stringify(body) })
      .catch((error: unknown) => {
        throw awsError(error, doing, 'SSM');
      });
    trace?.(
      `debug: ssm ${operation} ${answer.ok ? 200 : answer.code} ${Math.round(performance.now() - started)} ms`,
    );
    if (answer.ok) return answer.text;
    const { code, passing, said } = answer;
    if (code === refusal) return null;
    const isDenied =
      /^(AccessDenied|UnrecognizedClient|ExpiredToken|InvalidSignature|MissingAuthentication)/.test(code);
    throw new SaasctlError({
      code: isDenied ? 'aws_denied' : passing ? 'aws_unavailable' : 'aws_error',
      category: isDenied ? 'auth' : passing ? 'remote' : 'config',
      message: isDenied
        ? `could not ${doing}: access denied on ssm:${operation}${said === null ? '' : `: ${said}`}`
        : `could not ${doing}: SSM answered ${code}`,
      ...(isDenied
        ? refusedFor(code, said)
        : { hint: 'the same command can be run again', next: 'saasctl doctor' }),
      retryable: passing,
    });
  }

  const write = (name: string, value: string, overwrite: boolean): Promise<string | null> =>
    ask(
      'PutParameter',
      `store the secret ${name}`,
      {
        ...{ Name: name, Value: value, Type: 'SecureString', Overwrite: overwrite },
        ...(kmsKey === null ? {} : { KeyId: kmsKey }),
      },
      overwrite ? '' : 'ParameterAlreadyExists',
    );

  return {
    putOnce: async (name, value) => ((await write(name, value, false)) === null ? 'kept' : 'made'),
    async put(name, value) {
      await write(name, value, true);
    },
    async exists(name) {
      // Its description, never its value: nobody who deploys needs to be able to read it.
      const ParameterFilters = [{ Key: 'Name', Option: 'Equals', Values: [name] }];
      // SSM filters what it has looked through so far: a page may be empty, and a later one have it.
      for (let next: { NextToken?: string } | null = {}; next !== null; ) {
        const body = { ParameterFilters, ...next };
        const text = await ask('DescribeParameters', `look for the secret ${name}`, body, '');
        const { Parameters = [], NextToken } = JSON.parse(text ?? '{}') as Described;
        if (Parameters.length > 0) return true;
        next = NextToken ? { NextToken } : null;
      }
      return false;
    },
    close: () => service.close(),
  };
}
