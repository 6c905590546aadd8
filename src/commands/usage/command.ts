import type { Host } from '../context.ts';
import { group } from '../define.ts';
import { show } from './show.ts';
import { top } from './top.ts';

export const usageCommand = (host: Host) =>
  group('usage', 'What tenants use, against their limits', [show(host), top(host)]);
