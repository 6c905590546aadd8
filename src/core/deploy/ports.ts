/** The stacks of a profile, by what they hold. */
export type StackKind = 'bootstrap' | 'core' | 'service' | 'guardrails' | 'silo';

/** A stack as CloudFormation describes it. `updatedAt` is ISO-8601 UTC: the last update, else the creation. */
export interface StackState {
  name: string;
  /** The stack's ARN: unlike the name, it still finds a stack that has been deleted. */
  id: string;
  status: string;
  reason: string | null;
  outputs: Record<string, string>;
  parameters: Record<string, string>;
  tags: Record<string, string>;
  updatedAt: string | null;
}

/** One line of a change set. `replacement` is null for what is added, removed or imported. */
export interface StackChange {
  action: 'Add' | 'Modify' | 'Remove' | 'Import' | 'Dynamic';
  logicalId: string;
  physicalId: string | null;
  type: string;
  replacement: 'True' | 'False' | 'Conditional' | null;
}

/** One event of a stack; `at` is ISO-8601 UTC. */
export interface StackEvent {
  id: string;
  at: string;
  logicalId: string;
  type: string;
  status: string;
  reason: string | null;
}

/** A template and the parameters that it declares. */
export interface Template {
  body: string;
  parameters: readonly { name: string; default: string | null; noEcho: boolean }[];
}

/** What a change set is made of. */
export interface PlanRequest {
  stack: string;
  body: string;
  parameters: Record<string, string>;
  tags: Record<string, string>;
  /** True for a stack that is not there yet. */
  create: boolean;
  /** Named resources that an earlier stack retained are taken in instead of failing with "already exists". */
  importExisting: boolean;
  /** Names the change set. One of that name, left over from an earlier run, is replaced. */
  token: string;
}

/**
 * CloudFormation, as the deploy engine needs it. A stack is named by its name or its ARN. Every method throws a
 * `SaasctlError`: `retryable` where the same call may succeed later (throttled, unreachable), and category `auth`,
 * naming the action, where access is denied.
 */
export interface Stacks {
  /** `null` where there is none, or where it has been deleted. */
  describe(name: string): Promise<StackState | null>;
  /** Stacks that live and whose names begin so. */
  list(prefix: string): Promise<StackState[]>;
  /** What a template declares. */
  template(body: string): Promise<Template>;
  plan(request: PlanRequest): Promise<{ id: string; changes: StackChange[] } | 'unchanged'>;
  discard(stack: string, changeSet: string): Promise<void>;
  execute(stack: string, changeSet: string, token: string): Promise<void>;
  /**
   * The events after the one named, oldest first; all of them for null. With a client request token: those of that
   * operation, as long as it is the newest.
   */
  events(stack: string, after: string | null, token?: string): Promise<StackEvent[]>;
  /** The client request token of the newest operation on the stack. */
  operation(stack: string): Promise<string | null>;
  /** Deletes the stack, or what is left of one; `retain` names resources to leave (after DELETE_FAILED only). */
  remove(stack: string, token: string, retain?: readonly string[]): Promise<void>;
  /** Of a deleted stack, too, by its ARN: `DELETE_SKIPPED` is what it left behind. */
  resources(
    stack: string,
  ): Promise<{ logicalId: string; physicalId: string; type: string; status: string }[]>;
  /** The resources that outlive the stack, by the deletion policies of the template that is deployed. */
  retained(stack: string): Promise<ReadonlySet<string>>;
  drift(stack: string): Promise<{ logicalId: string; type: string; drift: string }[]>;
  /** Termination protection. */
  protect(stack: string, on: boolean): Promise<void>;
}

/** Where the code's zips lie, by the hash of their bytes: a key that is there is never written again. */
export interface CodeBucket {
  put(bucket: string, key: string, bytes: Uint8Array): Promise<'uploaded' | 'present'>;
}

/** The caller and the account; concurrency counts Lambda sandboxes. */
export interface CloudAccount {
  account: string;
  arn: string;
  concurrency(): Promise<{ limit: number; unreserved: number }>;
}

/** SSM parameters of the type SecureString. Values go in; none ever comes out. */
export interface SecretParameters {
  putOnce(name: string, value: string): Promise<'made' | 'kept'>;
  put(name: string, value: string): Promise<void>;
  exists(name: string): Promise<boolean>;
}

/** The AWS account that a profile deploys to. */
export interface Cloud {
  stacks: Stacks;
  code: CodeBucket;
  account(): Promise<CloudAccount>;
  secrets: SecretParameters;
  close(): Promise<void>;
}
