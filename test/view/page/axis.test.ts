import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutScale, realScale, ticksOf } from '../../../src/view/page/axis.ts';

const labels = (startMs: number, endMs: number, width: number): string[] =>
  ticksOf(realScale({ startMs, endMs }), width).map(({ label }) => label);

test('a real axis is to scale', () => {
  const { at } = realScale({ startMs: 1000, endMs: 3000 });
  expect([0, 1000, 1500, 3000, 9000].map(at)).toEqual([0, 0, 0.25, 1, 1]);
});

test('a turn of no time has an axis, too', () => {
  const scale = realScale({ startMs: 5, endMs: 5 });
  expect(scale.at(5)).toBe(0);
  expect(ticksOf(scale, 500).length).toBeGreaterThan(0);
});

test('ticks are round, and as many as there is room for', () => {
  expect(labels(0, 4000, 400)).toEqual(['0', '1 s', '2 s', '3 s']);
  expect(labels(7, 71_007, 400)).toEqual(['0', '15 s', '30 s', '45 s', '1:00']);
  expect(labels(0, 300, 300)).toEqual(['0', '100 ms', '200 ms']);
  expect(labels(0, 1400, 300)).toEqual(['0', '500 ms', '1.0 s']);
  expect(labels(0, 5 * 3_600_000, 200)).toEqual(['0', '2 h', '4 h']);
});

test('pauses are cut, and what runs keeps its proportions', () => {
  const hour = 3_600_000;
  const scale = cutScale([
    { startMs: 0, endMs: 10_000 },
    { startMs: 5 * hour, endMs: 5 * hour + 30_000 },
  ]);
  expect(scale.gaps).toHaveLength(1);
  expect(scale.gaps[0]!.ms).toBe(5 * hour - 10_000);
  const [first, second] = scale.segments;
  expect((second!.to - second!.from) / (first!.to - first!.from)).toBeCloseTo(3);
  expect(scale.at(2 * hour)).toBe(first!.to);
});

test('turns of the same minute are told apart', () => {
  const at = (minute: number, second: number): number => new Date(2026, 10, 20, 22, minute, second).getTime();
  const turn = (startMs: number) => ({ startMs, endMs: startMs + 1000 });
  const scale = cutScale([turn(at(8, 0)), turn(at(9, 5)), turn(at(9, 40)), turn(at(15, 0))]);
  expect(ticksOf(scale, 600).map(({ label }) => label)).toEqual(['22:08', '22:09:05', '22:09:40', '22:15']);
});

test('a short pause stays', () => {
  expect(
    cutScale([
      { startMs: 0, endMs: 60_000 },
      { startMs: 61_000, endMs: 100_000 },
    ]).gaps,
  ).toEqual([]);
});

test('a last turn without a length lies at the end, and not beyond it', () => {
  const scale = cutScale(
    [
      [0, 982_411],
      [1_110_239, 2_077_030],
      [2_204_858, 2_451_353],
      [2_579_181, 3_579_172],
      [3_707_000, 3_707_000],
    ].map(([startMs, endMs]) => ({ startMs: startMs!, endMs: endMs! })),
  );
  expect(scale.at(3_707_000)).toBe(1);
});

test('whatever the turns are: places go from 0 to 1 and never back, and labels keep apart', () => {
  const interval = fc.tuple(fc.nat(1e9), fc.nat(1e6)).map(([startMs, ms]) => ({ startMs, endMs: startMs + ms }));
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 200 }), fc.integer({ min: 80, max: 2000 }), (intervals, width) => {
      const scale = cutScale(intervals);
      const times = intervals.flatMap(({ startMs, endMs }) => [startMs, endMs]).toSorted((a, b) => a - b);
      let before = 0;
      for (const ms of times) {
        const place = scale.at(ms);
        expect(place).toBeGreaterThanOrEqual(before - 1e-9);
        expect(place).toBeLessThanOrEqual(1);
        before = place;
      }
      const ticks = ticksOf(scale, width);
      expect(ticks.length).toBeLessThan(width / 30);
      for (const [index, { at }] of ticks.entries()) if (index > 0) expect((at - ticks[index - 1]!.at) * width).toBeGreaterThan(30);
    }),
  );
});
