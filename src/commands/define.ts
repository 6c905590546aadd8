import { Command, Option } from 'commander';
import type { Context, Host } from './context.ts';

export interface CommandDoc {
  summary: string;
  /** More than the summary, for `--help`. */
  details?: string;
  /** Whole command lines, without `saasctl`. */
  examples: readonly string[];
  /** Exit codes besides those every command of its kind has. */
  exits?: readonly number[];
  /** Whether it reads or writes the store, and so can be refused or throttled. */
  store?: boolean;
}

const docs = new WeakMap<Command, { exits: readonly number[]; examples: readonly string[] }>();

/** What a command declares; `null` for groups. */
export const docOf = (command: Command) => docs.get(command) ?? null;

/** A command with its help. `saasctl help exit-codes` explains the codes. */
export function define(nameAndArguments: string, doc: CommandDoc): Command {
  const exits = [
    ...new Set([0, 1, 2, ...(doc.exits ?? []), ...(doc.store === false ? [] : [4, 6]), 130]),
  ].sort((a, b) => a - b);
  const command = new Command(nameAndArguments.split(' ')[0]);
  const parameters = nameAndArguments.slice(command.name().length + 1);
  if (parameters !== '') command.arguments(parameters);
  docs.set(command, { exits, examples: doc.examples });
  return command
    .summary(doc.summary)
    .description(doc.details === undefined ? doc.summary : `${doc.summary}\n\n${doc.details}`)
    .addHelpText('after', () =>
      [
        '',
        'Examples:',
        ...doc.examples.map((example) => `  $ saasctl ${example}`),
        '',
        `Exit codes: ${exits.join(', ')}`,
      ].join('\n'),
    );
}

export function group(name: string, summary: string, commands: readonly Command[]): Command {
  const command = new Command(name).summary(summary).description(summary);
  for (const sub of commands) command.addCommand(sub);
  return command;
}

/** Binds a command's run function: `(context, ...arguments, options)`. */
export function onRun(
  host: Host,
  command: Command,
  // biome-ignore lint/suspicious/noExplicitAny: commander hands over what was declared on the command
  run: (cx: Context, ...input: any[]) => Promise<void>,
): Command {
  return command.action(async (...input: unknown[]) => {
    const self = input.pop() as Command;
    await run(await host.context(self), ...input);
  });
}

export const dryRunOption = () => new Option('-n, --dry-run', 'show what would change, and change nothing');

export interface ListOptions {
  limit?: string;
  after?: string;
}
export const limitOption = () => new Option('-L, --limit <n>', 'at most so many items');
export const afterOption = () => new Option('--after <next>', 'go on after the `next` of an earlier page');

/** For options that may be given more than once, one value each time. */
export const collect = (value: string, earlier: string[] | undefined): string[] => [
  ...(earlier ?? []),
  value,
];
