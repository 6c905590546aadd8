import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { READ_TRIES, timeLimits } from '../time-limits.ts';
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
  /** How long one request may take, ms; 10 s unless given. */
  timeoutMs?: number;
}

// Said outright for the embedded engine: the SDK would look for each in the user's AWS files.
const EMBEDDED = {
  retryMode: 'standard',
  defaultsMode: 'standard',
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  accountIdEndpointMode: 'disabled',
  endpointDiscoveryEnabled: false,
  userAgentAppId: '',
} as const;

/** `maxAttempts` counts the first one: 1 never sends anything twice. */
export const documentClient = (settings: ClientSettings, maxAttempts = READ_TRIES): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(dynamoClient(settings, maxAttempts), {
    marshallOptions: { removeUndefinedValues: true },
  });

/** The same without translation of values: what is sent and answered is DynamoDB's own JSON. */
export function dynamoClient(settings: ClientSettings, maxAttempts: number): DynamoDBClient {
  const client = new DynamoDBClient({
    region: settings.region,
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    ...(settings.credentials === null ? {} : { credentials: settings.credentials, ...EMBEDDED }),
    ...(settings.awsProfile === null ? {} : { profile: settings.awsProfile }),
    maxAttempts,
    requestHandler: timeLimits(settings.timeoutMs),
  });
  if (settings.trace !== null) traceCalls(client.middlewareStack, 'dynamodb', settings.trace);
  return client;
}
