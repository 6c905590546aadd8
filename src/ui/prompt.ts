import { SaasctlError, usageError } from '../core/errors.ts';
import type { Io } from './io.ts';
import { visible, visibleText } from './visible.ts';

/**
 * Asks y/N on stderr; Enter is no. Off a terminal a usage error `confirmation_required` that names `--yes`,
 * Ctrl-C and the end of stdin `interrupted`.
 */
export async function confirm(question: string, io: Io): Promise<boolean> {
  needTerminal(io, '--yes');
  const { askYesNo } = await import('./inquirer.ts');
  return interruptible(io, (signal) => askYesNo(visibleText(question), { ...io.prompt, signal }));
}

/** Asks for the id to be typed, before what cannot be undone; false when something else was typed. */
export async function typeToConfirm(id: string, io: Io): Promise<boolean> {
  needTerminal(io, `--confirm ${id}`);
  const { askText } = await import('./inquirer.ts');
  const question = `Type ${visible(id)} to confirm:`;
  return (await interruptible(io, (signal) => askText(question, { ...io.prompt, signal }))).trim() === id;
}

/** Asks for a secret, which is not shown as it is typed. */
export async function askSecret(question: string, io: Io): Promise<string> {
  needTerminal(io, 'the secret on stdin');
  const { askHidden } = await import('./inquirer.ts');
  return interruptible(io, (signal) => askHidden(visible(question), { ...io.prompt, signal }));
}

function needTerminal(io: Io, flag: string): void {
  if (io.stdinIsTTY && io.stderrIsTTY) return;
  throw usageError('confirmation_required', 'this needs a confirmation, and there is no terminal to ask on', {
    hint: 'nothing was changed; a pipe is never taken as an answer',
    next: `run the same command with ${flag}`,
  });
}

/** Asks until answered, interrupted, or nobody is left to answer. */
async function interruptible<R>(io: Io, ask: (signal: AbortSignal) => Promise<R>): Promise<R> {
  const gone = new AbortController();
  // Ctrl-D only pauses the input, and the prompt would wait for ever.
  const leave = (): void => gone.abort();
  for (const event of ['pause', 'end', 'close']) io.prompt.input.once(event, leave);
  try {
    return await ask(gone.signal);
  } catch (cause) {
    if (!(cause instanceof Error) || !/^(ExitPrompt|AbortPrompt)Error$/.test(cause.name)) throw cause;
    throw new SaasctlError({
      code: 'interrupted',
      category: 'interrupted',
      message: 'interrupted at the question',
      hint: 'nothing was changed',
      cause,
    });
  } finally {
    for (const event of ['pause', 'end', 'close']) io.prompt.input.removeListener(event, leave);
  }
}
