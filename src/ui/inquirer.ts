import inquirer from 'inquirer';

interface Asking {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  signal: AbortSignal;
}

export async function askYesNo(message: string, asking: Asking): Promise<boolean> {
  const ask = inquirer.createPromptModule(asking);
  const { answer } = await ask([{ type: 'confirm', name: 'answer', message, default: false }]);
  return answer;
}

export async function askText(message: string, asking: Asking): Promise<string> {
  const ask = inquirer.createPromptModule(asking);
  const { answer } = await ask([{ type: 'input', name: 'answer', message }]);
  return answer;
}

/** Nothing of what is typed is shown. */
export async function askHidden(message: string, asking: Asking): Promise<string> {
  const ask = inquirer.createPromptModule(asking);
  const { answer } = await ask([{ type: 'password', name: 'answer', message, mask: false }]);
  return answer;
}
