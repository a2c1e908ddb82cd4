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
