import type { Driver, DriverRules, Policy } from './types.ts';

const STORAGE = 'byte_hours';

/** What AWS charges for, and what it follows. Services that are not here are overhead. */
export const DEFAULT_DRIVERS: DriverRules = {
  'Amazon DynamoDB': {
    TimedStorage: STORAGE,
    TimedPITRStorage: STORAGE,
    TimedBackupStorage: STORAGE,
    Write: 'write_units',
    '*': 'requests',
  },
  'AWS Lambda': { Request: 'requests', '*': 'compute_seconds' },
  'Amazon API Gateway': 'requests',
  AmazonCloudWatch: 'requests',
  'Amazon Simple Storage Service': { Request: 'requests', DataTransfer: 'requests', '*': STORAGE },
  'Amazon Simple Queue Service': 'requests',
  'Amazon Simple Notification Service': 'requests',
  'Amazon EventBridge': 'requests',
  'AWS Step Functions': 'requests',
  'AWS X-Ray': 'requests',
  'Amazon CloudFront': 'requests',
  'AWS Data Transfer': 'requests',
};

export const DEFAULT_POLICY: Policy = {
  drivers: DEFAULT_DRIVERS,
  overhead: 'proportional',
  credits: 'follow',
  refunds: 'follow',
  tax: 'overhead',
  support: 'overhead',
};

/** The name that a service has on different bills: `AmazonCloudWatch`, `Amazon CloudWatch`, `CloudWatch`. */
const canonical = (service: string): string =>
  service
    .toLowerCase()
    .replace(/^(amazon|aws)/, '')
    .replace(/[^a-z0-9]/g, '');

/** Which drivers split a service's cost, in order of preference; built once for many lines. */
export function driverFinder(
  rules: DriverRules,
): (service: string | null, usageType: string | null) => readonly string[] {
  const own = new Map(Object.entries(rules).map(([service, rule]) => [canonical(service), rule]));
  const defaults = new Map(Object.entries(DEFAULT_DRIVERS).map(([name, rule]) => [canonical(name), rule]));
  return (service, usageType) => {
    if (service === null) return ['overhead'];
    const name = canonical(service);
    const rule = own.get(name) ?? defaults.get(name) ?? own.get('') ?? 'overhead';
    return listed(typeof rule === 'string' || isList(rule) ? rule : ofUsageType(rule, usageType));
  };
}

/** What is left of rules where no line has a usage type. */
export const withoutUsageTypes = (rules: DriverRules): DriverRules =>
  Object.fromEntries(
    Object.entries(rules).map(([service, rule]) => [
      service,
      typeof rule === 'string' || isList(rule) ? rule : ofUsageType(rule, null),
    ]),
  );

/** The longest part that the usage type contains says most. */
function ofUsageType(parts: Readonly<Record<string, Driver>>, usageType: string | null): Driver {
  const [found] = Object.keys(parts)
    .filter((part) => part !== '*' && usageType !== null && usageType.includes(part))
    .sort((a, b) => b.length - a.length);
  return parts[found ?? '*'] ?? 'overhead';
}

const isList = (rule: unknown): rule is readonly string[] => Array.isArray(rule);
const listed = (driver: Driver): readonly string[] => (isList(driver) ? driver : [driver]);
