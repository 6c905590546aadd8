import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { FORMATS } from '../../src/ui/output.ts';
import { acme, list, rendered } from './items.ts';
import { program } from './program.ts';

let file: string;
beforeAll(async () => {
  file = await program(`
    import { processIo } from '../../src/ui/io.ts';
    import { render } from '../../src/ui/output.ts';
    import { paintFor } from '../../src/ui/paint.ts';
    import { acme, list } from './items.ts';
    const real = processIo(process);
    const [format, query, terminal] = process.argv.slice(2);
    const io = Object.assign(Object.create(real), { stdoutIsTTY: terminal === 'terminal' });
    await render(list([acme]), { format, query: query || undefined }, io, paintFor('stdout', io, { flag: false }));`);
});

const run = async (...args: string[]) =>
  (await promisify(execFile)(process.execPath, [file, ...args])).stdout;

// Packages that are loaded lazily can lose their exports in a bundle.
it.each(FORMATS)('-o %s prints the same when bundled', async (format) => {
  expect(await run(format, '', 'pipe')).toBe((await rendered(list([acme]), format)).stdout);
});

it('so do a table on a terminal and a query', async () => {
  expect(await run('table', '', 'terminal')).toBe('ID    NAME      CALLS\nacme  Acme Inc     12\n');
  expect(await run('json', 'items[].id', 'pipe')).toBe('["acme"]\n');
});
