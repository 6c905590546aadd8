import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeKey, makeTenant } from '../adapters/tenancy.ts';
import { atMost, exactly, type Figure } from './figure.ts';
import { PLAN, type World } from './world.ts';

const A_SECOND = 200;
const SECONDS = 5;
const WARM = 400;

/** How far the slow requests are from the usual one, at a steady rate through the local HTTP API. */
export async function latencyFigures({ root, dir, endpoint, store }: World): Promise<Figure[]> {
  const now = Date.now();
  const { secret } = await makeKey(store, await makeTenant(store, 'steady', PLAN, now), { now });
  const { PATH } = process.env;
  const child = spawn(
    process.execPath,
    [join(root, 'bin', 'saasctl.js'), 'dev', '--port', '0', '-o', 'json'],
    {
      cwd: dir,
      env: { PATH, HOME: dir, AWS_ENDPOINT_URL_DYNAMODB: endpoint },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const agent = new Agent({ keepAlive: true });
  try {
    const said = once(child.stdout.setEncoding('utf8'), 'data') as Promise<[string]>;
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('saasctl dev ended')));
    ended.catch(() => undefined);
    const [ready] = await Promise.race([said, ended]);
    const { url } = JSON.parse(ready) as { url: string };
    await steady(agent, url, secret, WARM);
    const { times, failed } = await steady(agent, url, secret, A_SECOND * SECONDS);
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(times.length * share)] ?? Number.NaN;
    const value = at(0.99) / at(0.5);
    const name = `saasctl dev at ${A_SECOND} requests/s`;
    return [
      exactly(`${name}: not answered 200`, failed, 0),
      atMost(`${name}: p99 over p50`, value, 5, value.toFixed(1)),
    ];
  } finally {
    agent.destroy();
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
}

/** Sends on the dot, whatever became of the requests before: a slow one does not hold the next ones back. */
async function steady(agent: Agent, url: string, secret: string, requests: number) {
  const times: number[] = [];
  let failed = 0;
  const started = performance.now();
  const all: Promise<void>[] = [];
  for (let i = 0; i < requests; i++) {
    const wait = started + (i * 1000) / A_SECOND - performance.now();
    if (wait > 0) await pause(wait);
    const sent = performance.now();
    const done = get(agent, url, secret).then((status) => {
      times.push(performance.now() - sent);
      if (status !== 200) failed += 1;
    });
    all.push(done);
  }
  await Promise.all(all);
  return { times, failed };
}

function get(agent: Agent, url: string, secret: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${url}/hello`, { agent, headers: { 'x-api-key': secret } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}
