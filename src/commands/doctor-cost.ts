import type { Config } from '../config/load.ts';
import type { Context } from './context.ts';
import { attempt, type Finding, ok } from './finding.ts';

/** Where bills come from, and whether tags can split them; asks nothing that is charged for. */
export async function costFindings(cx: Context, { isLocal, project }: Config): Promise<Finding> {
  const source = project.cost.source ?? (isLocal ? 'sample' : 'ce');
  const warn = (detail: string): Finding => ({
    check: 'cost',
    status: 'warn',
    detail,
    remedy: source === 'ce' ? 'saasctl cost tags' : 'saasctl cost report',
  });
  if (source !== 'ce') return ok('cost', `bills from ${source === 'sample' ? 'the sample' : source}`);
  if (isLocal) return warn('the profile local has no AWS account: "cost"."source" cannot be ce');
  const key = project.cost.tenantTag;
  const found = await attempt('cost', async () => (await (await cx.cost()).tags()).keyStatus([key]));
  if ('finding' in found) return { ...found.finding, status: 'warn' };
  const status = found.value?.get(key) ?? null;
  if (found.value === null)
    return warn(`whether the tag ${key} is activated, the management account alone can say`);
  return status === 'active'
    ? ok('cost', `bills from Cost Explorer, the tag ${key} is activated`)
    : warn(`the tag ${key} is not activated for billing: what is tagged is split by usage instead`);
}
