/**
 * What is no secret stays: the sources of large packages, which are full of keys, tokens, hashes and examples, hold
 * nothing that the default rules hide. In zod's there are two JSON Web Tokens; they are what they are.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRedactor } from '../../src/redact/redact.ts';
import { builtInRules } from '../../src/redact/rules/index.ts';

const redactor = createRedactor(builtInRules.filter(({ pack }) => pack === 'credentials'));

test.each<{ name: string; hidden: readonly string[] }>([
  { name: '@typescript', hidden: [] },
  { name: '@opentelemetry', hidden: [] },
  { name: '@types', hidden: [] },
  { name: '@babel', hidden: [] },
  { name: 'knip', hidden: [] },
  { name: 'protobufjs', hidden: [] },
  { name: 'vite', hidden: [] },
  { name: 'vitest', hidden: [] },
  { name: 'zod', hidden: ['jwt', 'jwt'] },
])('the sources of $name', ({ name, hidden }) => {
  const found: string[] = [];
  let characters = 0;
  for (const file of sourcesOf(join('node_modules', name))) {
    const text = readFileSync(file, 'utf8');
    characters += text.length;
    for (const { start, rule } of redactor.find(text)) found.push(`${rule} at ${file}, line ${text.slice(0, start).split('\n').length}`);
  }
  expect(found.map((where) => where.split(' ')[0])).toEqual(hidden);
  expect(characters).toBeGreaterThan(100_000);
});

function* sourcesOf(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourcesOf(path);
    else if (entry.isFile() && /\.(?:[cm]?[jt]sx?|json|md)$/.test(entry.name)) yield path;
  }
}
