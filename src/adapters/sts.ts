import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { awsError } from './aws-errors.ts';
import { traceCalls } from './trace.ts';

/** Who is calling: account id and ARN; and this machine's clock less AWS's, in ms. */
export async function callerIdentity(settings: {
  region: string;
  awsProfile: string | null;
  trace: ((line: string) => void) | null;
}): Promise<{ account: string; arn: string; clockSkewMs: number | null }> {
  const client = new STSClient({
    region: settings.region,
    ...(settings.awsProfile === null ? {} : { profile: settings.awsProfile }),
    maxAttempts: 2,
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
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    const clockSkewMs = serverTime === undefined ? null : Date.now() - Date.parse(serverTime);
    return { account: Account ?? '', arn: Arn ?? '', clockSkewMs };
  } catch (error) {
    throw awsError(error, 'ask AWS who is calling');
  } finally {
    client.destroy();
  }
}
