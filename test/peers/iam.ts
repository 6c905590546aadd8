// The account's roles, read and edited as its root, by the Query API itself.
import { sign } from 'aws4';
import { CREDENTIALS } from './ministack.ts';

export interface Statement {
  Sid?: string;
  Action: string | string[];
  [element: string]: unknown;
}

export interface Policy {
  Version: string;
  Statement: Statement[];
}

export interface Iam {
  /** The roles whose names begin so. */
  roles(prefix: string): Promise<string[]>;
  /** Every policy of a role, managed ones among its own from now on. */
  policies(role: string): Promise<Map<string, Policy>>;
  put(role: string, name: string, policy: Policy): Promise<void>;
  /** Puts the policy without statements: IAM knows no empty one. */
  remove(role: string, name: string): Promise<void>;
  trust(role: string): Promise<Policy>;
  setTrust(role: string, policy: Policy): Promise<void>;
}

export function iamOf(endpoint: string): Iam {
  async function ask(Action: string, parameters: Record<string, string> = {}): Promise<string> {
    const body = new URLSearchParams({ Action, Version: '2010-05-08', ...parameters }).toString();
    const { host } = new URL(endpoint);
    const { headers } = sign(
      {
        service: 'iam',
        region: 'us-east-1',
        host,
        path: '/',
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
      CREDENTIALS,
    );
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: headers as Record<string, string>,
      body,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${Action}: ${response.status} ${text}`);
    return text;
  }
  const all = (xml: string, element: string): string[] =>
    [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))].map(([, text = '']) => text);
  const one = (xml: string, element: string): string => all(xml, element)[0] ?? '';
  const document = (xml: string, element: string): Policy =>
    JSON.parse(decodeURIComponent(one(xml, element).replaceAll('&quot;', '"').replaceAll('&amp;', '&')));
  const put: Iam['put'] = async (RoleName, PolicyName, policy) => {
    await ask('PutRolePolicy', { RoleName, PolicyName, PolicyDocument: JSON.stringify(policy) });
  };

  return {
    put,
    async roles(prefix) {
      return all(await ask('ListRoles', { MaxItems: '1000' }), 'RoleName').filter((name) =>
        name.startsWith(prefix),
      );
    },
    async policies(RoleName) {
      for (const PolicyArn of all(await ask('ListAttachedRolePolicies', { RoleName }), 'PolicyArn')) {
        const VersionId = one(await ask('GetPolicy', { PolicyArn }), 'DefaultVersionId');
        const policy = document(await ask('GetPolicyVersion', { PolicyArn, VersionId }), 'Document');
        await put(RoleName, PolicyArn.split('/').at(-1) ?? '', policy);
        await ask('DetachRolePolicy', { RoleName, PolicyArn });
      }
      const found = new Map<string, Policy>();
      const names = all(await ask('ListRolePolicies', { RoleName }), 'member');
      for (const PolicyName of names) {
        const answer = await ask('GetRolePolicy', { RoleName, PolicyName });
        found.set(PolicyName, document(answer, 'PolicyDocument'));
      }
      return found;
    },
    async remove(RoleName, PolicyName) {
      await ask('DeleteRolePolicy', { RoleName, PolicyName });
    },
    async trust(RoleName) {
      return document(await ask('GetRole', { RoleName }), 'AssumeRolePolicyDocument');
    },
    async setTrust(RoleName, policy) {
      await ask('UpdateAssumeRolePolicy', { RoleName, PolicyDocument: JSON.stringify(policy) });
    },
  };
}

/** Each action of a policy, with the policy without it. */
export function* withoutEach(policy: Policy): Generator<{ sid: string; action: string; rest: Policy }> {
  for (const [at, statement] of policy.Statement.entries()) {
    const actions = [statement.Action].flat();
    for (const action of actions) {
      const left = actions.filter((other) => other !== action);
      const others = policy.Statement.filter((_, index) => index !== at);
      const Statement = left.length === 0 ? others : [...others, { ...statement, Action: left }];
      yield { sid: statement.Sid ?? '', action, rest: { ...policy, Statement } };
    }
  }
}
