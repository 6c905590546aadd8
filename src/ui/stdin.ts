import { usageError } from '../core/errors.ts';

const LARGEST = 1024 * 1024;

/** All of a stream as UTF-8. More than 1 MiB is a usage error: a wrong file was piped in. */
export async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > LARGEST) {
      throw usageError('stdin_too_large', 'more than 1 MiB on stdin', {
        hint: 'a single value is read from there, such as an API key',
      });
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
