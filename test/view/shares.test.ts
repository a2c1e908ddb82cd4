/** The shares of a turn's time, against a count of every single millisecond. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Interval, sharesOf } from '../../src/view/shares.ts';

const interval = fc
  .tuple(fc.integer({ min: -20, max: 60 }), fc.integer({ min: -5, max: 40 }))
  .map(([startMs, length]): Interval => ({ startMs, endMs: startMs + length }));
const turn = fc
  .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 40 }))
  .map(([startMs, length]): Interval => ({ startMs, endMs: startMs + length }));

test('each millisecond counts once: for a model, else for a tool, else as waiting', () => {
  fc.assert(
    fc.property(fc.array(turn), fc.array(interval), fc.array(interval), (turns, models, tools) => {
      const counted = { modelMs: 0, toolMs: 0, waitMs: 0 };
      const covers = (all: readonly Interval[], ms: number): boolean => all.some(({ startMs, endMs }) => startMs <= ms && ms < endMs);
      let whole = 0;
      for (let ms = 0; ms < 60; ms++) {
        if (!covers(turns, ms)) continue;
        whole++;
        counted[covers(models, ms) ? 'modelMs' : covers(tools, ms) ? 'toolMs' : 'waitMs']++;
      }
      const shares = sharesOf(turns, models, tools);
      expect(shares).toEqual(counted);
      expect(shares.modelMs + shares.toolMs + shares.waitMs).toBe(whole);
    }),
    { numRuns: 2000 },
  );
});

test('a turn that ends before it starts has no time to share', () => {
  expect(sharesOf([{ startMs: 10, endMs: 5 }], [{ startMs: 0, endMs: 20 }], [])).toEqual({ modelMs: 0, toolMs: 0, waitMs: 0 });
});
