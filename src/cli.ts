import { randomUUID } from 'node:crypto';
import { Command, CommanderError, Option } from 'commander';
import { auditCommand } from './commands/audit/command.ts';
import { configCommand } from './commands/config/command.ts';
import type { Context, Deps, Globals, Host } from './commands/context.ts';
import { dev } from './commands/dev.ts';
import { doctor } from './commands/doctor.ts';
import { exitCodes } from './commands/help.ts';
import { init } from './commands/init.ts';
import { keyCommand } from './commands/key/command.ts';
import { planCommand } from './commands/plan/command.ts';
import { quickstart } from './commands/quickstart.ts';
import { tenantCommand } from './commands/tenant/command.ts';
import { usageCommand } from './commands/usage/command.ts';
import { EXIT, SaasctlError, usageError } from './core/errors.ts';
import { renderError } from './ui/error.ts';
import { FORMATS, type Format, render } from './ui/output.ts';
import { paintFor } from './ui/paint.ts';
import { compileQuery } from './ui/query.ts';

/** The whole command tree. Each command asks `host` for its context when it runs. */
export function program(host: Host, version = ''): Command {
  const root = new Command('saasctl')
    .description('Run a multi-tenant SaaS on AWS serverless: tenants, API keys, limits, usage')
    .addOption(new Option('-o, --output <format>', 'how the result is printed').choices(FORMATS))
    .option('--json', 'the same as -o json')
    .option('--query <jmespath>', 'what to take from the JSON')
    .option('--profile <name>', 'profile of saasctl.json')
    .option('--config <file>', 'project file; searched upwards by default')
    .option('--region <region>', 'AWS region, in place of the profile’s')
    .option('-y, --yes', 'answer yes to a y/N question')
    .option('--confirm <id>', 'confirm what would ask for the id to be typed')
    .option('--no-color', 'no colour')
    .option('--debug', 'one line per HTTP call on stderr, and stack traces')
    .option('-q, --quiet', 'print nothing on success')
    .version(version, '--version', 'print the version')
    .helpCommand(false)
    .showSuggestionAfterError();
  const help = new Command('help')
    .summary('Help on a command or a topic')
    .description('Help on a command or a topic')
    .argument('[words...]')
    .addCommand(exitCodes(host))
    .action((words: string[]) => at(root, words).help());
  for (const command of [
    init(host),
    quickstart(host),
    dev(host),
    tenantCommand(host),
    planCommand(host),
    keyCommand(host),
    usageCommand(host),
    auditCommand(host),
    configCommand(host),
    doctor(host),
    help,
  ]) {
    root.addCommand(command);
  }
  return root;
}

function at(root: Command, words: readonly string[]): Command {
  let command = root;
  for (const word of words) {
    const sub = command.commands.find((one) => one.name() === word);
    if (sub === undefined)
      throw usageError('unknown_command', `no command '${words.join(' ')}'`, { next: 'saasctl --help' });
    command = sub;
  }
  return command;
}

/** Runs one command line. The only catch-all, and the only place where exit codes are decided. */
export async function run(argv: readonly string[], deps: Deps): Promise<number> {
  const { io } = deps;
  const session = openSession(deps, argv);
  const root = program(session, deps.version);
  for (const command of allCommands(root)) {
    command.exitOverride().configureOutput({
      // Help goes to stdout when asked for; what commander has to say of a mistake is said by the catch below.
      writeOut: (text) => void io.out(text),
      writeErr: () => {},
      getOutHelpWidth: () => Math.min(io.columns, 110),
    });
  }
  try {
    const words = argv.length === 0 ? ['--help'] : argv;
    await Promise.race([root.parseAsync([...words], { from: 'user' }), session.interrupted]);
    return EXIT.ok;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.ok;
    if (io.closed) return EXIT.ok;
    const error = explain(thrown, session.debug);
    renderError(error, session.format(), io, paintFor('stderr', io, { flag: session.color }));
    return error.exitCode;
  } finally {
    await session.close();
  }
}

function* allCommands(command: Command): Generator<Command> {
  yield command;
  for (const sub of command.commands) yield* allCommands(sub);
}

/** What one run opens, and closes again whatever happens. */
function openSession(deps: Deps, argv: readonly string[]) {
  const { io, env } = deps;
  const requestId = `req_${randomUUID()}`;
  const closers: (() => Promise<void>)[] = [];
  let chosen: Format | undefined;
  let colorSetting: boolean | undefined;
  let serving = false;
  const interrupted = new Promise<never>((_, reject) => {
    const stop = () => {
      if (!serving)
        reject(new SaasctlError({ code: 'interrupted', category: 'interrupted', message: 'interrupted' }));
    };
    if (deps.signal.aborted) stop();
    deps.signal.addEventListener('abort', stop, { once: true });
  });
  interrupted.catch(() => {});

  const session = {
    interrupted,
    debug: argv.includes('--debug'),
    color: argv.includes('--no-color') ? false : undefined,
    // Before the flags are parsed, or when they cannot be, the words themselves tell how to print an error.
    format: (): Format => chosen ?? (wantsJson(argv, env) ? 'json' : 'table'),
    async close() {
      for (const close of closers.reverse()) await close().catch(() => {});
    },
    async context(command: Command): Promise<Context> {
      const flags = command.optsWithGlobals();
      if (flags['query'] !== undefined) await compileQuery(flags['query']);
      const globals: Globals = {
        get format() {
          return session.format();
        },
        query: flags['query'],
        yes: flags['yes'] === true,
        confirm: flags['confirm'],
        quiet: flags['quiet'] === true,
        debug: session.debug,
      };
      const flagged = flags['json'] === true ? 'json' : (flags['output'] as Format | undefined);
      if (flagged !== undefined) chosen = flagged;
      const paint = () => paintFor('stdout', io, { flag: session.color, setting: colorSetting });
      const config = once(async () => {
        const { loadConfig } = await import('./config/load.ts');
        const loaded = await loadConfig({
          cwd: deps.cwd,
          home: deps.home,
          env,
          interactive: io.stdinIsTTY && io.stderrIsTTY && !env['CI'],
          flags: {
            config: flags['config'],
            profile: flags['profile'],
            region: flags['region'],
            output: flagged,
            color: session.color,
          },
        });
        const { checkStripeKey } = await import('./config/stripe-key.ts');
        checkStripeKey(loaded.profile, env);
        chosen ??= loaded.output;
        colorSetting = loaded.color ?? undefined;
        // A reader of JSON errors takes each line of stderr for one.
        if (!globals.quiet && chosen !== 'json')
          for (const warning of loaded.warnings) io.err(`warning: ${warning}\n`);
        return loaded;
      });
      const backend = once(async () => {
        const opened = await deps.openBackend(
          await config(),
          globals.debug ? (line) => io.err(`${line}\n`) : null,
        );
        closers.push(opened.close);
        return opened;
      });
      return {
        io,
        get paint() {
          return paint();
        },
        globals,
        deps,
        requestId,
        now: deps.now,
        config,
        backend,
        store: async () => (await backend()).store,
        print: async (result) => {
          await render(
            result,
            { format: globals.format, query: globals.query, quiet: globals.quiet },
            io,
            paint(),
          );
        },
        note: (text) => {
          if (!globals.quiet) io.err(`${text}\n`);
        },
        untilStopped: () => {
          serving = true;
          return new Promise((resolve) => {
            if (deps.signal.aborted) resolve();
            deps.signal.addEventListener('abort', () => resolve(), { once: true });
          });
        },
      };
    },
  };
  return session;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function wantsJson(argv: readonly string[], env: Deps['env']): boolean {
  return (
    argv.some(
      (word, i) =>
        word === '--json' ||
        /^(-o=?|--output=)json$/.test(word) ||
        (/^(-o|--output)$/.test(word) && argv[i + 1] === 'json'),
    ) || env['SAASCTL_OUTPUT'] === 'json'
  );
}

/** Whatever was thrown, as an error that says what to do. */
function explain(thrown: unknown, debug: boolean): SaasctlError {
  if (thrown instanceof SaasctlError) return thrown;
  if (thrown instanceof CommanderError) {
    const message = thrown.message.replace(/^error: /, '').replace(/\n/g, ' ');
    const bare = thrown.code === 'commander.help';
    return usageError(
      thrown.code
        .replace('commander.', '')
        .replace(/([a-z])([A-Z])/g, '$1_$2')
        .toLowerCase(),
      bare ? 'a command is missing' : message,
      {
        next: 'saasctl --help',
      },
    );
  }
  const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new SaasctlError({
    code: 'bug',
    category: 'bug',
    message: debug ? (stack ?? message) : message,
    hint: 'this is a bug in saasctl; --debug shows where it comes from',
    cause: thrown,
  });
}
