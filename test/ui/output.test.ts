import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { OUTPUTS } from '../../src/config/schema.ts';
import { FORMATS } from '../../src/ui/output.ts';
import { paintFor } from '../../src/ui/paint.ts';
import { testIo } from '../../src/ui/test-io.ts';
import { acme, globex, type Item, list, one, rendered } from './items.ts';

const terminal = (columns = 80) => testIo({ tty: true, columns, env: { LANG: 'C.UTF-8' } });

it('renders the formats that the configuration takes', () => {
  expect([...FORMATS].sort()).toEqual([...OUTPUTS].sort());
});

describe('in a pipe', () => {
  it('a list is a line an item, tab-separated, under a header', async () => {
    const { stdout, stderr } = await rendered(list([acme, globex]), 'table');
    expect(stdout).toBe('ID\tNAME\tCALLS\nacme\tAcme Inc\t12\nglobex\t-\t-\n');
    expect(stderr).toBe('');
  });

  it('a value is whole, however narrow', async () => {
    const name = 'x'.repeat(500);
    const { stdout } = await rendered(list([{ ...acme, name }]), 'table', { io: testIo({ columns: 10 }) });
    expect(stdout).toContain(`\t${name}\t`);
  });

  it('a resource is a line a field', async () => {
    expect((await rendered(one(globex), 'table')).stdout).toBe('ID\tglobex\nNAME\t-\nCALLS\t-\n');
  });

  it('colour is not forced into columns', async () => {
    const io = testIo({ env: { FORCE_COLOR: '1' } });
    const { stdout } = await rendered(list([acme]), 'table', { io, paint: paintFor('stdout', io) });
    expect(stdout).toBe('ID\tNAME\tCALLS\nacme\tAcme Inc\t12\n');
  });

  it('JSON is one line', async () => {
    expect((await rendered(one(acme), 'json')).stdout).toBe('{"id":"acme","name":"Acme Inc","calls":12}\n');
    expect((await rendered(list([acme, globex], { next: () => 'abc' }), 'json')).stdout).toBe(
      '{"items":[{"id":"acme","name":"Acme Inc","calls":12},{"id":"globex","name":null,"calls":null}],"next":"abc"}\n',
    );
    expect((await rendered(list([]), 'json')).stdout).toBe('{"items":[],"next":null}\n');
  });

  it('CSV leaves null empty and quotes what must be', async () => {
    const quoted: Item = { id: 'q', name: 'a,"b"', calls: -3 };
    const { stdout } = await rendered(list([quoted, globex]), 'csv');
    expect(stdout).toBe('ID,NAME,CALLS\nq,"a,""b""",-3\nglobex,,\n');
    expect((await rendered(one(acme), 'csv')).stdout).toBe('ID,NAME,CALLS\nacme,Acme Inc,12\n');
  });

  it('CSV holds no formula', async () => {
    expect((await rendered(one({ ...acme, name: '=1+1' }), 'csv')).stdout).toContain("acme,'=1+1,12");
  });

  it('YAML reads back as the JSON document', async () => {
    const items = [acme, globex, { id: 'yes', name: '12: x\ny', calls: 0 }];
    expect(parseYaml((await rendered(list(items), 'yaml')).stdout)).toEqual({ items, next: null });
    expect(parseYaml((await rendered(list([]), 'yaml')).stdout)).toEqual({ items: [], next: null });
    expect(parseYaml((await rendered(one(acme), 'yaml')).stdout)).toEqual(acme);
  });

  it('ids stand alone, one a line', async () => {
    expect((await rendered(list([acme, globex]), 'id')).stdout).toBe('acme\nglobex\n');
    expect((await rendered(one(acme), 'id')).stdout).toBe('acme\n');
  });
});

describe('on a terminal', () => {
  it('a list is aligned, numbers to the right, nothing drawn around it', async () => {
    const { stdout } = await rendered(list([acme, globex]), 'table', { io: terminal() });
    expect(stdout).toBe('ID      NAME      CALLS\nacme    Acme Inc     12\nglobex  -             -\n');
  });

  it('a long value gives way before the id, and no line is wider than the terminal', async () => {
    const long: Item = { id: 'a-rather-long-id', name: '日本語'.repeat(30), calls: 5 };
    const { stdout } = await rendered(list([long, acme]), 'table', { io: terminal(40) });
    expect(stdout).toContain('a-rather-long-id');
    expect(stdout).toContain('…');
    for (const line of stdout.split('\n'))
      expect(line.replace(/[日本語]/g, 'xx').length).toBeLessThanOrEqual(40);
  });

  it('a resource is a line a field, whole: what is cut here cannot be seen anywhere', async () => {
    const key = 'k'.repeat(120);
    const { stdout } = await rendered(one({ ...acme, name: key }), 'table', { io: terminal(20) });
    expect(stdout).toBe(`ID     acme\nNAME   ${key}\nCALLS  12\n`);
  });

  it('cells carry their colour', async () => {
    const io = terminal();
    const { stdout } = await rendered(list([acme]), 'table', { io, paint: paintFor('stdout', io) });
    expect(stdout).toContain('\x1b[32mAcme Inc\x1b[39m');
  });

  it('a list beyond one chunk keeps one header and every row', async () => {
    const items = Array.from({ length: 250 }, (_, i) => ({
      id: `t-${i}`,
      name: 'n'.repeat(i % 30),
      calls: i,
    }));
    const lines = (await rendered(list(items), 'table', { io: terminal() })).stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('ID'))).toHaveLength(1);
    expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual(items.map(({ id }) => id));
  });

  it('JSON is indented, and the same document', async () => {
    for (const items of [[], [acme], [acme, globex]]) {
      const { stdout } = await rendered(list(items), 'json', { io: terminal() });
      expect(stdout).toBe(`${JSON.stringify({ items, next: null }, null, 2)}\n`);
    }
    expect((await rendered(one(acme), 'json', { io: terminal() })).stdout).toBe(
      `${JSON.stringify(acme, null, 2)}\n`,
    );
  });
});

describe('beside the result', () => {
  it('an empty list says so on stderr', async () => {
    const empty = () => list([], { empty: 'no tenants yet' });
    expect(await rendered(empty(), 'table', { io: terminal() })).toEqual({
      stdout: '',
      stderr: 'no tenants yet\n',
    });
    expect(await rendered(empty(), 'table')).toEqual({
      stdout: 'ID\tNAME\tCALLS\n',
      stderr: 'no tenants yet\n',
    });
    expect((await rendered(empty(), 'json')).stderr).toBe('');
  });

  it('where a list goes on is said where the format has no place for it', async () => {
    const more = () => list([acme], { next: () => 'cursor-2' });
    for (const format of ['table', 'csv', 'id'] as const) {
      expect((await rendered(more(), format)).stderr).toBe('there are more: --after cursor-2\n');
    }
    for (const format of ['json', 'yaml'] as const) expect((await rendered(more(), format)).stderr).toBe('');
  });

  it('a secret comes with the advice to keep it', async () => {
    const secret = { ...one(acme), secret: 'name' };
    expect((await rendered(secret, 'table')).stderr).toBe('name is shown this once: store it now\n');
    // A reader of JSON takes each line of stderr for an error.
    expect((await rendered(secret, 'json')).stderr).toBe('');
  });

  it('quiet prints nothing, and still does the work of a list', async () => {
    let done = 0;
    async function* work(): AsyncGenerator<Item> {
      for (; done < 5; done++) yield acme;
    }
    const quiet = await rendered(list(work(), { next: () => 'x', empty: 'none' }), 'table', { quiet: true });
    expect(quiet).toEqual({ stdout: '', stderr: '' });
    expect(done).toBe(5);
  });

  it('prose is printed as it is, its data with -o json', async () => {
    const topic = {
      kind: 'text',
      text: '\x1b[1mEXIT CODES\x1b[22m\n0  done\n\x1b[2J',
      data: { 0: 'done' },
    } as const;
    expect((await rendered(topic, 'table')).stdout).toBe('\x1b[1mEXIT CODES\x1b[22m\n0  done\n\\u001b[2J\n');
    expect((await rendered(topic, 'json')).stdout).toBe('{"0":"done"}\n');
  });
});

describe('a long list', () => {
  const LENGTH = 10_000;

  /** Items that count how many of them are alive between being made and being let go. */
  function counted() {
    const alive = { now: 0, most: 0 };
    const seen = new FinalizationRegistry(() => {
      alive.now--;
    });
    async function* items(): AsyncGenerator<Item> {
      for (let i = 0; i < LENGTH; i++) {
        const item = { id: `t-${i}`, name: 'n', calls: i };
        seen.register(item, null);
        alive.most = Math.max(alive.most, ++alive.now);
        if (i % 500 === 0) await collectGarbage();
        yield item;
      }
    }
    return { alive, items };
  }

  const LINES = { table: LENGTH + 1, json: 1, csv: LENGTH + 1, yaml: 3 * LENGTH + 2, id: LENGTH };

  it.each(FORMATS)('is never held as -o %s', async (format) => {
    const { alive, items } = counted();
    let lines = 0;
    const out = async (text: string) => {
      lines += text.split('\n').length - 1;
    };
    const io = { ...testIo(), out };
    await rendered(list(items()), format, { io });
    expect(lines).toBe(LINES[format]);
    expect(alive.most).toBeLessThan(LENGTH / 4);
  });

  it('is held by a query, which the count above would show', async () => {
    const { alive, items } = counted();
    const { stdout } = await rendered(list(items()), 'json', { query: 'length(items)' });
    expect(stdout).toBe('10000\n');
    expect(alive.most).toBe(LENGTH);
  });

  it('is read no further once the reader has gone', async () => {
    for (const format of FORMATS) {
      let made = 0;
      const io = testIo();
      async function* items(): AsyncGenerator<Item> {
        while (made < 1000) {
          if (++made === 3) io.closeStdout();
          yield acme;
        }
      }
      const { stderr } = await rendered(list(items(), { next: () => 'more' }), format, { io });
      expect(made).toBe(3);
      expect(stderr).toBe('');
    }
  });

  it('waits for a slow reader', async () => {
    let made = 0;
    let taken = 0;
    let ahead = 0;
    const io = {
      ...testIo(),
      out: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        taken++;
      },
    };
    async function* items(): AsyncGenerator<Item> {
      for (; made < 50; made++) {
        ahead = Math.max(ahead, made - taken);
        yield acme;
      }
    }
    await rendered(list(items()), 'json', { io });
    expect(ahead).toBeLessThanOrEqual(1);
  });
});

it('no format ever emits a control character that came with a value', async () => {
  const nasty = fc.string({
    unit: fc.oneof(
      fc.constantFrom('\x1b', '\n', '\r', '\t', '\x07', '\x9b', '\u202e', '\0'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
  });
  const item = fc.record({ id: nasty, name: fc.option(nasty), calls: fc.option(fc.integer()) });
  await fc.assert(
    fc.asyncProperty(item, fc.constantFrom(...FORMATS), fc.boolean(), async (value, format, tty) => {
      for (const result of [one(value), list([value, value])]) {
        const { stdout } = await rendered(result, format, { io: testIo({ tty, columns: 60 }) });
        const layout = format === 'table' && !tty ? /[\n\t]/g : /\n/g;
        expect(stdout.replace(layout, '')).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        if (format === 'json')
          expect(JSON.parse(stdout)).toEqual(
            JSON.parse(JSON.stringify(result.kind === 'one' ? value : { items: [value, value], next: null })),
          );
        if (format === 'table' && !tty) expect(stdout.split('\n')).toHaveLength(4);
        if (format === 'id') expect(stdout.split('\n')).toHaveLength(result.kind === 'one' ? 2 : 3);
      }
    }),
    { numRuns: 150 },
  );
});

/** Runs the collector and lets its callbacks in. */
async function collectGarbage(): Promise<void> {
  gc();
  await new Promise((resolve) => setImmediate(resolve));
}

const gc: () => void = await import('node:v8').then(async ({ setFlagsFromString }) => {
  setFlagsFromString('--expose-gc');
  const { runInNewContext } = await import('node:vm');
  return runInNewContext('gc');
});
