import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './fixtures/cli.ts';

const SRC = join(ROOT, 'src');

/** Room → the rooms and the packages that it may import. A test of its own below says where adapters come in. */
const RULES: Record<string, { rooms: string[]; packages: RegExp }> = {
  core: { rooms: [], packages: /^(node:(crypto|zlib)|fastest-levenshtein)$/ },
  runtime: {
    rooms: ['core'],
    packages: /^(node:.*|aws-jwt-verify\/jwt-verifier|@aws-sdk\/credential-provider-node)$/,
  },
  config: { rooms: ['core'], packages: /^(node:.*|zod\/mini|jsonc-parser|fastest-levenshtein)$/ },
  ui: {
    rooms: ['core'],
    packages: /^(node:.*|chalk|cli-table3|inquirer|yaml|csv-stringify\/sync|@jmespath-community\/jmespath)$/,
  },
  // The lean wire speaks to services whose SDK nobody else needs.
  adapters: {
    rooms: ['core', 'runtime/wire'],
    packages: /^(node:.*|@aws-sdk\/.*|es-module-lexer\/js|fflate|stripe|standardwebhooks|csv-parse|yaml)$/,
  },
  lambda: { rooms: ['core', 'runtime', 'adapters'], packages: /^node:.*$/ },
  local: { rooms: ['core', 'runtime'], packages: /^node:.*$/ },
  commands: { rooms: ['core', 'ui', 'config'], packages: /^(node:(crypto|path)|commander)$/ },
  'cli.ts': { rooms: ['core', 'ui', 'config', 'commands'], packages: /^(node:crypto|commander)$/ },
  deps: { rooms: ['core', 'ui', 'config', 'commands', 'adapters', 'local'], packages: /^node:.*$/ },
};

interface Import {
  from: string;
  to: string;
  lazy: boolean;
  typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name));

const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(from, 'utf8');
  const stated = [...text.matchAll(/^(import|export)( type)? (?:[^'"]*? from )?'([^']+)'/gms)].map(
    ([, , type, to]) => ({
      from,
      to: to ?? '',
      lazy: false,
      typeOnly: type !== undefined,
    }),
  );
  const lazy = [...text.matchAll(/import\('([^']+)'\)/g)].map(([, to]) => ({
    from,
    to: to ?? '',
    lazy: true,
    typeOnly: false,
  }));
  return [...stated, ...lazy];
});

const isOurs = ({ to }: Import): boolean => to.startsWith('.');
// `deps.ts` and what it is made of are one room.
const roomOf = (file: string): string => relative(SRC, file).split('/')[0]?.replace('deps.ts', 'deps') ?? '';
/** Whether a file is in a room, or in the part of one that is named. */
const isIn = (room: string, file: string): boolean =>
  roomOf(file) === room || relative(SRC, file).startsWith(`${room}/`);
const target = ({ from, to }: Import): string => resolve(from, '..', to);
const shown = ({ from, to }: Import): string => `${relative(ROOT, from)} imports ${to}`;

describe('who may import whom', () => {
  it('every room is known, and has files', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(RULES).sort());
    expect(imports.length).toBeGreaterThan(files.length);
  });

  it.each(Object.entries(RULES))('%s', (room, { rooms, packages }) => {
    const mine = imports.filter(({ from }) => roomOf(from) === room);
    const forbidden = mine.filter((one) =>
      isOurs(one)
        ? roomOf(target(one)) !== room && !rooms.some((open) => isIn(open, target(one)))
        : !packages.test(one.to),
    );
    expect(forbidden.map(shown)).toEqual([]);
  });

  it('a noun’s commands import no other noun’s', () => {
    const nounOf = (file: string): string | null =>
      relative(join(SRC, 'commands'), file).match(/^([a-z]+)\//)?.[1] ?? null;
    const across = imports.filter(isOurs).filter((one) => {
      const [from, to] = [nounOf(one.from), nounOf(target(one))];
      return roomOf(one.from) === 'commands' && to !== null && from !== to;
    });
    expect(across.map(shown)).toEqual([]);
  });

  it('nothing that is slow to load is loaded before it is needed', () => {
    const slow = /@aws-sdk|stripe|zod|inquirer|cli-table3|yaml|csv-stringify|jmespath|jsonc-parser/;
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const one of imports.filter(({ from, lazy, typeOnly }) => from === file && !lazy && !typeOnly)) {
        if (isOurs(one)) visit(target(one));
        else expect(one.to, shown(one)).not.toMatch(slow);
      }
    };
    visit(join(SRC, 'cli.ts'));
    visit(join(SRC, 'deps.ts'));
    expect(reached.size).toBeGreaterThan(20);
  });

  it('only one module touches chalk, and only the edge touches process and console', () => {
    expect([
      ...new Set(imports.filter(({ to }) => to === 'chalk').map(({ from }) => relative(SRC, from))),
    ]).toEqual(['ui/paint.ts']);
    const edge = /^(deps(\.ts|\/)|adapters\/self-process\.ts|local\/|lambda\/|runtime\/settings\.ts)/;
    const touching = files
      .filter((file) => !edge.test(relative(SRC, file)))
      .filter((file) =>
        /(?<![.\w/'`-])(process\.(env|argv|stdout|stderr|stdin|exit|on)|console\.)/.test(
          readFileSync(file, 'utf8'),
        ),
      );
    expect(touching.map((file) => relative(SRC, file))).toEqual([]);
  });
});

describe('the size of a file', () => {
  it('lets it be read in one go', () => {
    const lines = (file: string) => readFileSync(file, 'utf8').split('\n').length;
    expect(files.filter((file) => lines(file) > 300).map((file) => relative(ROOT, file))).toEqual([]);
  });
});
