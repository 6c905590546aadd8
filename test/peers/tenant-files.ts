// A tenant's files in the bucket of the stack, with the credentials that a handler can ask for.
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { REGION } from './deployed.ts';
import { CREDENTIALS } from './ministack.ts';

/** Of each thing that a role's function does `null`, or what went wrong. */
export type Outcomes = Record<string, string | null>;

interface Files {
  endpoint: string;
  /** ARN of the tenant-data role. */
  role: string;
  bucket: string;
  tenantId: string;
  /** The handler's own. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
}

/** What a handler can do with the files of a tenant, by the session that its own credentials give it. */
export async function tenantFiles({
  endpoint,
  role,
  bucket,
  tenantId,
  credentials,
}: Files): Promise<Outcomes> {
  const options = { region: REGION, endpoint };
  const sts = new STSClient({ ...options, credentials });
  const Tags = [{ Key: 'TenantId', Value: tenantId }];
  try {
    const { Credentials: own } = await sts.send(
      new AssumeRoleCommand({ RoleArn: role, RoleSessionName: tenantId, Tags }),
    );
    const s3 = new S3Client({
      ...options,
      forcePathStyle: true,
      credentials: {
        accessKeyId: own?.AccessKeyId ?? '',
        secretAccessKey: own?.SecretAccessKey ?? '',
        sessionToken: own?.SessionToken ?? '',
      },
    });
    const at = { Bucket: bucket, Key: `${tenantId}/a` };
    const outcomes: Outcomes = {};
    const attempt = async (name: string, ask: () => Promise<unknown>) => {
      outcomes[name] = await ask().then(
        () => null,
        (error: Error) => `${error.name}: ${error.message}`,
      );
    };
    await attempt('putFile', () => s3.send(new PutObjectCommand({ ...at, Body: 'x' })));
    await attempt('getFile', () => s3.send(new GetObjectCommand(at)));
    await attempt('abortFile', async () => {
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at));
      await s3.send(new AbortMultipartUploadCommand({ ...at, UploadId }));
    });
    await attempt('deleteFile', () => s3.send(new DeleteObjectCommand(at)));
    s3.destroy();
    return outcomes;
  } catch (error) {
    return { assume: String(error) };
  } finally {
    sts.destroy();
  }
}

/** Files travel over TLS only, says the bucket; this machine's loopback has none. */
export async function allowPlainHttp(endpoint: string, bucket: string): Promise<void> {
  const s3 = new S3Client({ region: REGION, endpoint, credentials: CREDENTIALS, forcePathStyle: true });
  await s3.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
  s3.destroy();
}
