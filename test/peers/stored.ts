// What an account holds, as its root sees it: the code bucket and the tables.
import {
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { REGION, STACK } from './deployed.ts';
import { ACCOUNT, CREDENTIALS } from './ministack.ts';

export interface Stored {
  /** The keys in the code bucket. */
  code(): Promise<string[]>;
  deleteCode(): Promise<void>;
  table(name: string): Promise<{ status: string | undefined; protected: string }>;
  /** An item of a tenant in the table of those who share one. */
  writeNote(text: string): Promise<void>;
  readNote(): Promise<string | undefined>;
  close(): void;
}

export function storedIn(endpoint: string): Stored {
  const options = { region: REGION, endpoint, credentials: CREDENTIALS };
  const tables = new DynamoDBClient(options);
  const objects = new S3Client({ ...options, forcePathStyle: true });
  const Bucket = `${STACK}-code-${ACCOUNT}-${REGION}`;
  const TableName = `${STACK}-app-data`;
  const Key = { PK: { S: 'TENANT#acme' }, SK: { S: 'note#1' } };
  return {
    async code() {
      const { Contents = [] } = await objects.send(new ListObjectsV2Command({ Bucket }));
      return Contents.map((object) => object.Key ?? '').sort();
    },
    async deleteCode() {
      const { Versions = [] } = await objects.send(new ListObjectVersionsCommand({ Bucket }));
      for (const version of Versions) {
        const { Key: key, VersionId } = version;
        await objects.send(new DeleteObjectCommand({ Bucket, Key: key, VersionId }));
      }
      await objects.send(new DeleteBucketCommand({ Bucket }));
    },
    async table(name) {
      const { Table } = await tables.send(new DescribeTableCommand({ TableName: name }));
      return { status: Table?.TableStatus, protected: String(Table?.DeletionProtectionEnabled) };
    },
    async writeNote(text) {
      await tables.send(new PutItemCommand({ TableName, Item: { ...Key, text: { S: text } } }));
    },
    async readNote() {
      return (await tables.send(new GetItemCommand({ TableName, Key }))).Item?.['text']?.S;
    },
    close() {
      tables.destroy();
      objects.destroy();
    },
  };
}
