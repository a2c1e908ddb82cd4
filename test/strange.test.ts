/**
 * Transcripts that no recorded session shows, but that files out there may hold: nothing is lost or told twice in
 * them, and nothing of their text leaks into what is sent without content.
 */
import { describe, expect, test } from 'vitest';
import { brokenInvariants, buildTrace, type Transcript } from '../src/index.ts';
import { agentFile, agentUse, assistant, BEGUN, type Json, result, SMALL, toolUse, transcript, user, uuid } from './support/lines.ts';

/** Every one of them must hold the invariants. */
function build(given: Transcript) {
  const trace = buildTrace(given);
  expect(brokenInvariants(trace.spans)).toEqual([]);
  return trace;
}

const callIds = (given: Transcript): string[] =>
  build(given)
    .spans.flatMap(({ attributes }) => attributes['gen_ai.tool.call.id'] ?? [])
    .map(String)
    .toSorted();

const rootOf = (given: Transcript) => build(given).spans[0]!;

describe('what is not told twice, and not lost', () => {
  test('three prompts without uuid and time are three turns', () => {
    const { uuid: _, timestamp: __, ...bare } = user(1, 0);
    const trace = build(transcript([bare, assistant(2, 100, 'msg_1'), bare, assistant(4, 100, 'msg_2'), bare, assistant(6, 100, 'msg_3')]));
    expect(trace.spans.map(({ name }) => name.split(' ')[0])).toEqual(Array(3).fill(['invoke_agent', 'chat']).flat());
  });

  test('a call on a line whose uuid another line has', () => {
    const twin = assistant(2, 100, 'msg_1', [toolUse('toolu_2')]);
    expect(callIds(transcript([...SMALL.slice(0, 2), twin, result(3, 200, 'toolu_1'), result(5, 200, 'toolu_2')]))).toEqual([
      'toolu_1',
      'toolu_2',
    ]);
  });

  test('a result on a line whose uuid another line has', () => {
    const calls = assistant(2, 100, 'msg_1', [toolUse('toolu_1'), toolUse('toolu_2')]);
    const { spans } = build(
      transcript([user(1, 0), calls, result(3, 200, 'toolu_1'), result(3, 200, 'toolu_2'), assistant(4, 300, 'msg_2')]),
    );
    expect(spans.filter(({ name }) => name.startsWith('execute_tool')).map(({ endMs }) => endMs - BEGUN)).toEqual([200, 200]);
  });

  test('calls of a response that two agent files tell in part', () => {
    const main = [user(1, 0), assistant(2, 100, 'msg_1', [agentUse('toolu_1')]), result(3, 900, 'toolu_1'), assistant(4, 950, 'msg_2')];
    const first = [user(11, 110, 'p'), assistant(12, 120, 'msg_a', [toolUse('at_1')]), assistant(13, 130, 'msg_b')];
    const second = [
      user(11, 110, 'p'),
      assistant(14, 121, 'msg_a', [toolUse('at_2')]),
      result(15, 140, 'at_2'),
      assistant(16, 150, 'msg_c'),
    ];
    const given = transcript(main, { agents: [agentFile('aaa', first), agentFile('bbb', second)] });
    expect(callIds(given)).toEqual(['at_1', 'at_2', 'toolu_1']);
    expect(build(given).spans.filter(({ attributes }) => attributes['gen_ai.response.id'] === 'msg_a').length).toBe(1);
  });

  test('responses and calls without any id, on the same line of two files', () => {
    const bare = (n: number, content: Json[]): Json => {
      const { uuid: _, requestId: __, ...line } = assistant(n, 100 * n, 'x', content);
      return { ...line, message: { ...(line['message'] as Json), id: undefined } };
    };
    const nameless = { ...toolUse(''), id: undefined };
    const agents = [agentFile('aaa', [user(11, 250, 'p'), bare(3, [nameless, nameless])])];
    const trace = build(transcript([user(1, 0), assistant(2, 100, 'msg_1', [agentUse('toolu_1')]), bare(4, [nameless])], { agents }));
    expect(trace.spans.filter(({ name }) => name.startsWith('chat')).length).toBe(3);
    expect(trace.spans.filter(({ name }) => name === 'execute_tool Bash').length).toBe(3);
  });

  test.each([
    ['called', result(3, 200, 'toolu_1', { toolUseResult: { agentId: 'aaa' } }), BEGUN + 100],
    ['unclaimed', result(3, 200, 'toolu_1'), BEGUN],
  ])('an agent whose file tells nothing yet, %s, began no sooner than its session', (_, answer, startMs) => {
    const called = assistant(2, 100, 'msg_1', [agentUse('toolu_1', { subagent_type: 'Explore' })]);
    const other = agentFile('bbb', [user(11, 110, 'p')], { agentType: 'Explore', toolUseId: 'toolu_1' });
    const agents = [agentFile('aaa', []), ...(startMs === BEGUN ? [other] : [])];
    const { spans } = build(transcript([user(1, 0), called, answer, assistant(4, 300, 'msg_2')], { agents }));
    const agent = spans.find(({ attributes }) => attributes['gen_ai.agent.id'] === 'aaa')!;
    expect([agent.startMs, agent.endMs >= agent.startMs]).toEqual([startMs, true]);
    expect(spans.every((span) => span.startMs >= BEGUN)).toBe(true);
  });

  test('a result without a call in an agent file is told', () => {
    const agents = [agentFile('aaa', [user(11, 110, 'p'), result(12, 120, 'toolu_nowhere')])];
    expect(build(transcript(SMALL, { agents })).problems.filter(({ reason }) => reason === 'orphan-result')).toMatchObject([
      { file: 'agent-aaa.jsonl', line: 2 },
    ]);
  });

  test('a line without a type is told', () => {
    expect(build(transcript([...SMALL, { level: 'info' }])).problems).toMatchObject([{ line: 5, detail: 'type: there is none' }]);
  });

  test('the summary of a compaction is a call of the turn, copied lines of the session or not', () => {
    const copied = { ...SMALL[1], uuid: uuid(21) };
    const agents = [agentFile('acompact-1', [user(20, 0), copied, assistant(22, 400, 'msg_summary')])];
    const trace = build(transcript(SMALL, { agents }));
    expect(trace.spans.map(({ name }) => name.split(' ')[0])).toEqual(['invoke_agent', 'chat', 'chat', 'chat', 'execute_tool']);
    expect(trace.problems).toEqual([]);
  });

  test('steering that came with an image', () => {
    const prompt = [
      { type: 'text', text: 'and this' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    ];
    const steering = { ...user(9, 250), type: 'attachment', message: undefined, attachment: { type: 'queued_command', prompt } };
    const trace = build(transcript([...SMALL.slice(0, 3), steering, SMALL[3]!]));
    expect(trace.problems).toEqual([]);
    expect(trace.spans[0]!.events).toMatchObject([{ name: 'trace_build.steering' }]);
  });

  test('two thousand agents, each started by the one before', () => {
    const agents = Array.from({ length: 2000 }, (_, n) =>
      agentFile(
        `a${n}`,
        [user(1, n + 1, 'p', { uuid: `p${n}` }), assistant(2, n + 1, `msg_${n}`, [agentUse(`toolu_${n + 1}`)], { uuid: `m${n}` })],
        {
          agentType: 'worker',
          toolUseId: `toolu_${n}`,
        },
      ),
    );
    const trace = build(transcript([user(1, 0), assistant(2, 0, 'msg_main', [agentUse('toolu_0')])], { agents }));
    expect(trace.spans.filter(({ name }) => name.startsWith('chat')).length).toBe(2001);
    expect(new Set(trace.problems.map(({ reason }) => reason))).toEqual(new Set(['unclaimed-agent']));
  });
});

describe('how an agent ended', () => {
  const main = (block: Json) => [
    user(1, 0),
    assistant(2, 100, 'msg_1', [agentUse('toolu_1', { name: 'mate' })]),
    result(3, 900, 'toolu_1', {}, block),
    assistant(4, 950, 'msg_2'),
  ];
  const worker = [user(11, 110, 'p'), assistant(12, 120, 'msg_a')];
  const agentSpan = (given: Transcript) =>
    build(given).spans.find(({ name }) => name.startsWith('invoke_agent') && !name.endsWith('code'))!;

  test('its call failed after its answer', () => {
    const given = transcript(main({ is_error: true, content: 'Agent terminated early due to an API error' }), {
      agents: [agentFile('aaa', worker, { toolUseId: 'toolu_1' })],
    });
    expect(agentSpan(given)).toMatchObject({ status: { kind: 'error' }, attributes: { 'error.type': 'agent_error' } });
  });

  test('its second transcript ended in an API error', () => {
    const failed = {
      ...assistant(23, 300, 'x'),
      isApiErrorMessage: true,
      apiErrorStatus: 429,
      message: { id: 'x', model: '<synthetic>', content: [] },
    };
    const again = [
      user(21, 200, 'more', { parentUuid: uuid(12) }),
      assistant(22, 210, 'msg_b', [toolUse('bt')]),
      result(24, 250, 'bt'),
      failed,
    ];
    const given = transcript(main({}), { agents: [agentFile('aaa', worker, { toolUseId: 'toolu_1' }), agentFile('bbb', again)] });
    expect(agentSpan(given)).toMatchObject({
      status: { kind: 'error' },
      endMs: BEGUN + 300,
      attributes: { 'error.type': 'api_429', 'trace_build.agent.respawns': 1, 'trace_build.tool_calls': 1, 'trace_build.model_calls': 2 },
    });
  });
});

describe('what stands in fields of free text stays there', () => {
  const failed = (own: Json) =>
    rootOf(
      transcript([
        user(1, 0),
        { ...assistant(2, 100, 'x'), isApiErrorMessage: true, message: { id: 'x', model: '<synthetic>', content: [] }, ...own },
      ]),
    ).attributes['error.type'];

  test.each([
    { own: { error: 'Connection error to https://proxy.example/secret' }, is: 'api_unknown' },
    { own: { apiErrorStatus: '529 overloaded at proxy.example' }, is: 'api_unknown' },
    { own: { apiErrorStatus: '529' }, is: 'api_529' },
    { own: { apiErrorStatus: 400, error: 'unknown' }, is: 'api_400' },
    { own: { error: 'rate_limit' }, is: 'api_rate_limit' },
    { own: { error: 'server_error', apiErrorType: 'proxy.example' }, is: 'api_server_error' },
  ])('$own: $is', ({ own, is }) => {
    expect(failed(own)).toBe(is);
  });

  test.each([
    { prompt: '/acquisition of a firm', is: ['human', undefined] },
    { prompt: '/etc is broken', is: ['human', undefined] },
    { prompt: 'what does <command-name>/acquire</command-name> do?', is: ['human', undefined] },
    { prompt: '/compact keep the names', is: ['command', '/compact'] },
    { prompt: '<command-name>/deploy</command-name><command-args>now</command-args>', is: ['command', '/deploy'] },
  ])('the prompt $prompt: $is', ({ prompt, is }) => {
    const { attributes } = rootOf(transcript([user(1, 0, prompt), ...SMALL.slice(1)]));
    expect([attributes['trace_build.turn.trigger'], attributes['trace_build.turn.command']]).toEqual(is);
  });
});

describe('what stands where a name belongs', () => {
  const told = (content: 'none' | 'full', name: string, model: string, taskId: string) => {
    const call = assistant(2, 100, 'msg_1', [toolUse('toolu_1', name)]);
    const lines = [
      user(1, 0),
      { ...call, message: { ...(call['message'] as Json), model } },
      result(3, 200, 'toolu_1', { toolUseResult: { taskId } }),
    ];
    const { spans } = buildTrace(transcript(lines), { content });
    return { names: spans.map((span) => span.name), taskId: spans.at(-1)!.attributes['trace_build.task.id'] };
  };

  test.each([
    { name: 'Bash', model: 'claude-opus-4-1', taskId: 'b9f926b' },
    { name: 'mcp__my_files__find', model: 'Qwen3 Coder 30B', taskId: 'a-b_c' },
  ])('is told when it is one: $name, $model', ({ name, model, taskId }) => {
    expect(told('none', name, model, taskId)).toEqual({
      names: ['invoke_agent claude-code', `chat ${model}`, `execute_tool ${name}`],
      taskId,
    });
  });

  test.each([
    { name: 'delete the files of the merger', model: 'the one we bought from Acme', taskId: 'Prepare the merger' },
    { name: 'Bash\nand more', model: 'a\nb', taskId: 'a b' },
    { name: 'x'.repeat(201), model: 'y'.repeat(129), taskId: 'z'.repeat(65) },
    { name: '\u{9003}\u{3052}\u{308d}', model: 'say "please"', taskId: '\u{7968}' },
  ])('is content when it is none: $name', ({ name, model, taskId }) => {
    expect(told('none', name, model, taskId)).toEqual({ names: ['invoke_agent claude-code', 'chat unknown', 'execute_tool unknown'] });
    expect(told('full', name, model, taskId).names).toEqual(['invoke_agent claude-code', `chat ${model}`, `execute_tool ${name}`]);
  });
});

test.each([
  { model: 'claude-opus-4-1', is: 'anthropic' },
  { model: 'anthropic/claude-opus-4.1', is: 'anthropic' },
  { model: 'us.anthropic.claude-opus-4-1-v1:0', is: 'aws.bedrock' },
  { model: 'claude-opus-4-1@20250805', is: 'gcp.vertex_ai' },
  { model: 'openai/gpt-5', is: 'openai' },
  { model: 'o3-mini', is: 'openai' },
  { model: 'a-model-nobody-knows', is: '_OTHER' },
])('$model is of $is', ({ model, is }) => {
  const answer = assistant(2, 100, 'msg_1');
  const { spans } = build(transcript([user(1, 0), { ...answer, message: { ...(answer['message'] as Json), model } }]));
  expect(spans[1]!.attributes['gen_ai.provider.name']).toBe(is);
});

test('an attempt that failed is a retry of the call after it, not of a turn later on', () => {
  const request = (id: string, ms: number) => ({
    type: 'api-request',
    id,
    querySource: 'sdk',
    timestamp: new Date(BEGUN + ms).toISOString(),
  });
  const lines = [
    ...[user(1, 0), request('a', 10), request('b', 20), assistant(2, 100, 'msg_1', undefined, { requestRef: 'b' }), request('c', 110)],
    ...[user(3, 1000), request('d', 1010), assistant(4, 1100, 'msg_2', undefined, { requestRef: 'd' })],
  ];
  const retries = build(transcript(lines)).spans.flatMap(({ name, attributes }) =>
    name.startsWith('chat') ? [attributes['trace_build.retries']] : [],
  );
  expect(retries).toEqual([1, undefined]);
});

describe('times', () => {
  test('without a zone are UTC', () => {
    const zoneless = SMALL.map((line) => ({ ...line, timestamp: String(line['timestamp']).slice(0, -1) }));
    expect(build(transcript(zoneless)).spans).toEqual(build(transcript(SMALL)).spans);
    const plus = SMALL.map((line) => ({ ...line, timestamp: String(line['timestamp']).replace('Z', '+00:00') }));
    expect(build(transcript(plus)).spans).toEqual(build(transcript(SMALL)).spans);
  });

  test('a prompt typed a moment before the file was begun is no copy', () => {
    const opened = { type: 'queue-operation', operation: 'enqueue', timestamp: new Date(BEGUN + 1).toISOString(), sessionId: 'x' };
    expect(rootOf(transcript([opened, ...SMALL])).attributes['trace_build.turn.copied']).toBeUndefined();
    const later = { ...opened, timestamp: new Date(BEGUN + 60_000).toISOString() };
    expect(rootOf(transcript([later, ...SMALL])).attributes['trace_build.turn.copied']).toBe(true);
  });
});
