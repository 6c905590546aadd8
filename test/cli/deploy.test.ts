// From an empty account to a deployed stack and back, on the templates that ship and an account that remembers.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../fixtures/cli.ts';
import { type DeployProject, openDeployProject } from '../fixtures/deploy.ts';

let at: DeployProject;
beforeEach(async () => {
  at = await openDeployProject();
});
afterEach(() => at.close());

const json = async (words: string): Promise<Json> => {
  const ran = await at.cli(`${words} -o json`);
  expect(ran.code, ran.stderr).toBe(0);
  return ran.json();
};
const refused = async (words: string) => {
  const { code, error } = await at.cli(`${words} -o json`);
  return { code, error: error() };
};
const statuses = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await json('deploy --yes')).stacks.map(({ stack, status }: Json) => [stack, status]));

describe('saasctl deploy', () => {
  it('deploys an empty account, and the same command again changes nothing', async () => {
    const first = await json('deploy --yes');
    expect(first).toMatchObject({ stack: 'acme', status: 'created' });
    expect(first.stacks.map(({ stack, status }: Json) => [stack, status])).toEqual([
      ['acme-bootstrap', 'created'],
      ['acme', 'created'],
      ['acme-service', 'created'],
    ]);
    expect(first.changes).toContainEqual({
      action: 'Add',
      logicalId: 'TenantsTable',
      type: 'AWS::DynamoDB::Table',
      replacement: null,
    });
    expect(first.outputs.ApiUrl).toBeDefined();
    expect([...at.cloud.objects.keys()].map((key) => key.split('/')[1]).sort()).toEqual([
      'authorizer',
      'billing-sync',
      'service',
    ]);
    expect(await statuses()).toEqual({
      'acme-bootstrap': 'unchanged',
      acme: 'unchanged',
      'acme-service': 'unchanged',
    });
  });

  it('protects the tables once they are there', async () => {
    await json('deploy --yes');
    expect(at.cloud.stack('acme').parameters['DeletionProtection']).toBe('true');
    expect(at.cloud.stack('acme').protected).toBe(true);
  });

  it('makes the cursor secret once, and puts it nowhere else', async () => {
    await json('deploy --yes');
    const secret = at.cloud.secrets.get('/saasctl/acme/cursor-secret');
    expect(secret).toMatch(/^[\w-]{43}$/);
    at.code['authorizer'] = 'two';
    await json('deploy --yes');
    expect(at.cloud.secrets.get('/saasctl/acme/cursor-secret')).toBe(secret);
    expect(JSON.stringify(at.cloud.all.map(({ parameters, body }) => [parameters, body]))).not.toContain(
      secret,
    );
  });

  it('a dry run changes nothing, in an empty account and in a full one', async () => {
    const dry = await json('deploy --dry-run');
    expect(dry).toMatchObject({ stack: 'acme', status: 'planned' });
    expect(dry.stacks.map(({ status }: Json) => status)).toEqual(['planned', 'planned', 'planned']);
    expect(at.cloud.all.filter(({ status }) => status !== 'DELETE_COMPLETE')).toEqual([]);
    expect([at.cloud.objects.size, at.cloud.secrets.size]).toEqual([0, 0]);

    await json('deploy --yes');
    at.code['authorizer'] = 'two';
    const before = JSON.stringify([at.cloud.stack('acme').parameters, at.cloud.objects.size]);
    expect(await json('deploy --dry-run')).toMatchObject({ status: 'planned' });
    expect(JSON.stringify([at.cloud.stack('acme').parameters, at.cloud.objects.size])).toBe(before);
    expect(at.cloud.stack('acme').changeSets.size).toBe(0);
  });

  it('--exit-code with a dry run: 8 where anything would change, 0 where nothing would', async () => {
    expect(await refused('deploy --dry-run --exit-code')).toMatchObject({
      code: 8,
      error: { code: 'changes_pending', next: 'saasctl deploy' },
    });
    await json('deploy --yes --exit-code');
    expect((await at.cli('deploy --dry-run --exit-code')).code).toBe(0);
    at.code['service'] = 'two';
    expect((await refused('deploy --dry-run --exit-code')).error.message).toBe(
      'left to deploy: acme-service',
    );
  });

  it('off a terminal it asks for --yes, and has changed nothing', async () => {
    expect(await refused('deploy')).toMatchObject({ code: 2, error: { code: 'confirmation_required' } });
    expect(at.cloud.all.filter(({ status }) => status !== 'DELETE_COMPLETE')).toEqual([]);
  });

  it('on a terminal it shows the changes and the target, and takes no for an answer', async () => {
    const { code, stderr } = await at.cli('deploy', { tty: true, type: 'n\r', columns: 200 });
    expect(code).toBe(130);
    expect(stderr).toContain('account 123456789012 · eu-central-1');
    expect(stderr).toMatch(/\+ Add {2}\S+ +AWS::S3::Bucket/);
    expect(at.cloud.all.filter(({ status }) => status !== 'DELETE_COMPLETE')).toEqual([]);
  });

  it('is written to the audit list, with who did it and what changed', async () => {
    await json('deploy --yes');
    at.code['authorizer'] = 'two';
    await json('deploy --yes');
    const { items } = await json('audit list');
    const told = items.map(({ action, tenantId, changes }: Json) => [action, tenantId, changes[0].to]);
    expect(told[0]).toEqual(['stack.update', null, 'acme']);
    // Written in the same moment: in no order among themselves.
    expect(told.slice(1).sort()).toEqual([
      ['stack.create', null, 'acme'],
      ['stack.create', null, 'acme-bootstrap'],
      ['stack.create', null, 'acme-service'],
    ]);
    expect(items[0]).toMatchObject({
      actor: 'arn:aws:iam::123456789012:user/somebody',
      requestId: expect.any(String),
    });
  });

  it('knows its settings by the names of the template, and takes back what left the file', async () => {
    const jwt = { issuer: 'https://id.example', audience: 'api', tenantClaim: 'tenant' };
    await at.edit((profile) => {
      profile.jwt = jwt;
    });
    await json('deploy --yes');
    expect(at.cloud.stack('acme').parameters).toMatchObject({
      JwtIssuer: 'https://id.example',
      KeyEnvs: 'live',
    });
    await at.edit((profile) => {
      delete profile.jwt;
    });
    await json('deploy --yes');
    expect(at.cloud.stack('acme').parameters).toMatchObject({ JwtIssuer: '', JwtTenantClaim: '' });
    expect(at.cloud.stack('acme-service').parameters['JwtAuthorizerId']).toBe('');
  });

  it('says of a parameter that the template lacks which one was meant', async () => {
    await at.edit((profile) => {
      profile.deploy.parameters = { core: { TableMod: 'provisioned' } };
    });
    const { code, error } = await refused('deploy --stack acme --yes');
    expect([code, error.code]).toEqual([2, 'unknown_parameter']);
    expect(error.hint).toContain('TableMode');
  });
});

describe('a deploy that would replace or remove data', () => {
  beforeEach(async () => {
    await json('deploy --yes');
    await at.edit((profile) => {
      profile.deploy.parameters = { core: { CreateFilesBucket: 'true' } };
    });
    await json('deploy --yes');
    await at.edit((profile) => {
      profile.deploy.parameters = { core: { CreateFilesBucket: 'false' } };
    });
  });

  it('is refused without --allow-replace, --yes or not', async () => {
    const { code, error } = await refused('deploy --yes');
    expect([code, error.code]).toEqual([5, 'would_replace']);
    expect(error.next).toBe('saasctl deploy --allow-replace');
  });

  it('asks for the name of the stack: --yes is not enough', async () => {
    expect(await refused('deploy --yes --allow-replace')).toMatchObject({
      code: 2,
      error: { code: 'confirmation_required' },
    });
    expect(await refused('deploy --yes --allow-replace --confirm acme-prod')).toMatchObject({
      code: 2,
      error: { code: 'confirm_mismatch' },
    });
    expect((await json('deploy --yes --allow-replace --confirm acme')).status).toBe('updated');
  });
});

describe('bad days', () => {
  it('a first create that fails says where and why; the same command finishes', async () => {
    at.cloud.failAt('ApiKeysTable', 'no more tables today');
    const { code, error } = await refused('deploy --yes');
    expect([code, error.code]).toEqual([6, 'deploy_failed']);
    expect(error.message).toContain('ApiKeysTable');
    expect(error.message).toContain('no more tables today');
    at.cloud.mend();
    expect((await json('deploy --yes')).status).toBe('created');
  });

  it('an interrupt leaves CloudFormation at work, and says so; the same command picks it up', async () => {
    const stop = new AbortController();
    at.cloud.onCall = (call) => {
      const core = at.cloud.all.find(({ name }) => name === 'acme');
      if (call === 'stacks.events' && core?.status === 'CREATE_IN_PROGRESS') stop.abort();
    };
    const ran = await at.cli('deploy --yes -o json', { signal: stop.signal });
    expect(ran.code).toBe(130);
    expect(ran.error()).toMatchObject({ code: 'interrupted', next: 'saasctl deploy' });
    at.cloud.onCall = () => {};
    await json('deploy --yes');
    expect((await statuses())['acme']).toBe('unchanged');
  });

  it.each([
    ['stacks.plan', 4],
    ['stacks.execute', 4],
    ['code.put', 4],
    ['secrets.putOnce', 4],
    ['secrets.exists', 4],
    ['stacks.template', 4],
  ] as const)(
    '%s denied ends with %i, and the same command finishes once it is allowed',
    async (call, exit) => {
      at.cloud.deny(call);
      expect((await refused('deploy --yes')).code).toBe(exit);
      at.cloud.mend();
      await json('deploy --yes');
      expect(await statuses()).toEqual({
        'acme-bootstrap': 'unchanged',
        acme: 'unchanged',
        'acme-service': 'unchanged',
      });
    },
  );

  it('an older tool than the one that deployed is refused', async () => {
    await json('deploy --yes');
    at.version = '1.1.9';
    const { code, error } = await refused('deploy --yes');
    expect([code, error.code]).toEqual([5, 'older_tool']);
  });

  it('throttling is waited out', async () => {
    at.cloud.throttle('stacks.plan', 2);
    at.cloud.throttle('stacks.events', 2);
    expect((await json('deploy --yes')).status).toBe('created');
  });
});

describe('saasctl deploy --stack', () => {
  it('deploys one stack alone', async () => {
    await json('deploy --yes');
    at.code['service'] = 'two';
    expect(await json('deploy --stack acme-service --yes')).toMatchObject({
      stack: 'acme-service',
      status: 'updated',
    });
  });

  it('knows the profile’s stacks and no others', async () => {
    expect(await refused('deploy --stack other --yes')).toMatchObject({
      code: 3,
      error: { code: 'no_such_stack' },
    });
    expect(await refused('deploy --stack acme-tenant-initech --yes')).toMatchObject({
      code: 3,
      error: { next: 'saasctl tenant create initech --isolation silo' },
    });
  });

  it('what builds on the core waits for it', async () => {
    expect(await refused('deploy --stack acme-service --yes')).toMatchObject({
      code: 2,
      error: { code: 'core_missing', next: 'saasctl deploy' },
    });
  });
});

describe('saasctl deploy status', () => {
  it('says what is deployed, by whom’s version, and what is behind', async () => {
    const before = await json('deploy status');
    expect(before.items.map(({ stack, status, code }: Json) => [stack, status, code])).toEqual([
      ['acme-bootstrap', null, 'absent'],
      ['acme', null, 'absent'],
      ['acme-service', null, 'absent'],
    ]);
    await json('deploy --yes');
    expect((await at.cli('deploy status --exit-code')).code).toBe(0);
    at.code['authorizer'] = 'two';
    const [, core] = (await json('deploy status')).items;
    expect(core).toMatchObject({
      stack: 'acme',
      kind: 'core',
      tenantId: null,
      status: 'UPDATE_COMPLETE',
      version: '1.2.0',
      code: 'behind',
      differs: ['AuthorizerKey'],
      drift: null,
    });
    expect(core.deployedAt).toMatch(/^2026-11-20T12:/);
  });

  it('--exit-code: 8 where a stack is missing, behind or has drifted', async () => {
    expect(await refused('deploy status --exit-code')).toMatchObject({
      code: 8,
      error: { code: 'not_current', next: 'saasctl deploy' },
    });
    await json('deploy --yes');
    at.cloud.drift('TenantsTable', 'MODIFIED');
    expect((await at.cli('deploy status --exit-code')).code).toBe(0);
    const ran = await at.cli('deploy status --drift --exit-code -o json');
    expect([ran.code, ran.error().message]).toEqual([8, 'not as this project would deploy it: acme']);
    const core = ran.json().items.find(({ stack }: Json) => stack === 'acme');
    expect(core.drift).toEqual([
      { logicalId: 'TenantsTable', type: 'AWS::DynamoDB::Table', drift: 'MODIFIED' },
    ]);
  });
});

describe('saasctl deploy secret', () => {
  const PARAMETER = '/saasctl/acme/stripe-key';
  const KEY = 'sk_test_4eC39HqLyjWDarjtT1zdp7dc';

  it('takes it from stdin and shows it nowhere; the sync is deployed once it is there', async () => {
    await json('deploy --yes');
    expect(at.cloud.stack('acme').parameters['BillingSettings']).toBe('');
    const ran = await at.cli('deploy secret stripe-key --debug -o json', { stdin: `${KEY}\n` });
    expect([ran.code, ran.json()]).toEqual([
      0,
      { secret: 'stripe-key', parameter: PARAMETER, outcome: 'created' },
    ]);
    expect(at.cloud.secrets.get(PARAMETER)).toBe(KEY);
    await json('deploy --yes');
    const { BillingSettings, StripeKeyParameter } = at.cloud.stack('acme').parameters;
    expect([JSON.parse(BillingSettings ?? '').mode, StripeKeyParameter]).toEqual(['test', PARAMETER]);
    expect(
      ran.stdout + ran.stderr + JSON.stringify(at.cloud.all.map(({ parameters }) => parameters)),
    ).not.toContain(KEY);
  });

  it('is typed unseen on a terminal', async () => {
    const { code, stdout, stderr } = await at.cli('deploy secret stripe-key', {
      tty: true,
      type: `${KEY}\r`,
    });
    expect([code, at.cloud.secrets.get(PARAMETER)]).toEqual([0, KEY]);
    expect(stdout + stderr).not.toContain(KEY);
  });

  it('asks before it overwrites one; a pipe is no answer', async () => {
    at.cloud.secrets.set(PARAMETER, 'sk_test_old');
    const refusedOne = await at.cli('deploy secret stripe-key -o json', { stdin: KEY });
    expect([refusedOne.code, refusedOne.error().code]).toEqual([2, 'confirmation_required']);
    expect(at.cloud.secrets.get(PARAMETER)).toBe('sk_test_old');
    const ran = await at.cli('deploy secret stripe-key --yes -o json', { stdin: KEY });
    expect([ran.json().outcome, at.cloud.secrets.get(PARAMETER)]).toEqual(['updated', KEY]);
  });

  it.each([
    ['nothing', ''],
    ['a key of the other mode', 'sk_live_4eC39HqLyjWDarjtT1zdp7dc'],
    ['something else', 'whsec_abcdefgh'],
    ['two lines', `${KEY}\n${KEY}`],
  ])('refuses %s, and does not repeat it', async (_, stdin) => {
    const ran = await at.cli('deploy secret stripe-key -o json', { stdin });
    expect(ran.code).toBe(2);
    if (stdin !== '') expect(ran.stderr).not.toContain(stdin.trim().slice(8));
    expect(at.cloud.secrets.size).toBe(0);
  });

  it('a dry run puts nothing', async () => {
    const ran = await at.cli('deploy secret stripe-key --dry-run -o json', { stdin: KEY });
    expect([ran.json().outcome, at.cloud.secrets.size]).toEqual(['planned', 0]);
  });

  it('leaves Secrets Manager to whoever keeps it there', async () => {
    await at.edit((profile) => {
      profile.deploy.stripeKey = { secret: 'prod/stripe' };
    });
    const ran = await at.cli('deploy secret stripe-key -o json', { stdin: KEY });
    expect([ran.code, ran.error().code]).toEqual([2, 'secret_elsewhere']);
  });
});

describe('saasctl destroy', () => {
  beforeEach(() => json('deploy --yes'));

  it('takes the name typed, leaves the tables, and says how to delete what is left', async () => {
    expect(await refused('destroy acme --yes')).toMatchObject({
      code: 2,
      error: { code: 'confirmation_required' },
    });
    const done = await json('destroy acme --confirm acme');
    expect(done).toMatchObject({ stack: 'acme', status: 'deleted' });
    const left = done.left.map(({ physicalId }: Json) => physicalId);
    for (const table of ['tenants', 'gates', 'api-keys', 'usage-meters', 'app-data'])
      expect(left).toContain(`acme-${table}`);
    expect(left).toContain('/saasctl/acme/cursor-secret');
    expect(done.left.find(({ physicalId }: Json) => physicalId === 'acme-gates').remove).toBe(
      'aws dynamodb update-table --no-deletion-protection-enabled --table-name acme-gates --region eu-central-1 && aws dynamodb delete-table --table-name acme-gates --region eu-central-1',
    );
    expect(at.cloud.world.has('acme-gates')).toBe(true);
  });

  it('a deploy afterwards takes the tables in again', async () => {
    await json('destroy acme --confirm acme');
    const again = await json('deploy --yes');
    expect(again.changes).toContainEqual(
      expect.objectContaining({ action: 'Import', logicalId: 'GatesTable', type: 'AWS::DynamoDB::Table' }),
    );
  });

  it('a dry run changes nothing', async () => {
    const before = at.cloud.all.map(({ name, status }) => [name, status]);
    const done = await json('destroy acme --dry-run');
    expect(done.status).toBe('planned');
    expect(done.stacks).toEqual(['acme-service', 'acme', 'acme-bootstrap']);
    expect(at.cloud.all.map(({ name, status }) => [name, status])).toEqual(before);
  });

  it('knows the profile’s own stacks alone, and is done where there is none', async () => {
    expect(await refused('destroy other --confirm other')).toMatchObject({
      code: 3,
      error: { code: 'unknown_stack' },
    });
    await json('destroy acme-service --confirm acme-service');
    expect(await json('destroy acme-service --confirm acme-service')).toMatchObject({
      status: 'absent',
      left: [],
    });
  });

  it('a failed deletion says where; the same command goes on', async () => {
    at.cloud.failAt('delete Function', 'in use');
    const { code, error } = await refused('destroy acme-service --confirm acme-service');
    expect([code, error.next]).toEqual([7, 'saasctl destroy acme-service']);
    at.cloud.mend();
    expect((await json('destroy acme-service --confirm acme-service')).status).toBe('deleted');
  });
});

describe('tenants’ own stacks', () => {
  beforeEach(async () => {
    await json('deploy --yes');
    for (const id of ['initech', 'hooli', 'piedpiper'])
      await json(`tenant create ${id} --plan pro --isolation ${id === 'hooli' ? 'bridge' : 'silo'}`);
  });

  it('that are behind are named, and deployed one at a time', async () => {
    expect((await at.cli('deploy status --exit-code')).code).toBe(0);
    at.code['service'] = 'two';
    const ran = await at.cli('deploy --yes --exit-code');
    expect(ran.code).toBe(8);
    expect(ran.stderr).toContain(
      'behind: acme-tenant-initech, acme-tenant-piedpiper; next: saasctl deploy --stack acme-tenant-initech',
    );
    expect(await json('deploy --stack acme-tenant-initech --yes')).toMatchObject({ status: 'updated' });
    expect((await refused('deploy --yes --exit-code')).error.message).toBe(
      'left to deploy: acme-tenant-piedpiper',
    );
    const { items } = await json('deploy status');
    expect(items.slice(3).map(({ stack, tenantId, code }: Json) => [stack, tenantId, code])).toEqual([
      ['acme-tenant-initech', 'initech', 'current'],
      ['acme-tenant-hooli', 'hooli', 'current'],
      ['acme-tenant-piedpiper', 'piedpiper', 'behind'],
    ]);
  });

  it('hold up the destruction of what they build on', async () => {
    expect(await refused('destroy acme --confirm acme')).toMatchObject({
      code: 5,
      error: { code: 'tenants_left' },
    });
  });
});
