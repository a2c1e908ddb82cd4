/**
 * A text as it reads once its escapes are undone: `\n`, `\"`, `\u002d`, however often they were escaped, and the colour
 * codes of terminals, which stand between a word and its first letter.
 *
 * in:   text
 * out:  the other reading, and where its parts stand in the text; undefined when there is none
 */
import type { Gap } from './ranges.ts';

export interface View {
  readonly text: string;
  /** Whole escapes, so that what is put there leaves the rest valid. */
  readonly original: (range: Gap) => Gap;
  /** Where in the text letters stand that are part of an escape, and could be the first ones of a word instead: `\\new`. */
  readonly letters: readonly number[];
}

/** A run of backslashes counts from its first one: else each of many would be tried. */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals obey it
  /(?<!\\)\\+(?:(?:u001[bB]|x1[bB]|033|e)\[[0-9;?]{0,20}[A-Za-z]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[nrtbf"'/])|\x1b\[[0-9;?]{0,20}[A-Za-z]/g;

const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

export function viewOf(text: string): View | undefined {
  if (!text.includes('\\') && !text.includes('\x1b')) return undefined;
  const parts: string[] = [];
  /** Ends of the escapes: in the view, and how much further on in the text; whether something stands for it. */
  const ends: number[] = [];
  const shifts: number[] = [];
  const stands: boolean[] = [];
  const letters: number[] = [];
  let [from, length] = [0, 0];
  for (const match of text.matchAll(ESCAPES)) {
    const meaning = meaningOf(match[0]);
    parts.push(text.slice(from, match.index), meaning);
    length += match.index - from + meaning.length;
    from = match.index + match[0].length;
    ends.push(length);
    shifts.push(from - length);
    stands.push(meaning !== '');
    if (CONTROLS[text[from - 1]!] === meaning) letters.push(from - 1);
  }
  if (ends.length === 0) return undefined;
  parts.push(text.slice(from));
  /** Index of the last escape that ends there or before. */
  const lastUpTo = (at: number): number => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };
  return {
    text: parts.join(''),
    letters,
    original: ({ start, end }) => {
      let last = lastUpTo(end);
      // Codes right behind it are none of its own.
      while (last >= 0 && ends[last] === end && !stands[last]) last--;
      return { start: start + (shifts[lastUpTo(start)] ?? 0), end: end + (shifts[last] ?? 0) };
    },
  };
}

function meaningOf(written: string): string {
  if (!written.startsWith('\\') || /\[[0-9;?]*[A-Za-z]$/.test(written)) return '';
  const said = written.replace(/^\\+/, '');
  if (/^[ux]./.test(said)) return String.fromCharCode(Number.parseInt(said.slice(1), 16));
  return CONTROLS[said] ?? said;
}
