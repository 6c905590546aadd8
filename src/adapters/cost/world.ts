import type { RevenueSource } from '../../core/cost/revenue.ts';
import { TAG_KEYS, type TagSource } from '../../core/cost/tags.ts';
import type { CostSource, MeterCache } from '../../core/cost/types.ts';

export interface CostWorldSettings {
  account: string;
  region: string;
  stack: string;
  /** Where DynamoDB answers, if that was said; empty otherwise. */
  endpoint: string;
  /** The same of Cost Explorer. */
  explorerEndpoint: string;
  awsProfile: string | null;
  /** Where finished months are kept. */
  folder: string;
  /** The FOCUS file that ships with the tool. */
  sampleFile: string;
  stripe: { apiKey: string; url: string | null } | null;
  trace: ((line: string) => void) | null;
  /** A line for people while they wait. */
  say(text: string): void;
  /** Epoch ms. */
  now(): number;
  pause(ms: number): Promise<void>;
}

/** What a run may ask for unless told otherwise: a year of a large account is some hundred pages. */
const MOST_REQUESTS = 200;

/** The sources of cost, revenue and tags, each made at its first use and closed together. */
export function openCostWorld(settings: CostWorldSettings) {
  const { account, region, stack, endpoint, awsProfile, folder, trace, say, now, pause } = settings;
  const closers: (() => Promise<void> | void)[] = [];
  const closing = <T extends { close(): Promise<void> | void }>(opened: T): T => {
    closers.push(() => opened.close());
    return opened;
  };
  return {
    async bills(wanted: {
      /** `ce`, `sample` or `focus:<path>`, the path absolute. */
      source: string;
      tenantTag: string;
      tenantIds: readonly string[];
      maxRequests: number | null;
      /** Of Cost Explorer: nothing that was kept is used, and every month is paid for again. */
      fresh?: boolean;
    }): Promise<CostSource> {
      const { source, tenantTag: tenantKey, tenantIds } = wanted;
      const keys = { tenantKey, featureKey: TAG_KEYS.feature };
      if (source === 'sample') {
        const { openSample } = await import('./sample.ts');
        return closing(openSample({ file: settings.sampleFile, tenantIds, tenantKey, now }));
      }
      if (source.startsWith('focus:')) {
        const { openFocus } = await import('./focus/source.ts');
        return closing(openFocus({ path: source.slice('focus:'.length), ...keys, now }));
      }
      const { billCache } = await import('./cache.ts');
      const { openCostExplorer } = await import('./cost-explorer.ts');
      return closing(
        openCostExplorer({
          ...keys,
          metric: 'UnblendedCost',
          account,
          awsProfile,
          credentials: null,
          endpoint: null,
          trace,
          maxRequests: wanted.maxRequests ?? MOST_REQUESTS,
          fresh: wanted.fresh ?? false,
          cache: billCache(folder, now, settings.explorerEndpoint),
          now,
          pause,
          say,
        }),
      );
    },
    /** `fresh` as of bills; Stripe charges nothing. */
    async revenue(customers: ReadonlyMap<string, string>, fresh: boolean): Promise<RevenueSource | null> {
      if (settings.stripe === null) return null;
      const { stripeRevenue } = await import('./revenue-stripe.ts');
      return closing(stripeRevenue({ ...settings.stripe, customers, folder, fresh, trace, now, pause }));
    },
    async meters(): Promise<MeterCache> {
      const { meterCache } = await import('./meter-cache.ts');
      return meterCache(folder, { account, region, stack, endpoint }, now);
    },
    async tags(): Promise<TagSource> {
      const { openTags } = await import('./tags.ts');
      return closing(openTags({ region, awsProfile, credentials: null, endpoint: null, trace }));
    },
    async close(): Promise<void> {
      for (const close of closers) await close();
    },
  };
}
