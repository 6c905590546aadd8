import {
  CostExplorerClient,
  ListCostAllocationTagBackfillHistoryCommand,
  ListCostAllocationTagsCommand,
} from '@aws-sdk/client-cost-explorer';
import {
  paginateGetResources,
  ResourceGroupsTaggingAPIClient,
} from '@aws-sdk/client-resource-groups-tagging-api';
import type { Backfill, TagKeyStatus, TagSource } from '../../core/cost/tags.ts';
import { awsError } from '../aws-errors.ts';
import { READ_TRIES, timeLimits } from '../time-limits.ts';
import { traceCalls } from '../trace.ts';
import { explorerError } from './explorer-client.ts';

export interface TagSettings {
  /** Where the stack is; cost tags themselves are asked for in us-east-1. */
  region: string;
  awsProfile: string | null;
  credentials: { accessKeyId: string; secretAccessKey: string } | null;
  /** `null`: AWS, or wherever the SDK's own variables point. */
  endpoint: string | null;
  trace: ((line: string) => void) | null;
}

/** What has which tags, and which of them billing knows. None of these requests is charged for. */
export function openTags(settings: TagSettings): TagSource {
  const common = {
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    ...(settings.credentials === null ? {} : { credentials: settings.credentials }),
    ...(settings.awsProfile === null ? {} : { profile: settings.awsProfile }),
    maxAttempts: READ_TRIES,
    requestHandler: timeLimits(),
  };
  const tagging = new ResourceGroupsTaggingAPIClient({ ...common, region: settings.region });
  const billing = new CostExplorerClient({ ...common, region: 'us-east-1' });
  if (settings.trace !== null) {
    traceCalls(tagging.middlewareStack, 'tagging', settings.trace);
    traceCalls(billing.middlewareStack, 'cost-explorer', settings.trace);
  }
  return {
    async *resources() {
      try {
        for await (const { ResourceTagMappingList = [] } of paginateGetResources({ client: tagging }, {})) {
          for (const { ResourceARN, Tags = [] } of ResourceTagMappingList) {
            if (ResourceARN === undefined) continue;
            const tags = Tags.map(({ Key, Value }): [string, string] => [Key ?? '', Value ?? '']);
            yield { arn: ResourceARN, tags: Object.fromEntries(tags) };
          }
        }
      } catch (error) {
        throw awsError(error, 'list tagged resources', 'Resource Groups Tagging API');
      }
    },
    keyStatus: (keys) =>
      ofManagement(async () => {
        const answer = await billing.send(new ListCostAllocationTagsCommand({ TagKeys: [...keys] }));
        const known = (answer.CostAllocationTags ?? []).map(({ TagKey, Status }): [string, TagKeyStatus] => [
          TagKey ?? '',
          Status === 'Active' ? 'active' : 'inactive',
        ]);
        return new Map(known);
      }),
    backfills: () =>
      ofManagement(async () => {
        const answer = await billing.send(new ListCostAllocationTagBackfillHistoryCommand({}));
        return (answer.BackfillRequests ?? [])
          .map(
            ({ BackfillFrom = '', RequestedAt = '', BackfillStatus = '' }): Backfill => ({
              from: BackfillFrom,
              requestedAt: RequestedAt,
              status: BackfillStatus.toLowerCase(),
            }),
          )
          .sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1));
      }),
    async close() {
      tagging.destroy();
      billing.destroy();
    },
  };
}

/** `null` where the account is a member of an organization: only the management account may ask. */
async function ofManagement<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (thrown) {
    const { name, message } = thrown as Error;
    if (/AccessDenied/.test(name) && /linked account|management|payer/i.test(message)) return null;
    throw explorerError(thrown);
  }
}
