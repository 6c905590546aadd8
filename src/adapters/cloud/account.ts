import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { CloudAccount } from '../../core/deploy/ports.ts';
import { callerIdentity } from '../sts.ts';
import { type CloudSettings, clientOptions, cloudError, traced } from './client.ts';

/** Who deploys, and what the account lets run at once. */
export async function openAccount(settings: CloudSettings): Promise<CloudAccount> {
  const { account, arn } = await callerIdentity(settings);
  return {
    account,
    arn,
    async concurrency() {
      const client = traced(new LambdaClient(clientOptions(settings)), 'lambda', settings);
      try {
        const { AccountLimit } = await client.send(new GetAccountSettingsCommand({}));
        const limit = AccountLimit?.ConcurrentExecutions;
        if (limit === undefined) throw new SyntaxError('no limit in the answer');
        return { limit, unreserved: AccountLimit?.UnreservedConcurrentExecutions ?? limit };
      } catch (error) {
        throw cloudError(error, {
          service: 'Lambda',
          action: 'lambda:GetAccountSettings',
          doing: 'read how many functions the account may run at once',
        });
      } finally {
        client.destroy();
      }
    },
  };
}
