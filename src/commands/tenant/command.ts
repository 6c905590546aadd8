import type { Host } from '../context.ts';
import { group } from '../define.ts';
import { create } from './create.ts';
import { remove } from './delete.ts';
import { doctor } from './doctor.ts';
import { lifecycle } from './lifecycle.ts';
import { list } from './list.ts';
import { show } from './show.ts';
import { update } from './update.ts';

export const tenantCommand = (host: Host) =>
  group('tenant', 'Provision and manage tenants', [
    create(host),
    list(host),
    show(host),
    update(host),
    ...lifecycle(host),
    remove(host),
    doctor(host),
  ]);
