import { defaultGate } from '../runtime/default-gate.ts';
import { type AuthorizerResult, authorize } from './authorize.ts';

const gate = defaultGate();
// Awaited: the sandbox may be frozen once the module has loaded, and a half-made connection with it.
await gate.warm();

export const handler = (event: unknown): Promise<AuthorizerResult> => authorize(event, gate);
