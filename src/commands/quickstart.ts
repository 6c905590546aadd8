import { randomInt } from 'node:crypto';
import { join, relative } from 'node:path';
import { categoryOf, SaasctlError } from '../core/errors.ts';
import type { SelfProcess } from '../core/ports.ts';
import type { Context, Host, HttpAnswer } from './context.ts';
import { define, onRun } from './define.ts';
import { notLocal } from './dev.ts';

export function quickstart(host: Host) {
  const command = define('quickstart', {
    exits: [3, 5, 7, 8],
    summary:
      'The whole story on the embedded engine: provision, key, call until 429, rotate, revoke, usage, bill, cost',
    details:
      'Every step is a real command, printed as it runs, on a fresh tenant: it can be run again at once.',
    examples: ['quickstart'],
  });
  return onRun(host, command, runQuickstart);
}

/** Small enough to watch both limits being reached. */
const BURST = 5;
const QUOTA = 12;

async function runQuickstart(cx: Context): Promise<void> {
  const tell = narrator(cx);
  if ((await cx.deps.projectFile()) === null) {
    await tell.say('A project file: the profile local and three plans.');
    await tell.run(['init']);
  }
  const config = await cx.config();
  if (!config.isLocal) throw notLocal('quickstart', config.profileName, 'saasctl quickstart --profile local');
  if (Object.keys(config.project.profiles).length > 1) tell.always.push('--profile', 'local');
  if ((await cx.deps.projectFile()) !== config.file) tell.always.push('--config', config.file);

  const tenant = `demo-${Array.from({ length: 4 }, () => String.fromCharCode(97 + randomInt(26))).join('')}`;
  const keyFile = join(config.storeDir, `${tenant}.key`);
  const typedFile = relative(cx.deps.cwd, keyFile);

  await tell.say('A tenant: its profile, and its gate, the one item that every call must pass.');
  await tell.run(['tenant', 'create', tenant, '--plan', 'free', '--limit', `apiCallsPerMonth=${QUOTA}`]);
  await tell.say('A key for it. The secret goes into a file that only you can read.');
  await tell.run([
    'key',
    'create',
    '--tenant',
    tenant,
    '--name',
    'ci',
    '--rate',
    '2/s',
    '--burst',
    `${BURST}`,
    '--secret-file',
    typedFile,
  ]);
  await tell.say('A local HTTP API: the real authorizer, one conditional DynamoDB write a call.');
  const dev = await tell.serve(['dev', '--port', '0']);
  try {
    await callsAndLimits(cx, tell, { tenant, keyFile, typedFile, url: `${dev.url}/hello` });
  } finally {
    await dev.server.stop();
  }
  await bill(tell, tenant);
  const page = join(config.storeDir, 'cost-report.html');
  await tell.say(
    'What every tenant costs, on a sample bill: direct + allocated + overhead + unallocated is the bill, to the cent. ' +
      'Storage stays unallocated here, since the demo stores nothing; a margin needs real payments.',
  );
  const shown = relative(cx.deps.cwd, page);
  await tell.run(['cost', 'report', '--month', 'this', '--source', 'sample', '--html', shown]);
  await tell.say('Everything that changed something is on record.');
  await tell.run(['audit', 'list', '--tenant', tenant, '--since', '1h']);
  await cx.io.out(
    [
      '',
      `Done. Tenant ${tenant} and its store stay in ${relative(cx.deps.cwd, config.storeDir) || config.storeDir}/. Try next:`,
      `  saasctl tenant update ${tenant} --plan pro`,
      `  saasctl usage preview ${tenant}`,
      `  saasctl key create --tenant ${tenant}`,
      '  saasctl dev --handler ./your-handler.mjs',
      '  saasctl help',
      `The cost report as a page: ${shown}`,
      '',
    ].join('\n'),
  );
}

async function callsAndLimits(
  cx: Context,
  tell: Narrator,
  { tenant, keyFile, typedFile, url }: { tenant: string; keyFile: string; typedFile: string; url: string },
): Promise<void> {
  const { http, files } = cx.deps;
  const secret = async () => ((await files.read(keyFile)) ?? '').trim();
  const call = async (key: string | null) => http(url, key === null ? {} : { 'x-api-key': key });
  const first = await secret();

  await tell.say(
    `Calls. The key lets ${BURST} through at once; without a key, or with a wrong one, nothing passes.`,
  );
  await tell.calls('no key', [await call(null)]);
  await tell.calls('one character changed', [
    await call(`${first.slice(0, -1)}${first.endsWith('0') ? '1' : '0'}`),
  ]);
  // Once more on a machine that is so slow to start its sandboxes that the bucket fills up meanwhile.
  for (let refused = false, round = 0; !refused && round < 2; round++) {
    const answers = await Promise.all(Array.from({ length: BURST + 3 }, () => call(first)));
    await tell.calls(`${answers.length} at once`, answers);
    refused = answers.some(({ status }) => status === 429);
  }

  await tell.say('A new secret under the same key. Until the grace ends both work, under one limit.');
  await tell.run([
    'key',
    'rotate',
    '--tenant',
    tenant,
    '--name',
    'ci',
    '--grace',
    '7d',
    '--secret-file',
    typedFile,
  ]);
  const second = await secret();
  await tell.calls('old secret', [await patiently(call, first)]);
  await tell.calls('new secret', [await patiently(call, second)]);

  await tell.say(`On to the monthly quota of ${QUOTA} calls.`);
  const answers: HttpAnswer[] = [];
  for (let i = 0; i < QUOTA; i++) {
    const answer = await patiently(call, second);
    answers.push(answer);
    if (answer.status !== 200) break;
  }
  await tell.calls('until refused', answers);
  await tell.run(['usage', 'show', tenant]);

  await tell.say('A raised limit is seen within a second: so long, denials are repeated at no cost.');
  await tell.run(['tenant', 'update', tenant, '--limit', `apiCallsPerMonth=${QUOTA * 2}`]);
  await cx.deps.pause(1000);
  await tell.calls('a second later', [await patiently(call, second)]);
  await tell.say('A revocation is seen by the very next call.');
  const keyId = await tell.ask(['key', 'list', '--tenant', tenant, '-o', 'id']);
  await tell.run(['key', 'revoke', keyId, '--yes']);
  await tell.calls('next call', [await patiently(call, second)]);
}

async function bill(tell: Narrator, tenant: string): Promise<void> {
  await tell.say('Billing. The profile local has a stand-in for Stripe: its meters and prices, made once.');
  await tell.run(['usage', 'stripe', 'setup']);
  await tell.say('Whom to bill, from today on.');
  await tell.run(['tenant', 'update', tenant, '--create-customer']);
  await tell.say('The calls just made arrive there. Each delta is written down before it is sent.');
  await tell.run(['usage', 'sync-stripe', '--tenant', tenant]);
  await tell.say('Once more, as cron would: nothing is sent twice.');
  await tell.run(['usage', 'sync-stripe', '--tenant', tenant]);
  await tell.say('Our number, and the one that Stripe has counted.');
  await tell.run(['usage', 'reconcile', '--tenant', tenant]);
}

/** Waits out the rate limit, as a good client does; a quota is not waited for. */
async function patiently(call: (key: string) => Promise<HttpAnswer>, key: string): Promise<HttpAnswer> {
  for (;;) {
    const answer = await call(key);
    const seconds = Number(answer.retryAfter ?? 0);
    if (answer.status !== 429 || seconds > 2) return answer;
    await new Promise((wake) => setTimeout(wake, seconds * 1000));
  }
}

interface Narrator {
  /** Flags that every command gets. */
  always: string[];
  say(text: string): Promise<void>;
  run(args: string[]): Promise<void>;
  /** What a command prints, without showing it. */
  ask(args: string[]): Promise<string>;
  serve(args: string[]): Promise<{ url: string; server: SelfProcess }>;
  calls(what: string, answers: readonly HttpAnswer[]): Promise<void>;
}

function narrator({ io, deps, paint }: Context): Narrator {
  const show = (args: string[]) => io.out(paint.bold(`$ saasctl ${[...args, ...tell.always].join(' ')}\n`));
  const finished = async (args: string[], step: SelfProcess): Promise<void> => {
    const code = await step.exit;
    if (code === 0) return;
    throw new SaasctlError({
      code: 'step_failed',
      category: categoryOf(code),
      message: `the step ended with exit code ${code}`,
      hint: step.said().trim() || 'what it printed above says why',
      next: `saasctl ${args.join(' ')}`,
    });
  };
  const tell: Narrator = {
    always: [],
    say: (text) => io.out(`\n${paint.dim(`# ${text}`)}\n`),
    async run(args) {
      await show(args);
      await finished(args, await deps.runSelf([...args, ...tell.always], 'show'));
    },
    async ask(args) {
      let text = '';
      await finished(
        args,
        await deps.runSelf([...args, ...tell.always], (chunk) => {
          text += chunk;
        }),
      );
      return text.trim();
    },
    async serve(args) {
      await show(args);
      let text = '';
      let ready = (_url: string) => {};
      const url = new Promise<string>((resolve) => {
        ready = resolve;
      });
      const server = await deps.runSelf([...args, ...tell.always, '-o', 'id'], (chunk) => {
        text += chunk;
        if (text.includes('\n')) ready(text.trim());
      });
      const answer = await Promise.race([url, server.exit.then(() => null)]);
      if (answer === null) await finished(args, server);
      await io.out(`${answer}\n`);
      return { url: answer ?? '', server };
    },
    async calls(what, answers) {
      await io.out(`  GET /hello, ${what}: ${tally(answers)}\n`);
    },
  };
  return tell;
}

/** `200 ×5, 429 ×3 (Retry-After: 1)` */
function tally(answers: readonly HttpAnswer[]): string {
  const counts = new Map<number, { count: number; retryAfter: string | null }>();
  for (const { status, retryAfter } of answers) {
    const seen = counts.get(status);
    counts.set(status, { count: (seen?.count ?? 0) + 1, retryAfter: retryAfter ?? seen?.retryAfter ?? null });
  }
  return [...counts.entries()]
    .sort(([a], [b]) => a - b)
    .map(
      ([status, { count, retryAfter }]) =>
        `${status} ×${count}${retryAfter === null ? '' : ` (Retry-After: ${retryAfter})`}`,
    )
    .join(', ');
}
