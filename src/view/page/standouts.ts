/**
 * What stands out in a session: what took longest, what cost most, how its context grew.
 *
 * in:   the session's spans
 * out:  sums, row numbers; pure
 */
import type { Shares, ViewSpan } from '../model.ts';

export const wholeMs = ({ modelMs, toolMs, waitMs }: Shares): number => modelMs + toolMs + waitMs;

/** Calls of models and tools; what contains others would only repeat them. */
export const slowest = (spans: readonly ViewSpan[], count: number): readonly number[] =>
  largest(spans, count, ({ kind, startMs, endMs }) => (kind === 'chat' || kind === 'tool' ? endMs - startMs : 0));

export const dearest = (spans: readonly ViewSpan[], count: number): readonly number[] =>
  largest(spans, count, ({ costUsd = 0 }) => costUsd);

function largest(spans: readonly ViewSpan[], count: number, sizeOf: (span: ViewSpan) => number): readonly number[] {
  const best: { row: number; size: number }[] = [];
  for (const [row, span] of spans.entries()) {
    const size = sizeOf(span);
    if (size <= 0 || (best.length === count && size <= best.at(-1)!.size)) continue;
    const at = best.findIndex((other) => other.size < size);
    best.splice(at < 0 ? best.length : at, 0, { row, size });
    if (best.length > count) best.pop();
  }
  return best.map(({ row }) => row);
}

export interface Thinned {
  readonly tokens: number;
  readonly span: number;
  /** Of the point among all. */
  readonly index: number;
}

/** At most so many points that each is told apart, the highest of those that fall together. */
export function thinned(points: readonly { readonly tokens: number; readonly span: number }[], most: number): readonly Thinned[] {
  const step = Math.max(1, points.length / most);
  const kept: Thinned[] = [];
  for (let from = 0; from < points.length; from += step) {
    const [first, end] = [Math.floor(from), Math.min(points.length, Math.floor(from + step))];
    let best = first;
    for (let index = first; index < end; index++) if (points[index]!.tokens > points[best]!.tokens) best = index;
    kept.push({ ...points[best]!, index: best });
  }
  return kept;
}
