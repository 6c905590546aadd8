import { createHash, createHmac } from 'node:crypto';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

interface Unsigned {
  host: string;
  path: string;
  /** The operation, for services that are asked in JSON. */
  target?: string | undefined;
  /** The body's content type: DynamoDB's unless given. */
  type?: string | undefined;
  body: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * Signs the one kind of request that is sent here, a POST without a query, with Signature Version 4 (AWS General
 * Reference). A general signer is six times the size, which every cold start pays for; the tests hold this one
 * against `aws4`.
 */
export function createSigner(region: string, service = 'dynamodb') {
  let derived: { from: string; key: Buffer } = { from: '', key: Buffer.alloc(0) };

  /** A key for a day, derived anew when the day or the credentials change. */
  function signingKey(secret: string, date: string): Buffer {
    const from = `${date}${secret}`;
    if (derived.from !== from) {
      const steps = [date, region, service, 'aws4_request'];
      derived = { from, key: steps.reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`)) };
    }
    return derived.key;
  }

  /** The headers to send, `now` in epoch ms. */
  return (
    { host, path, target, type = 'application/x-amz-json-1.0', body }: Unsigned,
    credentials: Credentials,
    now: number,
  ) => {
    const time = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
    const date = time.slice(0, 8);
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    // In the order in which they are signed, which is by name.
    const headers: Record<string, string> = {
      'content-length': String(Buffer.byteLength(body)),
      'content-type': type,
      host,
      'x-amz-date': time,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
      ...(target === undefined ? {} : { 'x-amz-target': target }),
    };
    const names = Object.keys(headers).join(';');
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    const request = ['POST', path, '', lines.join(''), names, sha256(body)].join('\n');
    const scope = `${date}/${region}/${service}/aws4_request`;
    const text = [ALGORITHM, time, scope, sha256(request)].join('\n');
    const signature = hmac(signingKey(secretAccessKey, date), text).toString('hex');
    headers['authorization'] =
      `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    return headers;
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
