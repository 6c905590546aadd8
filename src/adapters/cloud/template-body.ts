/** CloudFormation quotas: the bytes of a template that travels in the request itself. */
export const LARGEST_BODY = 51_200;

/** A line after which deeper ones are text: `Code: |`, `- >-`. */
const BLOCK = /(^|[\s:-])[|>][+-]?\d?[+-]?[ \t]*(#.*)?\r?$/;
/** Of resources that outlive their stack: on one line, put together from parameters and the stack's own name. */
const NAME = /^([ \t]+(?:TableName|BucketName):[ \t]+)!(Sub|Ref)[ \t]+(\S+)[ \t]*$/gm;
const VARIABLE = /\$\{([^}]+)\}/g;

/** A template without its comment lines, which count among the bytes that a request takes; text blocks stay whole. */
export function withoutComments(template: string): string {
  let block: number | null = null;
  return template
    .split(/(?<=\n)/)
    .filter((line) => {
      const text = line.trimEnd();
      const indent = text.length - text.trimStart().length;
      if (block !== null && (text === '' || indent > block)) return true;
      block = null;
      if (/^\s*#/.test(text)) return false;
      if (BLOCK.test(text)) block = indent;
      return true;
    })
    .join('');
}

/**
 * A template with the names of tables and buckets written out. CloudFormation takes in what an earlier stack left
 * behind only where its name is a literal; one that a function makes is created, and fails with "already exists".
 * `values`: parameters, `AWS::StackName`, `AWS::Region` and `AWS::AccountId`. A name with another variable stays.
 */
export const withNames = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replace(NAME, (line, key: string, call: string, text: string) => {
    const named = call === 'Ref' ? `\${${text}}` : text;
    const known = [...named.matchAll(VARIABLE)].every(([, variable = '']) => Object.hasOwn(values, variable));
    return known ? `${key}${named.replace(VARIABLE, (_, variable: string) => values[variable] ?? '')}` : line;
  });
