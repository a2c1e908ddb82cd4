/** Ids that providers gave to several responses or calls: each is told, and lines told twice are not. */
import { describe, expect, test } from 'vitest';
import { openclaw, pi } from '../../../src/harness/openclaw/index.ts';
import { compare } from '../../../src/verify/compare.ts';
import { answer, builtOf, call, differences, header, result, user } from '../../support/openclaw-entries.ts';

describe.each([openclaw, pi])('$name', ({ name }) => {
  test('responses of one id are as many calls as there are entries', () => {
    const same = { responseId: 'chatcmpl-0' };
    const lines = [
      header(),
      user(100, 'e1'),
      answer(200, 'e2', [call('c1')], same),
      result(250, 'e3', 'c1', 'text'),
      answer(300, 'e4', [], same),
      user(400, 'e5'),
      answer(500, 'e6', [], same),
    ];
    for (const told of [lines, lines.flatMap((line) => [line, line])]) {
      const chats = builtOf(told, { harness: name }).spans.filter((span) => span.name === 'chat m');
      expect(chats.map(({ attributes }) => attributes['gen_ai.response.id'])).toEqual(Array(3).fill('chatcmpl-0'));
      expect(new Set(chats.map(({ attributes }) => attributes['trace_build.model_call.id'])).size).toBe(3);
      expect(differences(told, { harness: name })).toEqual([]);
    }
  });

  test('each result is of the call before it, however many have its id', () => {
    const lines = [
      header(),
      user(100, 'e1'),
      answer(200, 'e2', [call('c', 'read'), call('c', 'list'), call('d', 'read')]),
      result(250, 'e3', 'c', 'one'),
      result(250, 'e4', 'c', 'two', { toolName: 'list' }),
      // Of a tool that does not exist only the result is kept.
      result(250, 'e5', 'd', 'three'),
      result(250, 'e6', 'c', 'Tool none not found', { toolName: 'none', isError: true }),
      answer(300, 'e7', [call('d', 'write')]),
      // It has no result.
      answer(400, 'e8', [call('d', 'edit')]),
      result(450, 'e9', 'd', 'four', { isError: true, toolName: 'edit' }),
      answer(500, 'e10'),
      user(600, 'e11'),
      answer(700, 'e12', [call('c', 'read')]),
      result(750, 'e13', 'c', 'five'),
      answer(800, 'e14'),
    ];
    for (const told of [lines, lines.flatMap((line) => [line, line])]) {
      const tools = builtOf(told, { harness: name, content: 'full' }).spans.filter((span) => span.name.startsWith('execute_tool'));
      const of = (key: string) => tools.map(({ attributes }) => attributes[key]);
      expect(tools.map((span, at) => [span.name.slice(13), of('gen_ai.tool.call.id')[at], of('gen_ai.tool.call.result')[at]])).toEqual([
        ['read', 'c', '"one"'],
        ['list', 'c', '"two"'],
        ['read', 'd', '"three"'],
        ['write', 'd', undefined],
        ['edit', 'd', '"four"'],
        ['none', 'c', '"Tool none not found"'],
        ['read', 'c', '"five"'],
      ]);
      expect(of('trace_build.outcome')).toEqual([undefined, undefined, undefined, 'interrupted', 'error', 'error', undefined]);
      expect(differences(told, { harness: name })).toEqual([]);
    }
  });
});

/** The trace of what was written up to a line. */
const idsOf = (lines: readonly string[]): readonly string[] => builtOf(lines).spans.map(({ spanId }) => spanId);

test('a call keeps its id, whatever comes later', () => {
  const lines = [
    header(),
    user(100, 'e1'),
    answer(200, 'e2', [call('c')]),
    result(250, 'e3', 'c', 'one'),
    answer(300, 'e4', [call('c')]),
    result(350, 'e5', 'c', 'two'),
    answer(400, 'e6'),
  ];
  const all = idsOf(lines);
  for (const count of lines.keys()) for (const id of idsOf(lines.slice(0, count))) expect(all).toContain(id);
  const alone = idsOf([...lines.slice(0, 4), answer(400, 'e6')]);
  expect(alone.filter((id) => !all.includes(id))).toEqual([]);
});

test('a sub-agent may number its calls as its parent does; the answer that comes back is linked to the call', () => {
  const [key, run] = ['agent:main:subagent:1', 'a1'];
  const child = [header({ id: 'kid' }), user(220, 'k1'), answer(230, 'k2', [call('c')]), result(240, 'k3', 'c', 'kid'), answer(250, 'k4')];
  const spawned = { details: { childSessionKey: key, runId: run }, toolName: 'sessions_spawn' };
  const lines = [
    header(),
    user(100, 'e1', 'r1'),
    answer(150, 'e2', [call('c')], {}, 'r1'),
    result(160, 'e3', 'c', 'main'),
    answer(200, 'e4', [call('c', 'sessions_spawn')], {}, 'r1'),
    result(210, 'e5', 'c', 'accepted', spawned),
    answer(300, 'e6', [], {}, 'r1'),
    answer(400, 'e7', [], {}, `announce:v1:${key}:${run}`),
  ];
  const files = { agents: [{ id: 'kid', name: 'kid', lines: child, meta: JSON.stringify({ session_key: key }) }] };
  const { spans } = builtOf(lines, files);
  const agent = spans.find(({ name }) => name === 'invoke_agent subagent')!;
  expect(spans.filter(({ attributes }) => attributes['gen_ai.tool.call.id'] === 'c')).toHaveLength(3);
  expect(spans.flatMap(({ links }) => links).map(({ spanId }) => spanId)).toContain(agent.spanId);
  expect(differences(lines, files)).toEqual([]);
});

test('verify sees a call that has no span, and one that has two, where several have its id', () => {
  const lines = [header(), user(100, 'e1'), answer(200, 'e2', [call('c'), call('c')]), answer(300, 'e3')];
  const { spans } = builtOf(lines);
  const counted = openclaw.recount({ main: { name: 'main', lines }, agents: [] });
  const tool = spans.findLastIndex(({ name }) => name.startsWith('execute_tool'));
  expect(compare(counted, spans.toSpliced(tool, 1)).differences.map(({ kind, says }) => [kind, says])).toEqual([
    ['tool-call-missing', 'The lines tell of this tool call, and only 1 of 2 spans do.'],
  ]);
  expect(compare(counted, [...spans, spans[tool]!]).differences.map(({ kind, says }) => [kind, says])).toEqual([
    ['tool-call-twice', '3 spans tell of this tool call, which happened 2 times.'],
  ]);
});
