import { dirname, join } from 'node:path';
import type { Context, Host } from './context.ts';
import { define, onRun } from './define.ts';

const FILE = 'saasctl.json';
const IGNORED = '.saasctl/';

interface Written {
  file: string;
  outcome: 'created' | 'unchanged';
}

export function init(host: Host) {
  const command = define('init', {
    summary: `Write ${FILE} with the profile local and three plans; never overwrites`,
    examples: ['init'],
    store: false,
  });
  return onRun(host, command, async (cx: Context) => {
    const { deps } = cx;
    const path = join(deps.cwd, FILE);
    const outcome = (await deps.files.create(path, await deps.files.starter())) ? 'created' : 'unchanged';
    await ignoreStore(cx, path);
    await cx.print<Written>({
      kind: 'one',
      item: { file: path, outcome },
      id: path,
      fields: [
        { header: 'file', value: ({ file }) => file },
        { header: 'outcome', value: ({ outcome: is }) => is },
      ],
    });
    if (outcome === 'created') cx.note('next: saasctl quickstart, or saasctl tenant create <id>');
  });
}

/** The local store does not belong into a repository. */
async function ignoreStore({ deps }: Context, project: string): Promise<void> {
  const path = join(dirname(project), '.gitignore');
  const text = await deps.files.read(path);
  const lines = text?.split(/\r?\n/) ?? [];
  if (lines.some((line) => [IGNORED, '.saasctl', `/${IGNORED}`, '/.saasctl'].includes(line.trim()))) return;
  await deps.files.append(
    path,
    `${text === null || text === '' || text.endsWith('\n') ? '' : '\n'}${IGNORED}\n`,
  );
}
