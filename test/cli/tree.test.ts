import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../src/cli.ts';
import { docOf } from '../../src/commands/define.ts';
import { EXIT } from '../../src/core/errors.ts';

const root = program({ context: () => Promise.reject(new Error('not run')) });

function* leaves(command: Command, path: string[] = []): Generator<{ path: string; command: Command }> {
  for (const sub of command.commands) {
    // One that runs by itself may have others below it.
    if (docOf(sub) !== null) yield { path: [...path, sub.name()].join(' '), command: sub };
    yield* leaves(sub, [...path, sub.name()]);
  }
}
const all = [...leaves(root)];

describe('the command tree', () => {
  it('has the commands of the contract', () => {
    expect(all.map(({ path }) => path)).toEqual([
      'init',
      'quickstart',
      'dev',
      'tenant create',
      'tenant list',
      'tenant show',
      'tenant update',
      'tenant suspend',
      'tenant resume',
      'tenant delete',
      'tenant doctor',
      'plan list',
      'plan show',
      'plan apply',
      'key create',
      'key list',
      'key show',
      'key verify',
      'key rotate',
      'key revoke',
      'key import',
      'usage show',
      'usage history',
      'usage top',
      'usage record',
      'usage sync',
      'usage sync-stripe',
      'usage reconcile',
      'usage ledger',
      'usage correct',
      'usage preview',
      'usage stripe setup',
      'cost report',
      'cost estimate',
      'cost tags',
      'cost advise',
      'deploy',
      'deploy status',
      'deploy secret',
      'destroy',
      'audit list',
      'config show',
      'doctor',
      'help exit-codes',
    ]);
  });

  it.each(all)('$path has a summary, an example of itself and known exit codes', ({ path, command }) => {
    const doc = docOf(command);
    expect(command.summary()).toMatch(/^[A-Z].{8,}[^.]$/);
    expect(doc?.examples.length).toBeGreaterThan(0);
    for (const example of doc?.examples ?? []) expect(example.startsWith(path), example).toBe(true);
    for (const code of doc?.exits ?? []) expect(Object.values(EXIT)).toContain(code);
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
  });

  it('every mutation has a dry run', () => {
    const mutations = [
      'tenant create',
      'tenant update',
      'tenant suspend',
      'tenant resume',
      'tenant delete',
      'tenant doctor',
      'plan apply',
      'key create',
      'key rotate',
      'key revoke',
      'key import',
      'usage record',
      'deploy',
      'deploy secret',
      'destroy',
    ];
    for (const path of mutations) {
      const command = all.find((one) => one.path === path)?.command;
      expect(
        command?.options.map(({ long }) => long),
        path,
      ).toContain('--dry-run');
    }
  });

  it('examples parse: they use flags that exist', () => {
    for (const { path, command } of all) {
      const flags = [...command.options, ...root.options].flatMap(({ long, short }) => [long, short]);
      for (const example of docOf(command)?.examples ?? []) {
        const used = example.replace(/"[^"]*"/g, '').match(/(?<=\s)--?[a-zA-Z][a-z-]*/g) ?? [];
        for (const flag of used) expect(flags, `${path}: ${example}`).toContain(flag);
      }
    }
  });
});
