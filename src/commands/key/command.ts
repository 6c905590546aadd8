import type { Host } from '../context.ts';
import { group } from '../define.ts';
import { create } from './create.ts';
import { importCommand } from './import.ts';
import { list, show } from './list.ts';
import { revoke } from './revoke.ts';
import { rotate } from './rotate.ts';
import { verify } from './verify.ts';

export const keyCommand = (host: Host) =>
  group('key', 'Mint, rotate and revoke API keys', [
    create(host),
    list(host),
    show(host),
    verify(host),
    rotate(host),
    revoke(host),
    importCommand(host),
  ]);
