/**
 * A redaction rule is data that carries its own proof: `hides` and `keeps` are run by the tests.
 *
 * in:   nothing
 * out:  `Rule`, `Pack`
 *
 * The examples are made at run time, so that nothing in this repository looks like a secret to a scanner.
 */
export interface Rule {
  /** Shown in its place: `[REDACTED:github-token]`. Lower case, digits and hyphens. */
  readonly id: string;
  readonly pack: Pack;
  /** What it hides, for people. */
  readonly description: string;
  /**
   * Where to look: texts of at least three characters, one of which every match holds. At each of them the pattern is
   * tried once, so the speed of a rule is that of finding these. Without: the pattern is searched for in the whole text.
   */
  readonly anchors?: readonly string[];
  /** Characters that a match has before its anchor. */
  readonly lead?: number;
  /**
   * What is hidden is the first capturing group that took part, else the whole match.
   *
   * It must take time in proportion to what it matches, or fail within a bounded number of characters: an unbounded
   * repetition may be followed only by what it does not match itself.
   */
  readonly pattern: RegExp;
  /** The last word on a match. */
  readonly accepts?: (found: Found) => boolean;
  /** In its place, where that is not `[REDACTED:id]`. */
  readonly replacement?: string;
  /** Texts whose secret is hidden, and nothing else. */
  readonly hides: (draw: Draw) => readonly Example[];
  /** Texts that stay as they are. */
  readonly keeps: (draw: Draw) => readonly string[];
}

/** Rules that are switched on and off together. `credentials` are on by default. */
export type Pack = 'credentials' | 'pii' | 'entropy';

export interface Found {
  readonly secret: string;
  /** The text it was found in, and where the secret and the anchor are in it: names stand before them. */
  readonly text: string;
  readonly at: number;
  readonly anchorAt: number;
}

/** @returns so many characters of a class, written as in a pattern: `A-Za-z0-9` */
export type Draw = (characters: string, length: number) => string;

/** The secret alone, or with what stands before and after it. */
export type Example = string | readonly [before: string, secret: string, after?: string];

/** Classes of characters, to be put in brackets. */
export const HEX = '0-9a-f';
export const ALNUM = 'A-Za-z0-9';
export const UPPER = 'A-Z0-9';
export const WORD = 'A-Za-z0-9_';
/** RFC 4648 §5, and what tokens made by random generators are written in. */
export const URLSAFE = 'A-Za-z0-9_-';
export const BASE64 = 'A-Za-z0-9+/';
