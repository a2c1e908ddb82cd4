/**
 * Text → what is to be hidden in it.
 *
 * in:   rules, once; then texts
 * out:  ranges of the text, in order and apart
 *
 * A text is read twice where it holds escapes: as it stands, and as it reads without them. What is found is cut out
 * and the pieces are read again, until nothing new turns up: so what a redacted text says when it is redacted once
 * more is what it says now.
 */
import { type Anchored, anchorIndex } from './anchors.ts';
import { type Gap, gaps, merged, type Range } from './ranges.ts';
import type { Rule } from './rule.ts';
import { viewOf } from './view.ts';

/** @param hidden  ranges that are hidden already: nothing is looked for in them, nor across them */
export type Find = (text: string, hidden?: readonly Range[]) => readonly Range[];

/** Searches one text, as it stands, for what a custom rule matches. */
export type Search = (text: string) => readonly Gap[];

const PLACEHOLDER = /\[REDACTED:[a-z0-9-]{1,64}\]/g;
/** Each but the first is there for what the one before it laid bare: more than two are contrived. */
const MAX_ROUNDS = 8;

/**
 * @param rules     in order of precedence
 * @param searches  of custom rules, which come after them: their index goes on from the rules'
 */
export function finder(rules: readonly Rule[], searches: readonly Search[]): Find {
  const readings = readingsBy(rules, searches);
  const inGap = (text: string, gap: Gap): readonly Range[] => {
    const first = moved(readings(text.slice(gap.start, gap.end)), gap.start);
    if (first.length === 0) return NONE;
    const found = [...first];
    let open = gaps(gap.start, gap.end, first);
    for (let round = 1; round < MAX_ROUNDS && open.length > 0; round++) {
      const next: Gap[] = [];
      for (const { start, end } of open) {
        const here = moved(readings(text.slice(start, end)), start);
        for (const range of here) found.push(range);
        if (here.length > 0) for (const left of gaps(start, end, here)) next.push(left);
      }
      open = next;
    }
    return inOrder(found);
  };
  return (text, hidden = NONE) => {
    const cut = text.includes('[REDACTED:') ? inOrder([...hidden, ...placeholders(text)]) : hidden;
    return gaps(0, text.length, cut).flatMap((gap) => inGap(text, gap));
  };
}

const NONE: readonly Range[] = [];

const inOrder = <T extends Gap>(ranges: readonly T[]): readonly T[] =>
  ranges.length < 2 ? ranges : ranges.toSorted((a, b) => a.start - b.start);

const moved = (ranges: readonly Range[], by: number): readonly Range[] =>
  by === 0 || ranges.length === 0 ? ranges : ranges.map(({ start, end, rule }) => ({ start: start + by, end: end + by, rule }));

const placeholders = (text: string): Gap[] =>
  [...text.matchAll(PLACEHOLDER)].map(({ 0: { length }, index }) => ({ start: index, end: index + length }));

/** As it stands, and as it reads. */
type Readings = (text: string) => readonly Range[];

function readingsBy(rules: readonly Rule[], searches: readonly Search[]): Readings {
  const index = anchorIndex(rules);
  const sticky = rules.map(({ pattern }) => new RegExp(pattern.source, `${pattern.flags}dy`));
  const searched = [...rules.entries()].flatMap(([rule, { pattern, anchors }]) =>
    anchors === undefined ? [{ rule, pattern: new RegExp(pattern.source, `${pattern.flags}dg`) }] : [],
  );

  /** Tries the rules of an anchor there. */
  const reader = (text: string): { readonly found: Range[]; readonly tryAt: (anchored: Anchored) => void } => {
    const found: Range[] = [];
    /** Per rule: how far it has matched. Tried again within that, an unbounded pattern would take quadratic time. */
    const doneTo = new Map<number, number>();
    const tryAt = ({ at, anchor }: Anchored): void => {
      for (const rule of anchor.rules) {
        const { lead = 0 } = rules[rule]!;
        if (at < lead || at < (doneTo.get(rule) ?? 0)) continue;
        const pattern = sticky[rule]!;
        pattern.lastIndex = at - lead;
        const match = pattern.exec(text);
        if (match === null) continue;
        doneTo.set(rule, pattern.lastIndex);
        take(text, rule, match, at, found);
      }
    };
    return { found, tryAt };
  };

  const take = (text: string, rule: number, match: RegExpExecArray, anchorAt: number, found: Range[]): void => {
    const [start, end] = match.indices!.find((indices, group) => group > 0 && indices !== undefined) ?? match.indices![0]!;
    const secret = text.slice(start, end);
    if (end > start && (rules[rule]!.accepts?.({ secret, text, at: start, anchorAt }) ?? true)) found.push({ start, end, rule });
  };

  /** What has no anchor. */
  const search = (text: string, found: Range[]): void => {
    for (const { rule, pattern } of searched) for (const match of text.matchAll(pattern)) take(text, rule, match, match.index, found);
    for (const [number, custom] of searches.entries())
      for (const range of custom(text)) found.push({ ...range, rule: rules.length + number });
  };

  return (text) => {
    const view = viewOf(text);
    if (view === undefined) {
      const anchored = index.in(text);
      if (anchored.length === 0 && searches.length + searched.length === 0) return NONE;
      const written = reader(text);
      for (const one of anchored) written.tryAt(one);
      search(text, written.found);
      return merged(written.found);
    }
    const written = reader(text);
    // An anchor of the text is one of the view too, unless it begins with the letter of an escape: one pass does.
    const read = reader(view.text);
    const inText = view.letters.flatMap((letter) => index.at(text, letter));
    for (const anchored of index.in(view.text)) {
      read.tryAt(anchored);
      const at = view.original({ start: anchored.at, end: anchored.at }).start;
      if (text.startsWith(anchored.anchor.literal, at)) inText.push({ ...anchored, at });
    }
    for (const anchored of inText.toSorted((a, b) => a.at - b.at)) written.tryAt(anchored);
    search(text, written.found);
    search(view.text, read.found);
    const back = read.found.map((range) => ({ ...view.original(range), rule: range.rule }));
    return merged([...written.found, ...back].map((range) => betweenEscapes(text, range)).filter(({ start, end }) => start < end));
  };
}

/** A range that begins or ends within an escape would leave half of it behind. */
const betweenEscapes = (text: string, { start, end, rule }: Range): Range => ({
  start: isOddBackslash(text, start - 1) ? start - 1 : start,
  end: isOddBackslash(text, end - 1) ? end - 1 : end,
  rule,
});

/** Whether there is a backslash that is not itself escaped. */
function isOddBackslash(text: string, at: number): boolean {
  let first = at;
  while (first >= 0 && text[first] === '\\') first--;
  return (at - first) % 2 === 1;
}
