// moto: AWS on one port of this machine, from Python.
import { type PeerServer, startPeer } from './server.ts';

export interface Moto extends PeerServer {
  /** What Cost Explorer answers next, in this order, whatever is asked. */
  answers(results: readonly unknown[]): Promise<void>;
}

export async function startMoto(): Promise<Moto> {
  const server = await startPeer({
    command: 'moto_server',
    args: (port) => ['-H', '127.0.0.1', '-p', String(port)],
    path: '/moto-api/',
  });
  return {
    ...server,
    async answers(results) {
      await fetch(`${server.endpoint}/moto-api/reset`, { method: 'POST' });
      const response = await fetch(`${server.endpoint}/moto-api/static/ce/cost-and-usage-results`, {
        method: 'POST',
        body: JSON.stringify({ results }),
      });
      if (!response.ok) throw new Error(`moto took no results: ${response.status}`);
    },
  };
}
