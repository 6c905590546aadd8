import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { projectJsonSchema } from '../../src/config/json-schema.ts';
import { parseProject } from '../../src/config/parse.ts';

const template = (name: string): string => fileURLToPath(new URL(`../../templates/${name}`, import.meta.url));

it('the shipped JSON Schema is the one that is checked', () => {
  const current = `${JSON.stringify(projectJsonSchema(), null, 2)}\n`;
  const shipped = template('saasctl.schema.json');
  if (process.env['UPDATE']) writeFileSync(shipped, current);
  expect(
    JSON.parse(readFileSync(shipped, 'utf8')),
    'regenerate it: UPDATE=1 npx vitest run --config test/vitest.config.ts --project fast test/config/json-schema',
  ).toEqual(JSON.parse(current));
});

it('an editor is told what the tool would refuse', () => {
  const schema = projectJsonSchema() as {
    required: string[];
    additionalProperties: boolean;
    properties: { plans: { additionalProperties: { required: string[] } } };
  };
  expect(schema.additionalProperties).toBe(false);
  expect(schema.required).toEqual(['version', 'defaultProfile', 'profiles', 'plans']);
  expect(schema.properties.plans.additionalProperties.required).toContain('overage');
});

it('the starter file is good, and is what newcomers get', async () => {
  const project = await parseProject(readFileSync(template('saasctl.json'), 'utf8'), 'saasctl.json');
  expect(Object.keys(project.plans)).toEqual(['free', 'pro', 'enterprise']);
  expect(project.profiles).toEqual({
    local: {
      account: '000000000000',
      region: 'us-east-1',
      stack: 'local',
      keyEnvs: ['live', 'test'],
      importedKeys: true,
      stripe: 'stand-in',
    },
  });
});
