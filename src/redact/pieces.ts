/**
 * Several texts that are one: found across their edges, hidden in each.
 *
 * in:   `Find`; texts that follow each other, and what is read between them
 * out:  per text what to cut out, and where a placeholder goes
 */
import type { Find } from './find.ts';
import { merged, type Range } from './ranges.ts';

export interface Cut extends Range {
  /** It began in an earlier text, where its placeholder stands. */
  readonly continued: boolean;
}

/** More are contrived, as in find.ts. */
const MAX_ROUNDS = 8;

/**
 * In the whole, and in each by itself: joined to its neighbour, a word may hide where a token begins. What either finds
 * is hidden for both, until there is nothing new.
 */
export function findInPieces(find: Find, texts: readonly string[], between: string): readonly (readonly Cut[])[] {
  const starts: number[] = [];
  let length = 0;
  for (const text of texts) {
    starts.push(length);
    length += text.length + between.length;
  }
  const whole = texts.join(between);
  let ranges: Range[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const inWhole = find(whole, ranges);
    ranges = merged([...ranges, ...inWhole]);
    const inTexts = cutUp(ranges, texts, starts).flatMap((cuts, index) =>
      find(texts[index]!, cuts).map(({ start, end, rule }) => ({ start: start + starts[index]!, end: end + starts[index]!, rule })),
    );
    ranges = merged([...ranges, ...inTexts]);
    if (inTexts.length === 0) break;
  }
  return cutUp(ranges, texts, starts);
}

/** Ranges of the whole → of each text. Both are in order. */
function cutUp(ranges: readonly Range[], texts: readonly string[], starts: readonly number[]): readonly (readonly Cut[])[] {
  let next = 0;
  let placed = -1;
  return texts.map((text, index) => {
    const start = starts[index]!;
    const end = start + text.length;
    const cuts: Cut[] = [];
    while (next < ranges.length && ranges[next]!.end <= start) next++;
    for (let at = next; at < ranges.length && ranges[at]!.start < end; at++) {
      const range = ranges[at]!;
      cuts.push({
        start: Math.max(range.start - start, 0),
        end: Math.min(range.end - start, text.length),
        rule: range.rule,
        continued: at <= placed,
      });
      placed = at;
    }
    return cuts;
  });
}
