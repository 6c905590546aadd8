// From an empty account to a deployed stack and back, on the templates that ship and an account that remembers.
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../fixtures/cli.ts';
import { parseTemplate } from '../fixtures/cloud-template.ts';
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

  it('makes the cursor secret anew where it is gone, though nothing else changes', async () => {
    await json('deploy --yes');
    at.cloud.secrets.delete('/saasctl/acme/cursor-secret');
    await json('deploy --dry-run');
    expect(at.cloud.secrets.has('/saasctl/acme/cursor-secret')).toBe(false);
    expect(await statuses()).toMatchObject({ acme: 'unchanged' });
    expect(at.cloud.secrets.get('/saasctl/acme/cursor-secret')).toMatch(/^[\w-]{43}$/);
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

  it('takes a role that left the file out of every stack that had it; till then they are behind', async () => {
    const operator = 'arn:aws:iam::123456789012:role/export';
    await at.edit((profile) => {
      profile.deploy.parameters = {
        core: { OperatorRoleArn: operator, HandlerRoleArns: 'arn:aws:iam::123456789012:role/handler' },
      };
    });
    await json('deploy --yes');
    for (const [id, isolation] of [
      ['initech', 'silo'],
      ['hooli', 'bridge'],
    ])
      await json(`tenant create ${id} --plan pro --isolation ${isolation}`);
    const own = ['acme-tenant-initech', 'acme-tenant-hooli'];
    for (const name of own) expect(at.cloud.stack(name).parameters['OperatorRoleArn'], name).toBe(operator);
    expect((await at.cli('deploy status --exit-code')).code).toBe(0);

    await at.edit((profile) => {
      delete profile.deploy.parameters;
    });
    const behind = async () =>
      (await json('deploy status')).items
        .filter(({ code }: Json) => code === 'behind')
        .map(({ stack, differs }: Json) => [stack, differs]);
    expect(await behind()).toEqual([['acme', ['HandlerRoleArns', 'OperatorRoleArn']]]);
    expect(await statuses()).toMatchObject({ acme: 'updated' });
    expect(at.cloud.stack('acme').parameters).toMatchObject({ OperatorRoleArn: '', HandlerRoleArns: '' });
    expect(await behind()).toEqual(own.map((name) => [name, ['OperatorRoleArn']]));
    const isolations = own.map((name) => at.cloud.stack(name).parameters['Isolation']);
    for (const name of own) {
      expect(await json(`deploy --stack ${name} --yes`)).toMatchObject({ status: 'updated' });
      expect(at.cloud.stack(name).parameters['OperatorRoleArn'], name).toBe('');
    }
    expect(own.map((name) => at.cloud.stack(name).parameters['Isolation'])).toEqual(isolations);
    expect(await behind()).toEqual([]);
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

  it('one that fails at a later stack says which were deployed before', async () => {
    at.cloud.failAt('ApiKeysTable', 'no more tables today');
    const { code, stderr } = await at.cli('deploy --yes');
    expect(code).toBe(6);
    expect(stderr).toContain('deployed before that, and left as they are: acme-bootstrap\n');
    expect((await at.cli('deploy --yes')).stderr).not.toContain('deployed before that');
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

  it.each([
    'stacks.describe',
    'stacks.template',
    'stacks.plan',
    'stacks.execute',
    'stacks.events',
    'stacks.list',
    'secrets.exists',
    'secrets.putOnce',
    'code.put',
  ] as const)('throttling of %s is waited out', async (call) => {
    at.cloud.throttle(call, 7);
    expect((await json('deploy --yes')).status).toBe('created');
    expect(at.cloud.calls.filter((one) => one === call).length).toBeGreaterThan(7);
  });

  it('throttled without end it gives up after two minutes, once', async () => {
    at.cloud.throttle('stacks.describe', Number.POSITIVE_INFINITY);
    const started = at.project.clock.now;
    expect(await refused('deploy --stack acme --yes')).toMatchObject({ code: 6, error: { retryable: true } });
    const minutes = (at.project.clock.now - started) / 60_000;
    expect([minutes > 1.5, minutes < 2.5], String(minutes)).toEqual([true, true]);
  });

  it('tells what it deployed although nobody can say what tenants have; --exit-code wants to know', async () => {
    at.cloud.deny('stacks.list');
    const ran = await at.cli('deploy --yes');
    expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining('acme-service')]);
    expect(ran.stderr).toContain('whether tenants’ stacks are behind is not known');
    expect((await at.cli('deploy --yes --exit-code')).code).toBe(4);
  });

  it('an update that failed, and is not wanted any more, is well again', async () => {
    await json('deploy --yes');
    at.code['service'] = 'two';
    at.cloud.failAt('Function', 'no such runtime');
    expect((await refused('deploy --yes')).code).toBe(6);
    expect((await refused('deploy status --exit-code')).error.message).toContain('acme-service');
    at.code['service'] = 'one';
    expect((await statuses())['acme-service']).toBe('unchanged');
    expect(at.cloud.stack('acme-service').status).toBe('UPDATE_ROLLBACK_COMPLETE');
    const { code, stderr } = await at.cli('deploy status --exit-code');
    expect([code, stderr]).toEqual([0, expect.stringContaining('acme-service: its last change failed')]);
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

  it('on an empty account the core has its code bucket made first, interrupted or not', async () => {
    expect((await json('deploy --stack acme --dry-run')).stacks).toMatchObject([
      { stack: 'acme-bootstrap', status: 'planned' },
      { stack: 'acme', status: 'planned' },
    ]);
    at.cloud.failAt('TenantsTable', 'no');
    expect((await refused('deploy --stack acme --yes')).error).toMatchObject({
      next: 'saasctl deploy --stack acme',
    });
    at.cloud.mend();
    const made = await json('deploy --stack acme --yes');
    expect(made).toMatchObject({ stack: 'acme', status: 'created' });
    expect(await statuses()).toMatchObject({ 'acme-bootstrap': 'unchanged', acme: 'unchanged' });
  });

  it('what builds on the core waits for it', async () => {
    expect(await refused('deploy --stack acme-service --yes')).toMatchObject({
      code: 2,
      error: { code: 'core_missing', next: 'saasctl deploy' },
    });
  });
});

describe('the profile that the flag named', () => {
  const env = { SAASCTL_PROFILE: 'local' };

  it('is in the next command; one that a variable names is not', async () => {
    const flagged = await at.cli('deploy status --exit-code --profile aws -o json', { env });
    expect(flagged.error().next).toBe('saasctl deploy --profile aws');
    expect((await refused('deploy status --exit-code')).error.next).toBe('saasctl deploy');
    const { items } = (await at.cli('doctor --profile aws -o json', { env })).json();
    expect(items.find(({ check }: Json) => check === 'stack').remedy).toBe('saasctl deploy --profile aws');
  });

  it('is in a note’s next command', async () => {
    await json('deploy --yes');
    const stdin = 'sk_test_4eC39HqLyjWDarjtT1zdp7dc\n';
    const { stderr } = await at.cli('deploy secret stripe-key --profile aws', { env, stdin });
    expect(stderr).toContain('next: saasctl deploy --profile aws, and the billing sync runs');
  });

  it('is in no next command where it is not one of the file', async () => {
    expect((await at.cli('deploy --profile other -o json', { env })).error().next).not.toContain('other');
  });
});

describe('the project file that the flag named', () => {
  it('is in the next command, of an error, a note and a remedy', async () => {
    const { config, words } = await elsewhere();
    const next = `saasctl deploy --config ${config}`;
    expect((await refused(`deploy status --exit-code ${words}`)).error.next).toBe(next);
    const { items } = (await at.cli(`doctor ${words} -o json`)).json();
    expect(items.find(({ check }: Json) => check === 'stack').remedy).toBe(next);
    await json(`deploy --yes ${words}`);
    const stdin = 'sk_test_4eC39HqLyjWDarjtT1zdp7dc\n';
    const { stderr } = await at.cli(`deploy secret stripe-key ${words}`, { stdin });
    expect(stderr).toContain(`next: ${next}, and`);
  });

  it('is in none where a variable named it', async () => {
    const env = { SAASCTL_CONFIG: (await elsewhere()).config };
    const ran = await at.cli('deploy status --exit-code -o json', { env });
    expect(ran.error().next).toBe('saasctl deploy');
  });

  async function elsewhere(): Promise<{ config: string; words: string }> {
    const config = 'other.json';
    await copyFile(join(at.project.dir, 'saasctl.json'), join(at.project.dir, config));
    return { config, words: `--config ${config}` };
  }
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

  it('a stack that left the profile is listed, and 8, until it is destroyed', async () => {
    await json('deploy --yes');
    await at.edit((profile) => {
      delete profile.deploy.service;
    });
    const { stderr } = await at.cli('deploy --yes');
    expect(stderr).toContain('next: saasctl destroy acme-service');
    const ran = await at.cli('deploy status --exit-code -o json');
    expect([ran.code, ran.error().next]).toEqual([8, 'saasctl destroy acme-service']);
    expect(ran.json().items.map(({ stack, code }: Json) => [stack, code])).toEqual([
      ['acme-bootstrap', 'current'],
      ['acme', 'current'],
      ['acme-service', 'unwanted'],
    ]);
    await json('destroy acme-service --confirm acme-service');
    expect((await at.cli('deploy status --exit-code')).code).toBe(0);
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

  it('is written to the audit list, without its value', async () => {
    await json('deploy --yes');
    for (const flags of ['', ' --yes'])
      expect((await at.cli(`deploy secret stripe-key${flags}`, { stdin: KEY })).code).toBe(0);
    const { items } = await json('audit list');
    const told = items.filter(({ action }: Json) => action.startsWith('secret.'));
    // Written in the same moment: in no order among themselves.
    expect(told.map(({ action }: Json) => action).sort()).toEqual(['secret.create', 'secret.update']);
    expect(told[0]).toMatchObject({
      actor: 'arn:aws:iam::123456789012:user/somebody',
      tenantId: null,
      changes: [
        { field: 'stack', to: 'acme' },
        { field: 'secret', to: PARAMETER },
      ],
    });
    expect(JSON.stringify(items)).not.toContain(KEY);
    await at.cli('deploy secret stripe-key --dry-run', { stdin: KEY });
    expect((await json('audit list')).items).toHaveLength(items.length);
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
      'aws dynamodb update-table --table-name acme-gates --region eu-central-1 --no-deletion-protection-enabled && aws dynamodb wait table-exists --table-name acme-gates --region eu-central-1 && aws dynamodb delete-table --table-name acme-gates --region eu-central-1',
    );
    expect(at.cloud.world.has('acme-gates')).toBe(true);
  });

  it('an interrupt after the last deletion hides neither what is left nor who did it', async () => {
    const stop = new AbortController();
    // For the entry in the audit list, when all is deleted.
    at.onTables = () => stop.abort();
    const ran = await at.cli('destroy acme --confirm acme -o json', { signal: stop.signal });
    at.onTables = () => {};
    expect([ran.code, ran.json().status]).toEqual([0, 'deleted']);
    expect(ran.json().left.length).toBeGreaterThan(5);
    const { items } = await json('audit list');
    expect(items.map(({ action }: Json) => action)).toContain('stack.destroy');
  });

  it.each([
    ['by an interrupt', 130],
    ['by a failure', 4],
  ])('cut short %s, it has written down the stacks that were gone by then', async (how, exit) => {
    const stop = new AbortController();
    at.cloud.onCall = (call) => {
      if (call !== 'stacks.events' || at.cloud.stack('acme').status !== 'DELETE_IN_PROGRESS') return;
      if (how === 'by an interrupt') stop.abort();
      else at.cloud.deny('stacks.events');
    };
    const ran = await at.cli('destroy acme --confirm acme -o json', { signal: stop.signal });
    at.cloud.onCall = () => {};
    at.cloud.mend();
    expect(ran.code).toBe(exit);
    const destroyed = async () =>
      (await json('audit list')).items
        .filter(({ action }: Json) => action === 'stack.destroy')
        .map(({ changes }: Json) => changes);
    const service = [{ field: 'stack', from: null, to: 'acme-service' }];
    expect(await destroyed()).toEqual([service]);
    at.project.clock.now += 1_000;
    await json('destroy acme --confirm acme');
    expect(await destroyed()).toEqual([[{ field: 'stack', from: null, to: 'acme' }], service]);
  });

  it('a deploy afterwards says that it takes the tables in as they are', async () => {
    await json('destroy acme --confirm acme');
    const { stderr } = await at.cli('deploy --yes');
    expect(stderr).toMatch(
      /^acme: taken in with the settings .*AppDataTable.*; next: saasctl deploy status --drift$/m,
    );
    expect((await at.cli('deploy --yes')).stderr).not.toContain('taken in');
  });

  it('a deploy afterwards takes the tables in again', async () => {
    await json('destroy acme --confirm acme');
    const again = await json('deploy --yes');
    expect(again.changes).toContainEqual(
      expect.objectContaining({ action: 'Import', logicalId: 'GatesTable', type: 'AWS::DynamoDB::Table' }),
    );
  });

  it('leaves a stack alone that only has a name of the profile’s, and deploy does not take it over', async () => {
    at.cloud.stack('acme-service').tags = {};
    expect(await refused('deploy --yes')).toMatchObject({ code: 5, error: { code: 'stack_taken' } });
    expect(await refused('destroy acme-service --confirm acme-service')).toMatchObject({
      code: 5,
      error: { code: 'stack_taken' },
    });
    const ran = await at.cli('destroy acme --confirm acme -o json');
    expect([ran.code, ran.json().stacks]).toEqual([0, ['acme', 'acme-bootstrap']]);
    expect(at.cloud.stack('acme-service')).toMatchObject({ status: 'CREATE_COMPLETE', tags: {} });
  });

  it('names no table as kept that a template of the project lets go, and deletes it with --delete-data alone', async () => {
    const resources = { Orders: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'orders' } } };
    const file = join(at.project.dir, 'own.json');
    await writeFile(file, JSON.stringify({ Resources: resources }));
    await at.edit((profile) => {
      profile.deploy.service.template = 'own.json';
    });
    await json('deploy --stack acme-service --yes');
    const destroy = 'destroy acme-service --confirm acme-service';
    expect(await refused(destroy)).toMatchObject({
      code: 5,
      error: { code: 'would_delete_data', next: 'saasctl destroy acme-service --delete-data' },
    });
    const dry = await at.cli('destroy acme-service --dry-run');
    expect(dry.stderr).toContain('is DELETED: orders (AWS::DynamoDB::Table)');
    expect(dry.stderr).not.toContain('stays: orders');
    expect(await refused('destroy acme-service --delete-data --yes')).toMatchObject({
      code: 2,
      error: { code: 'confirmation_required' },
    });
    expect(at.cloud.world.has('orders')).toBe(true);
    expect(await json(`${destroy} --delete-data`)).toMatchObject({
      status: 'deleted',
      left: [],
      lost: [{ physicalId: 'orders' }],
    });
    expect(at.cloud.world.has('orders')).toBe(false);
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

  it('a bridge is behind in whatever its table is made of, and in nothing else', async () => {
    const hooli = at.cloud.stack('acme-tenant-hooli');
    const { parameters, resources } = parseTemplate(hooli.body);
    const made = JSON.stringify(resources['DataTable']);
    const own = [...made.matchAll(/"Ref":"(\w+)"/g)].map(([, name]) => String(name));
    const aging = [...new Set(own)].filter(
      (name) => name in parameters && !['Stack', 'TenantId', 'Isolation'].includes(name),
    );
    expect(aging.length).toBeGreaterThan(4);
    for (const name of [...aging, 'HandlerKey', 'ApiRateLimit']) hooli.parameters[name] = 'old';
    const { items } = await json('deploy status');
    expect(items.find(({ tenantId }: Json) => tenantId === 'hooli').differs).toEqual(aging.sort());
  });

  it('whose creation was lost, and failed when it was made again, can be made again', async () => {
    const name = 'acme-tenant-hooli';
    await at.cloud.stacks.remove(name, 'gone');
    at.cloud.advance(60_000);
    at.cloud.failAt('DataTable', 'no such luck');
    expect((await at.cli(`deploy --stack ${name} --yes`)).code).toBe(6);
    at.cloud.mend();
    expect(at.cloud.stack(name).status).toBe('ROLLBACK_COMPLETE');
    expect(await json(`deploy --stack ${name} --yes`)).toMatchObject({ status: 'created' });
    expect(at.cloud.stack(name).parameters).toMatchObject({
      Isolation: 'bridge',
      TenantId: 'hooli',
      DeletionProtection: 'true',
    });
  });

  it('that were planned and never made are shown as they are, and can be made', async () => {
    const name = 'acme-tenant-hooli';
    await at.cloud.stacks.remove(name, 'gone');
    at.cloud.advance(60_000);
    const body = JSON.stringify({ Resources: { T: { Type: 'AWS::DynamoDB::Table' } } });
    const plan = { stack: name, body, parameters: {}, tags: {}, create: true, importExisting: false };
    await at.cloud.stacks.plan({ ...plan, token: 'saasctl-lost' });
    const { items } = await json('deploy status');
    expect(items.find(({ stack }: Json) => stack === name)).toMatchObject({ status: 'REVIEW_IN_PROGRESS' });
    expect(await json(`deploy --stack ${name} --yes`)).toMatchObject({ status: 'created' });
  });

  it('hold up the destruction of what they build on', async () => {
    expect(await refused('destroy acme --confirm acme')).toMatchObject({
      code: 5,
      error: { code: 'tenants_left' },
    });
  });
});
