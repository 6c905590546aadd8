// An AWS account on this machine, and the tool in front of it: its own templates and bundles, its own CLI, real
// endpoints. Signatures and policies are enforced; only the account's root, as which the tool runs, may do everything.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { expect, vi } from 'vitest';
import { run } from '../../src/cli.ts';
import { createDeps } from '../../src/deps.ts';
import { STAND_IN_KEY, type StripeStandIn, startStripeStandIn } from '../../src/local/stripe/server.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { type Json, type Ran, ROOT } from '../fixtures/cli.ts';
import { emulated } from './emulated.ts';
import { ACCOUNT, CREDENTIALS, startMinistack } from './ministack.ts';

export const STACK = 'shop';
export const REGION = 'eu-west-1';
/** The environment of a process that is to reach the account. */
export type Reach = Record<string, string>;

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  json(): Json;
}

export interface Call {
  method?: string;
  key?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

export interface Account {
  dir: string;
  /** The package that the tool runs from: a copy, whose templates may be edited. */
  root: string;
  endpoint: string;
  stripe: StripeStandIn;
  env: Reach;
  /** Runs a command line on the profile `prod`, with JSON on stdout; words are split at spaces unless given as a list. */
  cli(words: string | readonly string[], options?: { stdin?: string; signal?: AbortSignal }): Promise<Ran>;
  /** A command that must succeed, and what it printed. */
  done(words: string | readonly string[], options?: { stdin?: string }): Promise<Json>;
  /** Changes the project file. */
  project(change: (project: Json) => void): Promise<void>;
  /** Changes the profile. */
  profile(change: (profile: Json) => void): Promise<void>;
  /** Changes a template of the package; `null` brings the shipped one back. */
  template(name: string, change: ((text: string) => string) | null): Promise<void>;
  /** Calls a deployed API by the URL in a stack's outputs. */
  call(url: string, path: string, call?: Call): Promise<Answer>;
  invoke(functionArn: string, event?: unknown): Promise<{ failed: boolean; answer: Json }>;
  close(): Promise<void>;
}

/** An empty account, and a project with a profile `prod` that bills at a stand-in for Stripe and has the example service. */
export async function openAccount(): Promise<Account> {
  const stripe = await startStripeStandIn({ storeDir: null });
  const peer = await startMinistack({ auth: true });
  const dir = await mkdtemp(join(tmpdir(), 'saasctl-deployed-'));
  const root = join(dir, 'package');
  await copyPackage(root);
  const env: Reach = {
    AWS_ENDPOINT_URL: peer.endpoint,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    STRIPE_API_KEY: STAND_IN_KEY,
    SAASCTL_STRIPE_URL: stripe.url,
  };
  // What the AWS SDK itself reads.
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);

  const file = join(dir, 'saasctl.json');
  const project = JSON.parse(await readFile(join(ROOT, 'templates', 'saasctl.json'), 'utf8'));
  project.profiles.prod = {
    account: ACCOUNT,
    region: REGION,
    stack: STACK,
    keyEnvs: ['live'],
    stripe: 'test',
    deploy: { service: {}, parameters: { core: { StripeUrl: stripe.url } } },
  };
  project.defaultProfile = 'prod';
  const save = () => writeFile(file, JSON.stringify(project, null, 2));
  await save();

  const cli: Account['cli'] = async (words, { stdin = '', signal = new AbortController().signal } = {}) => {
    const io = testIo({ stdin, env });
    const world = { io, cwd: dir, home: dir, now: Date.now, pause, signal };
    const typed = typeof words === 'string' ? words.split(' ') : [...words];
    const code = await run([...typed, '--profile', 'prod', '-o', 'json'], createDeps(world, root, '0.1.0'));
    return {
      code,
      stdout: io.stdout(),
      stderr: io.stderr(),
      json: () => JSON.parse(io.stdout()),
      error: () => JSON.parse(io.stderr().trim().split('\n').at(-1) ?? ''),
    };
  };
  const lambda = new LambdaClient({ region: REGION, endpoint: peer.endpoint, credentials: CREDENTIALS });

  return {
    dir,
    root,
    endpoint: peer.endpoint,
    stripe,
    env,
    cli,
    async done(words, options) {
      const ran = await cli(words, options);
      expect(ran.code, `saasctl ${words}: ${ran.stderr}`).toBe(0);
      return ran.json();
    },
    async project(change) {
      change(project);
      await save();
    },
    async profile(change) {
      change(project.profiles.prod);
      await save();
    },
    async template(name, change) {
      const shipped = await readFile(join(ROOT, 'templates', name), 'utf8');
      const base = emulated(shipped).text;
      const text = change === null ? base : change(base);
      if (change !== null && text === base) throw new Error(`the edit of ${name} changes nothing`);
      await writeFile(join(root, 'templates', name), text);
    },
    call: (url, path, call) => httpCall(url, path, call),
    async invoke(functionArn, event = {}) {
      const { FunctionError, Payload } = await lambda.send(
        new InvokeCommand({ FunctionName: functionArn, Payload: JSON.stringify(event) }),
      );
      return {
        failed: FunctionError !== undefined,
        answer: JSON.parse(Buffer.from(Payload ?? []).toString()),
      };
    },
    async close() {
      vi.unstubAllEnvs();
      lambda.destroy();
      await peer.stop();
      await stripe.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The emulator is done within milliseconds: what AWS is given seconds for is asked again sooner. */
const pause = (ms: number) => new Promise<void>((wake) => setTimeout(wake, Math.min(ms, 25)));

/** As npm would install it, with the templates for the emulator. */
async function copyPackage(root: string): Promise<void> {
  await mkdir(root);
  for (const name of ['bin', 'dist', 'templates', 'package.json'])
    await cp(join(ROOT, name), join(root, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  for (const name of await readdir(join(root, 'templates'))) {
    if (!name.endsWith('.yaml')) continue;
    const file = join(root, 'templates', name);
    await writeFile(file, emulated(await readFile(file, 'utf8')).text);
  }
}

/** The name in the URL is this machine's under the emulator; what it routes by is the Host header. */
function httpCall(
  url: string,
  path: string,
  { method = 'GET', key, headers, body }: Call = {},
): Promise<Answer> {
  const { host, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { host, ...(key === undefined ? {} : { 'x-api-key': key }), ...headers },
    });
    sent.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('error', reject)
        .on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode: status = 0, headers: given } = response;
          resolve({ status, headers: given, body: text, json: () => JSON.parse(text) });
        });
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
