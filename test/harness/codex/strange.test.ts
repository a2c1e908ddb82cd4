/** What no recorded story has, made of small rollouts: of all eras, damaged, cut off, late. */
import { describe, expect, test } from 'vitest';
import { shortened } from '../../../src/harness/codex/cut.ts';
import { codex } from '../../../src/harness/codex/index.ts';
import type { Turn } from '../../../src/session/types.ts';
import { brokenInvariants } from '../../../src/trace/check.ts';
import { built, type builtStory, CODEX_STORIES, normalised, transcriptsOf } from '../../support/codex.ts';

const THREAD = '01a1f000-0000-7000-8000-000000000000';
const TURNS = ['01a1f001-0000-7000-8000-000000000001', '01a1f002-0000-7000-8000-000000000002'] as const;
const START_MS = Date.parse('2026-11-20T12:00:00.000Z');

type Fields = Record<string, unknown>;

/** Lines a hundred milliseconds apart, unless told otherwise. */
class Rollout {
  readonly lines: string[] = [];
  #atMs = START_MS;

  add(type: string, payload: Fields, afterMs = 100): this {
    this.#atMs += afterMs;
    this.lines.push(JSON.stringify({ timestamp: new Date(this.#atMs).toISOString(), type, payload }));
    return this;
  }
  meta = (fields: Fields = {}): this =>
    this.add('session_meta', {
      id: THREAD,
      timestamp: new Date(START_MS).toISOString(),
      source: 'cli',
      model_provider: 'openai',
      ...fields,
    });
  event = (type: string, fields: Fields = {}, afterMs?: number): this => this.add('event_msg', { type, ...fields }, afterMs);
  item = (type: string, fields: Fields = {}, afterMs?: number): this => this.add('response_item', { type, ...fields }, afterMs);
  context = (model = 'gpt-5.5'): this => this.add('turn_context', { model });
  start = (turn = 0): this => this.event('task_started', { turn_id: TURNS[turn] });
  done = (turn = 0): this => this.event('task_complete', { turn_id: TURNS[turn] });
  user = (text: string): this => this.item('message', { role: 'user', content: [{ type: 'input_text', text }] });
  says = (text: string, id?: string): this => this.item('message', { role: 'assistant', id, content: [{ type: 'output_text', text }] });
  call = (id: string, name: string, args: unknown = {}): this =>
    this.item('function_call', { name, call_id: id, arguments: JSON.stringify(args) });
  program = (id: string): this =>
    this.item('custom_tool_call', { name: 'exec', call_id: id, input: 'await tools.exec_command({cmd: "x"})' });
  output = (id: string, output: unknown, afterMs?: number): this => this.item('function_call_output', { call_id: id, output }, afterMs);
  used = (total: number, last: number): this =>
    this.event('token_count', {
      info: {
        total_token_usage: { input_tokens: total, output_tokens: 0, total_tokens: total },
        last_token_usage: { input_tokens: last, output_tokens: 0, total_tokens: last },
      },
    });
  /** What a tool did, from so many ms ago until now. */
  tool = (id: string, forMs = 50, turn = 0, fields: Fields = {}): this =>
    this.event('item_completed', {
      turn_id: TURNS[turn],
      item: { type: 'CommandExecution', id, status: 'completed', exit_code: 0, ...fields },
      started_at_ms: this.#atMs + 100 - forMs,
      completed_at_ms: this.#atMs + 100,
    });
}

const rollout = (): Rollout => new Rollout();

function turnsOf(made: Rollout, content = false): readonly Turn[] {
  const transcript = { harness: 'codex', sessionId: THREAD, main: { name: 'main', lines: made.lines }, agents: [], ended: true };
  const told = built(transcript, { content });
  expect(brokenInvariants(told.spans)).toEqual([]);
  return told.session.turns;
}

const names = (turn: Turn | undefined): unknown[] =>
  (turn?.toolCalls ?? []).map(({ id, toolCalls }) => (toolCalls === undefined ? id : [id, toolCalls.map((inside) => inside.id)]));

describe('responses without records', () => {
  /** As 0.150 tells them: items have no numbers, responses no records, counts stand after the outputs. */
  test.each(CODEX_STORIES)('%s: without records and numbers, the same counts', (story) => {
    const counts = (spans: ReturnType<typeof builtStory>): string[] =>
      spans
        .filter(({ attributes }) => attributes['gen_ai.operation.name'] === 'chat')
        .map(
          ({ attributes, startMs }) => `${startMs} ${attributes['gen_ai.usage.input_tokens']} ${attributes['gen_ai.usage.output_tokens']}`,
        )
        .toSorted();
    for (const transcript of transcriptsOf(story)) {
      const older = <F extends { readonly lines: readonly unknown[] }>(file: F): F => ({
        ...file,
        lines: file.lines.filter((line) => !String(line).includes('"type":"token_usage_record"')),
      });
      const part = { ...transcript, main: older(transcript.main), agents: transcript.agents.map(older) };
      expect(counts(built(part).spans)).toEqual(counts(built(transcript).spans));
    }
  });

  test('counts repeated, estimated, or grown by something else are no responses', () => {
    const made = rollout().meta().start().context().user('hi').says('a', 'msg_a').used(100, 100).used(100, 100).used(100, 7);
    const [turn] = turnsOf(made.used(300, 100).says('b', 'msg_b').used(450, 150).done());
    expect(turn?.modelCalls.map(({ id, usage }) => [id, usage?.input])).toEqual([
      ['msg_a', 100],
      ['msg_b', 150],
    ]);
  });

  test('the call that made a summary leaves nothing but its count, and the next one has its own', () => {
    const made = rollout().meta().start().context().user('hi').call('c1', 'shell').used(100, 100).output('c1', 'ok').used(150, 50);
    made.add('compacted', { message: 'summary', replacement_history: [] }).used(150, 0);
    const [turn] = turnsOf(made.says('b', 'msg_b').used(160, 10).done());
    expect(turn?.modelCalls.map(({ id, usage, afterCompaction }) => [id, usage?.input, afterCompaction])).toEqual([
      ['c1', 100, false],
      [`${TURNS[0]}@150`, 50, false],
      ['msg_b', 10, true],
    ]);
    expect(turn?.compactions).toMatchObject([{ trigger: 'auto', tokensBefore: 100 }]);
    const files = { main: { name: 'main', lines: made.lines }, agents: [] };
    expect(codex.recount(files).responses.map(({ id, tokens }) => [id, tokens?.input])).toEqual([
      ['c1', 100],
      [`${TURNS[0]}@150`, 50],
      ['msg_b', 10],
    ]);
  });

  test('a response that nobody counted is there all the same', () => {
    const made = rollout().meta().start().context().user('hi').call('c1', 'shell').output('c1', 'ok').says('done', 'msg_1').done();
    const [turn] = turnsOf(made);
    expect(turn?.modelCalls.map(({ id, usage }) => [id, usage])).toEqual([
      ['c1', undefined],
      ['msg_1', undefined],
    ]);
  });
});

describe('turns without marks', () => {
  test('words of the user begin a turn when the agent has answered, and steer it while it works', () => {
    const made = rollout().meta().user('<environment_context>x</environment_context>').user('one').context();
    made
      .call('c1', 'shell')
      .used(10, 10)
      .user('and quickly')
      .output('c1', 'ok')
      .says('done')
      .used(30, 20)
      .user('two')
      .says('again')
      .used(60, 30);
    const turns = turnsOf(made, true);
    expect(turns.map(({ prompt, steering, modelCalls, outcome }) => [prompt, steering.length, modelCalls.length, outcome.kind])).toEqual([
      [[{ kind: 'text', text: 'one' }], 1, 2, 'completed'],
      [[{ kind: 'text', text: 'two' }], 0, 1, 'completed'],
    ]);
  });

  test('a turn that was broken off is over', () => {
    const made = rollout().meta().user('one').context().call('c1', 'shell').event('turn_aborted', { reason: 'interrupted' });
    const turns = turnsOf(made.user('<turn_aborted>\nx</turn_aborted>').user('two').says('ok'));
    expect(turns.map(({ outcome }) => outcome.kind)).toEqual(['interrupted', 'completed']);
    expect(turns[0]?.toolCalls[0]?.outcome).toEqual({ kind: 'interrupted' });
  });

  test('a fork before turns had ids: what was copied is the original’s', () => {
    const made = rollout().meta({ forked_from_id: 'other' });
    for (const line of [
      { role: 'user', text: 'old' },
      { role: 'assistant', text: 'old answer' },
    ])
      made.item('message', { role: line.role, content: [{ type: 'text', text: line.text }] }, 1);
    const turns = turnsOf(made.event('x', {}, 5000).user('new').says('new answer').used(10, 10), true);
    expect(turns.map(({ prompt }) => prompt)).toEqual([[{ kind: 'text', text: 'new' }]]);
  });
});

describe('turns that were killed', () => {
  test('the next one closes it, and late lines change it no more', () => {
    const made = rollout().meta().start().context().user('one').call('c1', 'exec_command').start(1).user('two');
    const turns = turnsOf(made.tool('c1', 50, 0).output('c1', 'late').says('ok', 'msg_2').done(1));
    expect(turns.map(({ outcome, toolCalls }) => [outcome.kind, toolCalls.map((call) => call.outcome.kind)])).toEqual([
      ['interrupted', ['interrupted']],
      ['completed', []],
    ]);
  });
});

describe('calls', () => {
  test('a process that goes on ends when a later call finds it ended', () => {
    const made = rollout().meta().start().context().user('go').call('c1', 'exec_command', { cmd: 'make' });
    made.output('c1', 'Wall time: 0.5 seconds\nProcess running with session ID 7\nOutput:\n').call('c2', 'write_stdin', { session_id: 7 });
    made
      .output('c2', 'Wall time: 9 seconds\nProcess running with session ID 7\nOutput:\n', 9000)
      .call('c3', 'write_stdin', { session_id: 7 });
    made.output('c3', 'Wall time: 2 seconds\nProcess exited with code 2\nOutput:\nProcess exited with code 0\n', 2000).done();
    const [first, ...polls] = turnsOf(made)[0]!.toolCalls;
    expect([first?.exitCode, first?.outcome.kind]).toEqual([2, 'error']);
    expect((first!.outcome as { endedAtMs: number }).endedAtMs - first!.startedAtMs).toBeGreaterThan(11_000);
    expect(polls.map(({ outcome, exitCode }) => [outcome.kind, exitCode])).toEqual([
      ['ok', undefined],
      ['ok', undefined],
    ]);
  });

  test.each([
    ['unsupported call: nope', 'unknown_tool'],
    ['unsupported custom tool call: apply_patch', 'unknown_tool'],
    ['failed to parse function arguments: EOF', 'invalid_arguments'],
    ['apply_patch verification failed: no such lines', 'tool_error'],
    ['Exit code: 1\nWall time: 0 seconds\nOutput:\n', 'tool_error'],
    ['{"output":"x","metadata":{"exit_code":124,"duration_seconds":10.0}}', 'tool_error'],
    ['command timed out after 1000 milliseconds\nOutput:\n', 'timeout'],
    ['exec command rejected by user', 'denied'],
    ['Wall time: 2.2 seconds\naborted by user', 'interrupted'],
    ['aborted', 'interrupted'],
    [{ content: 'it failed', success: false }, 'tool_error'],
    ['Exit code: 0\nOutput:\nunsupported call: this is what the program printed', 'ok'],
    ['Plan updated', 'ok'],
    [[{ type: 'input_text', text: 'fine' }], 'ok'],
    [null, 'ok'],
  ])('%j ends as %s', (output, ending) => {
    const [turn] = turnsOf(rollout().meta().start().context().user('go').call('c1', 'shell').output('c1', output).done());
    const { outcome } = turn!.toolCalls[0]!;
    expect(outcome.kind === 'error' ? outcome.errorType : outcome.kind).toBe(ending);
  });

  test('what the API runs itself is no call of ours', () => {
    const made = rollout()
      .meta()
      .start()
      .context()
      .user('go')
      .item('web_search_call', { id: 'ws_1', status: 'completed', action: { query: 'q' } });
    const [turn] = turnsOf(made.says('found', 'msg_1').used(10, 10).done());
    expect([turn?.toolCalls.length, turn?.modelCalls.length, turn?.modelCalls[0]?.serverToolCalls]).toEqual([0, 1, 1]);
    expect(turn?.modelCalls[0]?.usage?.webSearches).toBe(1);
  });

  test('older versions tell of MCP by an event, and name tools as they like', () => {
    const made = rollout().meta().start().context().user('go').call('c1', 'demo__add');
    const invocation = { server: 'demo', tool: 'add', arguments: {} };
    made.event('mcp_tool_call_end', {
      call_id: 'c1',
      invocation,
      duration: { secs: 0, nanos: 20_000_000 },
      result: { Ok: { content: [], isError: true } },
    });
    const [call] = turnsOf(made.output('c1', 'boom').done())[0]!.toolCalls;
    expect([call?.name, call?.mcp, call?.outcome.kind]).toEqual(['demo__add', { server: 'demo', tool: 'add' }, 'error']);
  });

  test('a command of the user is a turn of its own', () => {
    const made = rollout()
      .meta()
      .start()
      .event('item_completed', {
        turn_id: TURNS[0],
        item: { type: 'CommandExecution', id: 'user-1', source: 'user_shell', status: 'completed', exit_code: 0 },
      });
    const [turn] = turnsOf(made.done());
    expect([turn?.trigger, names(turn)]).toEqual(['bash', ['user-1']]);
  });
});

describe('programs of code mode', () => {
  test('calls between a program and its output are the program’s', () => {
    const made = rollout()
      .meta()
      .start()
      .context('gpt-6')
      .user('go')
      .program('p1')
      .tool('exec-1')
      .output('p1', 'Script completed\nWall time 0.1 seconds\nOutput:\n');
    made.program('p2').tool('exec-2').tool('exec-3').output('p2', 'Script completed\nOutput:\n').done();
    expect(names(turnsOf(made)[0])).toEqual([
      ['p1', ['exec-1']],
      ['p2', ['exec-2', 'exec-3']],
    ]);
  });

  test('of programs whose outputs stand together, the one at work at that time', () => {
    const made = rollout().meta().start().context('gpt-6').user('go').program('p1').program('p2');
    made.tool('exec-1').tool('exec-2', 50).tool('exec-3').tool('exec-4');
    made
      .output('p1', 'Script completed\nWall time 0.3 seconds\nOutput:\n')
      .output('p2', 'Script completed\nWall time 0.3 seconds\nOutput:\n')
      .done();
    expect(names(turnsOf(made)[0])).toEqual([
      ['p1', ['exec-1', 'exec-2']],
      ['p2', ['exec-3', 'exec-4']],
    ]);
  });

  test('a program that goes on has what it calls while somebody waits for it', () => {
    const made = rollout()
      .meta()
      .start()
      .context('gpt-6')
      .user('go')
      .program('p1')
      .output('p1', 'Script running with cell ID 4\nOutput:\n');
    made.call('w1', 'wait', { cell_id: '4' }).tool('exec-1').output('w1', 'Script failed\nOutput:\n').done();
    const [turn] = turnsOf(made);
    expect(names(turn)).toEqual([['p1', ['exec-1']], 'w1']);
    expect(turn?.toolCalls.map(({ outcome }) => outcome.kind)).toEqual(['error', 'ok']);
  });

  test('what nobody was there to call is not lost', () => {
    expect(names(turnsOf(rollout().meta().start().context().user('go').tool('exec-1').done())[0])).toEqual(['exec-1']);
  });
});

describe('long lines', () => {
  test.each(['x'.repeat(9000), '"\\\n\t'.repeat(4000), 'é€😀'.repeat(3000), '\u0001\u001f'.repeat(3000), '\\u0041'.repeat(3000)])(
    'are cut where JSON stays JSON (%#)',
    (text) => {
      const made = { a: 'short "one"', b: text, c: [{ d: text }, 7], [`key ${text.slice(0, 20)}`]: null };
      const cut = JSON.parse(shortened(Buffer.from(JSON.stringify(made))));
      expect(Object.keys(cut)).toEqual(Object.keys(made));
      expect([cut.a, cut.c[1]]).toEqual([made.a, 7]);
      const [head, tail] = cut.b.split('…');
      expect(cut.b.length).toBeLessThan(text.length);
      expect(text.startsWith(head) && text.endsWith(tail)).toBe(true);
      expect(cut.c[0].d).toBe(cut.b);
    },
  );

  test('tell the same as bytes and as text, with content and without, in one buffer for all lines', () => {
    const text = 'y"é\n'.repeat(20_000);
    const made = rollout()
      .meta({ base_instructions: { text } })
      .start()
      .context()
      .user(text)
      .call('c1', 'shell', { command: ['cat'] });
    made
      .add('world_state', { full: true, state: { text } })
      .output('c1', JSON.stringify({ output: text, metadata: { exit_code: 3, duration_seconds: 1.5 } }));
    made
      .add('compacted', { message: text, replacement_history: [{ text }] })
      .says(text, 'msg_1')
      .used(10, 10)
      .done();
    const told = (lines: Iterable<string | Uint8Array>) =>
      normalised({ harness: 'codex', sessionId: THREAD, main: { name: 'main', lines }, agents: [], ended: true }).session;
    const whole = told(made.lines);
    expect(whole.turns[0]?.toolCalls[0]?.exitCode).toBe(3);
    expect(whole.turns[0]?.compactions.length).toBe(1);
    expect(told(made.lines.map((line) => Buffer.from(line)))).toEqual(whole);
    expect(told(inOneBuffer(made.lines))).toEqual(whole);
    const [turn] = turnsOf(made, true);
    expect(turn?.prompt).toEqual([{ kind: 'text', text }]);
    expect(JSON.stringify(whole)).not.toContain('é');
  });

  function* inOneBuffer(lines: readonly string[]): Generator<Uint8Array> {
    const buffer = Buffer.alloc(Math.max(...lines.map((line) => Buffer.byteLength(line))));
    for (const line of lines) yield buffer.subarray(0, buffer.write(line));
  }

  test('an image is its size', () => {
    const data = Buffer.alloc(30_000).toString('base64');
    const content = [
      { type: 'input_text', text: 'look' },
      { type: 'input_image', image_url: `data:image/png;base64,${data}` },
    ];
    const [turn] = turnsOf(
      rollout().meta().start().context().item('message', { role: 'user', content }).says('seen', 'msg_1').done(),
      true,
    );
    expect(turn?.prompt).toEqual([
      { kind: 'text', text: 'look' },
      { kind: 'media', modality: 'image', mimeType: 'image/png', bytes: 30_000 },
    ]);
  });
});

describe('agents', () => {
  const child = '01a1f003-0000-7000-8000-000000000003';
  const agent = (meta: Fields, parentTurnId?: string): { id: string; name: string; lines: string[] } => {
    const made = rollout().meta({ id: child, ...meta });
    made
      .event('task_started', { turn_id: child, turn_attribution: { parent_turn_id: parentTurnId } })
      .context()
      .user('task')
      .says('done', 'msg_c')
      .used(5, 5);
    return { id: child, name: 'child', lines: made.event('task_complete', { turn_id: child }).lines };
  };
  const main = rollout().meta().start().context().user('go').says('ok', 'msg_1').used(10, 10).done().lines;
  const tell = (agents: readonly ReturnType<typeof agent>[]) =>
    normalised({ harness: 'codex', sessionId: THREAD, main: { name: 'main', lines: main }, agents, ended: true });

  test('a turn that it is attributed to is its place, and no problem', () => {
    const { session, problems } = tell([agent({ parent_thread_id: THREAD, source: { subagent: 'guardian' } }, TURNS[0])]);
    expect(session.turns[0]?.unclaimedAgents.map(({ name, id }) => [name, id])).toEqual([['guardian', child]]);
    expect(problems).toEqual([]);
  });

  test('without that it runs in the turn of its time, and that is told', () => {
    const { session, problems } = tell([agent({ parent_thread_id: THREAD })]);
    expect(session.turns[0]?.unclaimedAgents.length).toBe(1);
    expect(problems.map(({ reason }) => reason)).toEqual(['unclaimed-agent']);
  });

  test('an agent of itself', () => {
    const { session } = tell([agent({ parent_thread_id: child }, child)]);
    expect(session.turns[0]?.unclaimedAgents.length).toBe(1);
  });
});

test('what else of the disk a session leans on: agents that its turns started, and that lie elsewhere', () => {
  const [, fork] = transcriptsOf('0.128.0-legacy-fork-rollback');
  expect(codex.wants(codex.parse(fork!.main, { content: false }), new Set())).toEqual({
    agents: [],
    sessionPrefixes: [],
    directory: '/home/dev/project',
  });
  const [v2] = transcriptsOf('0.169-subagents-v2');
  const wanted = codex.wants(codex.parse(v2!.main, { content: false }), new Set([v2!.agents[0]!.id]));
  expect(wanted.agents).toEqual([v2!.agents[1]!.id]);
});
