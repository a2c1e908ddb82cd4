/**
 * src/config/schema.ts → config.schema.json, for editors and for whoever manages machines.
 *
 *   node scripts/config-schema.mjs            writes it
 *   node scripts/config-schema.mjs --print    prints it
 *
 * in:   the zod schemas, their descriptions, the defaults
 * out:  JSON Schema, draft 7: what editors know best
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const source = "export * from './src/config/schema.ts'; export { toJSONSchema } from 'zod/mini';";
const { outputFiles } = await build({ stdin: { contents: source, resolveDir: ROOT }, bundle: true, format: 'esm', write: false });
const { fileSchema, toJSONSchema, DEFAULTS } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);

const { $schema, properties, ...rest } = toJSONSchema(fileSchema, { target: 'draft-7', io: 'input' });
for (const [key, value] of Object.entries(DEFAULTS)) properties[key].default = value;
const description = 'config.json of trace-build. Keys of other versions are left alone.';
const text = `${JSON.stringify({ $schema, title: 'trace-build', description, ...rest, properties }, undefined, 2)}\n`;

if (process.argv.includes('--print')) process.stdout.write(text);
else writeFileSync(join(ROOT, 'config.schema.json'), text);
