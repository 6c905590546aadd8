import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { SaasctlError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';
import { asTyped, type Named } from '../ui/error.ts';
import { type Format, render } from '../ui/output.ts';
import { paintFor } from '../ui/paint.ts';
import { compileQuery } from '../ui/query.ts';
import { visibleText } from '../ui/visible.ts';
import type { Context, Deps, Globals } from './context.ts';

/** What one run opens, and closes again whatever happens. */
export function openSession(deps: Deps, argv: readonly string[]) {
  const { io, env } = deps;
  const requestId = `req_${randomUUID()}`;
  const closers: (() => Promise<void>)[] = [];
  let chosen: Format | undefined;
  let colorSetting: boolean | undefined;
  let serving = false;
  let holding = 0;
  let begun = false;
  let closed = false;
  // What has not begun is begun by the same words; what has may be done, and would be done twice.
  const again = (): string | undefined =>
    begun || argv.length === 0 ? undefined : ['saasctl', ...argv.map(shellWord)].join(' ');
  const interruption = (): SaasctlError =>
    new SaasctlError({
      code: 'interrupted',
      category: 'interrupted',
      message: 'interrupted',
      next: again(),
    });
  const interrupted = new Promise<never>((_, reject) => {
    const stop = () => {
      if (!serving && holding === 0) reject(interruption());
    };
    if (deps.signal.aborted) stop();
    deps.signal.addEventListener('abort', stop, { once: true });
  });
  interrupted.catch(() => {});

  const session = {
    interrupted,
    debug: argv.includes('--debug'),
    color: argv.includes('--no-color') ? false : undefined,
    named: { profile: null, config: null } as Named,
    // Before the flags are parsed, or when they cannot be, the words themselves tell how to print an error.
    format: (): Format => chosen ?? (wantsJson(argv, env) ? 'json' : 'table'),
    async close() {
      closed = true;
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
        named: session.named,
      };
      const flagged = flags['json'] === true ? 'json' : (flags['output'] as Format | undefined);
      if (flagged !== undefined) chosen = flagged;
      const paint = () => paintFor('stdout', io, { flag: session.color, setting: colorSetting });
      const config = once(async () => {
        const { loadConfig } = await import('../config/load.ts');
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
        const { checkStripeKey } = await import('../config/stripe-key.ts');
        checkStripeKey(loaded.profile, env);
        chosen ??= loaded.output;
        if (flags['profile'] !== undefined) session.named.profile = loaded.profileName;
        session.named.config = flags['config'] ?? null;
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
        if (closed) {
          // Interrupted while it opened: nothing may be done with it any more.
          await opened.close();
          throw interruption();
        }
        closers.push(opened.close);
        return opened;
      });
      const cost = once(async () => {
        const opened = await deps.openCost(
          await config(),
          globals.debug ? (line) => io.err(`${line}\n`) : null,
          (text) => {
            if (!globals.quiet && globals.format !== 'json') io.err(`${text}\n`);
          },
        );
        closers.push(opened.close);
        return opened;
      });
      const cloud = once(async () => {
        const opened = await deps.openCloud(
          await config(),
          globals.debug ? (line) => io.err(`${line}\n`) : null,
        );
        closers.push(opened.close);
        const { patientCloud } = await import('../core/deploy/patient-cloud.ts');
        return patientCloud(opened, { pause: deps.pause, signal: deps.signal, onNote: note });
      });
      const billing = once(async () => {
        const opened = deps.openBilling(await config(), globals.debug ? (line) => io.err(`${line}\n`) : null);
        closers.push(opened.close);
        return opened;
      });
      const note = (text: string): void => {
        // A reader of JSON errors takes each line of stderr for one.
        if (globals.quiet || globals.format === 'json') return;
        const typed = text.replace(/(?<=next: )saasctl [^,;\n]+/, (next) => asTyped(next, session.named));
        io.err(`${visibleText(typed)}\n`);
      };
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
        sink: async (name) => (await billing()).sink(name),
        stripe: async () => (await billing()).stripe(),
        standIn: async () => (await billing()).standIn(),
        cost,
        cloud,
        print: async (result) => {
          await render(
            result,
            { format: globals.format, query: globals.query, quiet: globals.quiet },
            io,
            paint(),
          );
        },
        note,
        async uninterrupted(work) {
          if (deps.signal.aborted) throw interruption();
          holding++;
          begun = true;
          try {
            return await work();
          } finally {
            holding--;
          }
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
