import { Option } from 'commander';
import type { Config } from '../../config/load.ts';
import { findPlan } from '../../core/plans.ts';
import { parseLimit } from '../../core/tenants/limits.ts';
import type { TenantInput } from '../../core/tenants/mutations.ts';
import { checkStripeCustomer, checkTenantName } from '../../core/tenants/tenant.ts';
import { parseDay } from '../../core/time.ts';
import { collect } from '../define.ts';

export interface TenantOptions {
  plan?: string;
  name?: string;
  stripeCustomer?: string;
  createCustomer?: boolean;
  billFrom?: string;
  limit?: string[];
}

export const planOption = () => new Option('--plan <plan>', 'a plan of the project file');
export const nameOption = () => new Option('--name <name>', 'display name');
export const stripeCustomerOption = () =>
  new Option('--stripe-customer <id>', 'the Stripe customer to bill, cus_…');
export const createCustomerOption = () =>
  new Option(
    '--create-customer',
    'make a Stripe customer of this tenant, or find the one made before',
  ).conflicts('stripeCustomer');
export const billFromOption = () =>
  new Option('--bill-from <day>', 'the first UTC day to bill, yyyy-mm-dd; today when the customer is new');
export const limitOption = () =>
  new Option(
    '--limit <k=n>',
    'a limit of the tenant’s own: k=N, k=unlimited or k=plan; repeatable',
  ).argParser(collect);

/** The flags, checked. */
export function tenantInput(options: TenantOptions, { project }: Config, now: number): TenantInput {
  return {
    name: options.name === undefined ? undefined : checkTenantName(options.name),
    plan: options.plan === undefined ? undefined : findPlan(project.plans, options.plan),
    stripeCustomerId:
      options.stripeCustomer === undefined ? undefined : checkStripeCustomer(options.stripeCustomer),
    billFrom: options.billFrom === undefined ? undefined : parseDay(options.billFrom, now, '--bill-from'),
    limits: options.limit?.map(parseLimit),
  };
}
