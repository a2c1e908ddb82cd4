/**
 * Time → place along the waterfall, and the ticks above it.
 *
 * in:   from when to when something ran, Unix ms
 * out:  a scale from 0 to 1, ticks; pure
 *
 * One turn has a real axis. Over all turns the hours in which nobody worked would leave nothing else to see: they
 * are cut to a narrow gap each, which is marked as one.
 */
import { clock, offset } from './format.ts';

export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Scale {
  /** 0 … 1; what lies outside is at the edge. */
  readonly at: (ms: number) => number;
  readonly segments: readonly Segment[];
  readonly gaps: readonly Gap[];
}

/** A stretch of time that is to scale. */
interface Segment extends Interval {
  readonly from: number;
  readonly to: number;
}

export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly ms: number;
}

export interface Tick {
  /** 0 … 1. */
  readonly at: number;
  readonly label: string;
}

/** A pause is cut when it is longer than this part of the time something ran. */
const CUT_FROM = 0.04;
/** A gap's width, and what all of them may take together. */
const GAP = 0.012;
const ALL_GAPS = 0.25;

export const realScale = ({ startMs, endMs }: Interval): Scale => laidOut([{ startMs, endMs: Math.max(endMs, startMs + 1) }]);

export function cutScale(intervals: readonly Interval[]): Scale {
  const runs = merged(intervals, 0);
  if (runs.length === 0) return realScale({ startMs: 0, endMs: 1 });
  const busy = runs.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  return laidOut(merged(runs, Math.max(1000, busy * CUT_FROM)));
}

function merged(intervals: readonly Interval[], slackMs: number): Interval[] {
  const result: { startMs: number; endMs: number }[] = [];
  for (const { startMs, endMs } of intervals.toSorted((a, b) => a.startMs - b.startMs)) {
    const last = result.at(-1);
    if (last !== undefined && startMs <= last.endMs + slackMs) last.endMs = Math.max(last.endMs, endMs);
    else result.push({ startMs, endMs });
  }
  return result;
}

function laidOut(runs: readonly Interval[]): Scale {
  const gapWidth = Math.min(GAP, ALL_GAPS / Math.max(1, runs.length - 1));
  const busy = runs.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0) || 1;
  const perMs = (1 - gapWidth * (runs.length - 1)) / busy;
  const segments: Segment[] = [];
  const gaps: Gap[] = [];
  let from = 0;
  for (const [index, { startMs, endMs }] of runs.entries()) {
    const to = index === runs.length - 1 ? 1 : from + (endMs - startMs) * perMs;
    // Sums of shares may come out a hair above the whole.
    segments.push({ startMs, endMs, from: Math.min(from, to), to });
    const next = runs[index + 1];
    if (next !== undefined) gaps.push({ from: to, to: to + gapWidth, ms: next.startMs - endMs });
    from = to + gapWidth;
  }
  return { at: (ms) => placeIn(segments, ms), segments, gaps };
}

function placeIn(segments: readonly Segment[], ms: number): number {
  let [low, high] = [0, segments.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (segments[middle]!.startMs <= ms) low = middle;
    else high = middle - 1;
  }
  const { startMs, endMs, from, to } = segments[low]!;
  if (endMs === startMs) return from;
  return from + (to - from) * Math.min(1, Math.max(0, (ms - startMs) / (endMs - startMs)));
}

const STEPS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720].map((hours) => hours * 3_600_000),
];

/** Room for a tick's label, px. */
const LABEL = 60;

/** As many as there is room for: since the start on a real axis, by the clock where time is cut. */
export function ticksOf({ segments, at }: Scale, width: number): readonly Tick[] {
  const only = segments.length === 1 ? segments[0] : undefined;
  if (only === undefined) return clockTicks(segments, width);
  const span = only.endMs - only.startMs;
  const room = Math.max(1, Math.floor(width / LABEL));
  const step = STEPS_MS.find((candidate) => span / candidate <= room) ?? Math.ceil(span / room / 86_400_000) * 86_400_000;
  const ticks: Tick[] = [];
  for (let ms = 0; ms <= span; ms += step) ticks.push({ at: at(only.startMs + ms), label: offset(ms, step) });
  // The last label would stick out.
  if (ticks.length > 1 && (1 - ticks.at(-1)!.at) * width < LABEL / 2) ticks.pop();
  return ticks;
}

function clockTicks(segments: readonly Segment[], width: number): readonly Tick[] {
  const shown: Segment[] = [];
  for (const segment of segments) {
    const last = shown.at(-1);
    if (last !== undefined && (segment.from - last.from) * width < LABEL) continue;
    if ((1 - segment.from) * width >= LABEL / 2) shown.push(segment);
  }
  const minutes = shown.map(({ startMs }) => clock(startMs));
  // Two in the same minute are told apart by seconds.
  return shown.map(({ from, startMs }, at) => ({
    at: from,
    label: minutes[at] === minutes[at - 1] || minutes[at] === minutes[at + 1] ? clock(startMs, true) : minutes[at]!,
  }));
}
