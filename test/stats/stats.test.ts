/** Figures that add up: in any order, in any grouping, each turn once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Collector } from '../../src/stats/collector.ts';
import { durationsOf, reportOf } from '../../src/stats/report.ts';
import { nothing, type Stats, sumOf } from '../../src/stats/stats.ts';
import type { CountedTurn } from '../../src/stats/turns.ts';

const name = fc.constantFrom('Bash', 'Read', '__proto__', 'constructor', 'é', '');
const n = fc.nat({ max: 1000 });
const counts = fc.array(fc.tuple(name, n)).map((pairs) => new Map(pairs));
const durations = fc.array(n, { maxLength: 5 });
const tokens = fc.record({ input: n, cacheRead: n, cacheWrite5m: n, cacheWrite1h: n, output: n, reasoning: n });
const model = fc.record({
  calls: n,
  durationsMs: durations,
  tokens,
  picoUsd: fc.nat({ max: 1_000_000_000 }),
  unpriced: n,
  unreliable: n,
});
const tool = fc.record({ calls: n, failed: n, denied: n, interrupted: n, durationsMs: durations });
const interval = fc.tuple(n, n).map(([a, b]) => ({ startedAtMs: Math.min(a, b), endedAtMs: Math.max(a, b) }));
const mapOf = <V>(value: fc.Arbitrary<V>) => fc.array(fc.tuple(name, value), { maxLength: 4 }).map((pairs) => new Map(pairs));

const stats: fc.Arbitrary<Stats> = fc.record({
  turns: n,
  turnMs: durations,
  triggers: counts,
  sessions: mapOf(interval),
  work: mapOf(fc.array(interval, { maxLength: 4 })),
  models: mapOf(model),
  tools: mapOf(tool),
  agents: counts,
  errors: counts,
  redactions: counts,
  events: fc.record({ steering: n, compactions: n, retries: n }),
  interrupted: fc.record({ turns: n, agents: n }),
  files: counts,
  changes: n,
  commits: n,
  pullRequests: n,
  problems: n,
});

/** Lists of durations are bags: their order tells nothing. */
function asBag(given: Stats): unknown {
  const sorted = (list: readonly number[]) => list.toSorted((a, b) => a - b);
  const maps = <V, W>(map: ReadonlyMap<string, V>, of: (value: V) => W) =>
    [...map].map(([key, value]) => [key, of(value)] as const).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const same = <V>(value: V) => value;
  return {
    ...given,
    turnMs: sorted(given.turnMs),
    triggers: maps(given.triggers, same),
    sessions: maps(given.sessions, same),
    work: maps(given.work, (list) => list.toSorted((a, b) => a.startedAtMs - b.startedAtMs || a.endedAtMs - b.endedAtMs)),
    models: maps(given.models, (value) => ({ ...value, durationsMs: sorted(value.durationsMs) })),
    tools: maps(given.tools, (value) => ({ ...value, durationsMs: sorted(value.durationsMs) })),
    agents: maps(given.agents, same),
    errors: maps(given.errors, same),
    redactions: maps(given.redactions, same),
    files: maps(given.files, same),
  };
}

describe('a sum of figures', () => {
  test('is the same in any order', () => {
    fc.assert(
      fc.property(
        fc.array(stats, { maxLength: 6 }).chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => {
          expect(asBag(sumOf(shuffled))).toEqual(asBag(sumOf(all)));
          expect(reportOf(sumOf(shuffled))).toEqual(reportOf(sumOf(all)));
        },
      ),
    );
  });

  test('is the same whatever is added first', () => {
    fc.assert(
      fc.property(stats, stats, stats, (a, b, c) => {
        expect(asBag(sumOf([sumOf([a, b]), c]))).toEqual(asBag(sumOf([a, sumOf([b, c])])));
      }),
    );
  });

  test('with nothing is itself, and changes nothing that was added', () => {
    fc.assert(
      fc.property(stats, (a) => {
        const before = structuredClone(a);
        expect(asBag(sumOf([nothing(), a]))).toEqual(asBag(a));
        expect(a).toEqual(before);
      }),
    );
  });

  test('a name that objects have, too, is a name', () => {
    const hostile = { ...nothing(), agents: new Map([['__proto__', 2]]), errors: new Map([['constructor', 1]]) };
    const report = reportOf(sumOf([hostile, hostile]));
    expect(report.agents).toBe(4);
    expect(JSON.stringify(report.agentsByName)).toBe('{"__proto__":4}');
    expect(JSON.stringify(report.errorsByType)).toBe('{"constructor":2}');
  });
});

describe('durations', () => {
  test.each<[number[], number | undefined, number | undefined, number | undefined]>([
    [[], undefined, undefined, undefined],
    [[7], 7, 7, 7],
    [[2, 1], 1, 2, 2],
    [[30, 10, 20], 20, 30, 30],
    [Array.from({ length: 100 }, (_, at) => 100 - at), 50, 95, 100],
    [Array.from({ length: 20 }, (_, at) => at + 1), 10, 19, 20],
    [[9, 10, 100], 10, 100, 100],
  ])('%j: by nearest rank', (all, p50Ms, p95Ms, maxMs) => {
    expect(durationsOf(all)).toEqual({
      count: all.length,
      sumMs: all.reduce((sum, ms) => sum + ms, 0),
      ...(p50Ms !== undefined && { p50Ms, p95Ms, maxMs }),
    });
  });

  test('a percentile is one of the durations, and so many do not exceed it', () => {
    fc.assert(
      fc.property(fc.array(n, { minLength: 1 }), (all) => {
        const { p50Ms, p95Ms } = durationsOf(all);
        expect(all).toContain(p50Ms);
        const upTo = (ms: number) => all.filter((each) => each <= ms).length / all.length;
        expect(upTo(p50Ms!)).toBeGreaterThanOrEqual(0.5);
        expect(upTo(p95Ms!)).toBeGreaterThanOrEqual(0.95);
        expect(upTo(p95Ms! - 1)).toBeLessThan(0.95);
      }),
    );
  });
});

describe('turns of many sessions', () => {
  const turn = (startId: string, copied = false, turns = 1): CountedTurn => ({
    startId,
    startedAtMs: 0,
    copied,
    stats: { ...nothing(), turns },
  });
  const collect = (sessions: readonly (readonly [CountedTurn[], number, boolean?])[]) => {
    const collector = new Collector();
    for (const [turns, rank, isLeftover = false] of sessions) collector.add(turns, { rank, isLeftover }, () => `session ${rank}`);
    const { total, groups } = collector.collected();
    return { turns: total.turns, groups: groups.map(({ key, stats: of }) => [key, of.turns]) };
  };

  test('a copy counts where there is no original, once, and the original wherever it comes', () => {
    const original: [CountedTurn[], number] = [[turn('a'), turn('b')], 1];
    const fork: [CountedTurn[], number] = [[turn('a', true), turn('c')], 2];
    for (const order of [
      [original, fork],
      [fork, original],
    ])
      expect(collect(order)).toEqual({
        turns: 3,
        groups: [
          ['session 1', 2],
          ['session 2', 1],
        ],
      });
    const twin: [CountedTurn[], number] = [[turn('a', true, 5)], 3];
    for (const order of [
      [fork, twin],
      [twin, fork],
    ])
      expect(collect(order)).toEqual({ turns: 2, groups: [['session 2', 2]] });
  });

  test('of two files of one session the longer one counts', () => {
    const whole: [CountedTurn[], number] = [[turn('a'), turn('b')], 1];
    const leftover: [CountedTurn[], number, boolean] = [[turn('a', false, 9), turn('x')], 0, true];
    for (const order of [
      [whole, leftover],
      [leftover, whole],
    ])
      expect(collect(order).turns).toBe(3);
  });
});
