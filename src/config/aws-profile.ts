import { applyEdits, modify } from 'jsonc-parser';
import { usageError } from '../core/errors.ts';
import { parseProject } from './parse.ts';
import { REGION, STACK } from './schema.ts';

/** `<stack>-code-<account>-<region>` must be a bucket's name: 63 characters at most. */
const LONGEST_STACK = 24;

/**
 * The project file's text with a profile added, all else as it was; `null` where a profile of that name is there.
 * Throws as parsing the file does.
 */
export async function withAwsProfile(
  text: string,
  file: string,
  name: string,
  { account, region, stack }: { account: string; region: string; stack: string },
): Promise<string | null> {
  const { profiles } = await parseProject(text, file);
  if (Object.hasOwn(profiles, name)) return null;
  const profile = { account, region, stack, keyEnvs: ['live'], stripe: 'test', deploy: { service: {} } };
  const edits = modify(text, ['profiles', name], profile, {
    formattingOptions: { insertSpaces: true, tabSize: 2 },
  });
  const added = applyEdits(text, edits);
  await parseProject(added, file);
  return added;
}

/** What was asked for, or a stack's name made of a folder's. Throws a usage error for a name that is none. */
export function stackNameFrom(asked: string | undefined, folder: string): string {
  if (asked !== undefined) {
    if (STACK.test(asked) && asked.length <= LONGEST_STACK) return asked;
    throw usageError('bad_stack', `--stack ${JSON.stringify(asked)} is not a name for a stack`, {
      hint: `lower-case letters, digits and dashes, beginning with a letter, at most ${LONGEST_STACK}`,
    });
  }
  const made = folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, LONGEST_STACK)
    .replace(/-+$/, '');
  return made === '' ? 'saasctl' : made;
}

/** A region, if it is one. */
export function checkRegion(region: string): string {
  if (REGION.test(region)) return region;
  throw usageError('bad_region', `${JSON.stringify(region)} is not an AWS region`, {
    hint: 'a region is such as eu-central-1',
  });
}
