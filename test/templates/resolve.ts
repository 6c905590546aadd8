// What CloudFormation makes of a template, as far as policies need it: conditions decided, references concrete.
import type { Json, Resource, Template } from './read.ts';

export interface Deployment {
  parameters?: Record<string, string | number>;
  account?: string;
  region?: string;
  stackName: string;
}

/** Each intrinsic evaluated; resources and outputs whose condition is false are gone. Throws for what it does not know. */
export function resolve(template: Template, deployment: Deployment): Template {
  const scope = scopeOf(template, deployment);
  const standing = <T extends { Condition?: string }>(all: Record<string, T>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(all).filter(([, one]) => one.Condition === undefined || scope.holds(one.Condition)),
    );
  return {
    ...template,
    Resources: scope.value(standing(template.Resources)),
    Outputs: scope.value(standing(template.Outputs)),
  };
}

const NOTHING = Symbol('AWS::NoValue');

function scopeOf(template: Template, { parameters = {}, ...where }: Deployment) {
  const { account = '123456789012', region = 'eu-west-1', stackName } = where;
  const pseudo: Record<string, Json> = {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': stackName,
    'AWS::StackId': `arn:aws:cloudformation:${region}:${account}:stack/${stackName}/0`,
    'AWS::NoValue': NOTHING,
  };

  const holds = (name: string): boolean => {
    const condition = template.Conditions[name];
    if (condition === undefined) throw new Error(`no condition ${name}`);
    return value(condition) === true;
  };

  function ref(name: string): Json {
    if (Object.hasOwn(pseudo, name)) return pseudo[name];
    const parameter = template.Parameters[name];
    if (parameter !== undefined) {
      const given = parameters[name] ?? parameter['Default'];
      if (given === undefined) throw new Error(`parameter ${name} has no value`);
      return String(given);
    }
    return attribute(name, 'Ref');
  }

  function attribute(id: string, name: string): Json {
    const resource = template.Resources[id];
    if (resource === undefined) throw new Error(`no resource ${id}`);
    if (resource.Condition !== undefined && !holds(resource.Condition))
      throw new Error(`${id} is referred to, and left out by ${resource.Condition}`);
    const identity = identityOf(id, resource, { account, region, stackName, value });
    if (name === 'Ref') return identity.ref;
    return name === 'Arn' ? identity.arn : `${identity.ref}.${name}`;
  }

  const substituted = (text: string, own: Record<string, Json> = {}): string =>
    text.replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal === '!') return `\${${name}}`;
      if (Object.hasOwn(own, name)) return String(value(own[name]));
      const dot = name.indexOf('.');
      return String(dot < 0 ? ref(name) : attribute(name.slice(0, dot), name.slice(dot + 1)));
    });

  const functions: Record<string, (argument: Json) => Json> = {
    Ref: ref,
    Condition: holds,
    'Fn::GetAtt': ([id, name]) => attribute(id, name),
    'Fn::Sub': (argument) =>
      Array.isArray(argument) ? substituted(argument[0], argument[1]) : substituted(argument),
    'Fn::If': ([condition, yes, no]) => value(holds(condition) ? yes : no),
    'Fn::Equals': (sides) => String(value(sides[0])) === String(value(sides[1])),
    'Fn::Not': ([one]) => value(one) !== true,
    'Fn::And': (all) => all.every((one: Json) => value(one) === true),
    'Fn::Or': (all) => all.some((one: Json) => value(one) === true),
    'Fn::Join': ([between, parts]) => value(parts).join(between),
    'Fn::Split': ([between, text]) => value(text).split(between),
    'Fn::Select': ([index, list]) => value(list)[Number(value(index))],
  };

  function value(node: Json): Json {
    if (Array.isArray(node)) return node.map(value).filter((one) => one !== NOTHING);
    if (typeof node !== 'object' || node === null) return node;
    const entries = Object.entries(node);
    const [name, argument] = entries[0] ?? ['', null];
    const evaluate = entries.length === 1 ? functions[name] : undefined;
    // `Condition: name` on a resource is no function, and was decided before.
    if (evaluate !== undefined) return evaluate(argument);
    if (entries.length === 1 && name.startsWith('Fn::')) throw new Error(`${name} is not evaluated here`);
    return Object.fromEntries(
      entries.map(([key, inner]) => [key, value(inner)]).filter(([, inner]) => inner !== NOTHING),
    );
  }

  return { value, holds };
}

interface Place {
  account: string;
  region: string;
  stackName: string;
  value(node: Json): Json;
}

/** Names that CloudFormation would choose are made of the stack's and the resource's. */
function identityOf(id: string, { Type, Properties }: Resource, place: Place): { ref: string; arn: string } {
  const { account, region, stackName, value } = place;
  const chosen = `${stackName}-${id}`;
  const named = (property: string): string => value(Properties?.[property] ?? chosen);
  const regional = (service: string, resource: string) =>
    `arn:aws:${service}:${region}:${account}:${resource}`;
  switch (Type) {
    case 'AWS::DynamoDB::Table': {
      const name = named('TableName');
      return { ref: name, arn: regional('dynamodb', `table/${name}`) };
    }
    case 'AWS::IAM::Role': {
      const path = value(Properties['Path'] ?? '/');
      return { ref: chosen, arn: `arn:aws:iam::${account}:role${path}${chosen}` };
    }
    case 'AWS::IAM::ManagedPolicy': {
      const arn = `arn:aws:iam::${account}:policy${value(Properties['Path'] ?? '/')}${chosen}`;
      return { ref: arn, arn };
    }
    case 'AWS::Lambda::Function':
      return { ref: chosen, arn: regional('lambda', `function:${chosen}`) };
    case 'AWS::Logs::LogGroup': {
      const name = named('LogGroupName');
      return { ref: name, arn: regional('logs', `log-group:${name}:*`) };
    }
    case 'AWS::SQS::Queue':
      return {
        ref: `https://sqs.${region}.amazonaws.com/${account}/${chosen}`,
        arn: regional('sqs', chosen),
      };
    case 'AWS::S3::Bucket': {
      const name = named('BucketName');
      return { ref: name, arn: `arn:aws:s3:::${name}` };
    }
    case 'AWS::Scheduler::ScheduleGroup':
      return { ref: chosen, arn: regional('scheduler', `schedule-group/${chosen}`) };
    default:
      return { ref: id.toLowerCase(), arn: `${id.toLowerCase()}.Arn` };
  }
}
