import { type CloudFormationClient, DescribeEventsCommand } from '@aws-sdk/client-cloudformation';
import type { StackEvent } from '../../core/deploy/ports.ts';

/** Whether a reason only says that CloudFormation's checks failed, and where to read of what. */
export const isToldElsewhere = (reason: string | null): boolean =>
  /DescribeEvents|EarlyValidation|Validation failed with/.test(reason ?? '');

/**
 * What CloudFormation's checks found before it touched a resource, in the newest operation that failed them: the
 * resource and the reason of each, oldest first. A change set is asked about by its ARN. Empty where CloudFormation
 * cannot be asked: what is known without it is told then.
 */
export async function validationErrors(
  client: CloudFormationClient,
  about: { StackName: string } | { ChangeSetName: string },
): Promise<StackEvent[]> {
  const found: (StackEvent & { operation: string | undefined })[] = [];
  try {
    for (let next: { NextToken?: string } | null = {}; next !== null; ) {
      const command: DescribeEventsCommand = new DescribeEventsCommand({
        ...about,
        Filters: { FailedEvents: true },
        ...next,
      });
      const { OperationEvents = [], NextToken } = await client.send(command);
      for (const event of OperationEvents) {
        if (event.EventType !== 'VALIDATION_ERROR' || event.ValidationFailureMode === 'WARN') continue;
        found.push({
          id: event.EventId ?? '',
          at: event.Timestamp?.toISOString() ?? '',
          logicalId: event.LogicalResourceId ?? '',
          type: event.ResourceType ?? '',
          status: 'VALIDATION_FAILED',
          reason: event.ValidationStatusReason || null,
          operation: event.OperationId,
        });
      }
      next = NextToken === undefined ? null : { NextToken };
    }
  } catch {
    return [];
  }
  found.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const newest = found.at(-1)?.operation;
  return found.filter(({ operation }) => operation === newest).map(({ operation: _, ...event }) => event);
}
