/** Rules of the count that no recorded story shows, on hand-made lines; and the spans agree. */
import { describe, expect, test } from 'vitest';
import type { AgentFile } from '../../src/harness/harness.ts';
import { harnesses } from '../../src/harness/index.ts';
import type { Recount } from '../../src/harness/recount.ts';
import { buildTrace } from '../../src/index.ts';
import { compare } from '../../src/verify/compare.ts';
import { agentFile, agentUse, assistant, at, BEGUN, type Json, result, SMALL, transcript, USAGE, user } from '../support/lines.ts';

const [claudeCode] = harnesses;
function counted(lines: readonly (Json | string)[], agents: readonly AgentFile[] = []): Recount {
  const files = transcript(lines, { agents });
  const recount = claudeCode!.recount(files);
  expect(compare(recount, buildTrace(files).spans).differences.filter(({ kind }) => !kind.startsWith('declared'))).toEqual([]);
  return recount;
}
const tokensOf = ({ responses }: Recount) => responses.map(({ tokens }) => tokens);

describe('tokens', () => {
  const line = (n: number, usage: Json): Json =>
    assistant(n, n * 100, 'msg_1', undefined, {
      message: { id: 'msg_1', model: 'm', role: 'assistant', content: [{ type: 'text', text: 'x' }], stop_reason: 'end_turn', usage },
    });

  test('of each counter the largest of all lines', () => {
    const first = { ...USAGE, output_tokens: 1, cache_read_input_tokens: 300 };
    expect(tokensOf(counted([user(1, 0), line(2, first), line(3, USAGE)]))).toEqual([
      { input: 350, output: 20, cacheRead: 300, cacheWrite: 40 },
    ]);
  });

  test('attempts told one by one are summed', () => {
    const twice = { ...USAGE, iterations: [USAGE, USAGE] };
    expect(tokensOf(counted([user(1, 0), line(2, twice)]))).toEqual([{ input: 160, output: 40, cacheRead: 60, cacheWrite: 80 }]);
  });

  test('none where no line has any, and none for what the CLI wrote itself', () => {
    const own = { message: { id: 'msg_1', model: 'm', role: 'assistant', content: [] } };
    const synthetic = { message: { ...own.message, id: 'x', model: '<synthetic>' } };
    expect(counted([user(1, 0), assistant(2, 100, 'msg_1', [], own), assistant(3, 200, 'x', [], synthetic)]).responses).toEqual([
      { id: 'msg_1', model: 'm', agents: [], places: [{ file: 'main.jsonl', line: 2 }] },
    ]);
  });
});

describe('sub-agents', () => {
  const MAIN = [
    user(1, 0),
    assistant(2, 100, 'msg_1', [agentUse('toolu_a')]),
    result(3, 900, 'toolu_a', { toolUseResult: { status: 'completed', agentId: 'a' } }),
    assistant(4, 1000, 'msg_2'),
  ];
  const lines = (n: number) => [user(n, n * 10), assistant(n + 1, n * 10 + 1, `msg_${n}`)];

  test('an agent, and the call that started it', () => {
    expect(counted(MAIN, [agentFile('a', lines(11))]).agents).toEqual([
      { id: 'a', ids: ['a'], startedBy: ['toolu_a'], places: [{ file: 'agent-a.jsonl', line: 1 }] },
    ]);
  });

  test('a partial copy is no other agent', () => {
    const { agents } = counted(MAIN, [agentFile('a', [...lines(11), ...lines(21)]), agentFile('b', lines(11))]);
    expect(agents.map(({ ids }) => ids)).toEqual([['a', 'b']]);
  });

  test('the call that made a summary is a response, and no agent', () => {
    const compacted: Json = { ...user(5, 1100), type: 'system', subtype: 'compact_boundary', compactMetadata: { trigger: 'auto' } };
    const recount = counted(
      [...MAIN, compacted],
      [agentFile('a', lines(11)), agentFile('acompact-1', [...MAIN.slice(0, 1), assistant(51, 1050, 'msg_sum')])],
    );
    expect(recount.agents.map(({ id }) => id)).toEqual(['a']);
    expect(recount.responses.find(({ id }) => id === 'msg_sum')).toMatchObject({ agents: [] });
  });

  test('an agent that no call started counts, and so does one whose file is empty', () => {
    const { agents } = counted(MAIN, [agentFile('a', lines(11)), agentFile('b', lines(21)), agentFile('c', [])]);
    expect(agents.map(({ id, startedBy }) => [id, startedBy])).toEqual([
      ['a', ['toolu_a']],
      ['b', []],
      ['c', []],
    ]);
  });

  test('a call that names the agent of another one goes on with it', () => {
    const again = [
      user(5, 1100),
      assistant(6, 1200, 'msg_3', [agentUse('toolu_b')]),
      result(7, 1900, 'toolu_b', { toolUseResult: { status: 'completed', agentId: 'a' } }),
    ];
    expect(counted([...MAIN, ...again], [agentFile('a', [...lines(11), ...lines(115)])]).agents).toMatchObject([
      { id: 'a', startedBy: ['toolu_a', 'toolu_b'] },
    ]);
  });
});

describe('cost-state', () => {
  const usage = (own: Json = {}): Json => ({
    inputTokens: 20,
    outputTokens: 40,
    cacheReadInputTokens: 60,
    cacheCreationInputTokens: 80,
    costUSD: 1,
    ...own,
  });
  const state = (own: Json = {}, modelUsage: Json = { 'claude-opus-4-1': usage() }): Json => ({
    type: 'cost-state',
    startTime: BEGUN - 1000,
    modelUsage,
    ...own,
  });
  const declaredBy = (lines: readonly Json[]) => counted(lines).declared;

  test('the last one counts', () => {
    expect(declaredBy([...SMALL, state({}, {}), state()])).toEqual({
      name: 'cost-state',
      place: { file: 'main.jsonl', line: 6 },
      byModel: [{ model: 'claude-opus-4-1', tokens: { input: 160, output: 40, cacheRead: 60, cacheWrite: 80 }, costUsd: 1 }],
    });
  });

  test('the last one of each process, and a model with the long context is that model', () => {
    const lines = [state({ startTime: BEGUN - 5000 }, { 'claude-opus-4-1[1m]': usage() }), ...SMALL, state()];
    expect(declaredBy(lines)!.byModel).toEqual([
      { model: 'claude-opus-4-1', tokens: { input: 320, output: 80, cacheRead: 120, cacheWrite: 160 }, costUsd: 2 },
    ]);
  });

  test('as many tokens as the spans have are no difference, one more or less is', () => {
    const differencesWith = (outputTokens: number) => {
      const files = transcript([...SMALL, state({}, { 'claude-opus-4-1': usage({ outputTokens }) })]);
      return compare(claudeCode!.recount(files), buildTrace(files).spans).differences.map(({ kind }) => kind);
    };
    expect(differencesWith(41)).toEqual(['declared-tokens']);
    expect(differencesWith(39)).toEqual(['declared-tokens']);
    expect(differencesWith(40)).toEqual(['declared-cost']);
  });

  const last = (own: Json): Json => assistant(9, 2000, 'msg_9', undefined, own);
  test.each<{ why: RegExp; lines: readonly Json[] }>([
    { why: /summary of a compaction/, lines: [...SMALL, { type: 'system', subtype: 'compact_boundary', timestamp: at(400) }, state()] },
    { why: /title of the session/, lines: [...SMALL, { type: 'ai-title', aiTitle: 'x' }, state()] },
    { why: /copied from another session/, lines: [...SMALL, last({ requestSessionId: 'other' }), state()] },
    { why: /copied from another session/, lines: [...SMALL, last({ forkedFrom: { sessionId: 'other' } }), state()] },
    { why: /begun after the first response/, lines: [...SMALL, state({ startTime: BEGUN + 5000 })] },
    { why: /written before the last response/, lines: [...SMALL, state(), last({})] },
    {
      why: /WebFetch makes/,
      lines: [...SMALL, assistant(9, 2000, 'msg_9', [{ type: 'tool_use', id: 't', name: 'WebFetch', input: {} }]), state()],
    },
    { why: /stream that broke off/, lines: [...SMALL, user(9, 2000, 'Your response above was cut off', { isMeta: true }), state()] },
    { why: /can't be read/, lines: [...SMALL, [] as unknown as Json, state()] },
  ])('not compared: $why', ({ why, lines }) => {
    expect(declaredBy(lines)!.incomparable).toMatch(why);
    const files = transcript(lines);
    expect(compare(claudeCode!.recount(files), buildTrace(files).spans).differences).toEqual([]);
  });

  test('without a price of its own only tokens are compared', () => {
    expect(declaredBy([...SMALL, state({}, { 'claude-opus-4-1': usage({ costUSD: null }) })])!.byModel[0]).not.toHaveProperty('costUsd');
  });

  test('a model that no line is of is shown, and not compared', () => {
    const files = transcript([...SMALL, state({}, { 'some-small-model': usage() })]);
    const { declared, differences } = compare(claudeCode!.recount(files), buildTrace(files).spans);
    expect(differences).toEqual([]);
    expect(declared!.rows.map(({ built, difference }) => [built, difference])).toEqual(Array.from({ length: 5 }, () => [null, null]));
  });
});

test('whatever type a field has, nothing throws', () => {
  const odd: readonly unknown[] = [null, 7, -1, true, 'text', [], [[]], {}, { toString: 1, valueOf: 1 }, Number.MAX_VALUE];
  const state: Json = { type: 'cost-state', startTime: BEGUN, modelUsage: { m: { inputTokens: 1, costUSD: 1 } } };
  const lines = [...SMALL, result(5, 500, 'toolu_1', { toolUseResult: { agentId: 'a', status: 'teammate_spawned', name: 'n' } }), state];
  const paths = lines.flatMap((line, at) => pathsIn(line).map((path) => [at, path] as const));
  expect(paths.length).toBeGreaterThan(80);
  for (const [at, path] of paths)
    for (const value of odd) {
      const changed = lines.map((line, index) => (index === at ? (withValue(line, path, value) as Json) : line));
      const files = transcript(changed, { agents: [agentFile('a', changed, { toolUseId: value, agentType: value, isFork: value })] });
      expect(() => compare(claudeCode!.recount(files), [])).not.toThrow();
    }
});

const pathsIn = (value: unknown): string[][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [[key], ...pathsIn(inner).map((path) => [key, ...path])])
    : [];

function withValue(at: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const copy = Array.isArray(at) ? [...at] : { ...(at as Json) };
  (copy as Json)[key] = withValue((at as Json)[key], rest, value);
  return copy;
}
