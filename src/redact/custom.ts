/**
 * Rules out of a config or a pack → searches that take linear time, whatever their patterns are.
 *
 * in:   written rules
 * out:  `CustomRule`s; UserError that names the rule, where it is written, and what is wrong with it
 *
 * The engine is RE2's in JavaScript: it never backtracks, so nested repetitions cost nothing, and has no lookaheads and
 * backreferences. But finding one match may take looking at all the rest (`a+b|a`), and of as many as there are
 * characters that is quadratic again: so there is a budget, and where it ends all the rest is hidden.
 */
import type { RE2JS } from 're2js';
import { UserError } from '../errors.ts';
import type { Search } from './find.ts';
import type { Gap } from './ranges.ts';
import type { CustomRule } from './redact.ts';

/** As somebody wrote it. */
export interface WrittenRule {
  readonly id: string;
  /** In RE2's syntax. Where it has a group named `secret`, only that is hidden. */
  readonly pattern: string;
  /** As in JavaScript: any of `i`, `m`, `s`. */
  readonly flags?: string | undefined;
  readonly description?: string | undefined;
  /** Texts in which it must hide something, and texts in which it must not. */
  readonly hides?: readonly string[] | undefined;
  readonly keeps?: readonly string[] | undefined;
  /** The file it is written in, for people. */
  readonly source: string;
}

/** @throws UserError for the first rule that can't be used */
export const compiled = (rules: readonly WrittenRule[]): readonly CustomRule[] => rules.map(compiledRule);

function compiledRule(rule: WrittenRule): CustomRule {
  const { id, description, source, hides = [], keeps = [] } = rule;
  const refuse = (problem: string, hint = 'Correct it in that file.'): never => {
    throw new UserError(`${source}: rule ${id}: ${problem}.`, hint);
  };
  const search = searchOf(rule, refuse);
  for (const [index, text] of hides.entries()) if (search(text).length === 0) refuse(`it does not hide anything in hides[${index}]`);
  for (const [index, text] of keeps.entries()) if (search(text).length > 0) refuse(`it hides something in keeps[${index}]`);
  return { id, description, source, search };
}

function searchOf({ pattern, flags = '' }: WrittenRule, refuse: (problem: string, hint?: string) => never): Search {
  const { RE2JS, RE2JSException } = engine();
  const options = { i: RE2JS.CASE_INSENSITIVE, m: RE2JS.MULTILINE, s: RE2JS.DOTALL };
  const bits = [...flags].reduce((bits, flag) => bits | options[flag as keyof typeof options], 0);
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern), bits);
    if (compiled.test('')) refuse('pattern: it matches the empty text');
    return searchBy(compiled);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return refuse(`pattern: ${problemOf(pattern, error.message)}`, HINT);
  }
}

const HINT = 'Patterns are those of RE2: https://github.com/google/re2/wiki/Syntax';

/**
 * Only when there is a rule to compile, for it is a quarter of a megabyte. A dynamic import would do the same, but then
 * whoever needs a redactor would have to wait for it; esbuild makes this one a part of the bundle.
 */
const engine = (): typeof import('re2js') => require('re2js') as typeof import('re2js');

function problemOf(pattern: string, message: string): string {
  if (/\(\?<?[=!]/.test(pattern)) return 'lookaheads and lookbehinds do not run in linear time';
  if (/\\[1-9]|\\k[<{']/.test(pattern)) return 'backreferences do not run in linear time';
  if (/[+*?}]\+|\(\?>/.test(pattern)) return 'possessive repetitions and atomic groups are not known';
  return message.replace(/^error parsing regexp: /, '');
}

/** Patterns take two to four of them, and one more for each of many alternatives. */
const LOOKS_PER_CHARACTER = 32;

function searchBy(pattern: RE2JS): Search {
  const secret = pattern.namedGroups()['secret'] ?? 0;
  const looksPerCharacter = LOOKS_PER_CHARACTER + 2 * pattern.programSize();
  return (text) => {
    // Fifty times as fast as finding where.
    if (!pattern.test(text)) return [];
    const found: Gap[] = [];
    const matcher = pattern.matcher(new LookedAt(text, looksPerCharacter * (text.length + 1)) as unknown as string);
    let done = 0;
    try {
      for (; matcher.find(); done = matcher.end()) {
        // Of a match without the group all is hidden: better too much.
        const group = matcher.start(secret) < 0 ? 0 : secret;
        if (matcher.end(group) > matcher.start(group)) found.push({ start: matcher.start(group), end: matcher.end(group) });
      }
    } catch (error) {
      if (!(error instanceof LookedAtTooOften)) throw error;
      found.push({ start: done, end: text.length });
    }
    return found;
  };
}

class LookedAtTooOften extends Error {}

/** A text that counts how often the engine looks at a character of it. The engine takes any String. */
class LookedAt extends String {
  readonly #text: string;
  #left: number;

  constructor(text: string, looks: number) {
    super(text);
    this.#text = text;
    this.#left = looks;
  }

  override charCodeAt(at: number): number {
    if (--this.#left < 0) throw new LookedAtTooOften();
    return this.#text.charCodeAt(at);
  }

  override indexOf(part: string, from?: number): number {
    return this.#text.indexOf(part, from);
  }
}
