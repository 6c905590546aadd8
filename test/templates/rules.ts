// What every template is held to. Each rule returns what breaks it, so that a broken template can show that it does.
import type { Json, TEMPLATES, Template } from './read.ts';
import { tagsOf } from './schema.ts';
import { referencesOf, statementsOf, walk } from './walk.ts';

type Kind = (typeof TEMPLATES)[number];
type Rule = (template: Template, kind: Kind) => string[];

const logic = ({ Conditions, Rules, Resources, Outputs }: Template) => ({
  Conditions,
  Rules,
  Resources,
  Outputs,
});

/** Parameters that nobody is told about, that nothing uses, or whose default they would refuse themselves. */
export const badParameters: Rule = (template) => {
  const used = new Set(referencesOf(logic(template)));
  return Object.entries(template.Parameters).flatMap(([id, parameter]) => {
    const { Description = '', Default, AllowedPattern, AllowedValues } = parameter;
    const refused =
      Default !== undefined &&
      ((AllowedValues !== undefined && !AllowedValues.includes(Default)) ||
        (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`).test(String(Default))));
    return [
      ...(String(Description).length > 10 ? [] : [`${id} is not described`]),
      ...(used.has(id) ? [] : [`${id} is not used`]),
      ...(refused ? [`${id} refuses its own default`] : []),
    ];
  });
};

/** References to what is not there, and conditions that nothing depends on. */
export const looseEnds: Rule = (template) => {
  const used = referencesOf(logic(template));
  const isThere = (name: string): boolean => {
    if (name.startsWith('AWS::')) return true;
    if (name.startsWith('condition:')) return name.slice('condition:'.length) in template.Conditions;
    const [id = '', attribute] = name.split('.');
    return id in template.Resources || (attribute === undefined && id in template.Parameters);
  };
  return [
    ...used.filter((name) => !isThere(name)).map((name) => `no ${name}`),
    ...Object.keys(template.Conditions)
      .filter((name) => !used.includes(`condition:${name}`))
      .map((name) => `${name} decides nothing`),
  ];
};

/** Functions, roles and policies with a name: such a one cannot be replaced. */
export const named: Rule = ({ Resources }) =>
  Object.entries(Resources)
    .filter(([, { Type }]) => /^AWS::(Lambda::Function|IAM::(Role|ManagedPolicy))$/.test(Type))
    .flatMap(([id, { Properties }]) =>
      ['FunctionName', 'RoleName', 'ManagedPolicyName']
        .filter((name) => name in Properties)
        .map((name) => `${id} has a ${name}`),
    );

/** What takes tags and lacks one, or has a tenant's though it is nobody's alone: shared cost is what has none. */
export const badlyTagged: Rule = ({ Resources }, kind) =>
  Object.entries(Resources).flatMap(([id, { Type, Properties }]) => {
    const tags = tagsOf(Type);
    // Taggable since of late, not billed, and unknown to older tools.
    if (tags === null || Type === 'AWS::ApplicationAutoScaling::ScalableTarget') return [];
    const given = Properties[tags.property] ?? [];
    const found: Record<string, Json> = Array.isArray(given)
      ? Object.fromEntries(given.map(({ Key, Value }) => [Key, Value]))
      : given;
    const wanted: Record<string, Json> = {
      'saasctl-stack': { Ref: kind === 'core' ? 'AWS::StackName' : 'Stack' },
      'saasctl-tenant': kind === 'silo' ? { Ref: 'TenantId' } : undefined,
      'saasctl-feature': found['saasctl-feature'] ?? 'one of its own',
    };
    return Object.entries(wanted)
      .filter(([key, value]) => JSON.stringify(found[key]) !== JSON.stringify(value))
      .map(([key]) => `${id}: ${key} is ${JSON.stringify(found[key])}`);
  });

/** Grants of all actions of a kind, or on all there is. */
export const wideGrants: Rule = (template) =>
  statementsOf(template).flatMap(({ resource, statement }) => {
    if (statement.Effect !== 'Allow') return [];
    const at = `${resource} ${statement.Sid ?? 'trust'}`;
    const actions = [statement.Action].flat();
    const wide = actions.filter((action) => typeof action !== 'string' || action.includes('*'));
    // A trust policy is of the role itself.
    const whole = 'Principal' in statement ? [] : [statement.Resource].flat().filter((one) => !isNarrow(one));
    const anybody = statement.Principal === '*' || statement.Principal?.AWS === '*';
    return [
      ...wide.map((action) => `${at}: ${action ?? 'no action'}`),
      ...whole.map((one) => `${at}: on ${JSON.stringify(one)}`),
      ...(anybody ? [`${at}: to anybody`] : []),
    ];
  });

const isNarrow = (resource: Json): boolean => {
  const text = typeof resource === 'string' ? resource : (resource?.['Fn::Sub'] ?? null);
  return text === null
    ? resource !== undefined
    : !/^\*$|:\*$|(^|:)(table|function|parameter|secret)[/:]?\*/.test(text);
};

/** Parameters and variables that would hold a secret: functions are told the names of theirs. */
export const secrets: Rule = ({ Parameters, Resources }) => [
  ...Object.entries(Parameters)
    .filter(([id, { NoEcho }]) => NoEcho !== undefined || /(ApiKey|Password|Token)$/.test(id))
    .map(([id]) => `parameter ${id}`),
  ...[...walk(Resources)]
    .filter(
      ({ path }) =>
        path.at(-2) === 'Variables' && /(API_KEY|CURSOR_SECRET|TOKEN|PASSWORD)$/.test(path.at(-1) ?? ''),
    )
    .map(({ path }) => `variable ${path.at(-1)}`),
];
