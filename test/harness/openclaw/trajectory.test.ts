/** What the trajectory tells of a run: attempts, in whose entries no run is named, how it ended. */
import { expect, test } from 'vitest';
import { answer, builtOf, call, event, header, result, user } from '../../support/openclaw-entries.ts';

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
