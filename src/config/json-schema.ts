import * as z from 'zod/mini';
import { projectSchema } from './schema.ts';

/** The JSON Schema of `saasctl.json`, as shipped for editors: `templates/saasctl.schema.json`. */
export function projectJsonSchema(): object {
  return { title: 'saasctl.json', ...z.toJSONSchema(projectSchema, { io: 'input' }) };
}
