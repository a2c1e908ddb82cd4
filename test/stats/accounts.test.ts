/** What is only counted of a session, and calls within calls: told once, in figures and in rows. */
import { expect, test } from 'vitest';
import { traceSession } from '../../src/pipeline.ts';
import type { Session } from '../../src/session/types.ts';
import { reportOf } from '../../src/stats/report.ts';
import { callsOf, runsOf } from '../../src/stats/runs.ts';
import { sumOf } from '../../src/stats/stats.ts';
import { summaryOf } from '../../src/stats/summary.ts';
import { countedTurns } from '../../src/stats/turns.ts';
import { callCostUsd } from '../../src/trace/cost.ts';
import { ALL_STORIES, refsOf } from '../support/stories.ts';

const sessionsIn = (story: string): readonly Session[] =>
  refsOf(story).map((ref) => traceSession(ref, { content: 'full' }, { ended: true }).session);
const named = (story: string, id: string): Session => sessionsIn(story).find((session) => session.id === id)!;
const reported = (session: Session) => reportOf(sumOf(countedTurns(session, callCostUsd).map(({ stats }) => stats)));

// Of the session itself and of its agent: each has an account of its own.
test.each([
  { story: 'hermes/real-run-0.18.2', id: '20261120_221451_9ed2a7', input: 10300 + 500, output: 245 + 10, cacheRead: 9200, costUsd: 0 },
  {
    story: 'hermes/schema30',
    id: '20261120_100000_a1b2c3',
    input: 7710 + 1050,
    output: undefined,
    cacheRead: undefined,
    costUsd: 0.007 + 0.002,
  },
])('$story $id: the tokens of a session count once', ({ story, id, input, output, cacheRead, costUsd }) => {
  const session = named(story, id);
  const report = reported(session);
  const summary = summaryOf(session, callCostUsd);
  expect(report.tokens.input).toBe(input);
  if (output !== undefined) expect(report.tokens.output).toBe(output);
  if (cacheRead !== undefined) expect(report.tokens.cacheRead).toBe(cacheRead);
  expect(report.costUsd).toBeCloseTo(costUsd, 9);
  // Nothing more was used than is told.
  expect(report.unreliableCalls).toBe(0);
  expect([summary.tokens.input, summary.tokens.output]).toEqual([report.tokens.input, report.tokens.output]);
  expect(summary.costUsd).toBeCloseTo(costUsd, 9);
  expect(summary.unpriced).toBe(report.unpricedCalls);
});

test('all turns but the last tell no tokens, and the models that answered have them', () => {
  const session = named('hermes/real-run-0.18.2', '20261120_221451_9ed2a7');
  const [first, last] = countedTurns(session, callCostUsd).map(({ stats }) => reportOf(stats).tokens.input);
  expect([first, last]).toEqual([500, 10300]);
  expect(reported(session).models.map(({ model, calls, tokens }) => [model, calls, tokens.input])).toEqual([['fake-1', 5, 10800]]);
});

test('what several models share is of none of them', () => {
  const session = named('hermes/real-run-0.18.2', '20261120_221451_9ed2a7');
  const [first, ...others] = session.turns;
  const switched = { ...first!, modelCalls: first!.modelCalls.map((call) => ({ ...call, model: 'fake-2' })) };
  const { models, tokens } = reported({ ...session, turns: [switched, ...others] });
  expect(models.map(({ model, calls, tokens: own }) => [model, calls, own.input])).toEqual([
    ['fake-2', 3, 0],
    ['fake-1', 2, 500],
    ['unknown', 0, 10300],
  ]);
  expect(tokens.input).toBe(10800);
});

test('calls that a call made are counted, and so are their agents, errors and files', () => {
  const nested = (session: Session) =>
    [...runsOf(session)].flatMap(({ toolCalls }) => toolCalls.flatMap(({ toolCalls: inside = [] }) => inside));
  const stories = ALL_STORIES.filter((story) => story.startsWith('codex/')).flatMap(sessionsIn);
  const session = stories.find((each) => nested(each).length > 1)!;
  const inside = nested(session);
  const all = [...runsOf(session)].flatMap(callsOf);
  expect(all).toEqual(expect.arrayContaining(inside));
  expect(reported(session).toolCalls).toBe(all.length);
  expect(summaryOf(session, callCostUsd).toolCalls).toBe(all.length);
  const before = reported(session).errors;
  const failing = inside[0]!;
  const failed = JSON.parse(JSON.stringify(session), (_, value) =>
    value?.id === failing.id && value?.outcome !== undefined
      ? { ...value, outcome: { kind: 'error', endedAtMs: value.startedAtMs, errorType: 'timeout' } }
      : value,
  ) as Session;
  expect(reported(failed).errors).toBe(before + (failing.outcome.kind === 'error' ? 0 : 1));
  expect(reported(failed).errorsByType['timeout']).toBeGreaterThan(0);
});
