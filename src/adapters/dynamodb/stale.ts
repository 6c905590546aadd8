import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { SaasctlError } from '../../core/errors.ts';
import { needsGate } from '../../core/gate/edits.ts';
import type { GateItem } from '../../core/gate/layout.ts';
import type { Mutation, TenantMutation } from '../../core/mutation.ts';
import { tableName } from '../../core/schema.ts';
import { awsError } from '../aws-errors.ts';
import { customerKey, profileKey } from './items.ts';

/**
 * What a failed condition of a mutation means. `bucket moved`: calls went on between reading the gate and
 * writing it, the same mutation may be sent again. `changed`: somebody else changed what it was planned on.
 * Throws where no plan can ever be written (category conflict): `gate_missing`, a living tenant without its gate;
 * `customer_taken`, another tenant's Stripe customer.
 */
export async function whyStale(
  client: DynamoDBDocumentClient,
  stack: string,
  mutation: Mutation,
  readGate: (tenantId: string) => Promise<GateItem | null>,
): Promise<'bucket moved' | 'changed'> {
  if (mutation.kind === 'tenant') await checkCustomer(client, stack, mutation);
  if (!editsGate(mutation)) return 'changed';
  // The gate first: whoever deletes the tenant in between has then deleted its profile too.
  const gate = await readGate(mutation.tenantId);
  const profile = await readProfile(client, stack, mutation.tenantId);
  if (profile === null || profile.status === 'deleted') return 'changed';
  if (profile.version !== (plannedOn(mutation) ?? profile.version)) return 'changed';
  if (gate === null || gate.status === 'deleted') throw gateMissing(mutation.tenantId, gate);
  return needsGate(mutation.gate) ? 'bucket moved' : 'changed';
}

const editsGate = ({ gate }: Mutation): boolean => gate.some(({ edit }) => edit !== 'create');

/** The tenant's version that the mutation builds on; `null`: any. */
const plannedOn = (mutation: Mutation): number | null =>
  mutation.kind === 'tenant' ? (mutation.before?.version ?? null) : mutation.tenantVersion;

async function checkCustomer(
  client: DynamoDBDocumentClient,
  stack: string,
  { before, after: { id, stripeCustomerId: customer } }: TenantMutation,
): Promise<void> {
  if (customer === null || customer === before?.stripeCustomerId) return;
  const holder = (await read(client, stack, customerKey(customer)))?.['tenantId'] ?? id;
  if (holder === id) return;
  throw new SaasctlError({
    code: 'customer_taken',
    category: 'conflict',
    message: `Stripe customer '${customer}' is tenant '${holder}'’s, also once that one is deleted`,
    hint: 'a customer pays for one tenant: Stripe would add up the usage of two; nothing was changed',
    next: `saasctl tenant show ${holder}`,
  });
}

async function readProfile(
  client: DynamoDBDocumentClient,
  stack: string,
  tenantId: string,
): Promise<{ status: unknown; version: unknown } | null> {
  const item = await read(client, stack, profileKey(tenantId));
  return item === null ? null : { status: item['status'], version: item['version'] };
}

async function read(
  client: DynamoDBDocumentClient,
  stack: string,
  Key: { PK: string; SK: string },
): Promise<Record<string, unknown> | null> {
  const TableName = tableName(stack, 'tenants');
  const { Item } = await client
    .send(new GetCommand({ TableName, Key, ConsistentRead: true }))
    .catch((error: unknown) => {
      throw awsError(error, `read ${TableName}`);
    });
  return Item ?? null;
}

function gateMissing(tenantId: string, gate: GateItem | null): SaasctlError {
  return new SaasctlError({
    code: 'gate_missing',
    category: 'conflict',
    message: `tenant '${tenantId}' lives, but its gate is ${gate === null ? 'gone' : 'deleted'}`,
    hint: 'its profile and its gate differ, and no request of it can pass; nothing was changed',
    next: 'saasctl doctor',
  });
}
