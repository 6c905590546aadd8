import { CONDITIONAL, type Conditional, checkedExpression, compileCondition } from './expressions.ts';
import { type NewItem, onlyOptions, ownItem, ownKey } from './own-keys.ts';

/**
 * One write of a transaction, or a condition on an item that it does not write. `update`, `delete` and `check`
 * take a sort key, `expression` an update expression.
 */
export type TransactWrite =
  | ({ put: NewItem } & Conditional)
  | ({ update: string; expression: string } & Conditional)
  | ({ delete: string } & Conditional)
  | ({ check: string; condition: string } & Conditional);

const MAX_WRITES = 100;

/** The writes as DynamoDB's TransactItems: all on the tenant's own items. */
export function compileTransaction(table: string, tenantId: string, writes: readonly TransactWrite[]) {
  if (writes.length < 1 || writes.length > MAX_WRITES)
    throw new TypeError(`a transaction is of 1 to ${MAX_WRITES} writes`);
  return writes.map((write) => {
    onlyOptions(write, ['put', 'update', 'expression', 'delete', 'check', ...CONDITIONAL]);
    const kinds = ['put', 'update', 'delete', 'check'].filter((kind) => kind in write);
    if (kinds.length !== 1) throw new TypeError('a write is one of put, update, delete and check');
    if ('expression' in write && !('update' in write)) throw new TypeError('an expression is of an update');
    const common = { TableName: table, ...compileCondition(write) };
    if ('put' in write) return { Put: { Item: ownItem(tenantId, write.put), ...common } };
    if ('delete' in write) return { Delete: { Key: ownKey(tenantId, write.delete), ...common } };
    if ('update' in write) {
      const UpdateExpression = checkedExpression(write.expression);
      return { Update: { Key: ownKey(tenantId, write.update), UpdateExpression, ...common } };
    }
    if (write.condition === undefined) throw new TypeError('a check needs its condition');
    return { ConditionCheck: { Key: ownKey(tenantId, write.check), ...common } };
  });
}
