// Policies that were got wrong, each in one place of a template.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation and IAM have placeholders of this shape too
import type { Layer } from './policy-checks.ts';
import type { Templates } from './policy-world.ts';
import type { Json, Template } from './read.ts';

/** A statement of a template by its Sid, wherever it stands. */
function statement(template: Template, sid: string): Json {
  const found: Json[] = [];
  const visit = (node: Json): void => {
    if (typeof node !== 'object' || node === null) return;
    if (node.Sid === sid) found.push(node);
    for (const inner of Object.values(node)) visit(inner);
  };
  visit(template.Resources);
  if (found.length === 0) throw new Error(`no statement ${sid}`);
  return found[0];
}

/** Replaces a text within a value; the change has to be one. */
function rewrite(from: Json, search: string, by: string): Json {
  const text = JSON.stringify(from);
  if (!text.includes(search)) throw new Error(`no ${search} in ${text}`);
  return JSON.parse(text.replaceAll(search, by));
}

const sub = (text: string) => ({ 'Fn::Sub': text });
const TABLES = 'arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table';
const ROLES = 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/saasctl/${Stack}';
const DATA = `${TABLES}/\${AWS::StackName}-app-data`;
const statementsOf = (template: Template, role: string): Json[] =>
  template.Resources[role]?.Properties['Policies'][0].PolicyDocument.Statement;

const own = ({ core }: Templates) => statement(core, 'OwnItems');
const trust = ({ core }: Templates) => statement(core, 'HandlersForOneTenant');

const trustOf = (template: Template, role: string): Json =>
  template.Resources[role]?.Properties['AssumeRolePolicyDocument'].Statement[0];

/** Other callers trusted, whether roles are named besides or not. */
function allowedAs(t: Templates, search: string, by: string): void {
  trust(t).Condition.ArnLike = rewrite(trust(t).Condition.ArnLike, search, by);
}

function amongHandlers({ Resources }: Template, role: string, stack = 'AWS::StackName'): void {
  const properties = Resources[role]?.Properties as Json;
  properties['Path'] = sub(`/saasctl/\${${stack}}/handlers/`);
}

/** The layer is the one that sees it. */
type Mutation = [name: string, layer: Layer, mutate: (templates: Templates) => void];

export const MUTATIONS: Mutation[] = [
  // The sessions' policy.
  ['no Null guard', 'session', (t) => void delete own(t).Condition.Null],
  [
    'a Null guard of the tag alone',
    'session',
    (t) => void delete own(t).Condition.Null['dynamodb:LeadingKeys'],
  ],
  [
    'a Null guard that asks for no keys',
    'session',
    (t) => {
      own(t).Condition.Null['dynamodb:LeadingKeys'] = 'true';
    },
  ],
  ['Scan', 'session', (t) => void own(t).Action.push('dynamodb:Scan')],
  ['PartiQLSelect', 'session', (t) => void own(t).Action.push('dynamodb:PartiQLSelect')],
  ['SearchVectors', 'session', (t) => void own(t).Action.push('dynamodb:SearchVectors')],
  [
    'every action of DynamoDB',
    'session',
    (t) => {
      own(t).Action = 'dynamodb:*';
    },
  ],
  ['every action that begins with Get', 'session', (t) => void own(t).Action.push('dynamodb:Get*')],
  [
    'keys by a prefix',
    'session',
    (t) => {
      const { Condition } = own(t);
      delete Condition['ForAllValues:StringEquals'];
      Condition['ForAllValues:StringLike'] = {
        'dynamodb:LeadingKeys': ['TENANT#${aws:PrincipalTag/TenantId}*'],
      };
    },
  ],
  [
    'keys in any case',
    'session',
    (t) => {
      const { Condition } = own(t);
      Condition['ForAllValues:StringEqualsIgnoreCase'] = Condition['ForAllValues:StringEquals'];
      delete Condition['ForAllValues:StringEquals'];
    },
  ],
  [
    'any key for all keys',
    'session',
    (t) => {
      const { Condition } = own(t);
      Condition['ForAnyValue:StringEquals'] = Condition['ForAllValues:StringEquals'];
      delete Condition['ForAllValues:StringEquals'];
    },
  ],
  [
    'a second tenant’s keys',
    'session',
    (t) => void own(t).Condition['ForAllValues:StringEquals']['dynamodb:LeadingKeys'].push('TENANT#globex'),
  ],
  [
    'the tag of the request in place of the session’s',
    'session',
    (t) => {
      own(t).Condition = rewrite(own(t).Condition, 'aws:PrincipalTag', 'aws:RequestTag');
    },
  ],
  [
    'no condition on one action',
    'session',
    ({ core }) => {
      statementsOf(core, 'TenantDataRole').push({
        Effect: 'Allow',
        Action: 'dynamodb:Query',
        Resource: sub(DATA),
      });
    },
  ],
  ['indexes', 'session', (t) => void own(t).Resource.push(sub(`${DATA}/index/*`))],
  [
    'every table of the stack',
    'session',
    (t) => void own(t).Resource.push(sub(`${TABLES}/\${AWS::StackName}-*`)),
  ],
  [
    'every table',
    'session',
    (t) => {
      own(t).Resource = '*';
    },
  ],
  ['every tenant’s own table', 'session', (t) => void own(t).Resource.push(sub(`${DATA}-*`))],
  [
    'no hyphen before the tenant',
    'session',
    (t) => void own(t).Resource.push(sub(`${DATA}-\${!aws:PrincipalTag/TenantId}*`)),
  ],
  ['no own access', 'session', (t) => void own(t).Action.shift()],
  [
    'a policy beside it',
    'session',
    ({ core }) => {
      core.Resources['TenantDataRole']?.Properties['Policies'].push({
        PolicyName: 'debug',
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: 'dynamodb:GetItem',
              Resource: sub(`${TABLES}/\${AWS::StackName}-tenants`),
            },
          ],
        },
      });
    },
  ],
  // Who becomes a session.
  ['sessions without a tag', 'trust', (t) => void delete trust(t).Condition.StringLike],
  [
    'sessions with an empty tag',
    'trust',
    (t) => {
      trust(t).Condition.StringLike['aws:RequestTag/TenantId'] = '*';
    },
  ],
  [
    'the tag if there is one',
    'trust',
    (t) => {
      const { Condition } = trust(t);
      Condition.StringLikeIfExists = Condition.StringLike;
      delete Condition.StringLike;
    },
  ],
  ['more tags', 'trust', (t) => void delete trust(t).Condition['ForAllValues:StringEquals']],
  [
    'any tag key for all tag keys',
    'trust',
    (t) => {
      const { Condition } = trust(t);
      Condition['ForAnyValue:StringEquals'] = Condition['ForAllValues:StringEquals'];
      delete Condition['ForAllValues:StringEquals'];
    },
  ],
  ['whoever is in the account', 'trust', (t) => void delete trust(t).Condition.ArnLike],
  [
    'stacks that begin alike',
    'trust',
    (t) => {
      trust(t).Condition.ArnLike = rewrite(trust(t).Condition.ArnLike, '}/handlers/*', '}*/handlers/*');
    },
  ],
  [
    'users as well as roles',
    'trust',
    (t) => {
      trust(t).Condition.ArnLike = rewrite(trust(t).Condition.ArnLike, ':role/saasctl', ':*/saasctl');
    },
  ],
  [
    'handlers without the right to tag',
    'trust',
    (t) => {
      trust(t).Action = 'sts:AssumeRole';
    },
  ],
  ['all roles of the stack', 'trust', (t) => void allowedAs(t, '}/handlers/*', '}/*')],
  ['every stack’s handlers', 'trust', (t) => void allowedAs(t, '/${AWS::StackName}/', '/*/')],
  [
    'every stack’s roles, where none is named',
    'trust',
    (t) => {
      const ours = trust(t).Condition.ArnLike['aws:PrincipalArn']['Fn::If'];
      ours[2] = rewrite(ours[2], '/${AWS::StackName}/handlers/*', '/*');
    },
  ],
  ['the authorizer among the handlers', 'trust', ({ core }) => void amongHandlers(core, 'AuthorizerRole')],
  ['the billing among the handlers', 'trust', ({ core }) => void amongHandlers(core, 'BillingSyncRole')],
  [
    'a silo’s function among the handlers',
    'trust',
    ({ silo }) => void amongHandlers(silo, 'FunctionRole', 'Stack'),
  ],
  ['sessions that make sessions', 'trust', ({ core }) => void amongHandlers(core, 'TenantDataRole')],
  // Who becomes one of the other roles.
  ...(['Account', 'Arn'] as const).map(
    (of): Mutation => [
      `a scheduler that is asked for no ${of.toLowerCase()}`,
      'service',
      ({ core }) => {
        const { Condition } = trustOf(core, 'BillingScheduleRole');
        delete Condition[of === 'Account' ? 'StringEquals' : 'ArnEquals'];
      },
    ],
  ),
  [
    'a scheduler of any account',
    'service',
    ({ core }) => {
      const { Condition } = trustOf(core, 'BillingScheduleRole');
      delete Condition.StringEquals;
      Condition.StringLike = { 'aws:SourceAccount': '*' };
    },
  ],
  [
    'a scheduler of no account there is',
    'service',
    ({ core }) => {
      trustOf(core, 'BillingScheduleRole').Condition.StringEquals['aws:SourceAccount'] = '*';
    },
  ],
  [
    'an authorizer of every service',
    'service',
    ({ core }) => {
      trustOf(core, 'AuthorizerRole').Principal.Service = '*';
    },
  ],
  [
    'a handler that anybody in the account becomes',
    'service',
    ({ service }) => {
      trustOf(service, 'FunctionRole').Principal.AWS = sub(
        'arn:${AWS::Partition}:iam::${AWS::AccountId}:root',
      );
    },
  ],
  [
    'a silo’s API that functions become',
    'service',
    ({ silo }) => {
      trustOf(silo, 'AuthorizerInvocationRole').Principal.Service = 'lambda.amazonaws.com';
    },
  ],
  // Whom the tables let in.
  [
    'the shared table without its Deny',
    'table',
    ({ core }) => void delete core.Resources['AppDataTable']?.Properties['ResourcePolicy'],
  ],
  [
    'a tenant’s table without its Deny',
    'table',
    ({ silo }) => void delete silo.Resources['DataTable']?.Properties['ResourcePolicy'],
  ],
  [
    'a Deny without reads',
    'table',
    ({ core }) => {
      const deny = statement(core, 'TenantCredentialsOnly');
      deny.Action = deny.Action.filter((action: string) => action !== 'dynamodb:GetItem');
    },
  ],
  [
    'a Deny without indexes',
    'table',
    ({ core }) => void statement(core, 'TenantCredentialsOnly').Resource.pop(),
  ],
  [
    'a Deny of everything',
    'table',
    ({ core }) => {
      statement(core, 'TenantCredentialsOnly').Action = 'dynamodb:*';
    },
  ],
  [
    'a Deny that knows handlers',
    'table',
    ({ core }) => {
      const deny = statement(core, 'TenantCredentialsOnly');
      deny.Condition['ArnNotLike'] = {
        'aws:PrincipalArn': sub(
          'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/saasctl/${AWS::StackName}/*',
        ),
      };
      delete deny.Condition.StringNotLike;
    },
  ],
  [
    'a silo’s table that knows the sessions',
    'table',
    ({ silo }) => {
      const deny = statement(silo, 'OwnRolesOnly');
      deny.Condition.StringNotLike['aws:PrincipalArn'].push(sub(`${ROLES}/tenant-data/*`));
    },
  ],
  [
    'a silo’s table that knows every silo’s function',
    'table',
    ({ silo }) => {
      const deny = statement(silo, 'OwnRolesOnly');
      deny.Condition = rewrite(deny.Condition, '/tenants/${TenantId}/*', '/tenants/*');
    },
  ],
  [
    'a silo’s table that knows ids that begin alike',
    'table',
    ({ silo }) => {
      const deny = statement(silo, 'OwnRolesOnly');
      deny.Condition = rewrite(deny.Condition, '/tenants/${TenantId}/*', '/tenants/${TenantId}*');
    },
  ],
  [
    'a table that knows its role by a name that changes',
    'table',
    ({ core }) => {
      const { Condition } = statement(core, 'TenantCredentialsOnly');
      Condition.StringNotLike['aws:PrincipalArn'][0] = { 'Fn::GetAtt': ['TenantDataRole', 'Arn'] };
    },
  ],
  [
    'indexes of a bridge’s table for all sessions',
    'table',
    ({ silo }) => void statement(silo, 'OwnSessionsOnly').Resource.pop(),
  ],
  [
    'a bridge’s table that all sessions scan',
    'table',
    ({ silo }) => {
      const deny = statement(silo, 'OwnSessionsOnly');
      deny.Action = deny.Action.filter((action: string) => action !== 'dynamodb:Scan');
    },
  ],
  [
    'a bridge’s table that knows all sessions',
    'table',
    ({ silo }) => {
      statement(silo, 'OwnSessionsOnly').Condition.StringLike['aws:PrincipalArn'] = 'nobody';
    },
  ],
  // What the other roles may do.
  [
    'a handler that reads usage',
    'role',
    ({ core }) => void statement(core, 'RecordUsage').Action.push('dynamodb:Query'),
  ],
  [
    'a handler that raises quotas',
    'role',
    ({ core }) => {
      const usage = statement(core, 'RecordUsage');
      usage.Resource = [usage.Resource, { 'Fn::GetAtt': ['GatesTable', 'Arn'] }];
    },
  ],
  [
    'a handler with data of its own',
    'role',
    ({ core }) => {
      const usage = statement(core, 'RecordUsage');
      usage.Resource = [usage.Resource, { 'Fn::GetAtt': ['AppDataTable', 'Arn'] }];
    },
  ],
  [
    'an authorizer that lists keys',
    'role',
    ({ core }) => {
      statementsOf(core, 'AuthorizerRole')[0].Action = ['dynamodb:GetItem', 'dynamodb:Scan'];
    },
  ],
  [
    'a billing that deletes usage',
    'role',
    ({ core }) => void statement(core, 'ReadAndFoldUsage').Action.push('dynamodb:DeleteItem'),
  ],
  [
    'a silo’s function on every tenant’s table',
    'role',
    ({ silo }) => {
      statement(silo, 'OwnItems').Resource = sub(`${TABLES}/\${Stack}-app-data*`);
    },
  ],
  [
    'a silo’s function on ids that begin alike',
    'role',
    ({ silo }) => {
      statement(silo, 'OwnItems').Resource = sub(`${TABLES}/\${Stack}-app-data-\${TenantId}*`);
    },
  ],
  [
    'a silo’s function that records anybody’s usage',
    'role',
    ({ silo }) => void delete statement(silo, 'RecordOwnUsage').Condition,
  ],
  [
    'a silo’s function that records nobody’s usage',
    'role',
    ({ silo }) => void delete statement(silo, 'RecordOwnUsage').Condition.Null,
  ],
  // Files.
  [
    'files of ids that begin alike',
    'files',
    ({ core }) => {
      const files = statement(core, 'OwnFiles');
      files.Resource = rewrite(files.Resource, '}/*', '}*');
    },
  ],
  [
    'every tenant’s files',
    'files',
    ({ core }) => {
      statement(core, 'OwnFiles').Resource = sub('${FilesBucket.Arn}/*');
    },
  ],
  ['files’ rights', 'files', ({ core }) => void statement(core, 'OwnFiles').Action.push('s3:PutObjectAcl')],
];
