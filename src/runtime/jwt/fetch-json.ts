import https from 'node:https';

/** Larger than any key set, small enough to parse without thought. */
const MAX_BYTES = 256 * 1024;

/**
 * GETs JSON. No redirects: a key set is where it is said to be. Rejects with a message that says why; `signal`
 * bounds the whole of it.
 */
export async function fetchJson(
  url: string,
  signal: AbortSignal,
): Promise<{ status: number; json: unknown }> {
  // On Node 22 and 24 importing node:http loads undici: only plain endpoints, which are local, pay for it.
  const { get } = url.startsWith('https:') ? https : (await import('node:http')).default;
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = get(url, { signal, headers: { accept: 'application/json' } }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) outgoing.destroy(new Error(`more than ${MAX_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    outgoing.on('error', reject);
  });
  if (status !== 200) return { status, json: null };
  try {
    return { status, json: JSON.parse(text) };
  } catch {
    throw new Error('the answer is not JSON');
  }
}
