// What must be allowed and what must not, request by request, over the policies of a deployed stack.
import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate';
import {
  ACCOUNT,
  FOREIGN_HANDLER,
  OPERATOR,
  type Policy,
  type PolicyWorld,
  type Role,
  STACK,
  tableArn,
} from './policy-world.ts';

export interface Check {
  layer: Layer;
  /** The request, in one line. */
  request: string;
  expected: boolean;
  /** Asks the simulator. */
  isAllowed(): boolean;
}

/**
 * `session`: what a tenant's session may do, its role's policy alone. `table`: whom a data table lets in who may do
 * everything by policies of their own. `trust`: who becomes a tenant's session, `service`: who becomes one of the other
 * roles. `role`: all that each role may do. `files`: the bucket.
 */
export type Layer = 'session' | 'table' | 'trust' | 'service' | 'role' | 'files';

type Context = Record<string, string | string[]>;

interface Request {
  principal: string;
  action: string;
  resource: string;
  context: Context;
  identity: Policy[];
  resourcePolicy?: Policy | undefined;
  account?: string;
}

export function isAllowed({ principal, action, resource, context, identity, ...more }: Request): boolean {
  const { resourcePolicy, account = ACCOUNT } = more;
  const result = runUnsafeSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
      identityPolicies: identity.map((policy, at) => ({ name: String(at), policy })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy === undefined ? {} : { resourcePolicy: named(resourcePolicy) }),
    },
    {},
  );
  return result === 'Allowed';
}

/** As the simulator takes a policy with a name, which it wants where one matches. */
const named = (policyDocument: Policy) => ({
  __validated: true,
  policyDocument,
  metadata: { name: 'resource' },
  errors: [],
});

/** What a session of a role looks like to a policy. `tag`: its tag TenantId. */
const sessionOf = (roleArn: string, tag: string | null = null): { principal: string; context: Context } => ({
  principal: `${roleArn.replace(':iam:', ':sts:').replace(/:role\/.*?([^/]+)$/, ':assumed-role/$1')}/session`,
  context: {
    'aws:PrincipalArn': roleArn,
    'aws:PrincipalAccount': roleArn.split(':')[4] ?? '',
    ...(tag === null ? {} : { 'aws:PrincipalTag/TenantId': tag }),
  },
});

/** Each operation of DynamoDB's that reads or writes items, by the actions that IAM asks about. */
export const OPERATIONS = {
  GetItem: ['GetItem'],
  BatchGetItem: ['BatchGetItem'],
  Query: ['Query'],
  PutItem: ['PutItem'],
  UpdateItem: ['UpdateItem'],
  DeleteItem: ['DeleteItem'],
  BatchWriteItem: ['BatchWriteItem'],
  TransactGetItems: ['GetItem'],
  TransactWriteItems: ['ConditionCheckItem', 'PutItem', 'UpdateItem', 'DeleteItem'],
  Scan: ['Scan'],
  ExecuteStatement: ['PartiQLSelect', 'PartiQLInsert', 'PartiQLUpdate', 'PartiQLDelete'],
  BatchExecuteStatement: ['PartiQLSelect', 'PartiQLInsert', 'PartiQLUpdate', 'PartiQLDelete'],
  ExecuteTransaction: ['PartiQLSelect', 'PartiQLInsert', 'PartiQLUpdate', 'PartiQLDelete'],
  SearchVectors: ['SearchVectors'],
} as const;
export const DATA_ACTIONS: readonly string[] = [...new Set(Object.values(OPERATIONS).flat())];
/** Those that `tenantData` needs. */
const ITEM_ACTIONS = new Set([
  ...['BatchGetItem', 'BatchWriteItem', 'ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query'],
  'UpdateItem',
]);
/** Around the items: what describes, copies, streams or changes a table. */
export const TABLE_ACTIONS: readonly string[] = [
  ...['DescribeTable', 'GetRecords', 'GetShardIterator', 'DescribeStream', 'ListStreams', 'CreateBackup'],
  ...[
    'ExportTableToPointInTime',
    'RestoreTableToPointInTime',
    'UpdateTable',
    'DeleteTable',
    'PutResourcePolicy',
  ],
  ...['DeleteResourcePolicy', 'UpdateTimeToLive', 'TagResource', 'ReadDataForReplication'],
];

const DATA = `${STACK}-app-data`;
const CONTROL_TABLES = ['gates', 'api-keys', 'tenants', 'usage-meters'].map((name) => `${STACK}-${name}`);
const pk = (tenant: string) => `TENANT#${tenant}`;

export const LEADING_KEYS: Readonly<Record<string, readonly string[] | null>> = {
  own: [pk('acme')],
  none: null,
  'own twice': [pk('acme'), pk('acme')],
  other: [pk('globex')],
  sibling: [pk('acme-corp')],
  'own and other': [pk('acme'), pk('globex')],
  'other and own': [pk('globex'), pk('acme')],
  'own and sibling': [pk('acme'), pk('acme-corp')],
  'another case': ['tenant#acme'],
  gate: ['GATE#acme'],
  prefix: [pk('ac')],
};
export const TAGS: Readonly<Record<string, string | null>> = {
  right: 'acme',
  wrong: 'globex',
  sibling: 'acme-corp',
  absent: null,
  empty: '',
};
/** Tables that are met with every key and tag; those of other tenants have no policy of their own here. */
const NEAR = [DATA, `${DATA}-acme-corp`, `${DATA}-acme`, `${DATA}/index/list`];
/** Met by the right tenant with its own key, and by nobody in particular. */
const FAR = [
  ...[
    `${DATA}/index/any`,
    `${DATA}/stream/2026-11-22T00:00:00.000`,
    `${DATA}/backup/01`,
    `${DATA}-`,
    `${DATA}x`,
  ],
  ...[`${DATA}-hooli`, `${DATA}-initech`, `${DATA}-acme/index/list`, `${STACK}-tenants/index/list`],
  ...['shop-eu-app-data', 'app-data', ...CONTROL_TABLES],
];

/** A tenant's session reaches the items under its own key, in the shared table and in one of its own. */
function* sessionChecks({ roles: { tenantData } }: PolicyWorld): Generator<Check> {
  const check = (action: string, table: string, keys: string, tag: string): Check => {
    const leading = LEADING_KEYS[keys] ?? null;
    const tenant = TAGS[tag] ?? null;
    const { principal, context } = sessionOf(tenantData.arn, tenant);
    const isOwnTable = table === DATA || table === `${DATA}-${tenant}`;
    return {
      layer: 'session',
      request: `${action} ${table}, keys ${keys}, tag ${tag}`,
      expected:
        ITEM_ACTIONS.has(action) &&
        isOwnTable &&
        leading?.every((key) => key === pk(String(tenant))) === true,
      isAllowed: () =>
        isAllowed({
          principal,
          action: `dynamodb:${action}`,
          resource: tableArn(table),
          context: { ...context, ...(leading === null ? {} : { 'dynamodb:LeadingKeys': [...leading] }) },
          identity: tenantData.identity.map(({ policy }) => policy),
        }),
    };
  };
  const near = function* (tag: string, table: string) {
    for (const keys of Object.keys(LEADING_KEYS))
      for (const action of DATA_ACTIONS) yield check(action, table, keys, tag);
  };
  // What tells the most comes first, since a policy that is wrong is asked until it shows.
  yield* near('right', DATA);
  for (const action of TABLE_ACTIONS)
    for (const table of [DATA, `${DATA}-acme`, `${STACK}-tenants`])
      yield check(action, table, 'own', 'right');
  for (const table of FAR)
    for (const action of DATA_ACTIONS) {
      yield check(action, table, 'own', 'right');
      yield check(action, table, 'none', 'absent');
    }
  for (const tag of Object.keys(TAGS))
    for (const table of NEAR) if (tag !== 'right' || table !== DATA) yield* near(tag, table);
}

const EVERYTHING: Policy = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};

/** Callers with a policy that lets them do everything, by a data table: whom does the table let in? */
function* tableChecks({ roles, tables, namesOthers }: PolicyWorld): Generator<Check> {
  const administrator = sessionOf(`arn:aws:iam::${ACCOUNT}:role/Administrator`);
  const callers: Record<string, { principal: string; context: Context }> = {
    administrator,
    user: {
      principal: `arn:aws:iam::${ACCOUNT}:user/somebody`,
      context: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:user/somebody` },
    },
    operator: sessionOf(OPERATOR),
    'acme’s session': sessionOf(roles.tenantData.arn, 'acme'),
    'hooli’s session': sessionOf(roles.tenantData.arn, 'hooli'),
    'initech’s session': sessionOf(roles.tenantData.arn, 'initech'),
    'a session of nobody': sessionOf(roles.tenantData.arn),
    'initech’s function': sessionOf(roles.silo.arn),
    'initech-2’s function': sessionOf(roles.silo.arn.replace('/initech/', '/initech-2/')),
    // The stacks made anew, while the tables stayed: the roles' names are others.
    'acme’s session, made anew': sessionOf(`${roles.tenantData.arn}-2`, 'acme'),
    'hooli’s session, made anew': sessionOf(`${roles.tenantData.arn}-2`, 'hooli'),
    'initech’s function, made anew': sessionOf(`${roles.silo.arn}-2`),
    handler: sessionOf(roles.handler.arn),
    authorizer: sessionOf(roles.authorizer.arn),
    'billing sync': sessionOf(roles.billingSync.arn),
  };
  const letIn: Record<string, (caller: string) => boolean> = {
    [DATA]: (caller) => / session/.test(caller),
    [`${DATA}-hooli`]: (caller) => caller.startsWith('hooli’s session'),
    [`${DATA}-initech`]: (caller) => caller.startsWith('initech’s function'),
  };
  // A new action that the policies do not name yet is refused by the sessions' own policy; see the layer of sessions.
  const denied = DATA_ACTIONS.filter((action) => action !== 'SearchVectors');
  const check = (caller: string, action: string, table: string, path: string, expected: boolean): Check => ({
    layer: 'table',
    request: `${action} ${table}${path} by ${caller}`,
    expected,
    isAllowed: () =>
      isAllowed({
        ...(callers[caller] as (typeof callers)[string]),
        action: `dynamodb:${action}`,
        resource: tableArn(`${table}${path}`),
        identity: [EVERYTHING],
        resourcePolicy: tables.get(table),
      }),
  });
  // Whoever mends a policy must not be locked out by it.
  for (const table of Object.keys(letIn))
    for (const action of [
      'DescribeTable',
      'UpdateTable',
      'PutResourcePolicy',
      'DeleteResourcePolicy',
      'DeleteTable',
    ])
      yield check('administrator', action, table, '', true);
  for (const [table, lets] of Object.entries(letIn))
    for (const caller of Object.keys(callers))
      for (const action of denied) {
        // Operators, and roles of the table for actions that their own policy has no part in, are not the table's to refuse.
        const ours = (caller === 'operator' && namesOthers) || lets(caller);
        if (ours && !ITEM_ACTIONS.has(action)) continue;
        yield check(caller, action, table, '', ours);
        if (!ours) yield check(caller, action, table, '/index/list', false);
      }
}

export const REQUEST_TAGS: Readonly<Record<string, Record<string, string>>> = {
  right: { TenantId: 'acme' },
  none: {},
  empty: { TenantId: '' },
  'another besides': { TenantId: 'acme', Plan: 'pro' },
  another: { Plan: 'pro' },
  'another spelling': { tenantid: 'acme' },
  // Handed on to whatever the session assumes, which is nothing: it has no action of STS.
  transitive: { TenantId: 'acme' },
};

const MAY_ASSUME: Policy = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: '*' }],
};

/** Handlers, and nobody else, become the session of one tenant, with that tag and no other. */
function* trustChecks({ roles, namesOthers }: PolicyWorld): Generator<Check> {
  const handlerPolicies = roles.handler.identity;
  const fixed = (arn: string, identity: Policy): Role => ({
    arn,
    trust: EVERYTHING,
    identity: [{ name: 'own', policy: identity }],
  });
  // Whatever a policy of theirs grants, now or by mistake later.
  const granted = ({ arn, trust, identity }: Role): Role => ({
    arn,
    trust,
    identity: [...identity, { name: 'mistake', policy: MAY_ASSUME }],
  });
  const assuming: Record<string, Role> = {
    handler: roles.handler,
    'inline handler': roles.inlineHandler,
    'a named handler': { ...fixed(FOREIGN_HANDLER, MAY_ASSUME), identity: handlerPolicies },
    'a named one without the policy': { ...fixed(FOREIGN_HANDLER, MAY_ASSUME), identity: [] },
    authorizer: granted(roles.authorizer),
    'billing sync': granted(roles.billingSync),
    schedule: granted(roles.schedule),
    'silo function': granted(roles.silo),
    'silo API': granted(roles.siloApi),
    'a session of a tenant': granted(roles.tenantData),
    administrator: fixed(`arn:aws:iam::${ACCOUNT}:role/Administrator`, EVERYTHING),
    'a handler of another stack': fixed(
      `arn:aws:iam::${ACCOUNT}:role/saasctl/${STACK}-eu/handlers/orders`,
      MAY_ASSUME,
    ),
    'a role named like the path': fixed(`arn:aws:iam::${ACCOUNT}:role/saasctl/${STACK}/handlers`, MAY_ASSUME),
    'the path of another account': fixed(
      `arn:aws:iam::999999999999:role/saasctl/${STACK}/handlers/orders`,
      MAY_ASSUME,
    ),
    'a user under the path': fixed(
      `arn:aws:iam::${ACCOUNT}:user/saasctl/${STACK}/handlers/orders`,
      MAY_ASSUME,
    ),
  };
  const handlers = ['handler', 'inline handler', ...(namesOthers ? ['a named handler'] : [])];
  for (const [caller, { arn, identity }] of Object.entries(assuming))
    for (const [tags, values] of Object.entries(REQUEST_TAGS)) {
      const isUser = arn.includes(':user/');
      const { principal, context } = sessionOf(arn);
      const keys = Object.keys(values);
      const ask = (action: string): boolean =>
        isAllowed({
          principal: isUser ? arn : principal,
          action: `sts:${action}`,
          resource: roles.tenantData.arn,
          context: {
            ...context,
            'sts:RoleSessionName': 'acme',
            ...Object.fromEntries(keys.map((key) => [`aws:RequestTag/${key}`, values[key] as string])),
            ...(keys.length === 0 ? {} : { 'aws:TagKeys': keys }),
            ...(tags === 'transitive' ? { 'sts:TransitiveTagKeys': keys } : {}),
          },
          identity: identity.map(({ policy }) => policy),
          resourcePolicy: roles.tenantData.trust,
        });
      yield {
        layer: 'trust',
        request: `a session for ${caller}, tags ${tags}`,
        expected: handlers.includes(caller) && (tags === 'right' || tags === 'transitive'),
        // A session with tags takes both.
        isAllowed: () => ask('AssumeRole') && (keys.length === 0 || ask('TagSession')),
      };
    }
}

const BECOMES: Readonly<Record<string, string>> = {
  authorizer: 'lambda.amazonaws.com',
  billingSync: 'lambda.amazonaws.com',
  handler: 'lambda.amazonaws.com',
  inlineHandler: 'lambda.amazonaws.com',
  silo: 'lambda.amazonaws.com',
  schedule: 'scheduler.amazonaws.com',
  siloApi: 'apigateway.amazonaws.com',
};

/** Each role but the sessions' is one service's, and nobody's in the account; the schedule's, of our schedules alone. */
function* serviceChecks({ roles }: PolicyWorld): Generator<Check> {
  const group = 'arn:aws:scheduler:eu-central-1';
  const ours = {
    'aws:SourceAccount': ACCOUNT,
    'aws:SourceArn': `${group}:${ACCOUNT}:schedule-group/shop-BillingScheduleGroup`,
  };
  const sources: Record<string, Context> = {
    ours,
    'nobody knows whose': {},
    'another account': { ...ours, 'aws:SourceAccount': '999999999999' },
    'another group': { ...ours, 'aws:SourceArn': `${group}:${ACCOUNT}:schedule-group/other` },
    'another account’s group': {
      ...ours,
      'aws:SourceArn': `${group}:999999999999:schedule-group/shop-BillingScheduleGroup`,
    },
  };
  for (const [name, service] of Object.entries(BECOMES)) {
    const { arn, trust } = roles[name as keyof PolicyWorld['roles']];
    const check = (by: string, principal: string, context: Context, expected: boolean): Check => ({
      layer: 'service',
      request: `${name} by ${by}`,
      expected,
      isAllowed: () =>
        isAllowed({
          principal,
          action: 'sts:AssumeRole',
          resource: arn,
          context,
          identity: principal.startsWith('arn:') ? [EVERYTHING] : [],
          resourcePolicy: trust,
        }),
    });
    for (const asking of [...new Set([...Object.values(BECOMES), 'ec2.amazonaws.com'])])
      for (const [source, context] of Object.entries(sources))
        yield check(
          `${asking}, ${source}`,
          asking,
          context,
          asking === service && (name !== 'schedule' || source === 'ours'),
        );
    const administrator = sessionOf(`arn:aws:iam::${ACCOUNT}:role/Administrator`);
    yield check('administrator', administrator.principal, administrator.context, false);
    const handler = sessionOf(roles.handler.arn);
    yield check('handler', handler.principal, handler.context, false);
  }
}

/** All that the roles may do with tables: `action table`. The silo's is asked with a key of its own and of another. */
export const ROLE_RIGHTS: Readonly<Record<string, readonly string[]>> = {
  authorizer: ['GetItem shop-api-keys', 'UpdateItem shop-gates', 'UpdateItem shop-usage-meters'],
  billingSync: [
    ...['BatchGetItem', 'BatchWriteItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query'].map(
      (a) => `${a} shop-tenants`,
    ),
    'Query shop-tenants/index/list',
    ...['BatchGetItem', 'Query', 'UpdateItem'].map((action) => `${action} shop-usage-meters`),
    ...['BatchGetItem', 'GetItem', 'UpdateItem'].map((action) => `${action} shop-gates`),
  ],
  silo: [
    ...[...ITEM_ACTIONS].map((action) => `${action} shop-app-data-initech`),
    ...['PutItem', 'UpdateItem'].map((action) => `${action} shop-usage-meters`),
  ],
  handler: ['PutItem shop-usage-meters', 'UpdateItem shop-usage-meters'],
  inlineHandler: [
    ...['PutItem shop-usage-meters', 'UpdateItem shop-usage-meters'],
    ...['GetItem shop-api-keys', 'UpdateItem shop-gates'],
  ],
  schedule: [],
  siloApi: [],
};

/** No role but the sessions' has a way to the tenants' data, and none to more of the tables than it needs. */
function* roleChecks({ roles }: PolicyWorld): Generator<Check> {
  const tables = [
    ...[DATA, `${DATA}/index/list`, `${DATA}-acme`, `${DATA}-initech`, `${DATA}-initech-2`],
    ...CONTROL_TABLES,
    `${STACK}-tenants/index/list`,
  ];
  // The table of usage is everybody's: a silo's function records its own tenant's, whatever code runs in it.
  const { silo } = roles;
  for (const key of [pk('acme'), pk('initech-2'), null])
    for (const action of ['PutItem', 'UpdateItem']) {
      const { principal, context } = sessionOf(silo.arn);
      yield {
        layer: 'role',
        request: `${action} usage of ${key} by silo`,
        expected: false,
        isAllowed: () =>
          isAllowed({
            principal,
            action: `dynamodb:${action}`,
            resource: tableArn(`${STACK}-usage-meters`),
            context: key === null ? context : { ...context, 'dynamodb:LeadingKeys': [key] },
            identity: silo.identity.map(({ policy }) => policy),
          }),
      };
    }
  for (const [name, rights] of Object.entries(ROLE_RIGHTS)) {
    const { arn, identity } = roles[name as keyof PolicyWorld['roles']];
    const { principal, context } = sessionOf(arn);
    const check = (action: string, table: string, key: string | null, expected: boolean): Check => ({
      layer: 'role',
      request: `${action} ${table} by ${name}${key === null ? ' without a key' : `, key ${key}`}`,
      expected,
      isAllowed: () =>
        isAllowed({
          principal,
          action: `dynamodb:${action}`,
          resource: tableArn(table),
          context: key === null ? context : { ...context, 'dynamodb:LeadingKeys': [key] },
          identity: identity.map(({ policy }) => policy),
        }),
    });
    for (const action of [...DATA_ACTIONS, 'DescribeTable', 'GetRecords', 'UpdateTable', 'DeleteTable'])
      for (const table of tables)
        yield check(action, table, pk('initech'), rights.includes(`${action} ${table}`));
  }
}

const FILE_ACTIONS = [
  'GetObject',
  'PutObject',
  'DeleteObject',
  'AbortMultipartUpload',
  'GetObjectVersion',
  'PutObjectAcl',
];
const FILE_RIGHTS = new Set(['GetObject', 'PutObject', 'DeleteObject', 'AbortMultipartUpload']);

function* fileChecks({ roles: { tenantData, handler, silo }, filesBucket }: PolicyWorld): Generator<Check> {
  const callers = { tenantData, handler, silo };
  const paths = ['acme/a', 'acme/a/b', 'acme-corp/a', 'globex/a', 'acme', 'a', 'ac/me'];
  for (const [caller, { arn, identity }] of Object.entries(callers))
    for (const tag of ['acme', 'acme-corp', null])
      for (const path of paths)
        for (const action of FILE_ACTIONS) {
          const { principal, context } = sessionOf(arn, tag);
          yield {
            layer: 'files',
            request: `${action} ${path} by ${caller}, tag ${tag}`,
            expected:
              caller === 'tenantData' &&
              FILE_RIGHTS.has(action) &&
              tag !== null &&
              path.startsWith(`${tag}/`),
            isAllowed: () =>
              isAllowed({
                principal,
                action: `s3:${action}`,
                resource: `${filesBucket}/${path}`,
                context,
                identity: identity.map(({ policy }) => policy),
              }),
          };
        }
}

const LAYERS: Record<Layer, (world: PolicyWorld) => Generator<Check>> = {
  session: sessionChecks,
  table: tableChecks,
  trust: trustChecks,
  service: serviceChecks,
  role: roleChecks,
  files: fileChecks,
};

export const checksOf = (world: PolicyWorld, layer: Layer): Generator<Check> => LAYERS[layer](world);
