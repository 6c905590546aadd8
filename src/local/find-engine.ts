import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve as absolute, delimiter, dirname, join } from 'node:path';
import { SaasctlError } from '../core/errors.ts';

export interface FindEngineOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** Node's names, such as `linux` and `x64`. */
  platform: string;
  arch: string;
  /** Path of a package's file as seen from a file (ours unless given); throws where there is none. */
  resolve?: (specifier: string, from?: string) => string;
}

/**
 * Path of the DynamoDB-compatible engine: `SAASCTL_ENGINE`, the platform's package, upstream's launcher
 * package, PATH, in this order. Throws one `SaasctlError` that says what to install.
 */
export function findEngine(options: FindEngineOptions): string {
  const { env } = options;
  const override = env['SAASCTL_ENGINE'];
  if (override) return checkOverride(absolute(override));
  const found = inPackages(options) ?? onPath(env['PATH'] ?? '', binaryName(options.platform));
  if (found === null) throw notFound(options);
  return found;
}

const ownResolve = (specifier: string, from: string = import.meta.url): string =>
  createRequire(from).resolve(specifier);

const binaryName = (platform: string): string => (platform === 'win32' ? 'dynoxide.exe' : 'dynoxide');

function checkOverride(path: string): string {
  if (isExecutable(path)) return path;
  throw new SaasctlError({
    code: 'engine_not_executable',
    category: 'config',
    message: `SAASCTL_ENGINE names ${path}, which is not an executable file`,
    hint: 'It must be the path of a dynoxide binary; without it the installed one is used.',
    next: 'unset SAASCTL_ENGINE',
  });
}

function inPackages({ platform, arch, resolve = ownResolve }: FindEngineOptions): string | null {
  const platformPackage = `@dynoxide/${platform}-${arch}/package.json`;
  const binaryIn = (packageJson: string | null): string | null => {
    if (packageJson === null) return null;
    const binary = join(dirname(packageJson), binaryName(platform));
    return isExecutable(binary) ? binary : null;
  };
  const launcher = tryResolve(() => resolve('dynoxide/package.json'));
  return (
    binaryIn(tryResolve(() => resolve(platformPackage))) ??
    // The launcher only starts the platform's binary, which may be nested below it: take that where it is.
    (launcher === null
      ? null
      : (binaryIn(tryResolve(() => resolve(platformPackage, launcher))) ?? launcherScript(launcher)))
  );
}

function tryResolve(resolve: () => string): string | null {
  try {
    return resolve();
  } catch {
    return null;
  }
}

function launcherScript(packageJson: string): string | null {
  try {
    const { bin } = JSON.parse(readFileSync(packageJson, 'utf8')) as { bin?: string | { dynoxide?: string } };
    const entry = typeof bin === 'string' ? bin : bin?.dynoxide;
    if (entry === undefined) return null;
    const script = join(dirname(packageJson), entry);
    return isExecutable(script) ? script : null;
  } catch {
    return null;
  }
}

function onPath(path: string, name: string): string | null {
  // An empty entry means the current directory: never start what happens to lie there.
  const candidates = path
    .split(delimiter)
    .filter((dir) => dir !== '')
    .map((dir) => join(dir, name));
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function notFound({ platform, arch }: FindEngineOptions): SaasctlError {
  const endpoint =
    'Or set AWS_ENDPOINT_URL_DYNAMODB to any DynamoDB-compatible endpoint, or SAASCTL_ENGINE to a dynoxide binary.';
  return new SaasctlError({
    code: 'engine_not_found',
    category: 'config',
    message: `the embedded DynamoDB engine (dynoxide) is not installed for ${platform} ${arch}`,
    ...installOn(platform, arch, endpoint),
  });
}

function installOn(platform: string, arch: string, endpoint: string): { hint: string; next: string } {
  if (platform === 'linux' && arch === 'x64') {
    return {
      hint: `npm leaves out optional packages with --omit=optional. ${endpoint}`,
      next: 'npm i @dynoxide/linux-x64',
    };
  }
  if (platform === 'darwin') {
    return {
      hint: `With Cargo: cargo install dynoxide-rs. With npm: npm i dynoxide. ${endpoint}`,
      next: 'brew install nubo-db/tap/dynoxide',
    };
  }
  const windows = platform === 'win32' ? 'The engine runs under WSL. ' : '';
  return {
    hint: `${windows}With npm: npm i dynoxide. With Homebrew: brew install nubo-db/tap/dynoxide. ${endpoint}`,
    next: 'cargo install dynoxide-rs',
  };
}
