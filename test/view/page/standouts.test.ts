import { expect, test } from 'vitest';
import type { ViewSpan } from '../../../src/view/model.ts';
import { dearest, slowest, thinned } from '../../../src/view/page/standouts.ts';

const span = (kind: ViewSpan['kind'], ms: number, costUsd?: number): ViewSpan => ({
  id: 'id',
  parent: -1,
  depth: 0,
  kind,
  name: kind,
  startMs: 100,
  endMs: 100 + ms,
  ...(costUsd !== undefined && { costUsd }),
});

const SPANS = [
  span('turn', 900),
  span('chat', 30, 0.2),
  span('agent', 800),
  span('tool', 50),
  span('chat', 40, 0.9),
  span('tool', 0),
  span('chat', 50, 0.2),
];

test('the slowest are calls, not what contains them; of equals the first', () => {
  expect(slowest(SPANS, 3)).toEqual([3, 6, 4]);
  expect(slowest(SPANS, 9)).toEqual([3, 6, 4, 1]);
  expect(slowest([], 5)).toEqual([]);
});

test('the dearest have a price', () => {
  expect(dearest(SPANS, 2)).toEqual([4, 1]);
  expect(dearest(SPANS, 5)).toEqual([4, 1, 6]);
});

test('of many points the highest stay', () => {
  const points = Array.from({ length: 1000 }, (_, span) => ({ span, tokens: span === 777 ? 9999 : span }));
  const kept = thinned(points, 100);
  expect(kept).toHaveLength(100);
  expect(kept.some(({ tokens, index }) => tokens === 9999 && index === 777)).toBe(true);
  expect(thinned(points.slice(0, 3), 100).map(({ index }) => index)).toEqual([0, 1, 2]);
});
