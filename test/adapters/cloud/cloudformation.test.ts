import { afterEach, describe, expect, it } from 'vitest';
import { openStacks } from '../../../src/adapters/cloud/cloudformation.ts';
import type { PlanRequest, Stacks } from '../../../src/core/deploy/ports.ts';
import { type Answered, awsServer, type Script, xml, xmlError } from './aws.ts';

const closers: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function stacksOn(script: Script) {
  const server = await awsServer(script);
  const stacks = openStacks(
    server.settings,
    async () => {},
    async () => '123456789012',
  );
  closers.push(server.close, stacks.close);
  return { stacks, server };
}

const ARN = 'arn:aws:cloudformation:eu-central-1:123456789012:stack/prod/1';
const SET = 'arn:aws:cloudformation:eu-central-1:123456789012:changeSet/saasctl-1/2';
const PLAN: PlanRequest = {
  stack: 'prod',
  body: '{"Resources":{}}',
  parameters: { Stack: 'prod' },
  tags: { 'saasctl-stack': 'prod' },
  create: true,
  importExisting: true,
  token: 'saasctl-1',
};
const member = (inside: string): string => `<member>${inside}</member>`;
const stack = (status: string, more = ''): string =>
  member(
    `<StackName>prod</StackName><StackId>${ARN}</StackId><StackStatus>${status}</StackStatus><CreationTime>2026-11-22T10:00:00.000Z</CreationTime>${more}`,
  );
const changeSet = (status: string, more = ''): Answered =>
  xml(
    'DescribeChangeSet',
    `<ChangeSetId>${SET}</ChangeSetId><StackName>prod</StackName><Status>${status}</Status>${more}`,
  );
const made = xml('CreateChangeSet', `<Id>${SET}</Id><StackId>${ARN}</StackId>`);
const change = (id: string, more: string): string =>
  member(
    `<Type>Resource</Type><ResourceChange><LogicalResourceId>${id}</LogicalResourceId><ResourceType>AWS::DynamoDB::Table</ResourceType>${more}</ResourceChange>`,
  );

describe('a stack', () => {
  it('is described with what it says of itself', async () => {
    const { stacks } = await stacksOn(() =>
      xml(
        'DescribeStacks',
        `<Stacks>${stack(
          'UPDATE_COMPLETE',
          `<LastUpdatedTime>2026-11-22T11:00:00.000Z</LastUpdatedTime>
           <Outputs>${member('<OutputKey>ApiUrl</OutputKey><OutputValue>https://a</OutputValue>')}</Outputs>
           <Parameters>${member('<ParameterKey>Stack</ParameterKey><ParameterValue>prod</ParameterValue>')}</Parameters>
           <Tags>${member('<Key>saasctl-stack</Key><Value>prod</Value>')}</Tags>`,
        )}</Stacks>`,
      ),
    );
    expect(await stacks.describe('prod')).toEqual({
      name: 'prod',
      id: ARN,
      status: 'UPDATE_COMPLETE',
      reason: null,
      outputs: { ApiUrl: 'https://a' },
      parameters: { Stack: 'prod' },
      tags: { 'saasctl-stack': 'prod' },
      updatedAt: '2026-11-22T11:00:00.000Z',
    });
  });

  it('retains what the template that is deployed says', async () => {
    const body = 'Resources:\n  Orders:\n    Type: AWS::DynamoDB::Table\n    DeletionPolicy: Retain\n';
    const { stacks, server } = await stacksOn(() =>
      xml('GetTemplate', `<TemplateBody>${body}</TemplateBody>`),
    );
    expect(await stacks.retained(ARN)).toEqual(new Set(['Orders']));
    expect(server.asked[0]?.form.get('StackName')).toBe(ARN);
  });

  it.each([
    ['that is not there', xmlError('ValidationError', 'Stack with id prod does not exist')],
    ['that was deleted', xml('DescribeStacks', `<Stacks>${stack('DELETE_COMPLETE')}</Stacks>`)],
  ])('%s is null', async (_, answer) => {
    const { stacks } = await stacksOn(() => answer);
    expect(await stacks.describe('prod')).toBeNull();
  });
});

describe('a change set', () => {
  it('is made, waited for, and read page by page', async () => {
    const { stacks, server } = await stacksOn(({ action, form }, number) => {
      if (action === 'CreateChangeSet') return made;
      if (number === 1) return changeSet('CREATE_IN_PROGRESS');
      if (form.get('NextToken') === null)
        return changeSet(
          'CREATE_COMPLETE',
          `<Changes>${change('A', '<Action>Add</Action>')}</Changes><NextToken>2</NextToken>`,
        );
      return changeSet(
        'CREATE_COMPLETE',
        `<Changes>${change('B', '<Action>Modify</Action><Replacement>Conditional</Replacement><PhysicalResourceId>b</PhysicalResourceId>')}${change('C', '<Action>Modify</Action>')}</Changes>`,
      );
    });
    expect(await stacks.plan(PLAN)).toEqual({
      id: SET,
      changes: [
        { action: 'Add', logicalId: 'A', physicalId: null, type: 'AWS::DynamoDB::Table', replacement: null },
        {
          action: 'Modify',
          logicalId: 'B',
          physicalId: 'b',
          type: 'AWS::DynamoDB::Table',
          replacement: 'Conditional',
        },
        // Nothing said is nothing known.
        {
          action: 'Modify',
          logicalId: 'C',
          physicalId: null,
          type: 'AWS::DynamoDB::Table',
          replacement: 'Conditional',
        },
      ],
    });
    expect(Object.fromEntries(server.asked[0]?.form ?? [])).toMatchObject({
      ChangeSetName: 'saasctl-1',
      ChangeSetType: 'CREATE',
      ImportExistingResources: 'true',
      IncludeNestedStacks: 'false',
      'Capabilities.member.1': 'CAPABILITY_IAM',
      'Parameters.member.1.ParameterKey': 'Stack',
      'Tags.member.1.Key': 'saasctl-stack',
    });
  });

  it.each([
    "The submitted information didn't contain changes. Submit different information to create a change set.",
    'No updates are to be performed.',
  ])('that changes nothing is taken back: %s', async (reason) => {
    const { stacks, server } = await stacksOn(({ action }) => {
      if (action === 'CreateChangeSet') return made;
      if (action === 'DescribeStacks')
        return xml('DescribeStacks', `<Stacks>${stack('CREATE_COMPLETE')}</Stacks>`);
      return action === 'DescribeChangeSet'
        ? changeSet('FAILED', `<StatusReason>${reason}</StatusReason>`)
        : xml(action, '');
    });
    expect(await stacks.plan({ ...PLAN, create: false })).toBe('unchanged');
    expect(server.asked.map(({ action }) => action)).toEqual([
      'DescribeStacks',
      'CreateChangeSet',
      'DescribeChangeSet',
      'DeleteChangeSet',
    ]);
  });

  it('that cannot be made leaves no empty stack behind', async () => {
    const { stacks, server } = await stacksOn(({ action }) => {
      if (action === 'CreateChangeSet') return made;
      if (action === 'DescribeStacks')
        return xml('DescribeStacks', `<Stacks>${stack('REVIEW_IN_PROGRESS')}</Stacks>`);
      return action === 'DescribeChangeSet'
        ? changeSet('FAILED', '<StatusReason>Table prod-gates is of stack other</StatusReason>')
        : xml(action, '');
    });
    await expect(stacks.plan(PLAN)).rejects.toMatchObject({
      code: 'plan_failed',
      message: 'CloudFormation cannot plan the change of prod: Table prod-gates is of stack other',
    });
    expect(server.asked.at(-1)).toMatchObject({ action: 'DeleteStack' });
  });

  it('left over from an earlier run is replaced', async () => {
    const { stacks, server } = await stacksOn(({ action }, number) => {
      if (action === 'CreateChangeSet' && number === 1)
        return xmlError('AlreadyExistsException', 'it exists', 400);
      if (action === 'CreateChangeSet') return made;
      return action === 'DescribeChangeSet' ? changeSet('CREATE_COMPLETE') : xml(action, '');
    });
    expect(await stacks.plan(PLAN)).toMatchObject({ id: SET });
    expect(server.asked.map(({ action }) => action)).toContain('DeleteChangeSet');
  });

  it('keeps what is hidden, where the template still asks for it', async () => {
    const hidden = (name: string) =>
      member(`<ParameterKey>${name}</ParameterKey><ParameterValue>****</ParameterValue>`);
    const { stacks, server } = await stacksOn(({ action }) => {
      if (action === 'CreateChangeSet') return made;
      if (action === 'DescribeChangeSet') return changeSet('CREATE_COMPLETE');
      return action === 'DescribeStacks'
        ? xml(
            action,
            `<Stacks>${stack('CREATE_COMPLETE', `<Parameters>${hidden('Password')}${hidden('Gone')}</Parameters>`)}</Stacks>`,
          )
        : xml(
            action,
            `<Parameters>${member('<ParameterKey>Password</ParameterKey><NoEcho>true</NoEcho>')}</Parameters>`,
          );
    });
    await stacks.plan({ ...PLAN, create: false });
    const form = server.asked.find(({ action }) => action === 'CreateChangeSet')?.form;
    expect(form?.get('Parameters.member.2.ParameterKey')).toBe('Password');
    expect(form?.get('Parameters.member.2.UsePreviousValue')).toBe('true');
    expect(form?.get('Parameters.member.3.ParameterKey')).toBeNull();
  });

  it('of a template that is too large is refused before it is sent', async () => {
    const { stacks, server } = await stacksOn(() => made);
    const body = JSON.stringify({ Description: 'x'.repeat(60_000) });
    await expect(stacks.plan({ ...PLAN, body })).rejects.toMatchObject({
      code: 'template_too_large',
      exitCode: 2,
    });
    expect(server.asked).toEqual([]);
  });

  it('goes back where it fails, with the token that it is known by', async () => {
    const { stacks, server } = await stacksOn(({ action }) => xml(action, ''));
    await stacks.execute('prod', SET, 'saasctl-1-2');
    expect(Object.fromEntries(server.asked[0]?.form ?? [])).toMatchObject({
      ClientRequestToken: 'saasctl-1-2',
      DisableRollback: 'false',
    });
  });

  it('that is gone need not be taken back', async () => {
    const { stacks } = await stacksOn(() => xmlError('ChangeSetNotFound', 'gone', 404));
    await stacks.discard('prod', SET);
  });
});

describe('events', () => {
  const event = (id: number, token: string): string =>
    member(
      `<StackId>${ARN}</StackId><StackName>prod</StackName><EventId>${id}</EventId><LogicalResourceId>T</LogicalResourceId><ResourceType>X</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus><Timestamp>2026-11-22T10:00:0${id}.000Z</Timestamp><ClientRequestToken>${token}</ClientRequestToken>`,
    );
  const pages = async () =>
    stacksOn(({ form }) =>
      form.get('NextToken') === null
        ? xml(
            'DescribeStackEvents',
            `<StackEvents>${event(5, 'new')}${event(4, 'new')}</StackEvents><NextToken>2</NextToken>`,
          )
        : xml(
            'DescribeStackEvents',
            `<StackEvents>${event(3, 'new')}${event(2, 'old')}${event(1, 'old')}</StackEvents>`,
          ),
    );
  const ids = async (events: ReturnType<Stacks['events']>) => (await events).map(({ id }) => id);

  it('come oldest first, over all pages', async () => {
    const { stacks } = await pages();
    expect(await ids(stacks.events('prod', null))).toEqual(['1', '2', '3', '4', '5']);
  });

  it('come after the one that is known, and no page more is asked for', async () => {
    const { stacks, server } = await pages();
    expect(await ids(stacks.events('prod', '4'))).toEqual(['5']);
    expect(server.asked).toHaveLength(1);
  });

  it('are of the operation that was named', async () => {
    const { stacks } = await pages();
    expect(await ids(stacks.events('prod', null, 'new'))).toEqual(['3', '4', '5']);
    expect(await ids(stacks.events('prod', null, 'old'))).toEqual([]);
    expect(await stacks.operation('prod')).toBe('new');
  });
});

describe('what CloudFormation’s own checks found', () => {
  const TOLD = 'Validation failed with 1 error(s). Call DescribeEvents for details.';
  const CHANGE_SET =
    'The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information.';
  const TAKEN = "Resource of type 'AWS::S3::Bucket' with identifier 'prod-code' already exists.";
  const error = (id: number, operation: string, reason: string, more = ''): string =>
    member(
      `<EventId>v${id}</EventId><OperationId>${operation}</OperationId><EventType>VALIDATION_ERROR</EventType><LogicalResourceId>CodeBucket</LogicalResourceId><ResourceType>AWS::S3::Bucket</ResourceType><Timestamp>2026-11-22T10:00:0${id}.000Z</Timestamp><ValidationStatusReason>${reason}</ValidationStatusReason>${more}`,
    );
  const events = xml(
    'DescribeEvents',
    `<OperationEvents>${error(3, 'new', 'only a warning', '<ValidationFailureMode>WARN</ValidationFailureMode>')}${error(2, 'new', TAKEN)}${error(1, 'old', 'of another day')}${member('<EventId>s</EventId><EventType>STACK_EVENT</EventType>')}</OperationEvents>`,
  );
  const own = xml(
    'DescribeStackEvents',
    `<StackEvents>${member(`<StackId>${ARN}</StackId><StackName>prod</StackName><EventId>9</EventId><LogicalResourceId>prod</LogicalResourceId><ResourceType>AWS::CloudFormation::Stack</ResourceType><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>${TOLD}</ResourceStatusReason><Timestamp>2026-11-22T10:00:09.000Z</Timestamp><ClientRequestToken>new</ClientRequestToken>`)}</StackEvents>`,
  );

  it('comes before the event that only says that something did', async () => {
    const { stacks } = await stacksOn(({ action }) => (action === 'DescribeEvents' ? events : own));
    expect((await stacks.events('prod', null, 'new')).map(({ id, reason }) => [id, reason])).toEqual([
      ['v2', TAKEN],
      ['9', TOLD],
    ]);
  });

  it('is left out where it cannot be asked for', async () => {
    const denied = xmlError('AccessDenied', 'not authorized to perform cloudformation:DescribeEvents', 403);
    const { stacks } = await stacksOn(({ action }) => (action === 'DescribeEvents' ? denied : own));
    expect((await stacks.events('prod', null, 'new')).map(({ reason }) => reason)).toEqual([TOLD]);
  });

  it('says why a change set came to nothing, and what to do about a name that is taken', async () => {
    const { stacks, server } = await stacksOn(({ action }) => {
      if (action === 'CreateChangeSet') return made;
      if (action === 'DescribeEvents') return events;
      if (action === 'DescribeChangeSet')
        return changeSet('FAILED', `<StatusReason>${CHANGE_SET}</StatusReason>`);
      return xml(action, '');
    });
    await expect(stacks.plan(PLAN)).rejects.toMatchObject({
      code: 'plan_failed',
      message: expect.stringContaining(`CodeBucket (AWS::S3::Bucket): ${TAKEN}`),
      hint: expect.stringContaining('deploy.codeBucket'),
    });
    // Only the ARN finds it.
    const asked = server.asked.find(({ action }) => action === 'DescribeEvents');
    expect(asked?.form.get('ChangeSetName')).toBe(SET);
  });
});

describe('drift', () => {
  it('is looked for, waited for and read', async () => {
    const { stacks } = await stacksOn(({ action }, number) => {
      if (action === 'DetectStackDrift')
        return xml(action, '<StackDriftDetectionId>d</StackDriftDetectionId>');
      if (action === 'DescribeStackDriftDetectionStatus')
        return xml(
          action,
          `<DetectionStatus>${number === 1 ? 'DETECTION_IN_PROGRESS' : 'DETECTION_COMPLETE'}</DetectionStatus>`,
        );
      const drift =
        '<LogicalResourceId>T</LogicalResourceId><ResourceType>X</ResourceType><StackResourceDriftStatus>MODIFIED</StackResourceDriftStatus>';
      return xml(action, `<StackResourceDrifts>${member(drift)}</StackResourceDrifts>`);
    });
    expect(await stacks.drift('prod')).toEqual([{ logicalId: 'T', type: 'X', drift: 'MODIFIED' }]);
  });
});

describe('what goes wrong', () => {
  const CALLS: Record<string, (stacks: Stacks) => Promise<unknown>> = {
    DescribeStacks: (stacks) => stacks.describe('prod'),
    GetTemplateSummary: (stacks) => stacks.template('{}'),
    CreateChangeSet: (stacks) => stacks.plan(PLAN),
    DescribeChangeSet: (stacks) => stacks.plan(PLAN),
    DeleteChangeSet: (stacks) => stacks.discard('prod', SET),
    ExecuteChangeSet: (stacks) => stacks.execute('prod', SET, 't'),
    DescribeStackEvents: (stacks) => stacks.events('prod', null),
    DeleteStack: (stacks) => stacks.remove('prod', 't'),
    ListStackResources: (stacks) => stacks.resources('prod'),
    DetectStackDrift: (stacks) => stacks.drift('prod'),
    DescribeStackDriftDetectionStatus: (stacks) => stacks.drift('prod'),
    DescribeStackResourceDrifts: (stacks) => stacks.drift('prod'),
    UpdateTerminationProtection: (stacks) => stacks.protect('prod', true),
  };
  const failing = (name: string, failure: Answered) =>
    stacksOn(({ action }) => {
      if (action === name) return failure;
      if (action === 'CreateChangeSet') return made;
      if (action === 'DescribeChangeSet') return changeSet('CREATE_COMPLETE');
      const more =
        action === 'DescribeStackDriftDetectionStatus'
          ? '<DetectionStatus>DETECTION_COMPLETE</DetectionStatus>'
          : '';
      return xml(action, more);
    });

  it.each(Object.entries(CALLS))('access denied on %s is named', async (action, call) => {
    const { stacks } = await failing(action, xmlError('AccessDenied', 'User x is not authorized', 403));
    await expect(call(stacks)).rejects.toMatchObject({
      code: 'aws_denied',
      exitCode: 4,
      retryable: false,
      message: expect.stringContaining(`access denied on cloudformation:${action}`),
    });
  });

  it('throttling is tried again here, and may be tried again later', async () => {
    const { stacks, server } = await failing('DescribeStacks', xmlError('Throttling', 'Rate exceeded'));
    await expect(stacks.describe('prod')).rejects.toMatchObject({
      code: 'aws_throttled',
      exitCode: 6,
      retryable: true,
    });
    expect(server.asked.length).toBeGreaterThan(1);
  });

  it.each([
    ['ExpiredToken', 403, 4],
    ['InvalidClientTokenId', 403, 4],
    ['InternalFailure', 500, 6],
  ])('%s (HTTP %i) ends with exit %i', async (code, status, exitCode) => {
    const { stacks } = await failing('DescribeStacks', xmlError(code, 'no', status));
    await expect(stacks.describe('prod')).rejects.toMatchObject({ exitCode });
  });

  it.each([
    ['InvalidChangeSetStatus', 'it is OBSOLETE', 'change_set_stale', 5],
    ['ChangeSetNotFound', 'gone', 'change_set_stale', 5],
    [
      'ValidationError',
      `Stack:${ARN} is in UPDATE_IN_PROGRESS state and can not be updated.`,
      'stack_conflict',
      5,
    ],
    [
      'InsufficientCapabilitiesException',
      'Requires capabilities : [CAPABILITY_NAMED_IAM]',
      'capabilities',
      2,
    ],
    ['ValidationError', 'Template format error: unresolved', 'template_invalid', 2],
  ])('%s (%s) is a %s', async (code, message, ours, exitCode) => {
    const { stacks } = await failing('ExecuteChangeSet', xmlError(code, message));
    await expect(stacks.execute('prod', SET, 't')).rejects.toMatchObject({ code: ours, exitCode });
  });

  it('a stack that somebody protected names the command that lifts it', async () => {
    const { stacks } = await failing(
      'DeleteStack',
      xmlError('ValidationError', 'Stack [prod] cannot be deleted while TerminationProtection is enabled'),
    );
    await expect(stacks.remove('prod', 't')).rejects.toMatchObject({
      code: 'stack_protected',
      next: expect.stringContaining('--no-enable-termination-protection --stack-name prod'),
    });
  });

  it('a page that is not CloudFormation’s is not believed', async () => {
    const { stacks } = await failing('DescribeStacks', { body: '<html>login</html>' });
    await expect(stacks.describe('prod')).rejects.toMatchObject({ code: 'not_aws', exitCode: 6 });
  });
});
