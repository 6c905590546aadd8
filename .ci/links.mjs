// Every relative link and every code path named in the documents leads somewhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const documents = [
  'README.md',
  ...readdirSync('docs', { recursive: true }).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));
const dead = [];
for (const document of documents) {
  const text = readFileSync(document, 'utf8');
  const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, to]) => to)
    .filter((to) => !/^[a-z]+:/.test(to));
  const paths = [...text.matchAll(/`((?:src|test|bin|docs|templates|\.ci)\/[\w./-]+)`/g)].map(([, path]) =>
    resolve(path),
  );
  for (const target of [...links.map((to) => resolve(dirname(document), to)), ...paths]) {
    if (!existsSync(target)) dead.push(`${document}: ${target}`);
  }
}
for (const line of dead) process.stderr.write(`dead link: ${line}\n`);
process.stdout.write(`${documents.length} documents, ${dead.length} dead links\n`);
process.exitCode = dead.length === 0 ? 0 : 1;
