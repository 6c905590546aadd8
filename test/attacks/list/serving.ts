// One authorizer for all, and functions that serve some.
import { expect } from 'vitest';
import { type AnyAttack, call, sendTo, type Target, type TenantId } from '../target.ts';

type At = 'pool' | 'silo';

/** A request of that tenant at the one address or the other, whoever is served there. */
const at = (target: Target, where: At, id: TenantId, line: string) => {
  const [method = '', path = ''] = line.split(' ');
  const address = where === 'silo' && target.silo !== null ? target.silo : target;
  return sendTo(target, address, { method, path, headers: ['x-api-key', target.keys[id]] });
};

const elsewhere = (name: string, where: At, tenants: readonly TenantId[], of: TenantId): AnyAttack => ({
  name,
  needs: 'silo',
  // Refused, though counted: the shared authorizer does not know who asks for it.
  by: tenants,
  async setup(target) {
    expect((await call(target, target.keys[of], 'GET /items/secret')).json().canary).toBe(
      target.canaries[of],
    );
  },
  async run(target) {
    const bodies = new Set<string>();
    for (const id of tenants) {
      for (const line of [
        'GET /items/secret',
        `GET /of/${of}/secret`,
        `GET /tenants/${of}/items/secret`,
        'GET /whoami',
      ]) {
        const answer = await at(target, where, id, line);
        expect(answer.status, `${id} ${line}`).toBe(403);
        expect(answer.body, 'not even its own').not.toContain(target.canaries[id]);
        bodies.add(answer.body);
      }
    }
    expect(bodies.size).toBe(1);
  },
});

export const serving: readonly AnyAttack[] = [
  elsewhere(
    'keys of other tenants at a silo’s own functions',
    'silo',
    ['acme', 'globex', 'hooli'],
    'initech',
  ),
  elsewhere('a silo tenant’s key at the functions that the others share', 'pool', ['initech'], 'acme'),
];
