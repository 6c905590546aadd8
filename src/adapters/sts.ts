import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { awsError } from './aws-errors.ts';
import { timeLimits } from './time-limits.ts';
import { traceCalls } from './trace.ts';

/** Who is calling: account id and ARN; the region asked; and this machine's clock less AWS's, in ms. */
export async function callerIdentity(settings: {
  /** `null`: as the environment or `~/.aws/config` says. */
  region: string | null;
  awsProfile: string | null;
  trace: ((line: string) => void) | null;
  /** How long one request may take, ms; 10 s unless given. */
  timeoutMs?: number;
}): Promise<{ account: string; arn: string; region: string; clockSkewMs: number | null }> {
  const client = new STSClient({
    ...(settings.region === null ? {} : { region: settings.region }),
    ...(settings.awsProfile === null ? {} : { profile: settings.awsProfile }),
    maxAttempts: 2,
    requestHandler: timeLimits(settings.timeoutMs),
  });
  let serverTime: string | undefined;
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      serverTime = (result.response as { headers?: Record<string, string> }).headers?.['date'];
      return result;
    },
    { step: 'deserialize', name: 'saasctlServerTime', priority: 'low' },
  );
  if (settings.trace !== null) traceCalls(client.middlewareStack, 'sts', settings.trace);
  try {
    const region = await client.config.region();
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    const clockSkewMs = serverTime === undefined ? null : Date.now() - Date.parse(serverTime);
    // A web page is valid XML to the SDK: an answer without an account is not STS's.
    if (Account === undefined || Arn === undefined) throw new SyntaxError('no identity in the answer');
    return { account: Account, arn: Arn, region, clockSkewMs };
  } catch (error) {
    throw awsError(error, 'ask AWS who is calling', 'STS');
  } finally {
    client.destroy();
  }
}
