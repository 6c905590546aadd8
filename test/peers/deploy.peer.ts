// The deploy story on a whole AWS: the shipped bundles and templates, through the tool, to the stack and back.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openFolder } from '../fixtures/binary.ts';
import type { Json } from '../fixtures/cli.ts';
import { type Account, openAccount, STACK } from './deployed.ts';
import { type Stored, storedIn } from './stored.ts';

const TABLES = ['tenants', 'gates', 'api-keys', 'usage-meters', 'app-data'].map((name) => `${STACK}-${name}`);
const STRIPE_KEY = 'sk_test_standin';

let account: Account;
let stored: Stored;

beforeAll(async () => {
  account = await openAccount();
  stored = storedIn(account.endpoint);
});

afterAll(async () => {
  stored?.close();
  await account?.close();
});

/** The stacks of a run by their names, which a run of one stack alone does not list. */
const byStack = (deployed: Json): Record<string, Json> =>
  Object.fromEntries((deployed.stacks ?? [deployed]).map((one: Json) => [one.stack, one]));
/** What a change set is sure of. What only refers to a changed resource may be `Conditional` too. */
const changed = ({ changes }: Json): string[] =>
  changes
    .filter(({ replacement }: Json) => replacement !== 'Conditional')
    .map(({ action, logicalId }: Json) => `${action} ${logicalId}`)
    .sort();
const statuses = async () => {
  const { items } = await account.done('deploy status');
  return Object.fromEntries(items.map(({ stack, status }: Json) => [stack, status]));
};

describe('from nothing', () => {
  it('the key of Stripe is put where the sync will read it, by name, and nowhere else', async () => {
    const put = await account.done('deploy secret stripe-key', { stdin: STRIPE_KEY });
    expect(put).toMatchObject({ parameter: `/saasctl/${STACK}/stripe-key`, outcome: 'created' });
  });

  it('a dry run shows what would be made, and makes nothing', async () => {
    const planned = byStack(await account.done('deploy --dry-run'));
    for (const name of [`${STACK}-bootstrap`, STACK, `${STACK}-service`])
      expect(planned[name]).toMatchObject({ status: 'planned' });
    expect(Object.values(await statuses())).toEqual([null, null, null]);
  });

  it('creates the code bucket, the shared stack and the service, in one command', async () => {
    const created = byStack(await account.done('deploy --yes'));
    expect(Object.keys(created)).toEqual([`${STACK}-bootstrap`, STACK, `${STACK}-service`]);
    for (const one of Object.values(created)) expect(one.status).toBe('created');
    expect(created[STACK].outputs).toMatchObject({
      ApiId: expect.stringMatching(/^\w+$/),
      ApiUrl: expect.stringContaining('.execute-api.'),
      GatesTable: `${STACK}-gates`,
      BillingSyncFunctionArn: expect.stringContaining(':function:'),
    });
    for (const name of TABLES)
      expect(await stored.table(name)).toEqual({ status: 'ACTIVE', protected: 'true' });
  });

  it('the code lies under the hash of what is in it', async () => {
    const keys = await stored.code();
    expect(keys).toHaveLength(3);
    for (const key of keys) expect(key).toMatch(/[0-9a-f]{64}/);
  });
});

describe('unchanged', () => {
  it('deploying again changes nothing and uploads nothing', async () => {
    const before = await stored.code();
    for (const one of Object.values(byStack(await account.done('deploy --yes'))))
      expect(one).toMatchObject({ status: 'unchanged', changes: [] });
    expect(await stored.code()).toEqual(before);
  });

  it('so says a dry run, twice, and the built tool in a process of its own', async () => {
    const folder = await openFolder({ bin: join(account.root, 'bin', 'saasctl.js') });
    try {
      await writeFile(join(folder.dir, 'saasctl.json'), await readFile(join(account.dir, 'saasctl.json')));
      const before = await stored.code();
      const runs = [await account.done('deploy --dry-run'), await account.done('deploy --dry-run')];
      const words = '--profile prod -o json';
      const built = await folder.run(`deploy --dry-run --exit-code ${words}`, { env: account.env });
      expect(built.code, built.stderr).toBe(0);
      for (const run of [...runs, JSON.parse(built.stdout)])
        for (const one of Object.values(byStack(run)))
          expect(one).toMatchObject({ status: 'unchanged', changes: [] });
      expect(await stored.code()).toEqual(before);

      const status = await folder.run(`deploy status --exit-code ${words}`, { env: account.env });
      expect(status.code, status.stderr).toBe(0);
      for (const one of JSON.parse(status.stdout).items) expect(one).toMatchObject({ code: 'current' });
    } finally {
      await folder.close();
    }
  });
});

describe('changed', () => {
  it('a parameter changes what it is in, and nothing else', async () => {
    await account.profile(({ deploy }) => {
      deploy.parameters.core.LogRetentionDays = '7';
    });
    const pending = await account.cli('deploy --dry-run --exit-code');
    expect([pending.code, pending.error().code]).toEqual([8, 'changes_pending']);
    const { [STACK]: core } = byStack(await account.done('deploy --yes'));
    expect(core.status).toBe('updated');
    const types = new Map(core.changes.map(({ logicalId, type }: Json) => [logicalId, type]));
    for (const logs of ['ApiLogs', 'AuthorizerLogs', 'BillingSyncLogs'])
      expect(types.get(logs)).toBe('AWS::Logs::LogGroup');
    expect([...types.values()]).not.toContain('AWS::DynamoDB::Table');
  });

  it('new code changes the function that it is of', async () => {
    const file = join(account.dir, 'service.mjs');
    await writeFile(file, "export const handler = async () => ({ statusCode: 200, body: 'mine' });\n");
    await account.profile(({ deploy }) => {
      deploy.service.code = 'service.mjs';
    });
    const before = await stored.code();
    const run = byStack(await account.done('deploy --yes'));
    expect(run[STACK].status).toBe('unchanged');
    expect(changed(run[`${STACK}-service`])).toEqual(['Modify Function']);
    expect(await stored.code()).toEqual(expect.arrayContaining(before));
    expect(await stored.code()).toHaveLength(before.length + 1);
  });

  it('back again needs no upload: the code of before is still there', async () => {
    const before = await stored.code();
    await account.profile(({ deploy }) => {
      delete deploy.service.code;
    });
    const run = byStack(await account.done('deploy --yes'));
    expect(changed(run[`${STACK}-service`])).toEqual(['Modify Function']);
    expect(await stored.code()).toEqual(before);
  });
});

describe('data is not for replacing', () => {
  const renamed = (text: string) => text.replace(/(TableName: !Sub \S+-app-data)\n/, '$1-2\n');
  const rekeyed = (text: string) => {
    const [before = '', after = ''] = text.split('  AppDataTable:\n');
    return `${before}  AppDataTable:\n${after.replace('AttributeName: SK', 'AttributeName: RK').replace('AttributeName: SK', 'AttributeName: RK')}`;
  };

  beforeAll(async () => {
    await account.done('tenant create acme --plan pro');
    await stored.writeNote('keep me');
  });

  it.each([
    ['a renamed table', renamed],
    ['a table with other keys', rekeyed],
  ])('%s is refused, and the change set taken back', async (_, edit) => {
    await account.template('core.yaml', edit);
    const refused = await account.cli('deploy --yes');
    expect(refused.code, refused.stderr).toBe(5);
    expect(refused.error().message).toContain('AppDataTable');
    expect(`${refused.error().hint} ${refused.error().next}`).toContain('--allow-replace');
    await account.template('core.yaml', null);
    expect(byStack(await account.done('deploy --yes'))[STACK].status).toBe('unchanged');
    expect(await stored.readNote()).toBe('keep me');
  });

  it('nor is it done by --yes: the stack’s name has to be typed', async () => {
    await account.template('core.yaml', renamed);
    const asked = await account.cli('deploy --allow-replace --yes');
    expect(asked.code, asked.stderr).toBe(2);
    expect(asked.error().next).toContain(`--confirm ${STACK}`);
    await account.template('core.yaml', null);
  });

  it('an update that fails is rolled back; the first event that failed is named, and the next run goes on', async () => {
    await account.template('core.yaml', rekeyed);
    const failed = await account.cli(`deploy --yes --allow-replace --confirm ${STACK}`);
    expect(failed.code, failed.stderr).toBe(6);
    expect(`${failed.error().message} ${failed.error().hint}`).toMatch(
      /AppDataTable.*custom-named resource/s,
    );
    expect((await statuses())[STACK]).toBe('UPDATE_ROLLBACK_COMPLETE');
    await account.template('core.yaml', null);
    expect(byStack(await account.done('deploy --yes'))[STACK].status).toBe('unchanged');
    expect(await stored.readNote()).toBe('keep me');
  });
});

describe('a first create that fails', () => {
  const NAME = `${STACK}-service`;
  const template = 'broken.yaml';

  it('says why, and the same command finishes the job once the cause is gone', async () => {
    await account.done(`destroy ${NAME} --confirm ${NAME}`);
    const shipped = await readFile(join(account.root, 'templates', 'service.yaml'), 'utf8');
    const broken = `  Broken:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: broken
      Roles: [nobody]
      PolicyDocument:
        Version: '2012-10-17'
        Statement: [{ Effect: Allow, Action: sqs:SendMessage, Resource: '*' }]
`;
    const put = (text: string) => writeFile(join(account.dir, template), text);
    await put(shipped.replace('\nResources:\n', `\nResources:\n${broken}`));
    await account.profile(({ deploy }) => {
      deploy.service.template = template;
    });
    const failed = await account.cli('deploy --yes');
    expect(failed.code, failed.stderr).toBe(6);
    expect(`${failed.error().message} ${failed.error().hint}`).toMatch(/Broken.*nobody cannot be found/s);
    expect((await statuses())[NAME]).toBe('ROLLBACK_COMPLETE');

    await put(shipped);
    expect(byStack(await account.done('deploy --yes'))[NAME].status).toBe('created');
    await account.profile(({ deploy }) => {
      delete deploy.service.template;
    });
    expect(byStack(await account.done('deploy --yes'))[NAME].status).toBe('unchanged');
  });

  it('of the shared stack leaves no table behind that the second try would stumble over', async () => {
    await account.profile((profile) => {
      profile.stack = 'second';
    });
    onTestFinished(() =>
      account.profile((profile) => {
        profile.stack = STACK;
      }),
    );
    await account.done('deploy secret stripe-key', { stdin: STRIPE_KEY });
    // Of this AWS, a metric over a log group that is not there is what fails late.
    await account.template('core.yaml', (text) =>
      text.replace('LogGroupName: !Ref BillingSyncLogs\n', 'LogGroupName: /nowhere\n'),
    );
    const failed = await account.cli('deploy --yes');
    expect(failed.code, failed.stderr).toBe(6);
    expect(`${failed.error().message} ${failed.error().hint}`).toContain('BillingUnansweredFilter');
    expect((await statuses())['second']).toBe('ROLLBACK_COMPLETE');
    await expect(stored.table('second-gates')).rejects.toThrow(/not found|does not exist|ResourceNotFound/i);

    await account.template('core.yaml', null);
    const { second } = byStack(await account.done('deploy --yes'));
    expect(second.status).toBe('created');
    expect(await stored.table('second-gates')).toEqual({ status: 'ACTIVE', protected: 'true' });
  });
});

describe('and back', () => {
  it('destroying takes everything but the data, and says what is left', async () => {
    const refused = await account.cli(`destroy ${STACK} --yes`);
    expect([refused.code, refused.error().next]).toEqual([2, expect.stringContaining(`--confirm ${STACK}`)]);
    const gone = await account.done(`destroy ${STACK} --confirm ${STACK}`);
    expect(gone.status).toBe('deleted');
    const left = gone.left.map(({ physicalId }: Json) => physicalId);
    expect(left).toEqual(expect.arrayContaining(TABLES));
    for (const name of TABLES) expect((await stored.table(name)).status).toBe('ACTIVE');
    expect(await stored.readNote()).toBe('keep me');
  });

  it('deploying again takes the tables in, with all that is in them', async () => {
    // This AWS refuses a bucket that is there, imported or not; the code is made anew.
    await stored.deleteCode();
    const run = byStack(await account.done('deploy --yes'));
    expect(run[STACK].status).toBe('created');
    const imported = run[STACK].changes.filter(({ action }: Json) => action === 'Import');
    expect(imported.map(({ logicalId }: Json) => logicalId).sort()).toEqual([
      'ApiKeysTable',
      'AppDataTable',
      'GatesTable',
      'TenantsTable',
      'UsageMetersTable',
    ]);
    expect(await stored.readNote()).toBe('keep me');
    expect(await account.done('tenant show acme')).toMatchObject({
      id: 'acme',
      plan: 'pro',
      status: 'active',
    });
    for (const name of TABLES)
      expect(await stored.table(name)).toEqual({ status: 'ACTIVE', protected: 'true' });
    for (const one of Object.values(byStack(await account.done('deploy --yes'))))
      expect(one).toMatchObject({ status: 'unchanged' });
  });
});
