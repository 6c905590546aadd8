// The deploy engine on an account that remembers, with a template of a table and a function.
import type { StackChange, StackEvent } from '../../../src/core/deploy/ports.ts';
import {
  type DeployHooks,
  type DeployQuestion,
  type DeployRequest,
  deployStack,
} from '../../../src/core/deploy/run.ts';
import { type FakeCloud, fakeCloud } from '../../fixtures/cloud.ts';

export interface Shape {
  table?: string | null;
  memory?: number;
  bucket?: string;
  queue?: boolean;
  /** The deletion policy of table and bucket; `null`: none. */
  policy?: string | null;
}

/** A template of what a test needs; DeletionProtection as in the shipped one. */
export function template({
  table = 'prod-gates',
  memory = 128,
  bucket,
  queue = false,
  policy = 'RetainExceptOnCreate',
}: Shape = {}): string {
  const keep = policy === null ? {} : { DeletionPolicy: policy, UpdateReplacePolicy: 'Retain' };
  return JSON.stringify({
    Parameters: { DeletionProtection: { Type: 'String', Default: 'false' } },
    Resources: {
      ...(table === null
        ? {}
        : {
            GatesTable: {
              Type: 'AWS::DynamoDB::Table',
              ...keep,
              Properties: { TableName: table, DeletionProtectionEnabled: { Ref: 'DeletionProtection' } },
            },
          }),
      ...(bucket === undefined
        ? {}
        : { FilesBucket: { Type: 'AWS::S3::Bucket', ...keep, Properties: { BucketName: bucket } } }),
      ...(queue ? { Dead: { Type: 'AWS::SQS::Queue', Properties: {} } } : {}),
      Authorizer: { Type: 'AWS::Lambda::Function', Properties: { MemorySize: memory } },
    },
    Outputs: { GatesTable: { Value: { Ref: 'Authorizer' } } },
  });
}

export const REQUEST: DeployRequest = {
  name: 'prod',
  kind: 'core',
  body: template(),
  parameters: { DeletionProtection: 'true' },
  tags: { 'saasctl-stack': 'prod', 'saasctl-version': '1.2.0' },
  allowReplace: false,
  dryRun: false,
  importExisting: true,
};

/** Somebody at the keyboard, who agrees unless told otherwise, and everything that was shown. */
export function person(cloud: FakeCloud) {
  const stop = new AbortController();
  const seen = {
    changes: [] as StackChange[][],
    events: [] as StackEvent[],
    questions: [] as DeployQuestion[],
    notes: [] as string[],
  };
  const hooks: DeployHooks = {
    onChanges: (changes) => {
      seen.changes.push([...changes]);
    },
    onEvent: (event) => {
      seen.events.push(event);
    },
    onNote: (text) => {
      seen.notes.push(text);
    },
    confirm: async (question) => {
      seen.questions.push(question);
    },
    pause: cloud.pause,
    now: cloud.now,
    signal: stop.signal,
  };
  return { hooks, seen, interrupt: () => stop.abort() };
}

/** One run of the command, from its start to its end. */
export function deploy(
  cloud: FakeCloud,
  over: Partial<DeployRequest> = {},
  hooks: Partial<DeployHooks> = {},
) {
  const { hooks: usual } = person(cloud);
  return deployStack(cloud, { ...REQUEST, ...over }, { ...usual, ...hooks });
}

/** An account in which `prod` has been deployed. */
export async function deployed(): Promise<FakeCloud> {
  const cloud = fakeCloud();
  await deploy(cloud);
  cloud.calls.length = 0;
  return cloud;
}
