// A template as the emulator can run it. It fills in no policy variables, knows no leading keys, and spells the caller's
// ARN in its own way: these three are edited in the roles' policies, and nothing else is (emulated.test.ts holds it).
import { isMap, isScalar, type Pair, parseDocument } from 'yaml';

/** aws:PrincipalArn of a function: on AWS its role, on the emulator the session of its role. */
const ON_AWS = `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/saasctl/\${AWS::StackName}/handlers/*`;
const ON_EMULATOR = `arn:\${AWS::Partition}:sts::\${AWS::AccountId}:assumed-role/\${AWS::StackName}-*`;
const OF_THE_TAG = `\${!aws:PrincipalTag/TenantId}`;
const LEADING_KEYS = 'dynamodb:LeadingKeys';

type Edit = [from: number, to: number, text: string];

export interface Emulated {
  text: string;
  /** How many of each were edited. */
  edits: { callers: number; variables: number; leadingKeys: number };
}

/** Cuts and replaces in the text itself, whose layout and size stay. */
export function emulated(template: string): Emulated {
  const edits: Edit[] = [];
  const count = { callers: 0, variables: 0, leadingKeys: 0 };
  const swap = (node: unknown, from: string, to: string) => {
    const [start, end] = rangeOf(node);
    edits.push([start, end, template.slice(start, end).replace(from, to)]);
  };
  walk(parseDocument(template, { logLevel: 'silent' }).get('Resources'), (node) => {
    if (isScalar(node) && typeof node.value === 'string') {
      if (node.value.includes(ON_AWS)) {
        count.callers++;
        swap(node, ON_AWS, ON_EMULATOR);
      } else if (node.value.includes(OF_THE_TAG)) {
        count.variables++;
        swap(node, OF_THE_TAG, '*');
      }
    } else if (isMap(node)) {
      for (const pair of node.items) {
        if (!isScalar(pair.key) || pair.key.value !== 'Condition' || !isMap(pair.value)) continue;
        const cuts = pair.value.items.flatMap(withoutLeadingKeys);
        count.leadingKeys += cuts.length;
        // A Condition without operators goes as a whole.
        const whole = cuts.length === pair.value.items.length && cuts.every((one) => isMap(one.value));
        for (const one of whole ? [pair] : cuts) edits.push(cut(template, one));
      }
    }
  });
  edits.sort(([a], [b]) => b - a);
  const text = edits.reduce((rest, [from, to, put]) => rest.slice(0, from) + put + rest.slice(to), template);
  return { text, edits: count };
}

/** What is to be cut of an operator: its leading keys, or all of it where it has no other condition. */
function withoutLeadingKeys(operator: Pair): Pair[] {
  const conditions: Pair[] = isMap(operator.value) ? operator.value.items : [];
  const keys = conditions.find(({ key }) => isScalar(key) && key.value === LEADING_KEYS);
  if (keys === undefined) return [];
  return [conditions.length === 1 ? operator : keys];
}

/** Whole lines: all that is cut is in block style. */
function cut(text: string, { key, value }: Pair): Edit {
  const from = text.lastIndexOf('\n', rangeOf(key)[0]) + 1;
  const last = from + text.slice(from, rangeOf(value)[1]).trimEnd().length;
  return [from, text.indexOf('\n', last) + 1, ''];
}

const rangeOf = (node: unknown): [number, number] => {
  const [start, end] = (node as { range: [number, number, number] }).range;
  return [start, end];
};

function walk(node: unknown, visit: (node: unknown) => void): void {
  visit(node);
  if (typeof node !== 'object' || node === null || !('items' in node)) return;
  for (const item of node.items as { value?: unknown }[])
    walk(isScalar(item) || 'items' in item ? item : item.value, visit);
}
