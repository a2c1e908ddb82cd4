/** What is counted of a run that goes on, and of an agent that was begun anew. */
import { expect, test } from 'vitest';
import type { AgentRun, ModelCall, Run, Session, Turn } from '../../src/session/types.ts';
import { reportOf } from '../../src/stats/report.ts';
import { sumOf } from '../../src/stats/stats.ts';
import { summaryOf } from '../../src/stats/summary.ts';
import { countedTurns } from '../../src/stats/turns.ts';

const run: Run = {
  startId: 's',
  startedAtMs: 0,
  endedAtMs: 10,
  modelCalls: [],
  toolCalls: [],
  unclaimedAgents: [],
  steering: [],
  compactions: [],
  outcome: { kind: 'completed' },
  finished: true,
};
const agent = (more: Partial<AgentRun>): AgentRun => ({ ...run, id: 'a', name: 'a', respawns: [], ...more });
const call = (model: string, usage?: Partial<NonNullable<ModelCall['usage']>>): ModelCall =>
  ({
    id: model,
    provider: 'p',
    model,
    startedAtMs: 0,
    endedAtMs: 1,
    retries: 0,
    usage: usage && { input: 0, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, output: 0, reliable: true, ...usage },
  }) as ModelCall;
const session = (turn: Partial<Turn>): Session =>
  ({
    id: 'id',
    harness: 'h',
    turns: [{ ...run, number: 1, trigger: 'human', notifiedBy: [], problems: 0, ...turn }],
    strays: [],
    problems: [],
  }) as never;
const free = (): number => 0;

test('how an agent ended is told once, however often it was begun anew; its calls are all counted', () => {
  const failed = { kind: 'error', errorType: 'agent_error' } as const;
  const again = agent({ outcome: failed, modelCalls: [call('m')], steering: [{ atMs: 5 }] });
  const twice = session({
    unclaimedAgents: [agent({ outcome: failed, modelCalls: [call('m')], steering: [{ atMs: 5 }], respawns: [again] })],
  });
  const [counted] = countedTurns(twice, free);
  expect(counted!.stats.errors).toEqual(new Map([['agent_error', 1]]));
  expect(counted!.stats.events.steering).toBe(1);
  expect(counted!.stats.agents).toEqual(new Map([['a', 1]]));
  expect(counted!.stats.models.get('m')!.calls).toBe(2);
  expect(summaryOf(twice, free)).toMatchObject({ errors: 1, agents: 1, modelCalls: 2 });
});

test('what a turn left in the background is work, and the next turn beside it no more of it', () => {
  const work = (...turns: Partial<Turn>[]): unknown => {
    const whole = { ...session({}), turns: turns.flatMap((turn) => session(turn).turns) };
    return reportOf(sumOf(countedTurns(whole, free).map(({ stats }) => stats))).workMs;
  };
  const background = agent({ startedAtMs: 5, endedAtMs: 100, modelCalls: [{ ...call('m'), startedAtMs: 90, endedAtMs: 110 }] });
  expect(work({}, { startedAtMs: 200, endedAtMs: 203 })).toBe(13);
  expect(work({ unclaimedAgents: [background] }, { startedAtMs: 50, endedAtMs: 60 }, { startedAtMs: 200, endedAtMs: 203 })).toBe(113);
});

test('what was written to the cache for an hour is no part of what was written for five minutes', () => {
  const [counted] = countedTurns(session({ modelCalls: [call('m', { input: 100, cacheWrite: 60, cacheWrite1h: 40 })] }), free);
  expect(counted!.stats.models.get('m')!.tokens).toMatchObject({ input: 100, cacheWrite5m: 20, cacheWrite1h: 40 });
});

test('the model that answered most comes first', () => {
  expect(summaryOf(session({ modelCalls: [call('one'), call('two'), call('two')] }), free).models).toEqual(['two', 'one']);
});
