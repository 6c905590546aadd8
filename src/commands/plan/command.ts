import type { Host } from '../context.ts';
import { group } from '../define.ts';
import { apply } from './apply.ts';
import { list, show } from './show.ts';

export const planCommand = (host: Host) =>
  group('plan', 'The plans of the project file, and carrying an edit of them to the tenants', [
    list(host),
    show(host),
    apply(host),
  ]);
