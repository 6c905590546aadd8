// The data tables of a stack on a real engine, and tenants' views of them.
import { dataTable, openTenantData, type TenantRef } from '../../../src/runtime/tenant-data/tenant-data.ts';
import type { Wire } from '../../../src/runtime/wire/client.ts';
import { STACK, startTestEngine } from '../../fixtures/gate.ts';

export const SECRET = 'a secret of the tests';
export const ACME: TenantRef = { tenantId: 'acme', isolation: 'pool' };
export const GLOBEX: TenantRef = { tenantId: 'globex', isolation: 'pool' };
export const SILO: TenantRef = { tenantId: 'initech', isolation: 'silo' };
export const BRIDGE: TenantRef = { tenantId: 'hooli', isolation: 'bridge' };

export interface DataEngine {
  wire: Wire;
  stop(): Promise<void>;
}

export async function startDataEngine(): Promise<DataEngine> {
  const engine = await startTestEngine();
  for (const table of new Set([ACME, SILO, BRIDGE].map((tenant) => dataTable(STACK, tenant)))) {
    const reply = await engine.wire.send('CreateTable', {
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['PK', 'SK'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'PK', KeyType: 'HASH' },
        { AttributeName: 'SK', KeyType: 'RANGE' },
      ],
    });
    if (reply.kind !== 'applied') throw new Error(JSON.stringify(reply));
  }
  return engine;
}

/** `tenantData` over a wire, whose pauses take no time. */
export const dataOver = (wire: Wire, tenant: TenantRef = ACME, secret = SECRET) =>
  openTenantData(tenant, { wireFor: () => wire, stack: STACK, secret: () => secret, pause: async () => {} });

/** A wire that notes what goes over it. */
export function recording(wire: Wire) {
  const sent: { operation: string; body: Record<string, unknown> }[] = [];
  const send: Wire['send'] = (operation, body) => {
    sent.push({ operation, body: body as Record<string, unknown> });
    return wire.send(operation, body);
  };
  return { sent, wire: { ...wire, send } };
}
