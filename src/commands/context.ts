import type { Command } from 'commander';
import type { Config } from '../config/load.ts';
import type { LedgerStore } from '../core/billing/ports.ts';
import type { Sink, SinkName } from '../core/billing/sink.ts';
import type { StripeAccount } from '../core/billing/stripe-account.ts';
import type { RevenueSource } from '../core/cost/revenue.ts';
import type { TagSource } from '../core/cost/tags.ts';
import type { Census, CostSource, MeterCache } from '../core/cost/types.ts';
import type { Cloud, StackKind } from '../core/deploy/ports.ts';
import type { ControlStore, ProjectFiles, SecretFile, SelfProcess } from '../core/ports.ts';
import type { Named } from '../ui/error.ts';
import type { Io } from '../ui/io.ts';
import type { Format } from '../ui/output.ts';
import type { Paint } from '../ui/paint.ts';
import type { Result } from '../ui/result.ts';

/** What the outside world is, for the tool: made in `deps.ts`, replaced in tests. Nothing is opened until asked for. */
export interface Deps {
  io: Io;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  home: string;
  version: string;
  /** Epoch milliseconds. */
  now(): number;
  /** Lets so many milliseconds pass. */
  pause(ms: number): Promise<void>;
  /** Aborted by SIGINT and SIGTERM. */
  signal: AbortSignal;
  openBackend(config: Config, trace: Trace | null): Promise<Backend>;
  openBilling(config: Config, trace: Trace | null): Billing;
  /** `say`: a line for people while they wait. */
  openCost(config: Config, trace: Trace | null, say: (text: string) => void): Promise<CostWorld>;
  /** Refuses the profile `local` (exit 2), and another account or region than the profile's (exit 4, 2). */
  openCloud(config: Config, trace: Trace | null): Promise<Cloud>;
  artifacts: Artifacts;
  /** Who the credentials are of, and the region they are set up for; `null` for either: as the SDK finds it. */
  identify(region: string | null, awsProfile: string | null): Promise<Identity>;
  /** The cost model that ships with the tool, as JSON. */
  costModel(): Promise<string>;
  secretFile(path: string): SecretFile;
  files: ProjectFiles;
  startHttpApi(
    config: Config,
    backend: Backend,
    options: HttpApiOptions,
  ): Promise<{ url: string; close(): Promise<void> }>;
  /** The project file that would be used, or `null` where there is none. */
  projectFile(): Promise<string | null>;
  /** Runs this tool again as a process of its own: shown as it runs, or its stdout handed over as it comes. */
  runSelf(args: readonly string[], output: 'show' | ((text: string) => void)): Promise<SelfProcess>;
  /** A GET. */
  http(url: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  /** What `doctor` looks at. */
  host(): Promise<HostFacts>;
}

export type Trace = (line: string) => void;

export interface Backend {
  store: ControlStore;
  ledger(): Promise<LedgerStore>;
  /** All tenants and their usage at once, for cost. */
  census(): Promise<Census>;
  /** Who is calling: an ARN on AWS, `user@host` on the embedded engine. */
  actor: string;
  /** Where DynamoDB answers; `null`: AWS. */
  endpoint: string | null;
  /** This machine's clock less AWS's, ms; `null` where there is nothing to compare it with. */
  clockSkewMs: number | null;
  /** The credentials in use, as environment variables for the functions that `dev` runs. */
  credentials(): Promise<Record<string, string>>;
  close(): Promise<void>;
}

/** Where usage is billed, as the profile says; opened at its first use. Throws where a secret is missing (exit 2). */
export interface Billing {
  sink(name: SinkName): Promise<Sink>;
  stripe(): Promise<StripeAccount>;
  /** Where the profile's stand-in for Stripe answers until the command ends; `null`: the profile bills at Stripe. */
  standIn(): Promise<string | null>;
  close(): Promise<void>;
}

/** Where bills, revenue and tags come from, each opened at its first use. */
export interface CostWorld {
  /** `source` is `ce`, `sample` or `focus:<path>`, the path absolute. */
  bills(wanted: BillSource): Promise<CostSource>;
  /** `customers`: Stripe customer → tenant id. `null`: there is no Stripe key, or the profile has the stand-in. */
  revenue(customers: ReadonlyMap<string, string>, fresh: boolean): Promise<RevenueSource | null>;
  /** What was metered of the profile's stack in months gone by. */
  meters(): Promise<MeterCache>;
  tags(): Promise<TagSource>;
  close(): Promise<void>;
}

/** What is deployed: from the package, or where `own` is a path, the project's own. Throws config errors (exit 2). */
export interface Artifacts {
  template(kind: StackKind, own: string | null): Promise<string>;
  /** A function's zip, under a key made of what it is and the hash of its bytes. */
  zip(what: CodeName, own: string | null): Promise<Zip>;
}

export type CodeName = 'authorizer' | 'billing-sync' | 'service';
export interface Zip {
  key: string;
  bytes: Uint8Array;
}

export interface Identity {
  account: string;
  arn: string;
  region: string;
}

export interface BillSource {
  source: string;
  tenantTag: string;
  /** Ids of tenants that live, for the sample. */
  tenantIds: readonly string[];
  /** Requests that a run may pay for; `null`: as many as the source thinks right. */
  maxRequests: number | null;
}

export interface HttpApiOptions {
  port: number;
  handlerFile: string | null;
  mode: 'authorizer' | 'inline';
  log(line: string): void;
}

export interface HttpAnswer {
  status: number;
  retryAfter: string | null;
}

export interface HostFacts {
  node: string;
  platform: string;
  engine: { path: string; version: string } | { missing: string };
}

export interface Globals {
  format: Format;
  query: string | undefined;
  yes: boolean;
  confirm: string | undefined;
  quiet: boolean;
  debug: boolean;
  /** What is to be typed next needs these too. */
  named: Named;
}

/** One command's world: its flags, and what it may reach, each opened at its first use and closed by `run`. */
export interface Context {
  io: Io;
  paint: Paint;
  globals: Globals;
  deps: Deps;
  requestId: string;
  now(): number;
  config(): Promise<Config>;
  backend(): Promise<Backend>;
  store(): Promise<ControlStore>;
  sink(name: SinkName): Promise<Sink>;
  stripe(): Promise<StripeAccount>;
  standIn(): Promise<string | null>;
  cost(): Promise<CostWorld>;
  cloud(): Promise<Cloud>;
  print<T>(result: Result<T>): Promise<void>;
  /** A line for people, on stderr; nothing with `--quiet` or where JSON is read. */
  note(text: string): void;
  /** Runs what must not be left half-done: an interrupt waits for its end. Throws where one came before. */
  uninterrupted<T>(work: () => Promise<T>): Promise<T>;
  /** For a command that serves: SIGINT and SIGTERM then end it, and it ends well. */
  untilStopped(): Promise<void>;
}

/** What a command file needs to register itself. */
export interface Host {
  /** Throws a usage error for a wrong `--query`, before anything is done. */
  context(command: Command): Promise<Context>;
}
