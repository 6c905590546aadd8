// The same attacks on the deployed API: the real templates, roles and bundles on a whole AWS, IAM enforced.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { createWire, type Wire } from '../../src/runtime/wire/client.ts';
import { bundle } from '../local/fixtures/bundles.ts';
import { type Account, openAccount, REGION, STACK } from '../peers/deployed.ts';
import { CREDENTIALS } from '../peers/ministack.ts';
import { needing } from './list/all.ts';
import { interleaved } from './list/interleaved.ts';
import { type Target, withstand } from './target.ts';
import { allItems, makeKeys, makeTenants, type Operator, seed } from './world.ts';

let account: Account;
let wire: Wire;
let dir: string;
let target: Target;

beforeAll(async () => {
  [account, dir] = await Promise.all([openAccount(), mkdtemp(join(tmpdir(), 'saasctl-attacked-'))]);
  wire = createWire({
    endpoint: account.endpoint,
    region: REGION,
    credentials: CREDENTIALS,
    timeoutMs: 30_000,
  });
  const code = await bundle(dir, 'test/attacks/victim.ts', ['@aws-sdk/credential-provider-node']);
  await account.profile(({ deploy }) => {
    deploy.service = { code };
    deploy.silo = { code };
  });
  const file = join(account.dir, 'saasctl.json');
  const edit = async (change: (project: ReturnType<typeof JSON.parse>) => void) => {
    const project = JSON.parse(await readFile(file, 'utf8'));
    change(project);
    await writeFile(file, JSON.stringify(project));
  };
  await edit((project) => {
    project.metrics = { exports: { unit: 'files', kind: 'counter' } };
    project.usage = { computeSeconds: false };
  });
  // The victim answers whatever is asked, behind the same authorizer.
  await account.template('service.yaml', (text) => withAnyRoute(text, 'AuthorizerId'));
  await account.template('silo.yaml', (text) => withAnyRoute(text, 'KeyAuthorizer', 'Condition: IsSilo'));
  await account.done('deploy --yes');
  const { ApiUrl } = (await account.done(`deploy --stack ${STACK} --yes`)).outputs;

  const operator: Operator = (words) => account.done(words);
  await makeTenants(operator);
  const silo = (await operator('tenant show initech')).apiUrl;
  // The functions serve live keys alone; that a test key is made is the tool's business.
  const keyEnvs = (envs: string[]) => edit((project) => (project.profiles.prod.keyEnvs = envs));
  await keyEnvs(['live', 'test']);
  const keys = await makeKeys(operator, (words) => operator(words.replace('--expires 1d', '--expires PT1S')));
  await keyEnvs(['live']);
  target = {
    mode: 'authorizer',
    ...addressOf(ApiUrl),
    silo: addressOf(silo),
    stack: STACK,
    keys,
    canaries: await seed(wire, STACK),
    operator,
    items: () => allItems(wire, STACK),
    issuer: null,
  };
});

afterAll(async () => {
  wire?.close();
  await account?.close();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

/** The name in the URL is this machine's; what it routes by is the Host header. */
function addressOf(url: string): { url: string; host: string } {
  const { host, port } = new URL(url);
  return { url: `http://127.0.0.1:${port}`, host };
}

const withAnyRoute = (template: string, authorizer: string, condition = ''): string =>
  template.replace(
    /^ {2}HelloRoute:$/m,
    `  AnyRoute:
    Type: AWS::ApiGatewayV2::Route
    ${condition}
    Properties:
      ApiId: !Ref ${condition === '' ? 'ApiId' : 'Api'}
      RouteKey: $default
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref ${authorizer}
      Target: !Sub integrations/\${Integration}

  HelloRoute:`,
  );

describe('the deployed API withstands', () => {
  it.each(needing('silo'))('$name', (attack) => withstand(target, attack));
  it('1,000 parallel calls of five tenants', () => withstand(target, interleaved(1_000, 8)));
});
