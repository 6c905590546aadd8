import {
  CloudFormationClient,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeStackDriftDetectionStatusCommand,
  DescribeStackEventsCommand,
  DescribeStackResourceDriftsCommand,
  DescribeStacksCommand,
  DetectStackDriftCommand,
  ExecuteChangeSetCommand,
  GetTemplateCommand,
  ListStackResourcesCommand,
  type StackEvent as SdkEvent,
  type Stack,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import type { StackEvent, StackState, Stacks } from '../../core/deploy/ports.ts';
import { SaasctlError } from '../../core/errors.ts';
import { planChanges, readTemplate } from './change-set.ts';
import { type CloudSettings, clientOptions, traced } from './client.ts';
import { retainedIn } from './deployed-template.ts';
import { isNoStack, stackError } from './stack-errors.ts';
import { isToldElsewhere, validationErrors } from './validation.ts';

const DRIFT_POLLS = 200;

/**
 * CloudFormation through its SDK. `pause` (ms) waits between looks at what CloudFormation prepares; `account` gives the
 * caller's account.
 */
export function openStacks(
  settings: CloudSettings,
  pause: (ms: number) => Promise<void>,
  account: () => Promise<string>,
): Stacks & { close(): void } {
  const client = traced(new CloudFormationClient(clientOptions(settings)), 'cloudformation', settings);

  async function asked<T>(action: string, doing: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw stackError(error, action, doing);
    }
  }

  /** Every page of a list. */
  async function* paged<P extends { NextToken?: string | undefined }>(
    action: string,
    doing: string,
    ask: (token: { NextToken?: string }) => Promise<P>,
  ): AsyncGenerator<P> {
    let next: { NextToken?: string } = {};
    for (;;) {
      const page = await asked(action, doing, () => ask(next));
      yield page;
      if (page.NextToken === undefined) return;
      next = { NextToken: page.NextToken };
    }
  }

  const eventPages = (stack: string) =>
    paged('DescribeStackEvents', `read the events of ${stack}`, (page) =>
      client.send(new DescribeStackEventsCommand({ StackName: stack, ...page })),
    );

  /** Of an operation: what failed CloudFormation's checks comes before the event that only says that something did. */
  async function explained(stack: string, events: StackEvent[], token?: string): Promise<StackEvent[]> {
    const at = token === undefined ? -1 : events.findIndex(({ reason }) => isToldElsewhere(reason));
    if (at === -1) return events;
    const errors = await validationErrors(client, { StackName: stack });
    return [...events.slice(0, at), ...errors, ...events.slice(at)];
  }

  return {
    async describe(name) {
      try {
        const { Stacks: [found] = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
        // A web page is valid XML to the SDK: no stack at all is not CloudFormation's answer.
        if (found === undefined) throw new SyntaxError('no stack in the answer');
        return found.StackStatus === 'DELETE_COMPLETE' ? null : stateOf(found);
      } catch (error) {
        if (isNoStack(error)) return null;
        throw stackError(error, 'DescribeStacks', `look at the stack ${name}`);
      }
    },
    async list(prefix) {
      const states: StackState[] = [];
      const pages = paged('DescribeStacks', 'list the stacks', (page) =>
        client.send(new DescribeStacksCommand(page)),
      );
      for await (const { Stacks: found = [] } of pages) {
        const living = found.filter(
          ({ StackName = '', StackStatus }) =>
            StackName.startsWith(prefix) && StackStatus !== 'DELETE_COMPLETE',
        );
        states.push(...living.map(stateOf));
      }
      return states;
    },
    template: (body) => readTemplate(client, body),
    plan: (request) => planChanges(client, request, pause, account),
    async discard(stack, changeSet) {
      try {
        await client.send(new DeleteChangeSetCommand({ StackName: stack, ChangeSetName: changeSet }));
      } catch (error) {
        if (isNoStack(error) || (error as Error).name === 'ChangeSetNotFoundException') return;
        throw stackError(error, 'DeleteChangeSet', `take back the planned change of ${stack}`);
      }
    },
    async execute(stack, changeSet, token) {
      await asked('ExecuteChangeSet', `change ${stack}`, () =>
        client.send(
          new ExecuteChangeSetCommand({
            StackName: stack,
            ChangeSetName: changeSet,
            ClientRequestToken: token,
            // A failed change goes back to what ran before.
            DisableRollback: false,
          }),
        ),
      );
    },
    async events(stack, after, token) {
      // Newest first, as CloudFormation has them.
      const events: StackEvent[] = [];
      for await (const { StackEvents = [] } of eventPages(stack)) {
        for (const event of StackEvents) {
          const isOther = token !== undefined && event.ClientRequestToken !== token;
          if (isOther || event.EventId === after) return explained(stack, events.reverse(), token);
          events.push(eventOf(event));
        }
      }
      return explained(stack, events.reverse(), token);
    },
    async operation(stack) {
      for await (const { StackEvents = [] } of eventPages(stack)) {
        return StackEvents[0]?.ClientRequestToken ?? null;
      }
      return null;
    },
    async remove(stack, token, retain = []) {
      const command = new DeleteStackCommand({
        StackName: stack,
        ClientRequestToken: token,
        ...(retain.length === 0 ? {} : { RetainResources: [...retain] }),
      });
      await client.send(command).catch((error: unknown) => {
        throw /TerminationProtection/.test((error as Error).message)
          ? stackProtected(stack, error)
          : stackError(error, 'DeleteStack', `delete ${stack}`);
      });
    },
    async resources(stack) {
      const resources: Awaited<ReturnType<Stacks['resources']>> = [];
      const pages = paged('ListStackResources', `list what ${stack} is made of`, (page) =>
        client.send(new ListStackResourcesCommand({ StackName: stack, ...page })),
      );
      for await (const { StackResourceSummaries = [] } of pages) {
        for (const {
          LogicalResourceId,
          PhysicalResourceId,
          ResourceType,
          ResourceStatus,
        } of StackResourceSummaries) {
          resources.push({
            logicalId: LogicalResourceId ?? '',
            physicalId: PhysicalResourceId ?? '',
            type: ResourceType ?? '',
            status: ResourceStatus ?? '',
          });
        }
      }
      return resources;
    },
    async retained(stack) {
      const { TemplateBody = '' } = await asked('GetTemplate', `read the template of ${stack}`, () =>
        // As CloudFormation runs it: without transforms the same as the original.
        client.send(new GetTemplateCommand({ StackName: stack, TemplateStage: 'Processed' })),
      );
      return retainedIn(TemplateBody);
    },
    async drift(stack) {
      const doing = `look for drift in ${stack}`;
      const { StackDriftDetectionId } = await asked('DetectStackDrift', doing, () =>
        client.send(new DetectStackDriftCommand({ StackName: stack })),
      );
      for (let polls = 1; ; polls++) {
        const { DetectionStatus } = await asked('DescribeStackDriftDetectionStatus', doing, () =>
          client.send(new DescribeStackDriftDetectionStatusCommand({ StackDriftDetectionId })),
        );
        // It fails where single resources cannot be read; the others have their answers all the same.
        if (DetectionStatus !== 'DETECTION_IN_PROGRESS') break;
        if (polls === DRIFT_POLLS) throw driftTimeout(stack);
        await pause(Math.min(5_000, 1_000 * polls));
      }
      const drifts: Awaited<ReturnType<Stacks['drift']>> = [];
      const pages = paged('DescribeStackResourceDrifts', doing, (page) =>
        client.send(new DescribeStackResourceDriftsCommand({ StackName: stack, ...page })),
      );
      for await (const { StackResourceDrifts = [] } of pages) {
        for (const { LogicalResourceId, ResourceType, StackResourceDriftStatus } of StackResourceDrifts) {
          drifts.push({
            logicalId: LogicalResourceId ?? '',
            type: ResourceType ?? '',
            drift: StackResourceDriftStatus ?? 'UNKNOWN',
          });
        }
      }
      return drifts;
    },
    async protect(stack, on) {
      await asked('UpdateTerminationProtection', `protect ${stack} against being deleted`, () =>
        client.send(
          new UpdateTerminationProtectionCommand({ StackName: stack, EnableTerminationProtection: on }),
        ),
      );
    },
    close: () => client.destroy(),
  };
}

function stateOf(stack: Stack): StackState {
  const {
    StackName = '',
    StackId = '',
    StackStatus = '',
    StackStatusReason,
    LastUpdatedTime,
    CreationTime,
  } = stack;
  return {
    name: StackName,
    id: StackId,
    status: StackStatus,
    reason: StackStatusReason || null,
    outputs: record(stack.Outputs, ({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
    parameters: record(stack.Parameters, ({ ParameterKey, ParameterValue }) => [
      ParameterKey,
      ParameterValue,
    ]),
    tags: record(stack.Tags, ({ Key, Value }) => [Key, Value]),
    updatedAt: (LastUpdatedTime ?? CreationTime)?.toISOString() ?? null,
  };
}

const record = <T>(
  items: readonly T[] | undefined,
  entry: (item: T) => [string | undefined, string | undefined],
): Record<string, string> =>
  Object.fromEntries((items ?? []).map(entry).map(([name = '', value = '']) => [name, value]));

const eventOf = (event: SdkEvent): StackEvent => ({
  id: event.EventId ?? '',
  at: event.Timestamp?.toISOString() ?? '',
  logicalId: event.LogicalResourceId ?? '',
  type: event.ResourceType ?? '',
  status: event.ResourceStatus ?? '',
  reason: event.ResourceStatusReason || null,
});

/** Protection that somebody else has switched on. */
const stackProtected = (stack: string, cause: unknown): SaasctlError =>
  new SaasctlError({
    code: 'stack_protected',
    category: 'conflict',
    message: `could not delete ${stack}: it is protected against being deleted by mistake`,
    hint: 'nothing of it was deleted',
    next: `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name ${stack}`,
    cause,
  });

const driftTimeout = (stack: string): SaasctlError =>
  new SaasctlError({
    code: 'drift_timeout',
    category: 'remote',
    message: `CloudFormation has been looking for drift in ${stack} for too long`,
    next: 'saasctl deploy status',
    retryable: true,
  });
