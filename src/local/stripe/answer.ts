import { type Form, textOf } from './form.ts';

export interface Answer {
  status: number;
  /** JSON. */
  body: string;
  headers?: Record<string, string>;
}

/** What a refusal says, in the shape of Stripe's errors. */
export interface StripeError {
  status: number;
  type: 'invalid_request_error' | 'idempotency_error' | 'api_error';
  code: string | null;
  message: string;
  param: string | null;
}

export class Refusal extends Error {
  readonly error: StripeError;

  constructor(error: Partial<StripeError> & { message: string }) {
    super(error.message);
    this.error = { status: 400, type: 'invalid_request_error', code: null, param: null, ...error };
  }
}

export function refused({ status, type, code, message, param }: StripeError): Answer {
  const error = { ...(code === null ? {} : { code }), message, ...(param === null ? {} : { param }), type };
  return {
    status,
    body: JSON.stringify({ error }),
    headers: { 'stripe-should-retry': String(status === 409) },
  };
}

export const answered = (object: unknown): Answer => ({ status: 200, body: JSON.stringify(object) });

export const missing = (param: string): Refusal =>
  new Refusal({ code: 'parameter_missing', message: `Missing required param: ${param}.`, param });

export const invalid = (param: string, message: string): Refusal => new Refusal({ message, param });

export const noSuch = (what: string, id: string, param = 'id', status = 404): Refusal =>
  new Refusal({ status, code: 'resource_missing', message: `No such ${what}: '${id}'`, param });

/** Refuses parameters that Stripe does not know, as Stripe does. */
export function onlyKnown(form: Form, names: readonly string[]): void {
  for (const name of Object.keys(form)) {
    if (name !== 'expand' && !names.includes(name)) {
      throw new Refusal({
        code: 'parameter_unknown',
        message: `Received unknown parameter: ${name}`,
        param: name,
      });
    }
  }
}

export function required(form: Form, name: string): string {
  const value = textOf(form, name);
  if (value === null || value === '') throw missing(name);
  return value;
}

export function wholeOf(form: Form, name: string): number | null {
  const text = textOf(form, name);
  if (text === null) return null;
  if (!/^-?\d{1,15}$/.test(text)) {
    throw new Refusal({
      code: 'parameter_invalid_integer',
      message: `Invalid integer: ${text}`,
      param: name,
    });
  }
  return Number(text);
}

const PAGE = 10;

/** One page of a list, newest first. `found` is in the order of creation. */
export function listPage<T extends { id: string }>(form: Form, url: string, found: readonly T[]): Answer {
  const limit = wholeOf(form, 'limit') ?? PAGE;
  if (limit < 1 || limit > 100) throw invalid('limit', 'This value must be between 1 and 100 (inclusive).');
  const rows = [...found].reverse();
  const after = textOf(form, 'starting_after');
  const before = textOf(form, 'ending_before');
  const at = (id: string): number => {
    const index = rows.findIndex((row) => row.id === id);
    if (index < 0) throw noSuch('object', id, 'starting_after', 400);
    return index;
  };
  const rest = after === null ? rows : rows.slice(at(after) + 1);
  const data =
    before === null ? rest.slice(0, limit) : rows.slice(Math.max(0, at(before) - limit), at(before));
  const hasMore = before === null ? rest.length > limit : at(before) > limit;
  return answered({ object: 'list', data, has_more: hasMore, url });
}
