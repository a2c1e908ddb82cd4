/** The keys are described once, and all that is made of them is up to date. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CONFIG_KEYS } from '../../src/config/schema.ts';

test('config.schema.json is what scripts/config-schema.mjs makes of the schema', () => {
  const made = execFileSync(process.execPath, ['scripts/config-schema.mjs', '--print'], { encoding: 'utf8' });
  expect(readFileSync('config.schema.json', 'utf8'), 'run: node scripts/config-schema.mjs').toBe(made);
});

test('every key has a description, and a row in docs/configuration.md', () => {
  const { properties } = JSON.parse(readFileSync('config.schema.json', 'utf8'));
  const docs = readFileSync('docs/configuration.md', 'utf8');
  expect(Object.keys(properties).toSorted()).toEqual([...CONFIG_KEYS, '$schema', 'lock'].toSorted());
  for (const key of [...CONFIG_KEYS, 'lock']) {
    expect(properties[key].description, key).toMatch(/\.$|…$/);
    expect(docs).toContain(`| \`${key}\``);
  }
});
