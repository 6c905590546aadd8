import { defaultGate } from '../default-gate.ts';
import { processEnvironment, processLog } from '../settings.ts';
import { type Bearer, bearerFrom } from './bearer.ts';

let bearer: Bearer | null | undefined;

/** The sandbox's one way to take tokens, made on first use; `null` where its environment names no issuer. */
export function defaultBearer(): Bearer | null {
  if (bearer === undefined) bearer = bearerFrom(processEnvironment(), defaultGate(), processLog);
  return bearer;
}
