import {
  type CloudFormationClient,
  CreateChangeSetCommand,
  DeleteChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  type DescribeChangeSetOutput,
  DescribeStacksCommand,
  GetTemplateSummaryCommand,
  type Parameter,
} from '@aws-sdk/client-cloudformation';
import { advice } from '../../core/deploy/failures.ts';
import type { PlanRequest, StackChange, Stacks, Template } from '../../core/deploy/ports.ts';
import { SaasctlError, usageError } from '../../core/errors.ts';
import { stackError } from './stack-errors.ts';
import { LARGEST_BODY, withNames, withoutComments } from './template-body.ts';
import { isToldElsewhere, validationErrors } from './validation.ts';

const HIDDEN = '****';
const LONGEST_POLLS = 60;

type Pause = (ms: number) => Promise<void>;

/** A body that a request takes. Throws `template_too_large` (category usage). */
function checkedBody(body: string): string {
  const size = Buffer.byteLength(body);
  if (size <= LARGEST_BODY) return body;
  throw usageError(
    'template_too_large',
    `the template is ${size} bytes long without its comments, and CloudFormation takes ${LARGEST_BODY}`,
    {
      hint: 'move a part of it into a stack of its own; nothing was changed',
      next: 'saasctl config show --origin',
    },
  );
}

/** What a template declares, as CloudFormation reads it. */
export async function readTemplate(client: CloudFormationClient, text: string): Promise<Template> {
  const body = withoutComments(text);
  const TemplateBody = checkedBody(body);
  try {
    const { Parameters = [] } = await client.send(new GetTemplateSummaryCommand({ TemplateBody }));
    const parameters = Parameters.map(({ ParameterKey = '', DefaultValue, NoEcho }) => ({
      name: ParameterKey,
      default: DefaultValue ?? null,
      noEcho: NoEcho === true,
    }));
    return { body, parameters };
  } catch (error) {
    throw stackError(error, 'GetTemplateSummary', 'read the template');
  }
}

/** Makes a change set and waits for it; one that would change nothing, or fails, is taken away again. */
export async function planChanges(
  client: CloudFormationClient,
  request: PlanRequest,
  pause: Pause,
  account: () => Promise<string>,
): ReturnType<Stacks['plan']> {
  const { stack, create, body, parameters, importExisting } = request;
  const text = withoutComments(body);
  const values = async () => ({
    ...parameters,
    'AWS::StackName': stack,
    'AWS::Region': await client.config.region(),
    'AWS::AccountId': await account(),
  });
  const sent = { ...request, body: importExisting ? withNames(text, await values()) : text };
  const id = await createChangeSet(client, sent);
  const made = await awaitChangeSet(client, stack, id, pause);
  if (made.Status === 'CREATE_COMPLETE') return { id, changes: await changesOf(client, made) };
  const reason = made.StatusReason ?? 'no reason was given';
  const [check] = isToldElsewhere(reason) ? await validationErrors(client, { ChangeSetName: id }) : [];
  await takeBack(client, stack, id, create);
  if (/didn't contain changes|No updates are to be performed/i.test(reason)) return 'unchanged';
  const isDenied = /not authorized to perform|access denied/i.test(reason);
  throw new SaasctlError({
    code: isDenied ? 'aws_denied' : 'plan_failed',
    category: isDenied ? 'auth' : 'config',
    message: `CloudFormation cannot plan the change of ${stack}: ${check === undefined ? reason : `${check.logicalId} (${check.type}): ${check.reason ?? reason}`}`,
    hint: `nothing was changed${advice(check?.reason ?? reason, check?.type ?? '')}`,
    next: 'saasctl doctor',
  });
}

async function createChangeSet(client: CloudFormationClient, request: PlanRequest): Promise<string> {
  const { stack, body, tags, create, importExisting, token } = request;
  const doing = `plan the change of ${stack}`;
  const command = new CreateChangeSetCommand({
    StackName: stack,
    ChangeSetName: token,
    ChangeSetType: create ? 'CREATE' : 'UPDATE',
    TemplateBody: checkedBody(body),
    Parameters: await parametersOf(client, request),
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    Capabilities: ['CAPABILITY_IAM'],
    IncludeNestedStacks: false,
    ImportExistingResources: importExisting,
  });
  const send = async (): Promise<string> => {
    const { Id } = await client.send(command);
    if (Id === undefined) throw new SyntaxError('no change set in the answer');
    return Id;
  };
  try {
    return await send();
  } catch (error) {
    if ((error as Error).name !== 'AlreadyExistsException') throw stackError(error, 'CreateChangeSet', doing);
  }
  // An earlier run left it, planned against a state that may have passed.
  try {
    await client.send(new DeleteChangeSetCommand({ StackName: stack, ChangeSetName: token }));
    return await send();
  } catch (error) {
    throw stackError(error, 'CreateChangeSet', doing);
  }
}

/** What is stated, and what only the stack knows as it was. */
async function parametersOf(
  client: CloudFormationClient,
  { stack, body, parameters, create }: PlanRequest,
): Promise<Parameter[]> {
  const stated = Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
    ParameterKey,
    ParameterValue,
  }));
  if (create) return stated;
  const found = await client.send(new DescribeStacksCommand({ StackName: stack })).catch((error: unknown) => {
    throw stackError(error, 'DescribeStacks', `look at ${stack}`);
  });
  const hidden = (found.Stacks?.[0]?.Parameters ?? []).filter(
    ({ ParameterKey = '', ParameterValue }) => ParameterValue === HIDDEN && !(ParameterKey in parameters),
  );
  if (hidden.length === 0) return stated;
  const declared = new Set((await readTemplate(client, body)).parameters.map(({ name }) => name));
  const kept = hidden
    .filter(({ ParameterKey = '' }) => declared.has(ParameterKey))
    .map(({ ParameterKey }) => ({ ParameterKey, UsePreviousValue: true }));
  return [...stated, ...kept];
}

async function awaitChangeSet(
  client: CloudFormationClient,
  stack: string,
  id: string,
  pause: Pause,
): Promise<DescribeChangeSetOutput> {
  for (let polls = 0; polls < LONGEST_POLLS; polls++) {
    const made = await client
      .send(new DescribeChangeSetCommand({ StackName: stack, ChangeSetName: id }))
      .catch((error: unknown) => {
        throw stackError(error, 'DescribeChangeSet', `read the planned change of ${stack}`);
      });
    if (made.Status === 'CREATE_COMPLETE' || made.Status === 'FAILED') return made;
    await pause(Math.min(5_000, 500 * (polls + 1)));
  }
  throw new SaasctlError({
    code: 'plan_timeout',
    category: 'remote',
    message: `CloudFormation has been planning the change of ${stack} for too long`,
    hint: 'nothing was changed; the same command plans anew',
  });
}

/** Every page of the changes, in CloudFormation’s order. */
async function changesOf(
  client: CloudFormationClient,
  first: DescribeChangeSetOutput,
): Promise<StackChange[]> {
  const changes: StackChange[] = [];
  let page = first;
  for (;;) {
    for (const { ResourceChange: change } of page.Changes ?? []) {
      if (change === undefined) continue;
      changes.push({
        action: change.Action as StackChange['action'],
        logicalId: change.LogicalResourceId ?? '',
        physicalId: change.PhysicalResourceId || null,
        type: change.ResourceType ?? '',
        replacement: change.Action === 'Modify' ? (change.Replacement ?? 'Conditional') : null,
      });
    }
    if (page.NextToken === undefined) return changes;
    const next = { StackName: first.StackName, ChangeSetName: first.ChangeSetId, NextToken: page.NextToken };
    page = await client.send(new DescribeChangeSetCommand(next)).catch((error: unknown) => {
      throw stackError(error, 'DescribeChangeSet', `read the planned change of ${first.StackName}`);
    });
  }
}

/** A change set that came to nothing, and the empty stack that it made, as well as they can be. */
async function takeBack(
  client: CloudFormationClient,
  stack: string,
  id: string,
  create: boolean,
): Promise<void> {
  const ignore = (): void => {};
  await client.send(new DeleteChangeSetCommand({ StackName: stack, ChangeSetName: id })).catch(ignore);
  if (!create) return;
  const found = await client.send(new DescribeStacksCommand({ StackName: stack })).catch(ignore);
  const empty = found?.Stacks?.[0];
  if (empty?.StackStatus !== 'REVIEW_IN_PROGRESS') return;
  await client.send(new DeleteStackCommand({ StackName: empty.StackId })).catch(ignore);
}
