// The policy that docs/deploy.md prints for whoever deploys, against each call that the adapters make.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runSimulation } from '@cloud-copilot/iam-simulate';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../../src/adapters/dynamodb/store.ts';
import { ROOT } from '../../fixtures/cli.ts';
import { openStoreOnEngine } from '../engine.ts';
import { CREDENTIALS, REGION, STACK } from '../tenancy.ts';

interface Policy {
  Version: string;
  Statement: { Effect: string; Action: string | string[]; Resource: string | string[] }[];
}

const ACCOUNT = '123456789012';
const STACKS = ['acme', 'acme-bootstrap', 'acme-service', 'acme-guardrails', 'acme-tenant-initech'];
const stackArn = (name: string): string =>
  `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${name}/5f0c-11ee`;
/** What is acted on, by service. */
const RESOURCES: Record<string, readonly string[]> = {
  cloudformation: STACKS.map(stackArn),
  s3: [`arn:aws:s3:::acme-code-${ACCOUNT}-${REGION}/authorizer/5f0c.zip`],
  ssm: ['stripe-key', 'cursor-secret'].map(
    (name) => `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/saasctl/acme/${name}`,
  ),
  lambda: ['*'],
  dynamodb: [`arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/acme-tenants`],
};
/** Calls that name no stack, though others of the same action do. */
const UNNAMED = ['cloudformation:DescribeStacks', 'cloudformation:GetTemplateSummary'];

let printed: Policy;
let actions: string[];
beforeAll(async () => {
  const page = await readFile(join(ROOT, 'docs', 'deploy.md'), 'utf8');
  const [, section = ''] = page.split('## What whoever deploys may do');
  printed = JSON.parse(/```json\n([\s\S]*?)```/.exec(section)?.[1] ?? '');
  actions = [...new Set([...(await actionsOfAdapters()), ...(await actionsOnTables())])].sort();
});

/** `cloudformation:CreateChangeSet` and so on, by the SDK commands and the signed requests in src/adapters/cloud. */
async function actionsOfAdapters(): Promise<string[]> {
  const folder = join(ROOT, 'src', 'adapters', 'cloud');
  const found: string[] = [];
  for (const file of await readdir(folder)) {
    const source = await readFile(join(folder, file), 'utf8');
    for (const [, names = '', service] of source.matchAll(
      /import \{([^}]*)\} from '@aws-sdk\/client-(\w+)'/g,
    )) {
      for (const [, name] of names.matchAll(/(\w+)Command\b/g)) found.push(`${service}:${name}`);
    }
    if (file !== 'secret-parameters.ts') continue;
    for (const [, name] of source.matchAll(/\bask\(\s*'(\w+)'/g)) found.push(`ssm:${name}`);
  }
  return found;
}

/** What opening the store, reading a tenant and writing an audit entry ask of DynamoDB. */
async function actionsOnTables(): Promise<string[]> {
  const engine = await openStoreOnEngine();
  const lines: string[] = [];
  try {
    const { store } = await openStore({
      region: REGION,
      stack: STACK,
      endpoint: engine.proxy.endpoint,
      credentials: CREDENTIALS,
      awsProfile: null,
      createMissing: false,
      trace: (line) => lines.push(line),
    });
    await store.tenant('initech');
    await store.note({
      id: 'one',
      at: '2026-11-20T12:00:00.000Z',
      actor: 'somebody',
      action: 'stack.create',
      tenantId: null,
      keyId: null,
      changes: [],
      requestId: 'req_1',
    });
    await store.close();
  } finally {
    await engine.close();
  }
  return lines.map((line) => `dynamodb:${/^debug: dynamodb (\w+) 200/.exec(line)?.[1] ?? line}`);
}

/** Whether the policy allows an action on a resource; `null`: the action is of no resource of its own. */
async function allows(policy: Policy, action: string, resource: string): Promise<boolean | null> {
  const found = await runSimulation(
    {
      request: {
        principal: `arn:aws:iam::${ACCOUNT}:role/deployer`,
        action,
        resource: { resource, accountId: ACCOUNT },
        contextVariables: {},
      },
      identityPolicies: [{ name: 'deployer', policy }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  if (found.resultType !== 'error') return found.overallResult === 'Allowed';
  expect(JSON.stringify(found.errors), `${action} on ${resource}`).toContain('must.use.wildcard');
  return null;
}

/** Every call that the policy refuses. */
async function refused(policy: Policy, asked: readonly string[] = actions): Promise<string[]> {
  const missing: string[] = [];
  for (const action of asked) {
    const [service = ''] = action.split(':');
    const resources = [...(RESOURCES[service] ?? []), ...(UNNAMED.includes(action) ? ['*'] : [])];
    expect(resources, action).not.toEqual([]);
    for (const resource of resources) {
      const allowed = (await allows(policy, action, resource)) ?? (await allows(policy, action, '*'));
      if (allowed !== true) missing.push(`${action} on ${resource}`);
    }
  }
  return missing;
}

describe('the policy for whoever deploys', () => {
  it('allows every call that deploy, status, destroy and secret make', async () => {
    expect(actions.length).toBeGreaterThan(15);
    expect(actions).toEqual(
      expect.arrayContaining([
        'cloudformation:DescribeStackDriftDetectionStatus',
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'lambda:GetAccountSettings',
        's3:PutObject',
        'ssm:PutParameter',
      ]),
    );
    expect(await refused(printed)).toEqual([]);
  });

  it('stops at the stacks, parameters and tables of its own', async () => {
    for (const [action, resource] of [
      ['cloudformation:DeleteStack', stackArn('acmex')],
      ['cloudformation:ExecuteChangeSet', stackArn('other')],
      ['ssm:PutParameter', `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/saasctl/other/stripe-key`],
      ['dynamodb:PutItem', `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/acme-gates`],
      ['dynamodb:GetItem', `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/acme-app-data`],
    ] as const) {
      expect(await allows(printed, action, resource), `${action} on ${resource}`).toBe(false);
    }
  });

  it('is missed, action by action, where one of them is left out', async () => {
    for (const left of actions) {
      const without: Policy = {
        ...printed,
        Statement: printed.Statement.map((one) => ({
          ...one,
          Action: [one.Action].flat().filter((action) => action !== left),
        })),
      };
      expect(await refused(without, [left]), left).not.toEqual([]);
    }
  });

  it('asked of a stack alone, the look for drift is refused: AWS takes it for no stack’s', async () => {
    const onStacks: Policy = {
      ...printed,
      Statement: [
        {
          Effect: 'Allow',
          Action: 'cloudformation:*',
          Resource: `arn:aws:cloudformation:*:${ACCOUNT}:stack/*`,
        },
      ],
    };
    const drift = 'cloudformation:DescribeStackDriftDetectionStatus';
    expect(await refused(onStacks, [drift])).toContain(`${drift} on ${stackArn('acme')}`);
  });
});
