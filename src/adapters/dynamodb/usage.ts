import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { GateItem } from '../../core/gate/layout.ts';
import type { ControlStore, Recording } from '../../core/ports.ts';
import { tableName } from '../../core/schema.ts';
import { dayOf, isoTime } from '../../core/time.ts';
import { foldPlan } from '../../core/usage/fold.ts';
import { gaugeOf } from '../../core/usage/gauge.ts';
import { eventKey } from '../../core/usage/layout.ts';
import { counterFull, recordWrites, standingEvent } from '../../core/usage/record.ts';
import { firstSampledDay, samplePlan } from '../../core/usage/sample.ts';
import type { UsageItem } from '../../core/usage/usage.ts';
import { awsError } from '../aws-errors.ts';
import { auditItem, profileKey, tenantPk } from './items.ts';
import { query } from './pages.ts';
import { write } from './usage-writes.ts';

type UsageStore = Pick<ControlStore, 'usage' | 'gauges' | 'record' | 'recorded' | 'fold' | 'sampleGauges'>;

/** How often a plan is made again that others overtook; after that they have done the work. */
const PLANS = 5;

/** Usage on DynamoDB. `writer` sends once. */
export function usageStore(
  client: DynamoDBDocumentClient,
  writer: () => DynamoDBDocumentClient,
  stack: string,
  readGate: (tenantId: string) => Promise<GateItem | null>,
): UsageStore {
  const usageMeters = tableName(stack, 'usageMeters');
  const between = (tenantId: string, first: string, last: string, doing: string) =>
    query(
      client,
      {
        TableName: usageMeters,
        KeyConditionExpression: 'PK = :pk AND SK BETWEEN :first AND :last',
        ExpressionAttributeValues: { ':pk': tenantPk(tenantId), ':first': first, ':last': last },
        ConsistentRead: true,
      },
      doing,
    );

  async function usage(tenantId: string, first: string, last: string): Promise<UsageItem[]> {
    const items: UsageItem[] = [];
    for await (const item of between(tenantId, `USAGE#${first}`, `USAGE#${last}~`, 'read usage')) {
      const [, day, metric] = String(item['SK']).split('#');
      if (day !== undefined && metric !== undefined) items.push(usageItem(day, metric, item));
    }
    return items;
  }

  async function gauges(tenantId: string) {
    const found = [];
    for await (const item of between(tenantId, 'GAUGE#', 'GAUGE#~', 'read gauges')) found.push(gaugeOf(item));
    return found;
  }

  return {
    usage,
    gauges,

    async record({ tenantId, mark, lines, dedupeDays, audit, now }: Recording) {
      const writes = recordWrites(tenantId, mark, lines, dedupeDays, now);
      const put = { Put: { TableName: tableName(stack, 'tenants'), Item: auditItem(audit) } };
      const isLate = lines.some(({ day }) => day < dayOf(now));
      const late = isLate ? [lateMark(tableName(stack, 'tenants'), tenantId, now)] : [];
      const refused = await write(writer(), stack, writes, [put, ...late], 'record usage');
      if (refused === null) return 'recorded';
      const event = refused[0];
      if (event?.failed !== true) throw counterFull(lines);
      return standingEvent(mark, event.item) === 'own' ? 'recorded' : 'duplicate';
    },

    async recorded(tenantId, eventId, now) {
      const get = new GetCommand({
        TableName: usageMeters,
        Key: eventKey(tenantId, eventId),
        ConsistentRead: true,
      });
      const { Item } = await client.send(get).catch((error: unknown) => {
        throw awsError(error, 'read usage');
      });
      return Item === undefined || Number(Item['ttl']) <= Math.floor(now / 1000)
        ? null
        : String(Item['what']);
    },

    async fold(tenantId, now) {
      for (let plans = 0; plans < PLANS; ) {
        const gate = await readGate(tenantId);
        const plan = gate === null ? null : foldPlan(gate, now);
        if (plan === null) return;
        // Refused: somebody else folds, or late calls came in; read again.
        if ((await write(writer(), stack, plan, [], 'fold usage')) !== null) plans++;
      }
    },

    async sampleGauges(tenantId, now) {
      for (let plans = 0; plans < PLANS; plans++) {
        const levels = await gauges(tenantId);
        if (levels.length === 0 || (await readGate(tenantId))?.status === 'deleted') return;
        const counted = await usage(tenantId, firstSampledDay(now), dayOf(now));
        let overtaken = false;
        for (const one of levels.flatMap((gauge) => samplePlan(tenantId, gauge, counted, now))) {
          overtaken = (await write(writer(), stack, [one], [], 'sample gauges')) !== null || overtaken;
        }
        if (!overtaken) return;
      }
    },
  };
}

/** Tells the sync that a day which it took for settled has more. */
const lateMark = (TableName: string, tenantId: string, now: number) => ({
  Update: {
    TableName,
    Key: profileKey(tenantId),
    UpdateExpression: 'SET lateAt = :now',
    ExpressionAttributeValues: { ':now': isoTime(now) },
  },
});

function usageItem(day: string, metric: string, item: Record<string, unknown>): UsageItem {
  const { max, through } = item;
  return {
    day,
    metric,
    amount: Number(item['amount']),
    ...(max === undefined ? {} : { max: Number(max) }),
    ...(through === undefined ? {} : { through: Number(through) }),
  };
}
