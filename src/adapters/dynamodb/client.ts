import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { traceCalls } from '../trace.ts';

export interface ClientSettings {
  region: string;
  /** `null`: AWS, or wherever the SDK's own variables point. */
  endpoint: string | null;
  /** Fixed credentials of the embedded engine; `null`: the SDK's own chain. */
  credentials: { accessKeyId: string; secretAccessKey: string } | null;
  awsProfile: string | null;
  /** One line per HTTP call, for `--debug`. */
  trace: ((line: string) => void) | null;
}

/** `maxAttempts` counts the first one: 1 never sends anything twice. */
export function documentClient(settings: ClientSettings, maxAttempts = 4): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    region: settings.region,
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    ...(settings.credentials === null ? {} : { credentials: settings.credentials }),
    ...(settings.awsProfile === null ? {} : { profile: settings.awsProfile }),
    maxAttempts,
  });
  if (settings.trace !== null) traceCalls(client.middlewareStack, 'dynamodb', settings.trace);
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}
