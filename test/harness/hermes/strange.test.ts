/** Rows of Hermes that nobody recorded: ids told again, wrong types. */
import { describe, expect, test } from 'vitest';
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

describe('how an agent ended is told by the call that waited for it', () => {
  const agentOf = (goal: string, n: number) => {
    const rows = [user(goal), { role: 'assistant', content: `done ${goal}` }];
    const lines = rows.map((row, at) =>
      JSON.stringify({ id: 100 + 10 * n + at, session_id: `a${n}`, timestamp: 1_795_000_001.2 + n / 10 + at / 100, active: 1, ...row }),
    );
    const about = { id: `a${n}`, parent_session_id: 's', started_at: 1_795_000_001.1 + n / 10 };
    return { id: `a${n}`, name: `a${n}`, lines, meta: JSON.stringify({ sessions: [about], models: [], messages: lines.length }) };
  };
  const GOALS = ['A', 'B', 'C', 'D', 'E'];
  const tasks = [{}, ...GOALS.map((goal) => ({ goal }))];
  const call = [{ id: 'c1', function: { name: 'delegate_task', arguments: JSON.stringify({ tasks }) } }];
  const told = (results: Fields) => {
    const rows = [
      user('one'),
      { role: 'assistant', tool_calls: JSON.stringify(call) },
      gives('c1', JSON.stringify(results)),
      { role: 'assistant', content: 'ok' },
    ];
    const lines = rows.map((row, n) => JSON.stringify({ id: n + 1, session_id: 's', timestamp: 1_795_000_000 + n, active: 1, ...row }));
    const meta = JSON.stringify({ sessions: [{ id: 's', started_at: 1_795_000_000 }], models: [], messages: lines.length });
    const { spans } = buildTrace(
      { harness: 'hermes', sessionId: 's', main: { name: 'main', lines, meta }, agents: GOALS.map(agentOf), ended: false },
      { content: 'full' },
    );
    expect(brokenInvariants(spans)).toEqual([]);
    return spans
      .filter(({ attributes }) => attributes['gen_ai.agent.id'] !== undefined && attributes['gen_ai.operation.name'] === 'invoke_agent')
      .map(({ attributes, status, open }) => ({
        is: [attributes['trace_build.outcome'], attributes['error.type']],
        status: status.kind === 'error' ? status.message : status.kind,
        open,
      }));
  };

  test('failed, out of time, interrupted; by number, else by place; of what is not told its rows tell', () => {
    const results = [
      { task_index: 2, status: 'failed', error: 'no credit' },
      { task_index: 1, status: 'completed' },
      { task_index: 3, status: 'timeout', error: 'too slow' },
      { status: 'interrupted' },
    ];
    expect(told({ results: [{ task_index: 5, status: 'what?' }, ...results.slice(0, 3), results[3]] })).toEqual([
      { is: ['completed', undefined], status: 'unset', open: false },
      { is: ['error', 'agent_error'], status: 'no credit', open: false },
      { is: ['error', 'timeout'], status: 'too slow', open: false },
      { is: ['interrupted', undefined], status: 'unset', open: false },
      { is: ['completed', undefined], status: 'unset', open: false },
    ]);
  });

  test('of one that does not wait, too, its rows tell', () => {
    expect(told({ status: 'dispatched', delegation_id: 'deleg_1' })).toEqual(
      GOALS.map(() => ({ is: ['completed', undefined], status: 'unset', open: false })),
    );
  });
});
