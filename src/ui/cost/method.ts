import type { CostReport } from '../../core/cost/report.ts';
import type { Driver, Policy } from '../../core/cost/types.ts';
import { type Html, html } from './html.ts';

export interface Method {
  policy: Policy;
  tenantTag: string;
  /** Where revenue comes from, or `null`. */
  revenue: string | null;
  /** The bill named usage types; otherwise `policy` holds the rules for the rest alone. */
  usageTypes: boolean;
}

const TREATED: Readonly<Record<Policy['tax'], string>> = {
  follow: 'go to the tenant they are tagged with, and otherwise the ways that the cost of their service went',
  overhead: 'are overhead',
  unallocated: 'stay unallocated',
  exclude: 'are left out of the bill',
};

const FOLLOW_SERVICE =
  'go the ways that the cost of their service went (whom they are tagged for, Cost Explorer is not asked; FOCUS files say it)';

const OVERHEAD: Readonly<Record<Policy['overhead'], string>> = {
  proportional: 'in proportion to direct and allocated cost',
  even: 'the same for every tenant of the month',
  none: 'not at all: it stays unallocated',
};

/** How every amount came about, in words that finance can check. */
export function methodSection(
  { policy, tenantTag, revenue, usageTypes }: Method,
  { coverage, source }: CostReport,
): Html {
  // The sample's requests are nobody's calls.
  // Its credits, refunds and tax come by service alone.
  const treated = { ...TREATED, ...(source === 'ce' ? { follow: FOLLOW_SERVICE } : {}) };
  const drift = source === 'sample' ? null : coverage.meteringDrift;
  return html`<section aria-labelledby="h-method"><h2 id="h-method">How it was done</h2><div class="method">
<div><h3>Direct</h3><p>What is tagged <code>${tenantTag}</code> with a tenant’s id is that tenant’s, whole.</p></div>
<div><h3>Allocated</h3><p>What tenants share is split by what each of them used in the month, service by service: <code>share = cost × own use ÷ everybody’s use</code>. The drivers:</p><ul>${Object.entries(policy.drivers).map(([service, rule]) => html`<li>${service}: ${ruleText(rule)}</li>`)}</ul>${usageTypes ? null : html`<p>The bill named no usage types: of rules by usage type, the one for the rest was applied to all.</p>`}</div>
<div><h3>Overhead</h3><p>What follows no use is shared ${OVERHEAD[policy.overhead]}.</p></div>
<div><h3>What is not usage</h3><p>Credits ${treated[policy.credits]}. Refunds ${treated[policy.refunds]}. Tax lines ${treated[policy.tax]}. Support fees ${TREATED[policy.support]}.</p></div>
<div><h3>Unallocated</h3><p>What is tagged with no tenant’s id, and what is split by a use that nobody had, is shown by itself rather than spread.</p></div>
<div><h3>Rounding</h3><p>Every amount is a whole number of the bill’s finest unit, and pools are split exactly; only cents are rounded, once, by the largest remainder, so that rows and columns add up to the bill.</p></div>
${revenue === null ? null : html`<div><h3>Margin</h3><p>Revenue from ${revenue}, net of tax and refunds, less its fees, less cost.</p></div>`}
${drift === null ? null : html`<div><h3>Metering</h3><p>Of the API that tenants share, ${drift.metered} calls were metered, and ${drift.billed} requests were billed${drift.percent === null ? '' : `: ${drift.percent} % apart`}.</p></div>`}
</div></section>`;
}

const driverText = (driver: Driver): string =>
  typeof driver === 'string' ? driver : driver.join(' or else ');

function ruleText(rule: Policy['drivers'][string]): string {
  if (typeof rule === 'string') return rule;
  if (Array.isArray(rule)) return driverText(rule as readonly string[]);
  return Object.entries(rule as Readonly<Record<string, Driver>>)
    .map(([part, driver]) => `${part === '*' ? 'the rest' : part} by ${driverText(driver)}`)
    .join(', ');
}
