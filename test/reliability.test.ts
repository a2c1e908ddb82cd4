/** docs/reliability.md names tests that there are. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const text = readFileSync('docs/reliability.md', 'utf8');

test('every test that is named is there', () => {
  const named = [...text.matchAll(/\]\(\.\.\/(test\/[\w/.-]+)\) \*([^*]+)\*/g)].map(([, file, name]) => ({ file: file!, name: name! }));
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter(({ file, name }) => !readFileSync(file, 'utf8').includes(name))).toEqual([]);
});

test('every fault has one', () => {
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  expect(rows.slice(2).filter((row) => !/\]\(\.\.\/test\/[^)]+\) \*/.test(row))).toEqual([]);
  for (const row of rows) expect(row.split(' | ')).toHaveLength(4);
});
