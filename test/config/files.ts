import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

const starterFile = new URL('../../templates/saasctl.json', import.meta.url);

/** What `init` writes, parsed anew each time so that a test may change it. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach in to break it
export const starter = (): any => JSON.parse(readFileSync(starterFile, 'utf8'));

export const prod = {
  account: '123456789012',
  region: 'eu-central-1',
  stack: 'acme-prod',
  keyEnvs: ['live'],
  stripe: 'live',
};

const made: string[] = [];
afterAll(() => {
  for (const dir of made) rmSync(dir, { recursive: true });
});

/** A real directory with these files; returns its path. */
export function directory(files: Record<string, string | object> = {}): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'saasctl-config-')));
  made.push(dir);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return dir;
}
