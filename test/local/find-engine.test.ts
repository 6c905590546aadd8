import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SaasctlError } from '../../src/core/errors.ts';
import { type FindEngineOptions, findEngine } from '../../src/local/find-engine.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'saasctl-find-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Writes a file below the test's directory; returns its path. */
function file(path: string, mode = 0o755, text = '#!/bin/sh\n'): string {
  const full = join(dir, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  chmodSync(full, mode);
  return full;
}

const nothingInstalled = (): never => {
  throw new Error('Cannot find module');
};

/** As an installation whose node_modules lies in the test's directory. */
const installedHere = (specifier: string, from = join(dir, 'dist/chunks/x.js')): string =>
  createRequire(from).resolve(specifier);

function find(options: Partial<FindEngineOptions>): string {
  return findEngine({ env: {}, platform: 'linux', arch: 'x64', resolve: nothingInstalled, ...options });
}

function refused(options: Partial<FindEngineOptions>): SaasctlError {
  try {
    throw new Error(`found ${find(options)}`);
  } catch (error) {
    expect(error).toBeInstanceOf(SaasctlError);
    return error as SaasctlError;
  }
}

describe('where the engine is looked for', () => {
  it('finds the platform package that npm installed with saasctl', () => {
    const { platform, arch } = process;
    if (platform === 'linux' && arch === 'x64') {
      expect(findEngine({ env: {}, platform, arch })).toMatch(/@dynoxide\/linux-x64\/dynoxide$/);
    }
  });

  it('finds the platform package from a bundle further down', () => {
    file('node_modules/@dynoxide/linux-x64/package.json', 0o644, '{}');
    const binary = file('node_modules/@dynoxide/linux-x64/dynoxide');
    expect(find({ resolve: installedHere })).toBe(binary);
  });

  it("takes another platform's package, and its name of the binary", () => {
    file('node_modules/@dynoxide/win32-arm64/package.json', 0o644, '{}');
    const binary = file('node_modules/@dynoxide/win32-arm64/dynoxide.exe');
    expect(find({ platform: 'win32', arch: 'arm64', resolve: installedHere })).toBe(binary);
  });

  it('takes the binary nested below the launcher package, rather than the launcher', () => {
    file('node_modules/dynoxide/package.json', 0o644, '{"bin": "cli.js"}');
    file('node_modules/dynoxide/cli.js');
    file('node_modules/dynoxide/node_modules/@dynoxide/linux-x64/package.json', 0o644, '{}');
    const binary = file('node_modules/dynoxide/node_modules/@dynoxide/linux-x64/dynoxide');
    expect(find({ resolve: installedHere })).toBe(binary);
  });

  it.each(['"bin/run.js"', '{"dynoxide": "bin/run.js"}'])('takes the launcher itself, bin: %s', (bin) => {
    file('node_modules/dynoxide/package.json', 0o644, `{"bin": ${bin}}`);
    const script = file('node_modules/dynoxide/bin/run.js');
    expect(find({ resolve: installedHere })).toBe(script);
  });

  it('takes the first on PATH, not what lies in the current directory or cannot be executed', () => {
    file('a/dynoxide', 0o644);
    mkdirSync(join(dir, 'b/dynoxide'), { recursive: true });
    const binary = file('c/dynoxide');
    const later = file('d/dynoxide');
    const path = ['', 'a', 'b', 'c', 'd'].map((name) => (name === '' ? '' : join(dir, name))).join(':');
    expect(find({ env: { PATH: path } })).toBe(binary);
    rmSync(binary);
    expect(find({ env: { PATH: path } })).toBe(later);
  });

  it('prefers SAASCTL_ENGINE to all others', () => {
    file('node_modules/@dynoxide/linux-x64/package.json', 0o644, '{}');
    file('node_modules/@dynoxide/linux-x64/dynoxide');
    const mine = file('mine');
    expect(find({ env: { SAASCTL_ENGINE: mine }, resolve: installedHere })).toBe(mine);
  });
});

describe('when there is no engine', () => {
  it.each([
    ['absent', () => join(dir, 'absent')],
    ['not executable', () => file('plain', 0o644)],
    ['a directory', () => dir],
  ])('an override that is %s is an error, whatever else is installed', (_, path) => {
    const installed = file('bin/dynoxide');
    const error = refused({ env: { SAASCTL_ENGINE: path(), PATH: dirname(installed) } });
    expect(error).toMatchObject({ code: 'engine_not_executable', category: 'config', exitCode: 2 });
    expect(error.message).toContain(path());
    expect(error.next).toBe('unset SAASCTL_ENGINE');
  });

  it.each([
    ['linux', 'x64', 'npm i @dynoxide/linux-x64'],
    ['linux', 'arm64', 'cargo install dynoxide-rs'],
    ['darwin', 'arm64', 'brew install nubo-db/tap/dynoxide'],
    ['darwin', 'x64', 'brew install nubo-db/tap/dynoxide'],
    ['win32', 'x64', 'cargo install dynoxide-rs'],
    ['freebsd', 'x64', 'cargo install dynoxide-rs'],
  ])('says what to install on %s %s', (platform, arch, next) => {
    const error = refused({ platform, arch });
    expect(error).toMatchObject({ code: 'engine_not_found', category: 'config', exitCode: 2, next });
    expect(error.message).toContain(`${platform} ${arch}`);
    expect(error.hint).toContain('AWS_ENDPOINT_URL_DYNAMODB');
    if (next !== 'npm i @dynoxide/linux-x64') expect(error.hint).toContain('npm i dynoxide');
  });

  it('a platform package without its binary is no engine', () => {
    file('node_modules/@dynoxide/linux-x64/package.json', 0o644, '{}');
    expect(refused({ resolve: installedHere }).code).toBe('engine_not_found');
  });
});
