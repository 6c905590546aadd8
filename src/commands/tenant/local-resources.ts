import { SaasctlError } from '../../core/errors.ts';
import type { Context } from '../context.ts';
import type { TenantResources } from './resources.ts';

/** An engine makes a table at once, or within seconds. */
const PAUSE_MS = 200;
const TRIES = 150;

/** On the profile `local` a tenant of its own has a data table of its own; functions and API are those of `dev`. */
export async function localResources(cx: Context): Promise<TenantResources> {
  const { dataTables } = await cx.store();
  return {
    checkCode() {},
    stranger: async () => null,
    async preview({ id }) {
      if ((await dataTables.find(id)) !== null) return [];
      const table = dataTables.name(id);
      cx.note(`would make data table ${table}`);
      return [{ action: 'Add', logicalId: table, type: 'AWS::DynamoDB::Table', replacement: null }];
    },
    async make({ id }, work) {
      work.begin('table', `making table ${dataTables.name(id)}`);
      await dataTables.make(id);
      for (let tries = 0; (await dataTables.find(id))?.status !== 'ACTIVE'; tries++) {
        if (tries === TRIES) throw notReady(dataTables.name(id));
        await work.goOn();
        await cx.deps.pause(PAUSE_MS);
      }
      return { apiUrl: null };
    },
    async checkRemoval() {},
    async remove() {},
    async kept({ id }) {
      const there = (await dataTables.find(id)) !== null;
      return there ? [{ table: dataTables.name(id), remove: null }] : [];
    },
  };
}

function notReady(table: string): SaasctlError {
  return new SaasctlError({
    code: 'table_not_ready',
    category: 'remote',
    message: `table ${table} is not ready after ${(TRIES * PAUSE_MS) / 1000} s`,
    retryable: true,
  });
}
