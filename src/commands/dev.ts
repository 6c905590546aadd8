import { Option } from 'commander';
import { SaasctlError, usageError } from '../core/errors.ts';
import type { Context, Host } from './context.ts';
import { define, onRun } from './define.ts';

interface Options {
  port: string;
  handler?: string;
  mode: 'authorizer' | 'inline';
  allowRemote?: boolean;
}

export function dev(host: Host) {
  const command = define('dev', {
    summary: 'Serve a local HTTP API: the real authorizer and withTenant before a sample or your handler',
    details:
      'One line on stdout when ready: the address of the API, and on a profile with the stand-in for Stripe that one’s too. One line a request on stderr. Ctrl-C stops it.',
    examples: ['dev', 'dev --port 8080 --handler ./handler.mjs'],
    exits: [5],
  })
    .option('--port <n>', 'port of 127.0.0.1; 0 takes a free one', '3000')
    .option('--handler <file>', 'an ES module that exports `handler`; a sample without it')
    .addOption(
      new Option(
        '--mode <mode>',
        'authorizer: a Lambda authorizer in front; inline: withTenant does the gate itself',
      )
        .choices(['authorizer', 'inline'])
        .default('authorizer'),
    )
    .option('--allow-remote', 'serve a profile other than local: its tenants are real');
  return onRun(host, command, runDev);
}

async function runDev(cx: Context, options: Options): Promise<void> {
  const port = Number(options.port);
  if (!/^\d{1,5}$/.test(options.port) || port > 65_535) {
    throw usageError('bad_port', `--port: '${options.port}' is not a port`, {
      hint: 'it is a number from 0 to 65535',
    });
  }
  const config = await cx.config();
  if (!config.isLocal && options.allowRemote !== true)
    throw notLocal('dev', config.profileName, 'saasctl dev --profile local');
  const api = await cx.deps.startHttpApi(config, await cx.backend(), {
    port,
    handlerFile: options.handler ?? null,
    mode: options.mode,
    log: (line) => {
      if (!cx.globals.quiet) cx.io.err(`${line}\n`);
    },
  });
  try {
    const stripe = await cx.standIn();
    await cx.print({
      kind: 'one',
      item: { url: api.url, profile: config.profileName, stripe },
      id: api.url,
      fields: [
        { header: 'url', value: ({ url }) => url },
        { header: 'profile', value: ({ profile }) => profile },
        { header: 'stripe', value: ({ stripe }) => stripe },
      ],
    });
    cx.note(`try: curl -i ${api.url}/hello -H "x-api-key: $(cat <secret file>)"`);
    if (stripe !== null)
      cx.note(`a stand-in for Stripe, to rehearse what Stripe may do: export SAASCTL_STRIPE_URL=${stripe}`);
    await cx.untilStopped();
  } finally {
    await api.close();
  }
}

/** `dev` and `quickstart` make calls and tenants up: not where real ones live. */
export function notLocal(what: string, profile: string, next: string): SaasctlError {
  return new SaasctlError({
    code: 'profile_not_local',
    category: 'config',
    message: `${what} works on the profile local; this one is ${profile}`,
    next,
  });
}
