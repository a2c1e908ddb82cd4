/**
 * How the time of turns was spent: by a model, else by a tool, else waiting. Pure arithmetic of intervals.
 *
 * in:   the turns' intervals; when models and when tools were at work; in any order, overlapping as they like
 * out:  `Shares`; they add up to the time that the turns cover exactly
 */
import type { Shares } from './model.ts';

/** Unix ms, or any other clock; an interval that ends before it starts is empty. */
export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** Each moment counts once, however many turns it is in. */
export function sharesOf(turns: readonly Interval[], models: readonly Interval[], tools: readonly Interval[]): Shares {
  const whole = coveredMs(turns);
  const within = (intervals: readonly Interval[]): number => whole + coveredMs(intervals) - coveredMs([...turns, ...intervals]);
  const modelMs = within(models);
  const busyMs = within([...models, ...tools]);
  return { modelMs, toolMs: busyMs - modelMs, waitMs: whole - busyMs };
}

/** Length of what the intervals cover. */
function coveredMs(intervals: readonly Interval[]): number {
  let [covered, reached] = [0, Number.NEGATIVE_INFINITY];
  for (const { startMs, endMs } of intervals.toSorted((a, b) => a.startMs - b.startMs)) {
    covered += Math.max(0, endMs - Math.max(startMs, reached));
    reached = Math.max(reached, endMs);
  }
  return covered;
}
