import type { Host } from '../context.ts';
import { deploy } from './run.ts';
import { secret } from './secret.ts';
import { status } from './status.ts';

/** `saasctl deploy` runs by itself, and has `status` and `secret` below it. */
export const deployCommand = (host: Host) => deploy(host).addCommand(status(host)).addCommand(secret(host));
