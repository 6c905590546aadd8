import { basename, dirname, join } from 'node:path';
import type { Context, Host } from './context.ts';
import { define, onRun } from './define.ts';

const FILE = 'saasctl.json';
const IGNORED = '.saasctl/';
const PROFILE = 'aws';

interface Written {
  file: string;
  outcome: 'created' | 'updated' | 'unchanged';
}

interface Options {
  aws?: boolean;
  stack?: string;
}

export function init(host: Host) {
  const command = define('init', {
    summary: `Write ${FILE} with the profile local and three plans; never overwrites`,
    details: `--aws adds the profile ${PROFILE}: the account that the credentials are of, the region
they are set up for or --region, Stripe in test mode, and the example service.
It asks AWS who is calling, and changes nothing there. A profile of that name
that is there already stays as it is.`,
    examples: ['init', 'init --aws', 'init --aws --region eu-central-1 --stack acme'],
    exits: [4, 6],
    store: false,
  })
    .option('--aws', `add the profile ${PROFILE} for the account of the credentials at hand`)
    .option(
      '--stack <name>',
      'with --aws: what stacks and tables are named by; the folder’s name by default',
    );
  return onRun(host, command, async (cx: Context, options: Options) => {
    const { deps } = cx;
    const path = join(deps.cwd, FILE);
    // Asked first: where nobody can be told, or what was typed is wrong, nothing is written.
    const wanted =
      options.aws === true ? await wantedProfile(cx, command.optsWithGlobals()['region'], options) : null;
    let outcome: Written['outcome'] = (await deps.files.create(path, await deps.files.starter()))
      ? 'created'
      : 'unchanged';
    if (wanted !== null && (await addProfile(cx, path, wanted)) && outcome === 'unchanged')
      outcome = 'updated';
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
    if (wanted !== null) cx.note(`next: saasctl deploy --profile ${PROFILE}`);
    else if (outcome === 'created') cx.note('next: saasctl quickstart, or saasctl tenant create <id>');
  });
}

/** Whose credentials these are, in the region asked for or set up, and the stack's name. */
async function wantedProfile({ deps }: Context, flag: string | undefined, { stack }: Options) {
  const { checkRegion, stackNameFrom } = await import('../config/aws-profile.ts');
  const name = stackNameFrom(stack, basename(deps.cwd));
  const asked = flag ?? (deps.env['SAASCTL_REGION'] || undefined);
  const { account, region } = await deps.identify(asked === undefined ? null : checkRegion(asked), null);
  return { account, region, stack: name };
}

/** Adds the profile to the file; `false` where it is there. */
async function addProfile(
  { deps }: Context,
  path: string,
  wanted: Awaited<ReturnType<typeof wantedProfile>>,
): Promise<boolean> {
  const { withAwsProfile } = await import('../config/aws-profile.ts');
  const text = (await deps.files.read(path)) ?? '';
  const added = await withAwsProfile(text, path, PROFILE, wanted);
  if (added !== null) await deps.files.replace(path, added);
  return added !== null;
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
