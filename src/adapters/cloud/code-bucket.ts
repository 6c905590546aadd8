import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { CodeBucket } from '../../core/deploy/ports.ts';
import { SaasctlError } from '../../core/errors.ts';
import { type CloudSettings, clientOptions, cloudError, traced } from './client.ts';

interface S3Error extends Error {
  $metadata?: { httpStatusCode?: number };
}

/** A zip of megabytes over a slow line takes longer than an API call. */
const UPLOAD_MS = 120_000;
const TRIES = 3;

/**
 * Code by the hash of its bytes: what is there is never written again, and S3 checks what arrives against a SHA-256.
 * `account`: whose bucket it must be, so that whoever took the name is never given the code.
 */
export function openCodeBucket(
  settings: CloudSettings,
  account: () => Promise<string>,
): CodeBucket & { close(): void } {
  const client = traced(new S3Client(clientOptions({ timeoutMs: UPLOAD_MS, ...settings })), 's3', settings);
  return {
    async put(bucket, key, bytes) {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: bytes,
        ContentType: 'application/zip',
        IfNoneMatch: '*',
        ChecksumAlgorithm: 'SHA256',
        ExpectedBucketOwner: await account(),
      });
      for (let tries = 1; ; tries++) {
        try {
          await client.send(command);
          return 'uploaded';
        } catch (error) {
          const status = (error as S3Error).$metadata?.httpStatusCode;
          if (status === 412) return 'present';
          // Somebody uploads the same bytes at this moment.
          if (status === 409 && tries < TRIES) continue;
          throw bucketError(error as S3Error, bucket);
        }
      }
    },
    close: () => client.destroy(),
  };
}

function bucketError(error: S3Error, bucket: string): SaasctlError {
  const status = error.$metadata?.httpStatusCode;
  const doing = `upload code to s3://${bucket}`;
  if (error.name === 'NoSuchBucket' || status === 404) {
    return new SaasctlError({
      code: 'no_code_bucket',
      category: 'config',
      message: `could not ${doing}: there is no such bucket`,
      hint: 'the bootstrap stack makes it; deploy.codeBucket of the profile names it',
      next: 'saasctl deploy',
      cause: error,
    });
  }
  if (status === 301 || error.name === 'PermanentRedirect') {
    return new SaasctlError({
      code: 'code_bucket_elsewhere',
      category: 'config',
      message: `could not ${doing}: the bucket is in another region, or the name is somebody else’s`,
      hint: 'bucket names are shared by all accounts: name another in deploy.codeBucket of the profile',
      next: 'saasctl config show --origin',
      cause: error,
    });
  }
  if (status === 403 && /^(AccessDenied|Forbidden|403)/.test(error.name)) {
    return new SaasctlError({
      code: 'code_bucket_denied',
      category: 'auth',
      message: `could not ${doing}: access denied on s3:PutObject`,
      hint: 'the credentials lack that permission, or the bucket is another account’s: then name another in deploy.codeBucket of the profile',
      next: 'saasctl doctor',
      cause: error,
    });
  }
  return cloudError(error, { service: 'S3', action: 's3:PutObject', doing });
}
