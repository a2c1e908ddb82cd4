/** What the trajectory tells of a run: attempts, in whose entries no run is named, how it ended. */
import { describe, expect, test } from 'vitest';
import { answer, builtOf, call, event, type Files, header, result, START_MS, user } from '../../support/openclaw-entries.ts';

const attributesOf = (lines: readonly string[], name: string) =>
  builtOf(lines)
    .spans.filter((span) => span.name.startsWith(name))
    .map(({ attributes }) => attributes);

test('attempts that failed are counted on the call that came of the last one', () => {
  const attempt = (ms: number, status: string): string[] => [
    event(ms, 'session.started', { trigger: 'user' }),
    event(ms + 20, 'trace.artifacts', { finalStatus: status }, 2),
  ];
  const lines = [
    header(),
    user(100, 'e1', 'r1'),
    ...attempt(90, 'error'),
    answer(200, 'e2', [call('c1')], {}, 'r1'),
    result(250, 'e3', 'c1', 'text'),
    ...attempt(300, 'error'),
    ...attempt(400, 'success'),
    answer(500, 'e4', [], {}, 'r1'),
    ...attempt(600, 'success'),
    event(700, 'session.ended', { status: 'success' }, 3),
  ];
  const doubled = lines.flatMap((line) => [line, line]);
  for (const told of [lines, doubled])
    expect(attributesOf(told, 'chat').map((attributes) => attributes['trace_build.retries'])).toEqual([undefined, 2]);
});

test('the times of a call that two attempts tell with the same number are those of each', () => {
  const lines = [
    header(),
    user(100, 'e1', 'r1'),
    event(90, 'session.started', {}),
    answer(200, 'e2', [call('c1')], {}, 'r1'),
    event(210, 'tool.call', { toolCallId: 'c1' }, 5),
    event(220, 'tool.result', { toolCallId: 'c1', success: true }, 6),
    result(250, 'e3', 'c1', 'text'),
    event(300, 'session.started', {}),
    answer(400, 'e4', [call('c2')], {}, 'r1'),
    event(410, 'tool.call', { toolCallId: 'c2' }, 5),
    event(420, 'tool.result', { toolCallId: 'c2', success: true }, 6),
    result(450, 'e5', 'c2', 'text'),
    answer(500, 'e6', [], {}, 'r1'),
  ];
  const tools = builtOf(lines).spans.filter(({ name }) => name.startsWith('execute_tool'));
  expect(tools.map(({ startMs, endMs, attributes }) => [endMs - startMs, attributes['trace_build.time.estimated']])).toEqual([
    [10, undefined],
    [10, undefined],
  ]);
});

test('where entries name no run, its events are those among which its prompt was written, or before which it waited', () => {
  const told = (run: string, ms: number, trigger: string, status?: string): string[] => [
    event(ms, 'session.started', { trigger }, 1, run),
    event(ms + 1, 'trace.metadata', { harness: { version: run } }, 2, run),
    ...(status === undefined ? [] : [event(ms + 300, 'session.ended', { status }, 3, run)]),
  ];
  const lines = [
    header(),
    // Nothing was logged of this one.
    ...[user(100, 'e1'), answer(200, 'e2')],
    ...[user(1100, 'e3'), answer(1200, 'e4')],
    // One that came back from an agent has no prompt of its own.
    ...[user(3100, 'e5'), answer(3200, 'e6', [call('c1')])],
    ...[user(4000, 'e7'), answer(4200, 'e8')],
    ...told('1.1', 1050, 'user', 'success'),
    ...told('announce:v1:k:r', 2050, 'user', 'success'),
    ...told('1.2', 3050, 'cron', 'interrupted'),
    ...told('1.3', 4050, 'heartbeat'),
  ];
  expect(
    builtOf(lines).spans.flatMap(({ name, resource, attributes }) =>
      name.startsWith('invoke_agent')
        ? [[resource.attributes['service.version'], attributes['trace_build.turn.trigger'], attributes['trace_build.outcome']]]
        : [],
    ),
  ).toEqual([
    [undefined, 'human', 'completed'],
    ['1.1', 'human', 'completed'],
    ['1.2', 'unknown', 'interrupted'],
    ['1.3', 'unknown', 'completed'],
  ]);
});

describe('how a run ended', () => {
  const START = [header(), event(50, 'session.started', {}), user(100, 'e1', 'r1')];
  const asked = [...START, answer(200, 'e2', [call('c1'), call('c2')], {}, 'r1')];
  const turnOf = (lines: readonly string[], files: Files = {}) => {
    const { spans } = builtOf(lines, files);
    const { attributes, status, endMs, open } = spans.find(({ parentSpanId }) => parentSpanId === undefined)!;
    return { told: [attributes['trace_build.outcome'], attributes['error.type'], endMs - START_MS], status, open, spans };
  };
  const ended = (data: Record<string, unknown>): string => event(900, 'session.ended', data, 9);

  test.each([
    { data: { status: 'success' }, told: ['completed', undefined, 900] },
    { data: { status: 'interrupted', aborted: true }, told: ['interrupted', undefined, 900] },
    { data: { status: 'error', timedOut: true }, told: ['error', 'timeout', 900] },
    { data: { status: 'interrupted', idleTimedOut: true }, told: ['error', 'timeout', 900] },
    { data: { status: 'error', stopReason: 'error' }, told: ['error', 'api_error', 900] },
    { data: { status: 'error' }, told: ['error', 'agent_error', 900] },
  ])('without an answer: $data', ({ data, told }) => {
    expect(turnOf([...asked, ended(data)])).toMatchObject({ told, open: false });
  });

  test('with an answer or an error it is over there, unless it is told to have failed', () => {
    const answered = [...START, answer(200, 'e2', [], {}, 'r1')];
    expect(turnOf([...answered, ended({ status: 'success' })]).told).toEqual(['completed', undefined, 200]);
    expect(turnOf([...answered, ended({ status: 'error', timedOut: true })]).told).toEqual(['error', 'timeout', 900]);
    const refused = [...START, answer(200, 'e2', [], { stopReason: 'error', errorCode: '400' }, 'r1')];
    expect(turnOf([...refused, ended({ status: 'error' })]).told).toEqual(['error', 'api_400', 200]);
  });

  test('an answer that may be none is waited for, and so is another attempt', () => {
    const cut = [...START, answer(200, 'e2', [], { stopReason: 'length' }, 'r1')];
    expect(turnOf(cut).open).toBe(true);
    expect(turnOf(cut, { ended: true }).open).toBe(false);
    expect(turnOf(cut.toSpliced(1, 1)).open).toBe(false);
    const again = [...START, answer(200, 'e2', [], {}, 'r1'), ended({ status: 'error' }), event(950, 'session.started', {}, 1)];
    expect(turnOf(again).open).toBe(true);
    expect(turnOf(again.slice(0, -1)).open).toBe(false);
  });

  test('a tool whose result was not written ended when the trajectory says so', () => {
    const lines = [
      ...asked,
      event(210, 'tool.call', { toolCallId: 'c1' }, 2),
      event(211, 'tool.call', { toolCallId: 'c2' }, 3),
      event(300, 'tool.result', { toolCallId: 'c2', success: true }, 4),
    ];
    const tools = ({ spans }: ReturnType<typeof turnOf>) =>
      spans.flatMap(({ name, startMs, endMs, attributes, open }) =>
        name.startsWith('execute_tool') ? [[startMs - START_MS, endMs - START_MS, attributes['trace_build.outcome'], open]] : [],
      );
    expect(tools(turnOf(lines)).map(([, , , open]) => open)).toEqual([true, true]);
    const aborted = event(800, 'tool.result', { toolCallId: 'c1', success: false }, 5);
    expect(tools(turnOf([...lines, aborted, ended({ status: 'interrupted' })]))).toEqual([
      [210, 800, 'interrupted', false],
      [211, 300, undefined, false],
    ]);
    // Nothing tells that the run ended: it did not before its tools.
    expect(turnOf([...lines, aborted], { ended: true }).told).toEqual(['interrupted', undefined, 800]);
  });

  test.each([
    { status: 'killed', told: ['interrupted', undefined, 200] },
    { status: 'failed', told: ['error', 'agent_error', 200] },
    { status: 'timeout', told: ['error', 'timeout', 200] },
    { status: 'done', told: ['interrupted', undefined, 200] },
  ])('without a trajectory the database tells of the last run: $status', ({ status, told }) => {
    const lines = [header(), user(10, 'e0', 'r0'), answer(20, 'e01', [], {}, 'r0'), user(100, 'e1', 'r1'), asked.at(-1)!];
    const { spans } = builtOf(lines, { ended: true, meta: JSON.stringify({ status }) });
    const [first, last] = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
    expect(first!.attributes['trace_build.outcome']).toBe('completed');
    expect([last!.attributes['trace_build.outcome'], last!.attributes['error.type'], last!.endMs - START_MS]).toEqual(told);
  });

  test('a run that ran out of time is no tool that did', () => {
    expect(turnOf([...asked, ended({ status: 'error', timedOut: true })]).status).toEqual({
      kind: 'error',
      message: 'the agent ran out of time',
    });
  });
});
