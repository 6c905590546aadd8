import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import type { Artifacts, CodeName } from '../commands/context.ts';
import { SaasctlError, usageError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';

/** What the build says that it made: `dist/build.json`. */
interface Build {
  version: string;
  /** sha256 in hex, by the file's name in `dist/lambda`. */
  files: Record<string, string>;
}

const LARGEST_FILE = 50 * 1024 * 1024;

/** Templates and code from the package, or the project's own files. */
export function artifacts(packageRoot: string, version: string): Artifacts {
  const built = () => verifiedBuild(join(packageRoot, 'dist'), version);
  return {
    template: (kind, own) =>
      own === null
        ? readFile(join(packageRoot, 'templates', `${kind}.yaml`), 'utf8')
        : readFile(own, 'utf8').catch((error: unknown) => {
            throw unreadable(own, 'template', error);
          }),
    async zip(what, own) {
      const { zipOf } = await import('../adapters/cloud/zip.ts');
      return zipOf(what, own === null ? shipped(await built(), what) : await ownCode(own));
    },
  };
}

/** A function's files by their names in its zip. */
function shipped(build: ReadonlyMap<string, Uint8Array>, what: CodeName): Map<string, Uint8Array> {
  const files = [...build].filter(([name]) => name.startsWith(what));
  return new Map(files.map(([name, bytes]) => [name.replace(/^service\//, ''), bytes]));
}

/** The bundles, each with the bytes that the build of this version has written down. */
async function verifiedBuild(dist: string, version: string): Promise<Map<string, Uint8Array>> {
  const build = await readFile(join(dist, 'build.json'), 'utf8').then(
    (text) => JSON.parse(text) as Build,
    () => null,
  );
  if (build === null) throw notBuilt('there is no build of the functions');
  if (build.version !== version)
    throw notBuilt(`the functions were built by ${build.version}, and this is ${version}`);
  const files = Object.entries(build.files).map(async ([name, sha256]): Promise<[string, Uint8Array]> => {
    const bytes = await readFile(join(dist, 'lambda', name)).catch(() => null);
    if (bytes === null || createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw notBuilt(`dist/lambda/${name} is not what the build made`);
    return [name, bytes];
  });
  return new Map(await Promise.all(files));
}

const notBuilt = (why: string): SaasctlError =>
  new SaasctlError({
    code: 'not_built',
    category: 'config',
    message: `the functions cannot be deployed: ${why}`,
    hint: 'nothing was changed',
    next: 'npm run build',
  });

/** A file is the handler itself, a folder the whole zip. */
async function ownCode(path: string): Promise<Map<string, Uint8Array>> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, 'code', error);
  });
  const files = found.isDirectory() ? await filesIn(path) : new Map([['handler.mjs', await readFile(path)]]);
  const handler = files.get('handler.mjs');
  if (handler === undefined) {
    throw usageError('no_handler', `${path} has no handler.mjs`, {
      hint: 'the function’s handler is `handler` of handler.mjs, at the top of the folder',
      next: 'saasctl config show --origin',
    });
  }
  if (!found.isDirectory()) await checkBundled(path, handler);
  return files;
}

async function filesIn(folder: string): Promise<Map<string, Uint8Array>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, Uint8Array>();
  let size = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    size += bytes.length;
    if (size > LARGEST_FILE) {
      throw usageError('code_too_large', `${folder} holds more than ${LARGEST_FILE / 1024 / 1024} MB`, {
        hint: 'a bundle of the handler is smaller by far',
        next: `npx esbuild handler.mjs --bundle --platform=node --format=esm --outfile=dist/handler.mjs`,
      });
    }
    files.set(
      path
        .slice(folder.length)
        .replace(/^[/\\]+/, '')
        .replaceAll('\\', '/'),
      bytes,
    );
  }
  return files;
}

/** The AWS SDK that Lambda has, what layers bring, and what a URL names. */
const IS_THERE = /^(@aws-sdk\/|@smithy\/|\/opt\/|data:|file:)/;

/** Alone in its zip, a file finds Node's own modules and what is there without it, and nothing beside itself. */
async function checkBundled(path: string, handler: Uint8Array): Promise<void> {
  const { importsOf } = await import('../adapters/cloud/imports.ts');
  const next = `npx esbuild ${shellWord(path)} --bundle --platform=node --format=esm '--external:@aws-sdk/*' --outfile=dist/handler.mjs`;
  const imports = importsOf(new TextDecoder().decode(handler));
  if (imports === null) {
    throw usageError('no_module', `${path} does not parse as a module`, {
      hint: 'the function would not start; a bundler says where it breaks off',
      next,
    });
  }
  const missing = imports.find((name) => !isBuiltin(name) && !IS_THERE.test(name));
  if (missing === undefined) return;
  throw usageError(
    'not_bundled',
    `${path} imports ${JSON.stringify(missing)}, which the function will not find`,
    {
      hint: 'its zip holds this one file: bundle it and name the bundle in deploy.service.code, or name a folder that holds what it imports',
      next,
    },
  );
}

const unreadable = (path: string, what: string, cause: unknown): SaasctlError =>
  new SaasctlError({
    code: `${what}_unreadable`,
    category: 'config',
    message: `cannot read ${path}: ${(cause as NodeJS.ErrnoException).code}`,
    hint: `saasctl.json names it as the ${what} of a stack; nothing was changed`,
    next: `ls -l ${shellWord(path)}`,
    cause,
  });
