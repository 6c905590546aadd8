import { EXIT } from '../core/errors.ts';
import type { Context, Host } from './context.ts';
import { define, onRun } from './define.ts';

const MEANING: [number, string][] = [
  [EXIT.ok, 'done, nothing to do, or an empty list'],
  [EXIT.bug, 'a bug in saasctl'],
  [EXIT.usage, 'wrong usage or configuration; nothing was done'],
  [EXIT.not_found, 'no such tenant, key, secret or stack'],
  [EXIT.auth, 'credentials or permissions; or, for key verify, the key is not valid'],
  [EXIT.conflict, 'it exists already, differently; others kept changing it; or data would be replaced'],
  [EXIT.remote, 'AWS, Stripe or the engine failed or throttled; run it again'],
  [EXIT.partial, 'some of it was done; run it again for the rest'],
  [EXIT.pending, 'still pending, or stored and real state differ'],
  [EXIT.interrupted, 'interrupted or declined'],
];

/** Topics behind `saasctl help <topic>`. */
export function exitCodes(host: Host) {
  const command = define('exit-codes', {
    summary: 'What each exit code means',
    examples: ['help exit-codes'],
    store: false,
  });
  return onRun(host, command, (cx: Context) =>
    cx.print({
      kind: 'text',
      text: MEANING.map(([code, text]) => `${String(code).padStart(3)}  ${text}`).join('\n'),
      data: { items: MEANING.map(([code, meaning]) => ({ code, meaning })), next: null },
    }),
  );
}
