import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ViewSpan, ViewTurn } from '../../../src/view/model.ts';
import { ancestorsOf, haystacks, matchesIn, nextMatch, placeOf, treeOf, turnOf, visibleRows } from '../../../src/view/page/rows.ts';

const span = (parent: number, depth: number, own: Partial<ViewSpan> = {}): ViewSpan => ({
  id: 'id',
  parent,
  depth,
  kind: 'tool',
  name: 'Bash',
  startMs: 0,
  endMs: 1,
  ...own,
});
const chat = (parent: number, depth: number): ViewSpan =>
  span(parent, depth, { kind: 'chat', name: 'claude', tokens: { input: 10, output: 2, cacheRead: 5 }, costUsd: 0.5 });

/** A turn with a chat and an agent of two calls, then a turn of one. */
const SPANS = [
  span(-1, 0, { kind: 'turn', name: 'Turn 1' }),
  chat(0, 1),
  span(0, 1, { kind: 'agent', name: 'Explore' }),
  chat(2, 2),
  span(2, 2, { error: 'tool_error', label: 'npm test' }),
  span(-1, 0, { kind: 'turn', name: 'Turn 2' }),
  chat(5, 1),
];

test('calls whose tokens nobody told, but for those that their agent tells of', () => {
  const silent = (parent: number, depth: number): ViewSpan => span(parent, depth, { kind: 'chat', name: 'm' });
  const agent = span(0, 1, { kind: 'agent', name: 'a', tokens: { input: 50, output: 5, cacheRead: 0 } });
  const tree = treeOf([span(-1, 0, { kind: 'turn', name: 'Turn 1' }), silent(0, 1), agent, silent(2, 2), chat(0, 1)]);
  expect([...tree.untold]).toEqual([1, 1, 0, 0, 0]);
  expect([...tree.input]).toEqual([60, 0, 50, 0, 10]);
});

test('calls without a price are counted where they are missed', () => {
  const call = (parent: number, depth: number, own: Partial<ViewSpan>): ViewSpan =>
    span(parent, depth, { kind: 'chat', name: 'm', ...own });
  const agent = span(0, 1, { kind: 'agent', name: 'a' });
  const tree = treeOf([
    span(-1, 0, { kind: 'turn', name: 'Turn 1' }),
    call(0, 1, { costUsd: 0.5 }),
    agent,
    call(2, 2, { unpriced: true }),
    call(2, 2, { unpriced: true }),
  ]);
  expect([...tree.unpriced]).toEqual([2, 0, 2, 1, 1]);
});

test('what is below a row: where it ends, and what it sums to', () => {
  const tree = treeOf(SPANS);
  expect([...tree.ends]).toEqual([5, 2, 5, 4, 5, 7, 7]);
  expect([...tree.input]).toEqual([20, 10, 10, 10, 0, 10, 10]);
  expect([...tree.costUsd]).toEqual([1, 0.5, 0.5, 0.5, 0, 0.5, 0.5]);
  expect([...tree.errors]).toEqual([1, 0, 1, 0, 1, 0, 0]);
});

test('what is collapsed hides what is below it, and nothing else', () => {
  const tree = treeOf(SPANS);
  expect([...visibleRows(tree, 0, 7, new Set())]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect([...visibleRows(tree, 0, 7, new Set([2]))]).toEqual([0, 1, 2, 5, 6]);
  expect([...visibleRows(tree, 0, 7, new Set([0, 2]))]).toEqual([0, 5, 6]);
  expect([...visibleRows(tree, 5, 2, new Set([0]))]).toEqual([5, 6]);
});

test('a row is visible exactly when none above it is collapsed', () => {
  const anyTree = fc.array(fc.nat(6), { minLength: 1, maxLength: 60 }).map((depths) => {
    const spans: ViewSpan[] = [];
    for (const wanted of depths) {
      const depth = Math.min(wanted, (spans.at(-1)?.depth ?? -1) + 1);
      spans.push(
        span(
          spans.findLastIndex((other) => other.depth === depth - 1),
          depth,
        ),
      );
    }
    return spans;
  });
  fc.assert(
    fc.property(anyTree, fc.array(fc.nat(59)), (spans, chosen) => {
      const collapsed = new Set(chosen);
      const expected = spans.flatMap((_, row) => (ancestorsOf(spans, row).some((above) => collapsed.has(above)) ? [] : [row]));
      expect([...visibleRows(treeOf(spans), 0, spans.length, collapsed)]).toEqual(expected);
    }),
  );
});

test('places among rows, and the turn of a row', () => {
  const rows = Int32Array.from([2, 5, 9]);
  expect([1, 2, 4, 5, 9, 99].map((row) => placeOf(rows, row))).toEqual([-1, 0, 0, 1, 2, 2]);
  const turns = [{ first: 0 }, { first: 5 }] as unknown as ViewTurn[];
  expect([0, 4, 5, 6].map((row) => turnOf(turns, row))).toEqual([0, 0, 1, 1]);
});

test('a search finds every word in name, label or error, in any case', () => {
  const texts = haystacks(SPANS);
  expect([...matchesIn(texts, 'NPM bash')]).toEqual([4]);
  expect([...matchesIn(texts, 'tool_error')]).toEqual([4]);
  expect([...matchesIn(texts, 'claude')]).toEqual([1, 3, 6]);
  expect([...matchesIn(texts, '  ')]).toEqual([]);
});

test('the next match comes round', () => {
  const matches = Int32Array.from([1, 3, 6]);
  expect([0, 1, 2, 6].map((row) => nextMatch(matches, row, 1))).toEqual([1, 3, 3, 1]);
  expect([0, 1, 4, 6].map((row) => nextMatch(matches, row, -1))).toEqual([6, 6, 3, 3]);
  expect(nextMatch(new Int32Array(0), 1, 1)).toBeUndefined();
});
