/**
 * Parts of a text that are to be hidden.
 *
 * in:   ranges      out: ranges, in order and apart from each other
 */

export interface Range {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Index of the rule that found it. */
  readonly rule: number;
}

/** What overlaps becomes one, with the rule that comes first in the list; so does what touches, of the same rule. */
export function merged(ranges: readonly Range[]): Range[] {
  if (ranges.length < 2) return [...ranges];
  const result: Range[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last === undefined || range.start > last.end || (range.start === last.end && range.rule !== last.rule)) result.push(range);
    else result[result.length - 1] = { start: last.start, end: Math.max(last.end, range.end), rule: Math.min(last.rule, range.rule) };
  }
  return result;
}

/** What lies between the ranges. */
export function gaps(start: number, end: number, ranges: readonly { readonly start: number; readonly end: number }[]): Gap[] {
  const result: Gap[] = [];
  let from = start;
  for (const range of ranges) {
    if (range.end <= start || range.start >= end) continue;
    if (range.start > from) result.push({ start: from, end: range.start });
    from = Math.max(from, range.end);
  }
  if (from < end) result.push({ start: from, end });
  return result;
}

export type Gap = Omit<Range, 'rule'>;
