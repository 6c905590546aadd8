// What the emulator runs is what is shipped, but for these lines.
import { describe, expect, it } from 'vitest';
import { type Json, parseTemplate, TEMPLATES, templateText } from '../templates/read.ts';
import { emulated } from './emulated.ts';

/** `path: value` of every leaf. */
function* leaves(value: Json, path = ''): Generator<string> {
  if (typeof value !== 'object' || value === null) yield `${path}: ${JSON.stringify(value)}`;
  else
    for (const [key, inner] of Object.entries(value))
      yield* leaves(inner, path === '' ? key : `${path} ${key}`);
}

function differences(name: (typeof TEMPLATES)[number]) {
  const shipped = templateText(name);
  const [before, after] = [shipped, emulated(shipped).text].map((text) => [...leaves(parseTemplate(text))]);
  const only = (these: string[] = [], others: string[] = []) =>
    these.filter((leaf) => !others.includes(leaf));
  return { gone: only(before, after), come: only(after, before) };
}

describe('the templates that the emulator runs', () => {
  it.each(TEMPLATES.filter((name) => name !== 'core' && name !== 'silo'))('%s: as it is shipped', (name) => {
    expect(emulated(templateText(name)).text).toBe(templateText(name));
  });

  it('silo: without the leading keys of the usage that its function records', () => {
    const { gone, come } = differences('silo');
    expect(come).toEqual([]);
    expect(gone).toEqual([
      expect.stringMatching(
        /^Resources FunctionRole .* Condition ForAllValues:StringEquals dynamodb:LeadingKeys 0 Fn::Sub: /,
      ),
      expect.stringMatching(/^Resources FunctionRole .* Condition Null dynamodb:LeadingKeys: "false"$/),
    ]);
  });

  it('core: in the tenant-data role alone, without leading keys, variables, and the callers’ own ARNs', () => {
    const { gone, come } = differences('core');
    for (const leaf of [...gone, ...come]) expect(leaf).toMatch(/^Resources TenantDataRole Properties /);
    const trust = 'AssumeRolePolicyDocument Statement 0 Condition ArnLike aws:PrincipalArn';
    const policy = 'Policies 0 PolicyDocument Statement';
    const places = (those: string[]) =>
      those.map((leaf) => leaf.replace('Resources TenantDataRole Properties ', '').replace(/: .*/, ''));
    const swapped = [
      `${trust} Fn::If 1 Fn::Split 1 Fn::Sub`,
      `${trust} Fn::If 2 0 Fn::Sub`,
      `${policy} 0 Resource 1 Fn::Sub`,
      `${policy} 1 Fn::If 1 Resource Fn::Sub`,
    ];
    expect(places(come)).toEqual(swapped);
    expect(places(gone)).toEqual([
      ...swapped.slice(0, 3),
      `${policy} 0 Condition ForAllValues:StringEquals dynamodb:LeadingKeys 0`,
      `${policy} 0 Condition Null dynamodb:LeadingKeys`,
      ...swapped.slice(3),
    ]);
  });
});
