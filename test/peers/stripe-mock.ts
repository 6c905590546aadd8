// stripe-mock: Stripe's own server that takes what its OpenAPI takes, and nothing else.
import { startPeer } from './server.ts';

export async function startStripeMock(): Promise<{ url: string; stop(): Promise<void> }> {
  const { endpoint: url, stop } = await startPeer({
    command: 'stripe-mock',
    args: (port) => ['-http-addr', `127.0.0.1:${port}`],
    path: '',
    // It answers 401 without a key.
    isReady: () => true,
  });
  return { url, stop };
}
