/** Hermes's sessions: what the database tells of them, what hooks add, and what both can't know. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Row, Transcript } from '../../../src/harness/harness.ts';
import { hermes } from '../../../src/harness/hermes/index.ts';
import { layout } from '../../../src/harness/hermes/layout.ts';
import { brokenInvariants, buildTrace, type Span } from '../../../src/index.ts';
import { readDatabase } from '../../../src/read/sqlite.ts';
import type { Session } from '../../../src/session/types.ts';
import { compare } from '../../../src/verify/compare.ts';
import { databaseOf } from '../../support/sqlite.ts';
import { type PlainTranscript, refsOf, transcriptOf } from '../../support/stories.ts';
import { treeText } from '../../support/tree.ts';

const STORIES = ['hermes/real-run-0.18.2', 'hermes/live-wal-0.18.2', 'hermes/schema30'];
const sessionsIn = (story: string): readonly PlainTranscript[] => refsOf(story).map((ref) => transcriptOf(ref));
const named = (story: string, id: string): PlainTranscript => sessionsIn(story).find(({ sessionId }) => sessionId === id)!;

function sessionOf(transcript: Transcript, content = false): Session {
  const files = (all: readonly Transcript['main'][]) => all.map((file) => hermes.parse(file, { content }));
  return hermes.normalise({
    sessionId: transcript.sessionId,
    main: hermes.parse(transcript.main, { content }),
    agents: files(transcript.agents),
    related: [],
    ended: transcript.ended,
  }).session;
}

const answersOf = (spans: readonly Span[]) => spans.filter(({ name }) => name.startsWith('chat '));

describe('what was counted', () => {
  test.each([
    { story: STORIES[0]!, id: '20261120_221451_9ed2a7', calls: 4, input: 10300, output: 245, cost: undefined },
    { story: STORIES[1]!, id: '20261120_100000_a1b2c3', calls: 7, input: 7710, output: 337, cost: 0.007 },
    { story: STORIES[2]!, id: '20261120_100000_a1b2c3', calls: 7, input: 7710, output: 337, cost: 0.007 },
    { story: STORIES[1]!, id: '20261120_103000_cccccc', calls: 1, input: 70, output: 7, cost: undefined },
  ])('$story $id: the totals stand on the last turn, once', ({ story, id, calls, input, output, cost }) => {
    const { turns } = sessionOf(named(story, id));
    expect(turns.slice(0, -1).flatMap(({ sessionUsage }) => sessionUsage ?? [])).toEqual([]);
    expect(turns.at(-1)!.sessionUsage).toMatchObject({ modelCalls: calls, usage: { input, output } });
    expect(turns.at(-1)!.sessionUsage!.costUsd).toBe(cost);
  });

  test('as many answers as calls were counted, though rows were copied, archived and undone', () => {
    const { turns } = sessionOf(named(STORIES[1]!, '20261120_100000_a1b2c3'));
    expect(turns.flatMap(({ modelCalls }) => modelCalls)).toHaveLength(7);
  });

  test("an agent's account is its own: a single call has all of it, several share it", () => {
    const one = sessionOf(named(STORIES[0]!, '20261120_221451_9ed2a7')).turns[0]!.toolCalls.flatMap(({ agent }) => agent ?? []);
    expect(one.map(({ modelCalls }) => modelCalls.map(({ usage }) => usage?.input))).toEqual([[500]]);
    const two = sessionOf(named(STORIES[1]!, '20261120_100000_a1b2c3')).turns[0]!.toolCalls.flatMap(({ agent }) => agent ?? []);
    expect(two.map(({ modelCalls, sessionUsage }) => [modelCalls.length, sessionUsage?.usage.input, sessionUsage?.costUsd])).toEqual([
      [2, 1050, 0.002],
    ]);
  });

  test('totals of another moment are not told', () => {
    const whole = named(STORIES[0]!, '20261120_221451_9ed2a7');
    const { turns } = sessionOf({ ...whole, main: { ...whole.main, lines: whole.main.lines.slice(0, -1) } });
    expect(turns.at(-1)!.sessionUsage).toBeUndefined();
  });
});

describe('with a spool of hooks', () => {
  const hooks = readFileSync(join('fixtures', 'hermes', 'real-run-0.18.2', 'hooks.ndjson'), 'utf8')
    .trim()
    .split('\n');
  const plain = named(STORIES[0]!, '20261120_221451_9ed2a7');
  const exact = { ...plain, main: { ...plain.main, lines: [...plain.main.lines, ...hooks] } };

  test('the trace is as it was', async () => {
    const { spans, problems } = buildTrace(exact);
    expect(problems).toEqual([]);
    expect(brokenInvariants(spans)).toEqual([]);
    await expect(treeText([{ title: exact.sessionId, spans }])).toMatchFileSnapshot(
      '../../../fixtures/hermes/real-run-0.18.2/trace.hooks.txt',
    );
  });

  test('every call has its own tokens, together those of the account, which is not told again', () => {
    const { turns } = sessionOf(exact);
    const usages = turns.flatMap(({ modelCalls }) => modelCalls.map(({ usage }) => usage!));
    expect(usages.map(({ input, output }) => [input, output])).toEqual([
      [2000, 120],
      [2400, 90],
      [2900, 20],
      [3000, 15],
    ]);
    expect(usages.reduce((sum, { input }) => sum + input, 0)).toBe(10300);
    expect(turns.at(-1)!.sessionUsage).toBeUndefined();
  });

  test('ids stay, times are no longer estimated where hooks told them', () => {
    const [before, after] = [buildTrace(plain).spans, buildTrace(exact).spans];
    expect(after.map(({ traceId, spanId }) => [traceId, spanId])).toEqual(before.map(({ traceId, spanId }) => [traceId, spanId]));
    const estimated = (spans: readonly Span[]) =>
      spans.filter(({ attributes }) => attributes['trace_build.time.estimated'] === true).length;
    expect([estimated(before), estimated(after)]).toEqual([9, 1]);
    expect(answersOf(after).map(({ startMs, endMs }) => endMs - startMs)).toContain(267);
  });

  test('an independent count finds the same', () => {
    expect(compare(hermes.recount(exact), buildTrace(exact).spans).differences).toEqual([]);
  });

  test('wherever the spool is cut, doubled or damaged, the trace is sound', () => {
    for (let end = 0; end <= hooks.length; end++) {
      const lines = [
        ...hooks.slice(0, end),
        ...hooks,
        '{"hook_event_name":3}',
        '{"hook_event_name":"post_api_request","session_id":"x","extra":{"started_at":"now"}}',
        ...plain.main.lines,
      ];
      expect(brokenInvariants(buildTrace({ ...plain, main: { ...plain.main, lines } }).spans)).toEqual([]);
    }
  });
});

test.each(STORIES)('%s: an independent count finds the same', (story) => {
  for (const transcript of sessionsIn(story)) {
    const recount = hermes.recount(transcript);
    expect(compare(recount, buildTrace(transcript).spans).differences).toEqual([]);
  }
});

describe('rows', () => {
  const SESSION = 's1';
  const row = (id: number, role: string, at: number, own: object = {}) =>
    JSON.stringify({ id, session_id: SESSION, role, timestamp: 1_795_000_000 + at, active: 1, compacted: 0, ...own });
  const calls = (...ids: string[]) =>
    JSON.stringify(ids.map((id) => ({ id, function: { name: 'delegate_task', arguments: JSON.stringify({ goal: `goal of ${id}` }) } })));
  const told = (lines: readonly string[], own: Partial<Transcript> = {}, meta: object = {}): Transcript => ({
    harness: 'hermes',
    sessionId: SESSION,
    main: {
      name: 'state.db',
      lines,
      meta: JSON.stringify({ sessions: [{ id: SESSION, model: 'm', source: 'cli' }], models: [], messages: lines.length, ...meta }),
    },
    agents: [],
    ended: true,
    ...own,
  });

  test('a retry deletes an answer and asks again: another turn; rows written anew keep the ids of the others', () => {
    const first = [row(1, 'user', 0, { content: 'hi' }), row(2, 'assistant', 1, { content: 'hello' })];
    const again = [row(11, 'user', 90, { content: 'hi' }), row(12, 'assistant', 90.1, { content: 'hello' })];
    const asked = [row(3, 'user', 2, { content: 'go' }), row(4, 'assistant', 3, { content: 'no' })];
    const retried = [row(13, 'user', 91, { content: 'go' }), row(14, 'assistant', 92, { content: 'yes' })];
    const ids = (lines: readonly string[]) => sessionOf(told(lines)).turns.map(({ startId }) => startId);
    const [before, after] = [ids([...first, ...asked]), ids([...again, ...retried])];
    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
  });

  test('the same words twice are two turns', () => {
    const lines = [0, 2].flatMap((at) => [
      row(at + 1, 'user', at, { content: 'go on' }),
      row(at + 2, 'assistant', at + 1, { content: 'done' }),
    ]);
    expect(new Set(sessionOf(told(lines)).turns.map(({ startId }) => startId)).size).toBe(2);
    expect(brokenInvariants(buildTrace(told(lines)).spans)).toEqual([]);
  });

  test('a compaction amid a turn: rows kept are told once, the turn goes on', () => {
    const archived = { active: 0, compacted: 1 };
    const lines = [
      row(1, 'user', 0, { content: 'long job', ...archived }),
      row(2, 'assistant', 1, { content: 'step', tool_calls: calls('c1'), ...archived }),
      row(3, 'tool', 2, { tool_call_id: 'c1', content: '{"error": null}', ...archived }),
      row(4, 'user', 3, { content: 'long job' }),
      row(5, 'user', 3.000001, { content: '[CONTEXT COMPACTION - REFERENCE ONLY] so far' }),
      row(6, 'assistant', 3.000002, { content: 'step', tool_calls: calls('c1') }),
      row(7, 'tool', 3.000003, { tool_call_id: 'c1', content: '{"error": null}' }),
      row(8, 'assistant', 4, { content: 'done' }),
    ];
    const { turns } = sessionOf(told(lines));
    expect(turns.map(({ modelCalls, toolCalls, compactions }) => [modelCalls.length, toolCalls.length, compactions.length])).toEqual([
      [2, 1, 1],
    ]);
    expect(turns[0]!.modelCalls.map(({ afterCompaction }) => afterCompaction)).toEqual([false, true]);
  });

  test('a background agent: its end is told as a turn that links to it', () => {
    const agent = (id: string, parent: string, goal: string, own: readonly string[] = []) => ({
      id,
      name: id,
      lines: [
        row(50, 'user', 1.1, { session_id: id, content: goal }),
        row(51, 'assistant', 1.5, { session_id: id, content: 'did it' }),
        ...own,
      ],
      meta: JSON.stringify({ sessions: [{ id, parent_session_id: parent, started_at: 1_795_000_001.05 }], models: [], messages: 2 }),
    });
    const lines = [
      row(1, 'user', 0, { content: 'both' }),
      row(2, 'assistant', 1, { tool_calls: calls('c1', 'c2') }),
      row(3, 'tool', 1.2, { tool_call_id: 'c1', content: '{"status": "dispatched", "delegation_id": "deleg_1"}' }),
      row(4, 'assistant', 2, { content: 'started' }),
      row(5, 'user', 3, { content: '[ASYNC DELEGATION BATCH COMPLETE — deleg_1] did it' }),
      row(6, 'assistant', 4, { content: 'good' }),
    ];
    const transcript = told(lines, {
      agents: [agent('a2', SESSION, 'goal of c2'), agent('a1', SESSION, 'goal of c1'), agent('stray', SESSION, 'nobody asked')],
    });
    const { turns } = sessionOf(transcript);
    expect(turns.map(({ trigger }) => trigger)).toEqual(['human', 'task_notification']);
    expect(turns[0]!.toolCalls.map(({ id, agent: started }) => [id, started?.id])).toEqual([
      ['c1', 'a1'],
      ['c2', 'a2'],
    ]);
    expect(turns[0]!.unclaimedAgents.map(({ id }) => id)).toEqual(['stray']);
    expect(turns[1]!.notifiedBy).toEqual([{ startId: turns[0]!.startId, id: 'c1', kind: 'call' }]);
    const { spans, problems } = buildTrace(transcript);
    expect(brokenInvariants(spans)).toEqual([]);
    expect(problems.map(({ reason }) => reason)).toEqual(['unclaimed-agent']);
  });

  test('agents that name one another as parents: each is told once, and telling ends', () => {
    const agent = (id: string, parent: string) => ({
      id,
      name: id,
      lines: [
        row(50, 'user', 1, { session_id: id, content: `goal of c${id}` }),
        row(51, 'assistant', 1.5, { session_id: id, tool_calls: calls(`c${parent}`) }),
      ],
      meta: JSON.stringify({ sessions: [{ id, parent_session_id: parent, started_at: 1_795_000_002 }], models: [], messages: 2 }),
    });
    const { spans } = buildTrace(told([row(1, 'user', 0, { content: 'x' })], { agents: [agent('a', 'b'), agent('b', 'a')] }));
    expect(brokenInvariants(spans)).toEqual([]);
    expect(spans.filter(({ name }) => name === 'invoke_agent subagent')).toHaveLength(2);
  });

  test('what nobody answered is open while the session runs, and interrupted when it is over', () => {
    const lines = [row(1, 'user', 0, { content: 'x' }), row(2, 'assistant', 1, { tool_calls: calls('c1') })];
    expect(sessionOf(told(lines, { ended: false })).turns[0]).toMatchObject({
      finished: false,
      toolCalls: [{ outcome: { kind: 'open' } }],
    });
    expect(sessionOf(told(lines)).turns[0]).toMatchObject({
      finished: true,
      outcome: { kind: 'interrupted' },
      toolCalls: [{ outcome: { kind: 'interrupted' } }],
    });
  });

  test('content, when asked for: parts of a list, arguments, results', () => {
    const { turns } = sessionOf(named(STORIES[1]!, '20261120_100000_a1b2c3'), true);
    expect(turns[1]!.prompt).toEqual([
      { kind: 'text', text: 'What is in this image?' },
      { kind: 'media', modality: 'image', mimeType: 'image/png', bytes: 3 },
    ]);
    expect(turns[0]!.toolCalls[0]).toMatchObject({
      input: { command: 'ls' },
      output: '{"output": "a.py\\nb.py", "exit_code": 0, "error": null}',
    });
    expect(JSON.stringify(sessionOf(named(STORIES[1]!, '20261120_100000_a1b2c3')))).not.toContain('image?');
  });
});

test('what calls changed: files by patch and write_file, commits by a command that printed them', () => {
  const asked = [
    { id: 'c1', function: { name: 'patch', arguments: '{"path":"a.py","old_string":"x","new_string":"y"}' } },
    { id: 'c2', function: { name: 'write_file', arguments: '{"path":"b.py","content":"z"}' } },
    { id: 'c3', function: { name: 'patch', arguments: '{"path":"c.py","old_string":"x","new_string":"y"}' } },
    { id: 'c4', function: { name: 'terminal', arguments: '{"command":"git commit -m x"}' } },
  ];
  const results = [
    '{"success": true}',
    '{"bytes_written": 1}',
    '{"error": "not found"}',
    '{"output": "[main abc1234] x\\n 1 file changed", "exit_code": 0}',
  ];
  const rows = [
    { role: 'user', content: 'go' },
    { role: 'assistant', tool_calls: JSON.stringify(asked) },
    ...results.map((content, at) => ({ role: 'tool', tool_call_id: `c${at + 1}`, content })),
  ];
  const lines = rows.map((own, at) => JSON.stringify({ id: at + 1, session_id: 's', timestamp: 1_795_000_000 + at, ...own }));
  const calls = (content: boolean) =>
    sessionOf({ harness: 'hermes', sessionId: 's', main: { name: 'x', lines }, agents: [], ended: true }, content).turns[0]!.toolCalls;
  expect(calls(true).map(({ files, commits }) => files ?? commits)).toEqual([
    [{ change: 'update', path: 'a.py', edits: [{ before: 'x', after: 'y' }] }],
    [{ change: 'update', path: 'b.py' }],
    undefined,
    1,
  ]);
  expect(calls(false).map(({ files }) => files)).toEqual([[{ change: 'update' }], [{ change: 'update' }], undefined, undefined]);
});

describe('the layout', () => {
  const listed = (path: string) => readDatabase(path, ({ all, columns }) => layout.sessionsOf(layout.listQueries(columns).map(all)));

  test('chains are one session, delegates are agents, branches are sessions', () => {
    expect(
      listed('fixtures/hermes/live-wal-0.18.2/state.db').map(({ id, ids, parentId, ended, directory }) => ({
        id,
        ids: ids.length,
        parentId,
        ended,
        directory,
      })),
    ).toEqual([
      { id: '20261120_100000_a1b2c3', ids: 2, parentId: undefined, ended: false, directory: '/home/u/proj' },
      { id: '20261120_100003_d4e5f6', ids: 1, parentId: '20261120_100000_a1b2c3', ended: true, directory: '/home/u/proj' },
      { id: '20261120_102000_bbbbbb', ids: 1, parentId: undefined, ended: false, directory: undefined },
      { id: '20261120_103000_cccccc', ids: 1, parentId: undefined, ended: false, directory: undefined },
    ]);
  });

  test('profiles, and a home of its own', () => {
    expect(layout.files({}, '/h')).toEqual(['/h/.hermes/state.db', '/h/.hermes/profiles/*/state.db']);
    expect(layout.files({ HERMES_HOME: '/x' }, '/h')).toEqual(['/x/state.db', '/x/profiles/*/state.db']);
  });

  test('columns and tables that an older version lacks are not asked for', () => {
    const [bytes] =
      databaseOf(`create table sessions(id text, started_at real, parent_session_id text); create table messages(id integer primary key, session_id text, role text, content text, timestamp real);
      insert into sessions values ('a', 5, null), ('b', 6, 'b'); insert into messages values (1, 'a', 'user', 'x', 6.5)`);
    expect(bytes!.length).toBeGreaterThan(0);
    const columns = { sessions: ['id', 'started_at', 'parent_session_id'], messages: ['id', 'session_id', 'role', 'content', 'timestamp'] };
    const rows: Row[][] = [
      [{ kind: 'session', id: 'a', started_at: 5, parent_session_id: null }],
      [{ kind: 'rows', session_id: 'a', rows: 1, newest: 1, last_at: 6.5 }],
    ];
    expect(layout.listQueries(columns)).toHaveLength(2);
    expect(layout.sessionsOf(rows)).toMatchObject([{ id: 'a', begunMs: 5000, modifiedMs: 6500, ended: false }]);
    expect(layout.lineQueries(['a'], columns)[0]!.sql).toBe(
      'select "id", "session_id", "role", "content", "timestamp" from messages where session_id = ? order by id',
    );
  });
});
