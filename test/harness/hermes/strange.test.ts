/** Rows of Hermes that nobody recorded: ids told again, wrong types. */
import { expect, test } from 'vitest';
import { brokenInvariants, buildTrace, type Trace } from '../../../src/index.ts';

type Fields = Record<string, unknown>;

function built(rows: readonly Fields[]): Trace {
  const lines = rows.map((row, n) => JSON.stringify({ id: n + 1, session_id: 's', timestamp: 1_795_000_000 + n, active: 1, ...row }));
  const meta = JSON.stringify({ sessions: [{ id: 's', started_at: 1_795_000_000 }], models: [], messages: lines.length });
  const trace = buildTrace({ harness: 'hermes', sessionId: 's', main: { name: 'main', lines, meta }, agents: [], ended: false });
  expect(brokenInvariants(trace.spans)).toEqual([]);
  return trace;
}
const asks = (id: string): Fields => ({
  role: 'assistant',
  tool_calls: JSON.stringify([{ id, function: { name: 'terminal', arguments: '{}' } }]),
});
const gives = (id: string, content = '{}'): Fields => ({ role: 'tool', tool_call_id: id, content });
const user = (content: string): Fields => ({ role: 'user', content });

test('an id used again in a turn is told apart by how often, for rows above it may be deleted', () => {
  const turn = [user('two'), asks('c1'), gives('c1'), asks('c1'), gives('c1'), asks('c1'), { role: 'assistant', content: 'ok' }];
  const ids = (trace: Trace): unknown[] => trace.spans.flatMap(({ attributes }) => attributes['gen_ai.tool.call.id'] ?? []);
  const all = ids(built([user('one'), { role: 'assistant', content: 'yes' }, ...turn]));
  expect(new Set(all).size).toBe(3);
  expect(ids(built(turn))).toEqual(all);
});

test('what stands in the place of a role is not told', () => {
  const { problems } = built([user('one'), { role: 'my secret', content: 'x' }, { role: 'assistant', content: 'yes' }]);
  expect(problems).toHaveLength(1);
  expect(JSON.stringify(problems)).not.toContain('secret');
});

test.each([
  { id: 'deleg_8e040bf2', is: 'deleg_8e040bf2' },
  { id: 'confidential', is: undefined },
])('the output of a tool names a delegation only by an id as Hermes makes them: $id', ({ id, is }) => {
  const { spans } = built([user('one'), asks('c1'), gives('c1', JSON.stringify({ delegation_id: id }))]);
  expect(spans.at(-1)!.attributes['trace_build.task.id']).toBe(is);
});

test('objects that have no text stand nowhere in the way', () => {
  const odd = { toString: 1, valueOf: 1 };
  const status = JSON.stringify({ results: [{ status: odd }] });
  const parts = `\0json:${JSON.stringify([{ type: odd }])}`;
  expect(built([{ ...user(parts), id: odd, session_id: 's' }, asks('c1'), gives('c1', status)]).spans).toHaveLength(3);
});
