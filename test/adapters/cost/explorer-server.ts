// A Cost Explorer that holds charges and answers queries from them: groups, filters and pages as AWS does.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addDecimals, formatDecimal, parseDecimal, ZERO } from '../../../src/core/decimal.ts';

export interface Charge {
  month: string;
  amount: string;
  service: string;
  usageType?: string;
  recordType?: string;
  tags?: Record<string, string>;
  quantity?: string;
}

interface Query {
  TimePeriod: { Start: string; End: string };
  Metrics: string[];
  GroupBy: { Type: string; Key: string }[];
  Filter?: Filter;
  NextPageToken?: string;
}
type Filter = {
  And?: Filter[];
  Not?: Filter;
  Dimensions?: { Key: string; Values: string[] };
  Tags?: { Key: string; MatchOptions: string[] };
};

export interface ExplorerServer {
  endpoint: string;
  charges: Charge[];
  /** Months that are answered without a group, as those without any charge are. */
  empty: Set<string>;
  /** Months that are not final. */
  estimated: Set<string>;
  pageSize: number;
  /** Errors to answer with, one a request, before anything else. */
  failures: ({ status: number; type: string; message: string } | 'cut short')[];
  queries: Query[];
  /** Called before every answer. */
  before: () => void;
  close(): Promise<void>;
}

export async function startExplorer(charges: Charge[]): Promise<ExplorerServer> {
  const server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const failure = state.failures.shift();
      const answer = (status: number, body: unknown) => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
        response.end(JSON.stringify(body));
      };
      if (failure === 'cut short') {
        response.writeHead(200, { 'content-length': 99 }).write('{"Resul', () => response.destroy());
        return;
      }
      if (failure !== undefined) {
        answer(failure.status, { __type: failure.type, message: failure.message });
        return;
      }
      state.before();
      const query = JSON.parse(text) as Query;
      state.queries.push(query);
      answer(200, pageOf(state, query));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const state: ExplorerServer = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    charges,
    empty: new Set(),
    estimated: new Set(),
    pageSize: 1000,
    failures: [],
    queries: [],
    before: () => {},
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return state;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

/** Pages cut the list of groups wherever it is full, in the middle of a month too. */
function pageOf({ charges, empty, estimated, pageSize }: ExplorerServer, query: Query) {
  const { Start, End } = query.TimePeriod;
  const months = [...new Set([...empty, ...charges.map(({ month }) => month)])]
    .filter((month) => `${month}-01` >= Start && `${month}-01` < End)
    .sort();
  const all = months.flatMap((month) =>
    groupsOf(
      charges.filter((one) => one.month === month && matches(one, query.Filter)),
      query,
    ).map((group) => ({ month, group })),
  );
  const from = Number(query.NextPageToken ?? 0);
  const shown = all.slice(from, from + pageSize);
  return {
    ResultsByTime: months.map((month) => ({
      TimePeriod: { Start: `${month}-01`, End },
      Total: {},
      Groups: shown.filter((one) => one.month === month).map(({ group }) => group),
      Estimated: estimated.has(month),
    })),
    ...(from + pageSize < all.length ? { NextPageToken: String(from + pageSize) } : {}),
  };
}

function matches(charge: Charge, filter: Filter | undefined): boolean {
  if (filter === undefined) return true;
  if (filter.And) return filter.And.every((one) => matches(charge, one));
  if (filter.Not) return !matches(charge, filter.Not);
  if (filter.Tags) return !charge.tags?.[filter.Tags.Key];
  return (
    filter.Dimensions?.Values.includes(keyOf(charge, { Type: 'DIMENSION', Key: filter.Dimensions.Key })) ??
    true
  );
}

function keyOf(charge: Charge, { Type, Key }: Query['GroupBy'][number]): string {
  if (Type === 'TAG') return `${Key}$${charge.tags?.[Key] ?? ''}`;
  if (Key === 'SERVICE') return charge.service;
  return Key === 'USAGE_TYPE' ? (charge.usageType ?? 'NoUsageType') : (charge.recordType ?? 'Usage');
}

function groupsOf(charges: readonly Charge[], { GroupBy, Metrics }: Query) {
  const groups = new Map<string, Charge[]>();
  for (const charge of charges) {
    const key = JSON.stringify(GroupBy.map((group) => keyOf(charge, group)));
    groups.set(key, [...(groups.get(key) ?? []), charge]);
  }
  const sum = (amounts: string[]): string =>
    amounts.length === 1
      ? (amounts[0] ?? '0')
      : formatDecimal(amounts.map((text) => parseDecimal(text) ?? ZERO).reduce(addDecimals, ZERO));
  return [...groups].map(([key, members]) => ({
    Keys: JSON.parse(key) as string[],
    Metrics: Object.fromEntries(
      Metrics.map((metric) => [
        metric,
        metric === 'UsageQuantity'
          ? { Amount: sum(members.map(({ quantity = '0' }) => quantity)), Unit: 'N/A' }
          : { Amount: sum(members.map(({ amount }) => amount)), Unit: 'USD' },
      ]),
    ),
  }));
}
