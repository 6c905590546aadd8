import { expect, it } from 'vitest';
import { follow } from '../../../src/core/deploy/follow.ts';
import type { StackEvent, StackState, Stacks } from '../../../src/core/deploy/ports.ts';

const STACK = 'AWS::CloudFormation::Stack';

async function failureOf(...events: [type: string, status: string, reason: string | null][]) {
  const state = { name: 'prod', id: 'arn:prod', status: 'ROLLBACK_COMPLETE', reason: null } as StackState;
  const told = events.map(
    ([type, status, reason], at): StackEvent => ({
      id: `e${at}`,
      at: '2026-11-22T00:00:00.000Z',
      logicalId: type === STACK ? 'prod' : 'Role',
      type,
      status,
      reason,
    }),
  );
  const stacks = { describe: async () => state, events: async () => told } as Partial<Stacks> as Stacks;
  const hooks = { onEvent() {}, pause: async () => {}, signal: new AbortController().signal };
  const { failure } = await follow(stacks, state, 'token', hooks);
  return failure?.reason;
}

it('tells a resource’s own reason, and the stack’s where no resource was touched', async () => {
  const invalid: [string, string, string] = [STACK, 'CREATE_FAILED', 'Validation failed with 1 error(s)'];
  expect(await failureOf(invalid)).toBe('Validation failed with 1 error(s)');
  const summary: [string, string, string] = [STACK, 'ROLLBACK_IN_PROGRESS', 'The following failed: [Role]'];
  expect(await failureOf(summary, ['AWS::IAM::Role', 'CREATE_FAILED', 'no such service'])).toBe(
    'no such service',
  );
  expect(await failureOf(['AWS::IAM::Role', 'CREATE_FAILED', 'Resource creation cancelled'], invalid)).toBe(
    'Validation failed with 1 error(s)',
  );
});
