/** Nothing is lost to the edge of a terminal that a next line could tell. */
import type { WriteStream } from 'node:tty';
import fc from 'fast-check';
import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import { overviewText } from '../../src/cli/stats-text.ts';
import { terminal } from '../../src/cli/terminal.ts';
import { widthOf } from '../../src/cli/text-width.ts';
import { treeText } from '../../src/cli/tree.ts';
import { type CellWidths, layoutOf, type TreeLayout } from '../../src/cli/tree-layout.ts';
import { wrapped } from '../../src/cli/wrap.ts';
import { reportOf } from '../../src/stats/report.ts';
import { nothing } from '../../src/stats/stats.ts';
import { loadStory } from '../support/stories.ts';

describe('parts on lines', () => {
  test.each([
    { columns: 40, is: ['a b · 12 tool calls · began today'] },
    { columns: 22, is: ['a b · 12 tool calls', 'began today'] },
    { columns: 12, is: ['a b', '12 tool', 'calls', 'began today'] },
    { columns: 12, parts: ['5 one two, 6 three and 4 more'], is: ['5 one two, 6', 'three and 4', 'more'] },
    { columns: 16, parts: ['5 one two, 6 three, 7 four'], is: ['5 one two,', '6 three, 7 four'] },
    { columns: 4, is: ['a b', '12', 'tool', 'cal…', 'beg…', 'tod…'] },
  ])('$columns columns', ({ columns, parts = ['a b', '12 tool calls', 'began today'], is }) => {
    expect(wrapped(parts, ' · ', columns)).toEqual(is);
  });

  test('no line is too wide, and of words that fit none is lost', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replace(/\s+/g, ' ').trim())),
        fc.integer({ min: 1, max: 60 }),
        (parts, columns) => {
          const lines = wrapped(parts, ' · ', columns);
          for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
          const words = parts
            .join(' ')
            .split(' ')
            .filter((word) => word !== '' && widthOf(word) <= columns);
          for (const word of words) expect(lines.join(' ')).toContain(word);
        },
      ),
    );
  });
});

test('the tree: what a session came to is told to its end', async () => {
  const { traced, ref } = loadStory('tools').sessions[0]!;
  const text = treeText({ ...traced, ref, repeated: 0 }, { colors: createColors(false), width: 40, depth: 0 });
  expect(text.split('\n').slice(0, 3).join(' ')).toMatch(/^ab176b2b {2}1 turn · .*\$0\.0277 · 5 errors/);
  for (const line of text.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(40);
});

test('stats: a fact with many kinds is told to its end', () => {
  const counts = new Map(['human', 'task_notification', 'sdk', 'peer', 'command', 'bash', 'unknown'].map((name) => [name, 1234] as const));
  const report = reportOf({ ...nothing(), turns: 7, triggers: counts });
  for (const width of [40, 60, 80]) {
    const text = overviewText(report, { width, colors: createColors(false) });
    expect(text.replace(/\s+/g, ' ')).toContain('1,234 sdk and 2 more kinds');
    for (const line of text.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(width);
  }
});

test('the tree: a column that is there stays as the terminal gets wider', () => {
  const cell = fc.integer({ min: 0, max: 24 });
  const cells: fc.Arbitrary<CellWidths> = fc.record({
    name: fc.integer({ min: 1, max: 80 }),
    label: fc.nat(120),
    tokens: cell,
    cost: cell,
    cached: cell,
  });
  const shown = (layout: TreeLayout) => (['duration', 'cost', 'bar', 'tokens', 'cached'] as const).filter((column) => layout[column] > 0);
  fc.assert(
    fc.property(fc.array(cells, { minLength: 1, maxLength: 5 }), (rows) => {
      let before: readonly string[] = [];
      for (let width = 10; width <= 200; width++) {
        const layout = layoutOf(rows, width);
        expect(shown(layout), `${width}`).toEqual(expect.arrayContaining([...before]));
        const taken = shown(layout).reduce((sum, column) => sum + 2 + layout[column], layout.name);
        expect(taken, `${width}`).toBeLessThanOrEqual(width);
        before = shown(layout);
      }
    }),
  );
  const rows = [{ name: 40, label: 40, tokens: 14, cost: 7, cached: 10 }];
  expect([50, 60, 70, 80].map((width) => layoutOf(rows, width).cost)).toEqual([7, 7, 7, 7]);
});

test.each([
  { what: 'what the terminal says', isTTY: true, columns: 100, env: { COLUMNS: '60' }, is: 100 },
  { what: 'of one that does not, what the user says', isTTY: true, columns: 0, env: { COLUMNS: '60' }, is: 60 },
  { what: 'nobody', isTTY: true, columns: 0, env: {}, is: 80 },
  { what: 'nonsense', isTTY: true, columns: 0, env: { COLUMNS: 'wide' }, is: 80 },
  { what: 'of a file, nobody', isTTY: false, columns: undefined, env: { COLUMNS: '60' }, is: undefined },
])('how wide it is: $what', ({ isTTY, columns, env, is }) => {
  const stream = { isTTY, columns, rows: 0 } as unknown as WriteStream;
  expect(terminal(stream, stream, env).width).toBe(is);
});
