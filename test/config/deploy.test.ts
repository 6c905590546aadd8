import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/load.ts';
import { parseProject } from '../../src/config/parse.ts';
import type { DeployConfig, ProfileConfig, Project } from '../../src/config/schema.ts';
import { codeBucketName, stackName, targetNamed, wantedTargets } from '../../src/config/stack-names.ts';
import { templateParameters } from '../../src/config/template-parameters.ts';
import { prod, starter } from './files.ts';

type Settings = Pick<Config, 'profile' | 'project'>;

async function settings(
  profile: object,
  change: (file: Record<string, unknown>) => void = () => {},
): Promise<Settings> {
  const file = starter();
  file.profiles.prod = { ...prod, ...profile };
  change(file);
  const project: Project = await parseProject(JSON.stringify(file), 'saasctl.json');
  return { project, profile: project.profiles['prod'] as ProfileConfig };
}
const refused = async (profile: object, name = 'prod'): Promise<string> => {
  const file = starter();
  file.profiles[name] = { ...file.profiles[name], ...(name === 'prod' ? prod : {}), ...profile };
  return parseProject(JSON.stringify(file), 'saasctl.json').then(
    () => 'taken',
    (error) => `${error.message}; ${error.hint}`,
  );
};

describe('the deploy section', () => {
  it('is good as `init --aws` writes it, and with everything stated', async () => {
    await settings({ deploy: { service: {} } });
    await settings({
      deploy: {
        codeBucket: 'our-code',
        parameters: { core: { TableMode: 'provisioned' }, guardrails: { MonthlyBudget: '50' } },
        service: { template: 'infra/service.yaml', code: 'dist/handler.mjs' },
        silo: { code: 'dist' },
        guardrails: true,
        stripeKey: { secret: 'prod/stripe' },
      },
    });
  });

  it.each([
    ['the profile local', { deploy: {} }, 'deployed nowhere', 'local'],
    ['an unknown key', { deploy: { servise: {} } }, 'service', 'prod'],
    [
      'a secret in a parameter',
      { deploy: { parameters: { core: { StripeUrl: 'sk_live_123abc' } } } },
      'deploy secret',
      'prod',
    ],
    [
      'a key in place of its name',
      { deploy: { stripeKey: { parameter: 'sk_live_123abc' } } },
      'stripeKey',
      'prod',
    ],
    [
      'a key in place of its name in Secrets Manager',
      { deploy: { stripeKey: { secret: 'sk_live_123abc' } } },
      'never the secret',
      'prod',
    ],
    [
      'an ARN in place of a name',
      {
        deploy: {
          stripeKey: { secret: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-AbCdEf' },
        },
      },
      'nor an ARN',
      'prod',
    ],
    [
      'a parameter’s name that SSM has none of',
      { deploy: { stripeKey: { parameter: '/ours//stripe' } } },
      'stripeKey',
      'prod',
    ],
    [
      'a number as a parameter',
      { deploy: { parameters: { core: { LogRetentionDays: 30 } } } },
      'text',
      'prod',
    ],
    ['a bucket with a name too long', { stack: 'a'.repeat(40), deploy: {} }, 'codeBucket', 'prod'],
  ])('refuses %s', async (_, profile, said, name) => {
    const message = await refused(profile, name);
    expect(message).toContain(said);
    expect(message).not.toContain('sk_live_123abc');
  });
});

describe('the stacks of a profile', () => {
  it('are named by its stack, and known by their names', () => {
    const targets = wantedTargets({ service: {}, guardrails: true });
    expect(targets.map((target) => stackName('acme', target))).toEqual([
      'acme-bootstrap',
      'acme',
      'acme-service',
      'acme-guardrails',
    ]);
    for (const target of targets) expect(targetNamed('acme', stackName('acme', target))).toEqual(target);
    expect(targetNamed('acme', 'acme-tenant-initech')).toEqual({ kind: 'silo', tenantId: 'initech' });
    for (const other of ['acme-prod', 'acme-tenant-', 'acme-tenant-A;b', 'acm', 'acme-tenants'])
      expect(targetNamed('acme', other)).toBeNull();
    expect(wantedTargets(undefined).map(({ kind }) => kind)).toEqual(['bootstrap', 'core']);
  });

  it('have their code in a bucket of the account and region, or the one named', () => {
    expect(codeBucketName(prod)).toBe('acme-prod-code-123456789012-eu-central-1');
    expect(codeBucketName({ ...prod, deploy: { codeBucket: 'ours' } as DeployConfig })).toBe('ours');
  });
});

describe('the settings as parameters', () => {
  it('are named, and empty where the project has none', async () => {
    expect(templateParameters(await settings({}), false)).toEqual({
      Stack: 'acme-prod',
      BucketName: 'acme-prod-code-123456789012-eu-central-1',
      CodeBucket: 'acme-prod-code-123456789012-eu-central-1',
      KeyPrefix: 'anb',
      KeyEnvs: 'live',
      ImportedKeys: 'false',
      Metrics: '{}',
      DedupeDays: '34',
      ComputeSeconds: 'on',
      JwtIssuer: '',
      JwtAudience: '',
      JwtTenantClaim: '',
      JwtScopesClaim: '',
      JwtJwksUri: '',
      BillingSettings: '',
      StripeKeyParameter: '/saasctl/acme-prod/stripe-key',
      StripeKeySecret: '',
      CursorSecretParameter: '/saasctl/acme-prod/cursor-secret',
    });
  });

  it('say what is billed once there is a key to bill with', async () => {
    const { BillingSettings = '' } = templateParameters(await settings({}), true);
    expect(JSON.parse(BillingSettings)).toEqual({
      mode: 'live',
      meters: [{ metric: 'api_calls', eventName: 'api_calls', measure: 'sum', scale: 0 }],
      finalInvoice: 'carry',
    });
    const nothing = await settings({}, (file) => {
      file['billing'] = { meters: {} };
    });
    expect(templateParameters(nothing, true)['BillingSettings']).toBe('');
  });

  it('name the Stripe key by one name alone', async () => {
    const secret = templateParameters(
      await settings({ deploy: { stripeKey: { secret: 'prod/stripe' } } }),
      true,
    );
    expect([secret['StripeKeySecret'], secret['StripeKeyParameter']]).toEqual(['prod/stripe', '']);
    const parameter = templateParameters(
      await settings({ deploy: { stripeKey: { parameter: '/ours/key' } } }),
      true,
    );
    expect([parameter['StripeKeySecret'], parameter['StripeKeyParameter']]).toEqual(['', '/ours/key']);
  });

  it('that no function could hold are refused', async () => {
    const many = await settings({}, (file) => {
      const metrics = Array.from({ length: 80 }, (_, i) => [
        `metric_${i}`,
        { unit: 'calls of a kind', kind: 'counter' },
      ]);
      file['metrics'] = Object.fromEntries(metrics);
    });
    expect(() => templateParameters(many, false)).toThrow(/Metrics are \d+ bytes long/);
  });
});
