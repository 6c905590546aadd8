// A deployed stack as its policies have it: by whom they are, and what they govern.
import { readTemplate, type Template } from './read.ts';
import { resolve } from './resolve.ts';

export interface Statement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Principal?: unknown;
  Action: string | string[];
  Resource?: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

export interface Policy {
  Version: string;
  Statement: Statement[];
}

export interface Role {
  arn: string;
  trust: Policy;
  identity: { name: string; policy: Policy }[];
}

export interface PolicyWorld {
  roles: {
    tenantData: Role;
    /** Of the service that all tenants share. */
    handler: Role;
    inlineHandler: Role;
    authorizer: Role;
    billingSync: Role;
    schedule: Role;
    /** Of the silo tenant `initech`. */
    silo: Role;
    siloApi: Role;
  };
  /** Resource policies by the table's name; `hooli` is a bridge tenant, `initech` a silo one. */
  tables: Map<string, Policy>;
  filesBucket: string;
  /** Whether roles of elsewhere are named: a handler's and the operator's. */
  namesOthers: boolean;
}

export const ACCOUNT = '123456789012';
const REGION = 'eu-central-1';
export const STACK = 'shop';
export const OPERATOR = `arn:aws:iam::${ACCOUNT}:role/operator`;
/** Of another stack, named in HandlerRoleArns. */
export const FOREIGN_HANDLER = `arn:aws:iam::${ACCOUNT}:role/cdk/orders`;
export const tableArn = (name: string): string => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`;

export type Templates = Record<'core' | 'service' | 'silo', Template>;

/** The shipped templates, of the rest of their resources no more than what names them. */
export const readTemplates = (): Templates => ({
  core: policiesOf(readTemplate('core')),
  service: policiesOf(readTemplate('service')),
  silo: policiesOf(readTemplate('silo')),
});

const WITH_POLICIES = /^AWS::(IAM::.*|DynamoDB::Table)$/;

function policiesOf(template: Template): Template {
  const resources = Object.entries(template.Resources).map(([id, resource]) => {
    if (WITH_POLICIES.test(resource.Type)) return [id, resource];
    const { LogGroupName, BucketName } = resource.Properties ?? {};
    return [id, { ...resource, Properties: { LogGroupName, BucketName } }];
  });
  return { ...template, Resources: Object.fromEntries(resources) };
}

/**
 * Every optional part deployed, with a service, the bridge tenant `hooli` and the silo tenant `initech`.
 * `namesOthers`: false leaves HandlerRoleArns and OperatorRoleArn empty, as they are by default.
 */
export function policyWorld({ core, service, silo }: Templates, namesOthers = true): PolicyWorld {
  const secrets = {
    CursorSecretParameter: `/saasctl/${STACK}/cursor-secret`,
    StripeKeyParameter: `/saasctl/${STACK}/stripe-key`,
    ...(namesOthers ? { OperatorRoleArn: OPERATOR } : {}),
  };
  const shared = made(core, STACK, {
    ...secrets,
    BillingSettings: '{}',
    BillingSyncKey: 'sync.zip',
    CreateFilesBucket: 'true',
    ...(namesOthers ? { HandlerRoleArns: FOREIGN_HANDLER } : {}),
  });
  const outputs = Object.fromEntries(
    Object.entries(shared.Outputs).map(([name, { Value }]) => [name, String(Value)]),
  );
  const known = { ...outputs, ...secrets, Stack: STACK };
  const [handlers, inlineHandlers] = ['authorizer', 'inline'].map((Mode) =>
    made(service, `${STACK}-service`, { ...known, Mode }),
  ) as [Template, Template];
  const tenant = (TenantId: string, Isolation: string) =>
    made(silo, `${STACK}-tenant-${TenantId}`, { ...known, TenantId, Isolation });
  const [bridge, own] = [tenant('hooli', 'bridge'), tenant('initech', 'silo')];
  const role = roleIn(shared);
  return {
    roles: {
      tenantData: role(shared, 'TenantDataRole'),
      handler: role(handlers, 'FunctionRole', `${STACK}-service`),
      inlineHandler: role(inlineHandlers, 'FunctionRole', `${STACK}-service`),
      authorizer: role(shared, 'AuthorizerRole'),
      billingSync: role(shared, 'BillingSyncRole'),
      schedule: role(shared, 'BillingScheduleRole'),
      silo: role(own, 'FunctionRole', `${STACK}-tenant-initech`),
      siloApi: role(own, 'AuthorizerInvocationRole', `${STACK}-tenant-initech`),
    },
    tables: new Map([shared, bridge, own].flatMap(tablePolicies)),
    filesBucket: `arn:aws:s3:::${outputs['FilesBucket']}`,
    namesOthers,
  };
}

/** What a template makes; parameters that nobody has a say in here are given any value. */
function made(template: Template, stackName: string, given: Record<string, string>): Template {
  const any = Object.keys(template.Parameters).map((name) => [
    name,
    template.Parameters[name]?.['Default'] ?? 'any',
  ]);
  return resolve(template, {
    stackName,
    account: ACCOUNT,
    region: REGION,
    parameters: { ...Object.fromEntries(any), ...given },
  });
}

/** A role with the policies that are written into it, and those of the shared stack that it attaches. */
const roleIn =
  (shared: Template) =>
  (stack: Template, name: string, stackName = STACK): Role => {
    for (const { Type } of [...Object.values(stack.Resources), ...Object.values(shared.Resources)])
      if (/^AWS::IAM::(Role|User|Group)?Policy$/.test(Type)) throw new Error(`${Type} is not read here`);
    const { Properties } = stack.Resources[name] as Template['Resources'][string];
    const own = (Properties['Policies'] ?? []) as { PolicyName: string; PolicyDocument: Policy }[];
    const attached = ((Properties['ManagedPolicyArns'] ?? []) as string[]).map((arn) => {
      const [logicalId] = Object.keys(shared.Resources).filter((id) => arn.endsWith(`/${STACK}-${id}`));
      const policy = shared.Resources[logicalId ?? '']?.Properties['PolicyDocument'];
      if (policy === undefined) throw new Error(`${name} attaches ${arn}, which is not one of ours`);
      return { name: String(logicalId), policy: policy as Policy };
    });
    return {
      // As `resolve` names what CloudFormation would.
      arn: `arn:aws:iam::${ACCOUNT}:role${Properties['Path'] ?? '/'}${stackName}-${name}`,
      trust: Properties['AssumeRolePolicyDocument'] as Policy,
      identity: [...own.map((one) => ({ name: one.PolicyName, policy: one.PolicyDocument })), ...attached],
    };
  };

const tablePolicies = ({ Resources }: Template): [string, Policy][] =>
  Object.values(Resources)
    .filter(({ Type, Properties }) => Type === 'AWS::DynamoDB::Table' && 'ResourcePolicy' in Properties)
    .map(({ Properties }) => [Properties['TableName'], Properties['ResourcePolicy']['PolicyDocument']]);
