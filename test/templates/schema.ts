// A template against CloudFormation's own resource schemas, as AWS publishes them and npm ships them.
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import type { Json, Template } from './read.ts';

type Spec = ReturnType<typeof loadAwsServiceSpecSync>;
/** A type as the specification writes it. */
type Type = { type: string; [detail: string]: Json };
type Properties = Record<string, { type: Type; required?: boolean }>;

let loaded: Spec | undefined;
const spec = (): Spec => {
  loaded ??= loadAwsServiceSpecSync();
  return loaded;
};

const resourceType = (name: string) => spec().lookup('resource', 'cloudFormationType', 'equals', name)[0];

/** How a type takes its tags, `null` for one that takes none. */
export function tagsOf(name: string): { property: string; variant: string } | null {
  const tags = resourceType(name)?.tagInformation;
  return tags === undefined ? null : { property: tags.tagPropertyName, variant: tags.variant };
}

/** What is wrong with a template, each with its path: unknown types and properties, missing ones, values of another type. */
export function problemsOf(template: Template): string[] {
  return Object.entries(template.Resources).flatMap(([id, { Type, Properties = {} }]) => {
    const resource = resourceType(Type);
    if (resource === undefined) return [`${id}: no resource type ${Type}`];
    return checkObject(template, resource.properties as Properties, Properties, id);
  });
}

function checkObject(template: Template, properties: Properties, object: Json, at: string): string[] {
  const unknown = Object.keys(object).filter((name) => properties[name] === undefined);
  const missing = Object.entries(properties).filter(([name, { required }]) => required && !(name in object));
  return [
    ...unknown.map((name) => `${at}: no property ${name}`),
    ...missing.map(([name]) => `${at}: ${name} is required`),
    ...Object.entries(object).flatMap(([name, value]) => {
      const property = properties[name];
      return property === undefined ? [] : check(template, property.type, value, `${at}.${name}`);
    }),
  ];
}

const isObject = (value: Json): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function check(template: Template, type: Type, value: Json, at: string): string[] {
  if (isObject(value)) {
    const [[name = '', argument] = []]: Json[][] = Object.entries(value);
    // Either branch must fit; what a reference comes to is CloudFormation's to know, but for parameters.
    if (name === 'Fn::If')
      return argument.slice(1).flatMap((branch: Json) => check(template, type, branch, at));
    if (name === 'Ref') return checkParameter(template, type, argument, at);
    if (name.startsWith('Fn::')) return [];
  }
  const wrong = [`${at}: ${JSON.stringify(value)} is no ${type.type}`];
  switch (type.type) {
    case 'ref': {
      const definition = spec().get('typeDefinition', type['reference'].$ref);
      return isObject(value) ? checkObject(template, definition.properties as Properties, value, at) : wrong;
    }
    case 'array':
      if (!Array.isArray(value)) return wrong;
      return value.flatMap((each, index) => check(template, type['element'], each, `${at}[${index}]`));
    case 'map':
      if (!isObject(value)) return wrong;
      return Object.entries(value).flatMap(([key, each]) =>
        check(template, type['element'], each, `${at}.${key}`),
      );
    case 'union': {
      const each = (type['types'] as Type[]).map((one) => check(template, one, value, at));
      return each.reduce((least, one) => (one.length < least.length ? one : least));
    }
    case 'tag':
      return isObject(value) && Object.keys(value).sort().join() === 'Key,Value' ? [] : wrong;
    default:
      return fits(type, value) ? [] : wrong;
  }
}

/** A parameter's values, as far as it names them, must be what the property takes. */
function checkParameter(template: Template, type: Type, name: string, at: string): string[] {
  const parameter = template.Parameters[name];
  if (parameter === undefined) return [];
  const { AllowedValues, Default } = parameter;
  // An empty default stands for no value, and a condition for leaving the property out.
  const values: Json[] = AllowedValues ?? (Default === undefined || Default === '' ? [] : [Default]);
  return values.flatMap((value) =>
    ['ref', 'array', 'map', 'tag'].includes(type.type)
      ? [`${at}: parameter ${name} is no ${type.type}`]
      : check(template, type, value, at),
  );
}

/** CloudFormation reads numbers and booleans from text as well. */
function fits(type: Type, value: Json): boolean {
  const allowed: readonly Json[] | undefined = type['allowedValues'];
  if (allowed !== undefined && !allowed.includes(value)) return false;
  switch (type.type) {
    case 'string':
      return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    case 'integer':
      return /^-?\d+$/.test(String(value));
    case 'number':
      return Number.isFinite(Number(value));
    case 'boolean':
      return /^(true|false)$/.test(String(value));
    case 'json':
      return isObject(value) || typeof value === 'string';
    default:
      return true;
  }
}
