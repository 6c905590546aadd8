import {
  CostExplorerClient,
  GetCostAndUsageCommand,
  type GetCostAndUsageCommandInput,
  type ResultByTime,
} from '@aws-sdk/client-cost-explorer';
import { SaasctlError } from '../../core/errors.ts';
import { awsError, isCutShort } from '../aws-errors.ts';
import { timeLimits } from '../time-limits.ts';
import { traceCalls } from '../trace.ts';

export interface ExplorerSettings {
  awsProfile: string | null;
  /** Fixed credentials, in tests; `null`: the SDK's own chain. */
  credentials: { accessKeyId: string; secretAccessKey: string } | null;
  /** `null`: AWS, or wherever the SDK's own variables point. */
  endpoint: string | null;
  trace: ((line: string) => void) | null;
  /** Requests of a run, at most: each costs a cent. */
  maxRequests: number;
  /** Waits so many ms. */
  pause(ms: number): Promise<void>;
  /** A line for people while it waits. */
  say(text: string): void;
}

/** It answers in us-east-1, wherever one is. */
const REGION = 'us-east-1';
const THROTTLED = /^(LimitExceeded|Throttl|TooManyRequests|RequestLimitExceeded)/;
const CHANGED = /^(BillExpiration|RequestChanged|InvalidNextToken)/;
/** How long a query is tried again while it is throttled, ms, and how long between two tries at most. */
const PATIENCE_MS = 120_000;
const LONGEST_PAUSE_MS = 20_000;
const NETWORK_TRIES = 3;
/** Large accounts take their time. */
const ANSWER_MS = 60_000;

const isPassing = (error: { $metadata?: { httpStatusCode?: number } }): boolean =>
  (error.$metadata?.httpStatusCode ?? 500) >= 500 || isCutShort(error);

/** Pages of Cost Explorer, counted. */
export function explorerClient(settings: ExplorerSettings) {
  const client = new CostExplorerClient({
    region: REGION,
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    ...(settings.credentials === null ? {} : { credentials: settings.credentials }),
    ...(settings.awsProfile === null ? {} : { profile: settings.awsProfile }),
    // Tried again here, where every request is counted.
    maxAttempts: 1,
    requestHandler: timeLimits(ANSWER_MS),
  });
  if (settings.trace !== null) traceCalls(client.middlewareStack, 'cost-explorer', settings.trace);
  let sent = 0;

  async function page(input: GetCostAndUsageCommandInput) {
    let waited = 0;
    for (let tries = 1; ; tries++) {
      if (sent >= settings.maxRequests) throw capped(settings.maxRequests);
      sent++;
      try {
        return await client.send(new GetCostAndUsageCommand(input));
      } catch (thrown) {
        const error = thrown as Error & { $metadata?: { httpStatusCode?: number } };
        if (THROTTLED.test(error.name)) {
          // A refused request costs nothing.
          sent--;
          const pause = Math.min(1_000 * 2 ** (tries - 1), LONGEST_PAUSE_MS);
          if (waited + pause > PATIENCE_MS) throw throttled(waited, thrown);
          if (waited === 0)
            settings.say('Cost Explorer is throttling: waiting and trying again for up to 2 min');
          await settings.pause(pause);
          waited += pause;
        } else if (tries >= NETWORK_TRIES || !isPassing(error)) {
          throw explorerError(thrown);
        } else {
          await settings.pause(500 * tries);
        }
      }
    }
  }

  async function pages(input: GetCostAndUsageCommandInput): Promise<ResultByTime[]> {
    const results: ResultByTime[] = [];
    for (let token: string | undefined; ; ) {
      const answer = await page({ ...input, ...(token === undefined ? {} : { NextPageToken: token }) });
      if (answer.ResultsByTime === undefined)
        throw explorerError(new SyntaxError('no results in the answer'));
      results.push(...answer.ResultsByTime);
      token = answer.NextPageToken;
      if (token === undefined || token === '') return results;
    }
  }

  return {
    sent: () => sent,
    /** All pages of a query, their groups by month; from the first one again where the data changed below it. */
    async query(input: GetCostAndUsageCommandInput): Promise<ResultByTime[]> {
      try {
        return await pages(input);
      } catch (error) {
        if (!CHANGED.test(((error as SaasctlError).cause as Error | undefined)?.name ?? '')) throw error;
        return pages(input);
      }
    },
    close: () => client.destroy(),
  };
}

const FILES = 'saasctl cost report --source focus:<path>';

/** Months that an answer does not have, though it was asked for them. */
export const notAnswered = (months: readonly string[]): SaasctlError =>
  new SaasctlError({
    code: 'no_bill',
    category: 'not_found',
    message: `Cost Explorer’s answer leaves out ${months.join(', ')}`,
    hint: 'the other months are kept; ask for those alone, or read these from FOCUS files',
    next: FILES,
  });

function capped(most: number): SaasctlError {
  return new SaasctlError({
    code: 'too_many_requests',
    category: 'usage',
    message: `Cost Explorer would take more than ${most} requests, at $0.01 each`,
    hint: 'finished months are kept; with so many pages a data export in FOCUS format is cheaper',
    next: FILES,
  });
}

function throttled(waited: number, cause: unknown): SaasctlError {
  return new SaasctlError({
    code: 'aws_throttled',
    category: 'remote',
    message: `Cost Explorer has throttled for ${Math.round(waited / 1000)} s`,
    hint: 'finished months are kept; run it again in a few minutes',
    next: 'saasctl cost report',
    retryable: true,
    cause,
  });
}

/** An SDK error as one that says what to do. */
export function explorerError(thrown: unknown): SaasctlError {
  const { name, message } = thrown as Error;
  if (name === 'DataUnavailableException' || /not enabled|not subscribed|opt.?in/i.test(message)) {
    return new SaasctlError({
      code: 'cost_explorer_off',
      category: 'config',
      message: `Cost Explorer has no data for this account: ${message}`,
      hint: 'it is enabled once, in the billing console of the management account, and fills within 24 h',
      next: FILES,
      cause: thrown,
    });
  }
  if (name === 'ValidationException' && /histor|months|date/i.test(message)) {
    return new SaasctlError({
      code: 'no_bill',
      category: 'not_found',
      message: `Cost Explorer does not have these months: ${message}`,
      hint: 'it keeps 13 months and the current one; older ones are in FOCUS files',
      next: FILES,
      cause: thrown,
    });
  }
  if (/AccessDenied/.test(name)) {
    return new SaasctlError({
      code: 'aws_denied',
      category: 'auth',
      message: `Cost Explorer refused: ${message}`,
      hint: `the caller needs ${/\bce:\w+/.exec(message)?.[0] ?? 'ce:GetCostAndUsage'}, and a member account its management account’s leave`,
      next: 'saasctl doctor',
      cause: thrown,
    });
  }
  return awsError(thrown, 'ask Cost Explorer', 'Cost Explorer');
}
