/**
 * How the time of a turn was spent: by a model, else by a tool, else waiting. Pure arithmetic of intervals.
 *
 * in:   the turn's interval; when models and when tools were at work, in any order, overlapping as they like
 * out:  `Shares`; they add up to the length of the turn exactly
 */
import type { Shares } from './model.ts';

/** Unix ms, or any other clock; an interval that ends before it starts is empty. */
export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

export function sharesOf(turn: Interval, models: readonly Interval[], tools: readonly Interval[]): Shares {
  const modelMs = coveredMs(turn, models);
  const busyMs = coveredMs(turn, [...models, ...tools]);
  return { modelMs, toolMs: busyMs - modelMs, waitMs: Math.max(0, turn.endMs - turn.startMs) - busyMs };
}

/** Length of what the intervals cover of a frame, each moment once. */
function coveredMs(frame: Interval, intervals: readonly Interval[]): number {
  let [covered, reached] = [0, frame.startMs];
  for (const { startMs, endMs } of intervals.toSorted((a, b) => a.startMs - b.startMs)) {
    const [start, end] = [Math.max(startMs, reached), Math.min(endMs, frame.endMs)];
    if (end <= start) continue;
    covered += end - start;
    reached = end;
  }
  return covered;
}
