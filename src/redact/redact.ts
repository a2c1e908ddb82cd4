/**
 * Values → the same values with secrets replaced, and counted. Pure: no I/O, no clock; total over JSON.
 *
 * in:   rules, once; then texts, or any JSON value
 * out:  `Redacted`: what may leave, and how often each rule hid something
 *
 * Give it whole values, before any cap: an edge could split a secret. It looks at
 * - strings, wherever they are; an entry of an object also as `"key": "value"`, and `{name, value}` as that;
 * - text blocks of one message that follow each other, as the one text they are;
 * - strings of a list that follow each other, as the lines they may be.
 * Structure and keys stay, but a secret in a key goes too.
 */
import { type Find, finder, type Search } from './find.ts';
import { type Cut, findInPieces } from './pieces.ts';
import type { Range } from './ranges.ts';
import type { Rule } from './rule.ts';
import { type Hands, handled } from './value.ts';

export interface Redacted<T> {
  readonly value: T;
  readonly counts: Counts;
}

/** Id of a rule → how much it hid. Rules that hid nothing are not in it. */
export type Counts = Readonly<Record<string, number>>;

/** A rule out of a config or a pack, ready to search. */
export interface CustomRule {
  readonly id: string;
  readonly description?: string | undefined;
  /** What it came from, for people. */
  readonly source: string;
  readonly search: Search;
}

export interface Redactor {
  readonly text: (text: string) => Redacted<string>;
  /** Any JSON value: messages of a session, arguments and results of tools, attributes of a span. */
  readonly value: <T>(value: T) => Redacted<T>;
  /** What `text` would hide, without hiding it. */
  readonly find: (text: string) => readonly Finding[];
}

export interface Finding {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly rule: string;
}

const NOTHING: Counts = Object.freeze({});

/** Names that say something of their values. Of all others only the value counts. */
const TELLING = /key|token|secret|pass|pwd|cred|auth|cookie/i;

export function createRedactor(rules: readonly Rule[], custom: readonly CustomRule[] = []): Redactor {
  const all: readonly Replacing[] = [...rules, ...custom];
  const searches = custom.map(({ search }) => search);
  const find = finder(rules, searches);
  return {
    text: (text) => {
      const tally = newTally(all);
      return { value: tally.cut(text, find(text)), counts: tally.counts() };
    },
    value: (value) => {
      const tally = newTally(all);
      return { value: handled(value, handsOf(find, tally)), counts: tally.counts() };
    },
    find: (text) => find(text).map(({ start, end, rule }) => ({ start, end, rule: all[rule]!.id })),
  };
}

export function sumOfCounts(all: readonly Counts[]): Counts {
  const sum: Record<string, number> = {};
  for (const counts of all) for (const [id, count] of Object.entries(counts)) sum[id] = (sum[id] ?? 0) + count;
  return sum;
}

function handsOf(find: Find, tally: Tally): Hands {
  const text = (text: string): string => tally.cut(text, find(text));
  return {
    text,
    pieces: (texts, between) =>
      texts.length === 1 ? texts.map(text) : findInPieces(find, texts, between).map((cuts, index) => tally.cut(texts[index]!, cuts)),
    named: (name, value) => {
      if (!TELLING.test(name)) return text(value);
      const [, cuts] = findInPieces(find, [`"${name}": "`, value, '"'], '');
      return tally.cut(value, cuts!.map(whole));
    },
  };
}

/** Also what a rule finds from the name on: the name stays, so the placeholder stands here. */
const whole = (cut: Cut): Cut => ({ ...cut, continued: false });

interface Replacing {
  readonly id: string;
  readonly replacement?: string;
}

/** Cuts out, and counts. */
interface Tally {
  readonly cut: (text: string, cuts: readonly (Range & { readonly continued?: boolean })[]) => string;
  readonly counts: () => Counts;
}

function newTally(rules: readonly Replacing[]): Tally {
  const counts = new Map<string, number>();
  return {
    cut: (text, cuts) => {
      if (cuts.length === 0) return text;
      let [result, from] = ['', 0];
      for (const { start, end, rule, continued = false } of cuts) {
        const { id, replacement = `[REDACTED:${id}]` } = rules[rule]!;
        if (!continued) counts.set(id, (counts.get(id) ?? 0) + 1);
        result += text.slice(from, start) + (continued ? '' : replacement);
        from = end;
      }
      return result + text.slice(from);
    },
    counts: () => (counts.size === 0 ? NOTHING : Object.fromEntries(counts)),
  };
}
