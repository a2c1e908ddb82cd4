import { expect, test } from 'vitest';
import type { SessionSummary } from '../../../src/stats/summary.ts';
import type { ListedSession } from '../../../src/view/model.ts';
import { type Column, type Entry, inOrder, told, totalsOf } from '../../../src/view/page/listing.ts';

const listed = (key: string, modifiedMs: number, project = '/code/shop'): ListedSession => ({
  key,
  id: `id-${key}`,
  harness: 'claude-code',
  project,
  modifiedMs,
  bytes: 1,
});
const summary = (own: Partial<SessionSummary>): SessionSummary => ({
  id: 'id',
  harness: 'claude-code',
  startedAtMs: 0,
  endedAtMs: 0,
  models: ['claude-opus-5-5'],
  turns: 1,
  agents: 0,
  modelCalls: 1,
  toolCalls: 0,
  tokens: { input: 100, output: 10, cacheRead: 0, cacheWrite: 0 },
  costUsd: 1,
  unpriced: 0,
  errors: 0,
  compactions: 0,
  ...own,
});

function entries(): Map<string, Entry> {
  const known = new Map<string, Entry>();
  told(known, { kind: 'sessions', sessions: [listed('a', 3), listed('b', 2, '/code/api'), listed('c', 1), listed('d', 4)] });
  told(known, { kind: 'summary', key: 'a', summary: summary({ title: 'Fix the cart', startedAtMs: 3, costUsd: 2 }) });
  told(known, { kind: 'summary', key: 'b', summary: summary({ title: 'Add a test', startedAtMs: 2, costUsd: 5, unpriced: 4, errors: 3 }) });
  told(known, { kind: 'failed', key: 'c', message: 'no right to read it' });
  told(known, { kind: 'summary', key: 'nowhere', summary: summary({}) });
  return known;
}

const order = (column: Column, descending = true, query = ''): string =>
  inOrder(entries().values(), query, { column, descending })
    .map(({ listed: { key } }) => key)
    .join('');

test('in order of a column; what is not known yet comes last, either way, the newest first', () => {
  expect(order('last')).toBe('dabc');
  expect(order('cost')).toBe('badc');
  expect(order('cost', false)).toBe('abdc');
  expect(order('title', false)).toBe('badc');
  expect(order('project', false)).toBe('bdac');
});

test('what was last written to is first, as on the command line; what is read meanwhile moves no row', () => {
  const known = entries();
  const sorted = (): string =>
    inOrder(known.values(), '', { column: 'last', descending: true })
      .map(({ listed: { key } }) => key)
      .join('');
  expect(sorted()).toBe('dabc');
  told(known, { kind: 'summary', key: 'd', summary: summary({ turns: 0 }) });
  told(known, { kind: 'summary', key: 'c', summary: summary({ startedAtMs: 9 }) });
  expect(sorted()).toBe('dabc');
});

test('search in title, project, id and model', () => {
  expect(order('last', true, 'CART fix')).toBe('a');
  expect(order('last', true, 'api')).toBe('b');
  expect(order('last', true, 'id-c')).toBe('c');
  expect(order('last', true, 'opus')).toBe('ab');
  expect(order('last', true, 'opus cart nothing')).toBe('');
});

test('sums of what is known', () => {
  expect(totalsOf([...entries().values()])).toEqual({ tokens: 220, costUsd: 7, unpriced: 4, errors: 3 });
});

test('asked for again, what is gone goes, figures stay until newer ones come, and what failed may be read now', () => {
  const known = entries();
  told(known, { kind: 'sessions', sessions: [listed('a', 9), listed('c', 1)] });
  expect([...known.keys()]).toEqual(['a', 'c']);
  expect(known.get('a')).toMatchObject({ listed: { modifiedMs: 9 }, summary: { title: 'Fix the cart' } });
  told(known, { kind: 'summary', key: 'c', summary: summary({ title: 'Read' }) });
  expect(known.get('c')?.failed).toBeUndefined();
  told(known, { kind: 'failed', key: 'a', message: 'gone meanwhile' });
  expect(known.get('a')).toEqual({ listed: listed('a', 9), failed: 'gone meanwhile' });
});
