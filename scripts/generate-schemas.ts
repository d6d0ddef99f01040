/** `npm run schemas`: write schemas/ from the declarations in src/cli/schemas. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { publishedSchema } from '../src/cli/schemas/define-json-schema.ts';
import { jsonSchemas } from '../src/cli/schemas/index.ts';

const folder = path.join(import.meta.dirname, '../schemas');
mkdirSync(folder, { recursive: true });
const texts = new Map(
  jsonSchemas.map((declared) => [`${declared.name}.schema.json`, publishedSchema(declared)]),
);
// A schema whose declaration is gone goes with it.
for (const file of readdirSync(folder)) {
  if (!texts.has(file)) rmSync(path.join(folder, file));
}
for (const [file, text] of texts) writeFileSync(path.join(folder, file), text);
console.log(`${texts.size} schemas in schemas/`);
