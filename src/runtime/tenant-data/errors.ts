/** Everything that a call of `tenantData` fails with, apart from a TypeError for arguments that make no sense. */
export type TenantDataFault = ConditionFailed | Throttled | Ambiguous | InvalidCursor | Forbidden | Rejected;

/** The condition did not hold: nothing was written. */
export class ConditionFailed extends Error {
  override readonly name = 'ConditionFailed';
  readonly statusCode = 409;
  /** Of a transaction: which of its operations did not hold, from 0. */
  readonly operations: readonly number[];
  constructor(operations: readonly number[] = []) {
    super('the condition did not hold');
    this.operations = operations;
  }
}

/** Provably nothing was written, or a read got no answer; already tried again, and worth trying later. */
export class Throttled extends Error {
  override readonly name = 'Throttled';
  readonly statusCode = 503;
}

/** It may or may not have been written: not repeated, since twice might be wrong. Read before writing again. */
export class Ambiguous extends Error {
  override readonly name = 'Ambiguous';
  readonly statusCode = 503;
}

/** Not a cursor of this query and this tenant, or made with another secret. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor';
  readonly statusCode = 400;
  constructor() {
    super('this is not a cursor of this query');
  }
}

/** Reaches for what is not the tenant's own; nothing was sent. */
export class Forbidden extends Error {
  override readonly name = 'Forbidden';
  readonly statusCode = 403;
}

/** DynamoDB refused the request itself; `code` is its word, such as `ValidationException`. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
  readonly statusCode = 500;
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
