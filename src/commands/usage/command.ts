import type { Host } from '../context.ts';
import { group } from '../define.ts';
import { correct } from './correct.ts';
import { history } from './history.ts';
import { ledger } from './ledger.ts';
import { preview } from './preview.ts';
import { reconcile } from './reconcile.ts';
import { record } from './record.ts';
import { show } from './show.ts';
import { stripe } from './stripe-setup.ts';
import { sync } from './sync.ts';
import { top } from './top.ts';

export const usageCommand = (host: Host) =>
  group('usage', 'What tenants use, against their limits', [
    show(host),
    history(host),
    top(host),
    record(host),
    ...sync(host),
    reconcile(host),
    ledger(host),
    correct(host),
    preview(host),
    stripe(host),
  ]);
