import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withNames, withoutComments } from '../../../src/adapters/cloud/template-body.ts';
import { ROOT } from '../../fixtures/cli.ts';
import { parseTemplate } from '../../fixtures/cloud-template.ts';

const shipped = (name: string) => readFileSync(join(ROOT, 'templates', `${name}.yaml`), 'utf8');
const VALUES = {
  'AWS::StackName': 'shop',
  'AWS::Region': 'eu-west-1',
  'AWS::AccountId': '123456789012',
  Stack: 'shop',
  TenantId: 'acme',
  BucketName: 'shop-code',
};
const names = (text: string) =>
  [...text.matchAll(/^\s+(?:TableName|BucketName): (.+)$/gm)].map(([, name]) => name);

describe('the template that is sent', () => {
  it.each(['bootstrap', 'core', 'service', 'silo'])('%s fits into a request, with room to grow', (name) => {
    expect(Buffer.byteLength(withoutComments(shipped(name)))).toBeLessThan(50_000);
  });

  it('loses its comment lines and nothing else', () => {
    const text = "a: 1 # kept\n  # gone\n\t#gone too\nb: '# kept'\n#gone";
    expect(withoutComments(text)).toBe("a: 1 # kept\nb: '# kept'\n");
  });

  it.each(['bootstrap', 'core', 'service', 'silo'])('%s says the same without its comments', (name) => {
    expect(withoutComments(shipped(name))).not.toMatch(/^\s*#/m);
    expect(parseTemplate(withoutComments(shipped(name)))).toEqual(parseTemplate(shipped(name)));
  });

  it('keeps what only looks like a comment, in a block of text', () => {
    const text =
      'F:\n  Code: |\n    # no comment\n    x = 1\n\n    # nor this\n  # gone\n  Other: >-\n    # kept\n- |+2\n    # kept\n';
    expect(withoutComments(text)).toBe(text.replace('  # gone\n', ''));
  });

  it.each([
    ['bootstrap', ['shop-code']],
    [
      'core',
      [
        'shop-tenants',
        'shop-gates',
        'shop-api-keys',
        'shop-usage-meters',
        'shop-app-data',
        'shop-files-123456789012-eu-west-1',
      ],
    ],
    ['silo', ['shop-app-data-acme']],
  ])('%s: every table and bucket has its name written out', (name, expected) => {
    expect(names(withNames(shipped(name), VALUES))).toEqual(expected);
  });

  it('leaves a name that it does not know, and what is no name of a resource', () => {
    const text = [
      `      TableName: !Sub \${AWS::StackName}-\${Other}`,
      '      - TableName: !Ref GatesTable',
      '          { TableName: !Ref Named }',
      '      TableName: !Ref BucketName # why',
    ].join('\n');
    expect(withNames(text, VALUES)).toBe(text);
  });
});
