import type { Sink, SinkName } from '../core/billing/sink.ts';
import { SaasctlError } from '../core/errors.ts';

/** What the project file says of sinks. */
export interface SinkSettings {
  webhook: { name: string; url: string } | null;
  /** `file` is absolute. */
  csv: { file: string; name: string } | null;
  /** Of each metric. */
  units: Readonly<Record<string, string>>;
  /** Names us to receivers: the stack. */
  source: string;
  mode: 'live' | 'test';
}

/** What a sink is opened with besides, each asked for by the sink that needs it. */
export interface SinkAccess {
  stripe(): Promise<{ apiKey: string; url: string | null; mode: 'live' | 'test' }>;
  webhookSecret(): Promise<string | null>;
  now(): number;
  trace: ((line: string) => void) | null;
}

/** A sink by its name. Throws config errors (exit 2) where the project file or a secret is silent. */
export async function openSink(name: SinkName, settings: SinkSettings, access: SinkAccess): Promise<Sink> {
  const { mode, units, source, csv, webhook } = settings;
  const { now, trace } = access;
  if (name === 'stripe') {
    const { stripeSink } = await import('./stripe/sink.ts');
    return stripeSink({ ...(await access.stripe()), trace });
  }
  if (name === 'csv') {
    if (csv === null) throw notConfigured(name, '"billing": {"csv": {"file": "usage.csv"}}');
    const { csvSink } = await import('./csv-sink.ts');
    return csvSink({ ...csv, mode, units });
  }
  if (webhook === null) throw notConfigured(name, '"billing": {"webhook": {"url": "https://…"}}');
  const secret = await access.webhookSecret();
  if (secret === null) throw noSecret();
  const { webhookSink } = await import('./webhook-sink.ts');
  return webhookSink({ ...webhook, secret, mode, source, units, now });
}

const notConfigured = (name: SinkName, setting: string): SaasctlError =>
  new SaasctlError({
    code: 'sink_not_configured',
    category: 'config',
    message: `the project file says nothing of a ${name} sink`,
    hint: `add ${setting} to saasctl.json`,
    next: 'saasctl config show --origin',
  });

const noSecret = (): SaasctlError =>
  new SaasctlError({
    code: 'webhook_secret_missing',
    category: 'config',
    message: 'there is no secret to sign the webhook with',
    hint: 'SAASCTL_WEBHOOK_SECRET holds whsec_…, or SAASCTL_WEBHOOK_SECRET_FILE names a file with it that only you may read',
    next: 'export SAASCTL_WEBHOOK_SECRET_FILE=<file>',
  });
