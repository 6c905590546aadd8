import { Command, CommanderError, Option } from 'commander';
import { auditCommand } from './commands/audit/command.ts';
import { configCommand } from './commands/config/command.ts';
import type { Deps, Host } from './commands/context.ts';
import { costCommand } from './commands/cost/command.ts';
import { deployCommand } from './commands/deploy/command.ts';
import { destroy } from './commands/destroy.ts';
import { dev } from './commands/dev.ts';
import { doctor } from './commands/doctor.ts';
import { exitCodes } from './commands/help.ts';
import { init } from './commands/init.ts';
import { keyCommand } from './commands/key/command.ts';
import { planCommand } from './commands/plan/command.ts';
import { quickstart } from './commands/quickstart.ts';
import { openSession } from './commands/session.ts';
import { tenantCommand } from './commands/tenant/command.ts';
import { usageCommand } from './commands/usage/command.ts';
import { type ErrorCategory, EXIT, SaasctlError, usageError } from './core/errors.ts';
import { renderError } from './ui/error.ts';
import { FORMATS } from './ui/output.ts';
import { paintFor } from './ui/paint.ts';

/** The whole command tree. Each command asks `host` for its context when it runs. */
export function program(host: Host, version = ''): Command {
  const root = new Command('saasctl')
    .description('Run a multi-tenant SaaS on AWS serverless: tenants, API keys, limits, usage, cost')
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
    costCommand(host),
    deployCommand(host),
    destroy(host),
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

const OUTCOMES = new Set<ErrorCategory>(['auth', 'partial', 'pending', 'interrupted']);

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
    const error = explain(thrown, session.debug, helpOf(root, argv));
    // A reader that has seen enough ends a list quietly; what a run came to is no part of what it prints.
    if (io.closed && !OUTCOMES.has(error.category) && error.code !== 'secret_not_shown') return EXIT.ok;
    const paint = paintFor('stderr', io, { flag: session.color });
    renderError(error, session.format(), io, paint, session.named);
    return error.exitCode;
  } finally {
    await session.close();
  }
}

function* allCommands(command: Command): Generator<Command> {
  yield command;
  for (const sub of command.commands) yield* allCommands(sub);
}

/** The help of the command that the words name, as far as they do. */
function helpOf(root: Command, words: readonly string[]): string {
  const path: string[] = [];
  let command = root;
  for (const word of words) {
    const sub = command.commands.find((one) => one.name() === word);
    if (sub === undefined) break;
    path.push(word);
    command = sub;
  }
  return ['saasctl', ...path, '--help'].join(' ');
}

/** Whatever was thrown, as an error that says what to do. */
function explain(thrown: unknown, debug: boolean, help: string): SaasctlError {
  if (thrown instanceof SaasctlError) {
    if (thrown.category !== 'usage' || thrown.next !== null) return thrown;
    return usageError(thrown.code, thrown.message, { hint: thrown.hint ?? undefined, next: help });
  }
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
        next: help,
      },
    );
  }
  const { code, syscall } = thrown as NodeJS.ErrnoException;
  if (syscall === 'write' && code !== undefined) {
    return new SaasctlError({
      code: 'stdout_failed',
      category: 'remote',
      message: `the result could not be written to stdout: ${code}`,
      hint: 'what the command changed is changed all the same; audit list shows it',
      next: 'saasctl audit list --since 1h',
      retryable: true,
      cause: thrown,
    });
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
