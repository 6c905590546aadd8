import type { Host } from '../context.ts';
import { group } from '../define.ts';
import { advise } from './advise.ts';
import { estimate } from './estimate.ts';
import { report } from './report.ts';
import { tags } from './tags.ts';

export const costCommand = (host: Host) =>
  group('cost', 'What tenants cost, adding up to the bill', [
    report(host),
    estimate(host),
    tags(host),
    advise(host),
  ]);
