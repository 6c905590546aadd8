import type { StackChange } from '../../core/deploy/ports.ts';
import type { Deployed } from '../../core/deploy/run.ts';
import type { Column } from '../../ui/result.ts';
import type { Context } from '../context.ts';

type Change = Pick<StackChange, 'action' | 'logicalId' | 'type' | 'replacement'>;

interface View {
  stack: string;
  status: Deployed['status'];
  changes: Change[];
  outputs: Record<string, string>;
  /** All of them, where several were deployed. */
  stacks?: Omit<View, 'stacks'>[];
}

/** The stack asked for as scripts read it, with all that were deployed beside it. */
export async function printDeployed(
  cx: Context,
  asked: string,
  deployed: readonly Deployed[],
): Promise<void> {
  const views = deployed.map(view);
  const main = views.find(({ stack }) => stack === asked) ?? views[0];
  if (main === undefined) return;
  const item: View = views.length > 1 ? { ...main, stacks: views } : main;
  await cx.print<View>({ kind: 'one', item, id: item.stack, fields: fieldsOf(views) });
}

const view = ({ stack, status, changes, outputs }: Deployed): Omit<View, 'stacks'> => ({
  stack,
  status,
  changes: changes.map(({ action, logicalId, type, replacement }) => ({
    action,
    logicalId,
    type,
    replacement,
  })),
  outputs,
});

/** A line a stack with what came of it, then its outputs. */
const fieldsOf = (views: readonly Omit<View, 'stacks'>[]): Column<View>[] =>
  views.flatMap(({ stack, status, changes, outputs }) => [
    { header: stack, value: () => (changes.length === 0 ? status : `${status}, ${changes.length} changes`) },
    ...Object.entries(outputs)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ header: `${stack} ${name}`, value: () => value })),
  ]);
