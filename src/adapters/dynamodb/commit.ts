import { randomUUID } from 'node:crypto';
import {
  type DynamoDBDocumentClient,
  GetCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { SaasctlError } from '../../core/errors.ts';
import { compileEdits, needsGate } from '../../core/gate/edits.ts';
import { type GateItem, gatePk, keyHashPk, keyIdPk } from '../../core/gate/layout.ts';
import type { KeyMutation, Mutation, TenantMutation } from '../../core/mutation.ts';
import type { Commit } from '../../core/ports.ts';
import { tableName } from '../../core/schema.ts';
import { awsError, isThrottle, isUnsent, mayHaveApplied } from '../aws-errors.ts';
import { cancellationCodes, isContended } from './cancelled.ts';
import { auditItem, customerKey, keyItem, keyNameKey, profileItem, profileKey } from './items.ts';
import { whyStale } from './stale.ts';

type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** How long a conflict with requests on the same gate is waited out. */
const PATIENCE_MS = 10_000;
/** How often a write is sent again that did not reach the store, or whose answer was lost. */
const TRIES = 4;

/**
 * One mutation, its gate edits and its audit entry, in one transaction. `writer` sends once and never by itself
 * again: only so can a write that provably failed be told from one that may have been made. Sending it again
 * here is safe either way, since every mutation is conditional on the version it was planned from.
 */
export async function commit(
  client: DynamoDBDocumentClient,
  writer: DynamoDBDocumentClient,
  stack: string,
  { mutation, audit, now }: Commit,
  readGate: (tenantId: string) => Promise<GateItem | null>,
): Promise<'applied' | 'stale'> {
  const audits = tableName(stack, 'tenants');
  const fixed: Write[] = [
    { Put: { TableName: audits, Item: auditItem(audit) } },
    ...(mutation.kind === 'tenant' ? tenantWrites(stack, mutation) : keyWrites(stack, mutation)),
  ];
  const deadline = Date.now() + PATIENCE_MS;
  let tries = 0;
  let lost: unknown = null;
  for (;;) {
    const rerates = needsGate(mutation.gate);
    const gate = rerates ? await readGate(mutation.tenantId) : null;
    const { answer, error }: Sent =
      rerates && gate === null
        ? { answer: 'stale', error: null }
        : await send(writer, [...fixed, ...gateWrites(stack, mutation, gate, now)]);
    if (answer === 'applied') return 'applied';
    if (answer === 'lost') lost = error;
    // The audit entry tells whether an earlier try was made after all; when it cannot be asked, nobody knows.
    if (lost !== null) {
      const found = await wasApplied(client, audits, audit);
      if (found === true) return 'applied';
      if (found === null && answer !== 'busy') throw ambiguous(lost);
    }
    // A bucket that moved is read again and written on; anything else has to be planned again.
    if (answer === 'stale' && (await whyStale(client, stack, mutation, readGate)) === 'changed')
      return 'stale';
    if (answer === 'failed' || ((answer === 'lost' || answer === 'unsent') && ++tries === TRIES)) {
      throw lost === null ? awsError(error, 'write the change') : ambiguous(lost);
    }
    if (Date.now() > deadline) throw lost === null ? tooBusy(mutation) : ambiguous(lost);
    await new Promise((wake) => setTimeout(wake, 20 + Math.random() * 180));
  }
}

/**
 * `stale`: a condition failed. `busy`: a conflict or a throttle. `unsent`: no connection. `failed`: refused as it
 * is. After all of these nothing was written; after `lost` it may have been.
 */
type Answer = 'applied' | 'stale' | 'busy' | 'unsent' | 'failed' | 'lost';

interface Sent {
  answer: Answer;
  error: unknown;
}

async function send(writer: DynamoDBDocumentClient, writes: Write[]): Promise<Sent> {
  try {
    await writer.send(new TransactWriteCommand({ TransactItems: writes, ClientRequestToken: randomUUID() }));
    return { answer: 'applied', error: null };
  } catch (error) {
    return { answer: answerOf(error), error };
  }
}

function answerOf(error: unknown): Answer {
  const codes = cancellationCodes(error);
  if (codes !== null) {
    if (codes.includes('ConditionalCheckFailed')) return 'stale';
    return isContended(codes) ? 'busy' : 'failed';
  }
  if (isThrottle(error)) return 'busy';
  if (isUnsent(error)) return 'unsent';
  return mayHaveApplied(error) ? 'lost' : 'failed';
}

function ambiguous(cause: unknown): SaasctlError {
  return new SaasctlError({
    code: 'write_ambiguous',
    category: 'remote',
    message: `the change may or may not have been made: ${(cause as Error).name}`,
    hint: 'the answer was lost; the same command finds out, and repeats nothing that was done',
    retryable: true,
    cause,
  });
}

/** `null`: it could not be asked. */
async function wasApplied(
  client: DynamoDBDocumentClient,
  table: string,
  audit: Commit['audit'],
): Promise<boolean | null> {
  const { PK, SK } = auditItem(audit);
  const read = client.send(new GetCommand({ TableName: table, Key: { PK, SK }, ConsistentRead: true }));
  return read.then(
    ({ Item }) => Item !== undefined,
    () => null,
  );
}

function tenantWrites(stack: string, { before, after }: TenantMutation): Write[] {
  const TableName = tableName(stack, 'tenants');
  const profile = { Put: { TableName, Item: profileItem(after), ...atState(before) } };
  const [from, to] = [before?.stripeCustomerId ?? null, after.stripeCustomerId];
  if (from === to) return [profile];
  // One customer's bill is one tenant's: at Stripe the usage of two would be added up, and flagged for ever.
  const tenantId = after.id;
  const ours = {
    ConditionExpression: 'attribute_not_exists(PK) OR tenantId = :tenant',
    ExpressionAttributeValues: { ':tenant': tenantId },
  };
  return [
    profile,
    ...(to === null ? [] : [{ Put: { TableName, Item: { ...customerKey(to), tenantId }, ...ours } }]),
    ...(from === null ? [] : [{ Delete: { TableName, Key: customerKey(from), ...ours } }]),
  ];
}

function keyWrites(stack: string, { before, after, mapping, tenantVersion, name }: KeyMutation): Write[] {
  const tenants = tableName(stack, 'tenants');
  const apiKeys = tableName(stack, 'apiKeys');
  const absent = { ConditionExpression: 'attribute_not_exists(PK)' };
  const { tenantId, keyId, env } = after;
  const writes: Write[] = [{ Put: { TableName: tenants, Item: keyItem(after), ...atVersion(before) } }];
  if (mapping !== null) {
    const Item = { PK: keyHashPk(mapping.hash), tenantId, keyId, secretId: mapping.secretId, env };
    writes.push({ Put: { TableName: apiKeys, Item, ...absent } });
  }
  if (before === null)
    writes.push({ Put: { TableName: apiKeys, Item: { PK: keyIdPk(keyId), tenantId }, ...absent } });
  if (tenantVersion !== null) {
    writes.push({
      ConditionCheck: {
        TableName: tenants,
        Key: profileKey(tenantId),
        ...atVersion({ version: tenantVersion }),
      },
    });
  }
  if (name !== null) writes.push(nameWrite(tenants, tenantId, keyId, name));
  return writes;
}

function nameWrite(
  TableName: string,
  tenantId: string,
  keyId: string,
  name: NonNullable<KeyMutation['name']>,
): Write {
  const heldBy = (holder: string) => ({
    ConditionExpression: 'keyId = :holder',
    ExpressionAttributeValues: { ':holder': holder },
  });
  if ('release' in name)
    return { Delete: { TableName, Key: keyNameKey(tenantId, name.release), ...heldBy(keyId) } };
  const free = name.from === null ? { ConditionExpression: 'attribute_not_exists(PK)' } : heldBy(name.from);
  return { Put: { TableName, Item: { ...keyNameKey(tenantId, name.claim), keyId }, ...free } };
}

function atVersion(before: { version: number } | null) {
  if (before === null) return { ConditionExpression: 'attribute_not_exists(PK)' };
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':version': before.version },
  };
}

/** Version and status: two ways of saying the same, so that a profile mended by hand is not written over. */
function atState(before: { version: number; status: string } | null) {
  const at = atVersion(before);
  if (before === null || !('ExpressionAttributeNames' in at)) return at;
  return {
    ConditionExpression: `${at.ConditionExpression} AND #status = :status`,
    ExpressionAttributeNames: { ...at.ExpressionAttributeNames, '#status': 'status' },
    ExpressionAttributeValues: { ...at.ExpressionAttributeValues, ':status': before.status },
  };
}

function gateWrites(stack: string, mutation: Mutation, gate: GateItem | null, now: number): Write[] {
  if (mutation.gate.length === 0) return [];
  const TableName = tableName(stack, 'gates');
  const [first] = mutation.gate;
  if (first?.edit === 'create') {
    return [{ Put: { TableName, Item: first.gate, ConditionExpression: 'attribute_not_exists(PK)' } }];
  }
  return [
    {
      Update: {
        TableName,
        Key: { PK: gatePk(mutation.tenantId) },
        ...compileEdits(mutation.gate, gate, now),
      },
    },
  ];
}

function tooBusy(mutation: Mutation): SaasctlError {
  return new SaasctlError({
    code: 'gate_busy',
    category: 'remote',
    message: `tenant '${mutation.tenantId}' is under so much traffic that the change could not be made within 10 s`,
    hint: 'nothing was changed',
    retryable: true,
  });
}
