/**
 * How many columns of a terminal a text takes, and what of it fits into some.
 *
 * in:   text without control characters (`harmless`), columns
 * out:  columns; text of at most so many. A letter and its marks, an emoji of several characters stay whole
 */
import stringWidth from 'string-width';

/** Letters of a column each, and what we draw with: most texts, and the library takes a hundred times as long. */
const PLAIN = /^[\x20-\x7e\xa1-\xac\xae-\u024f\u2013-\u2026\u2190-\u2193\u2265\u2500-\u259f\u2717]*$/;
/** More of a text than this, per column, is never looked at. A letter may have any number of marks. */
export const CHARS_A_COLUMN = 16;
/** Of the wanted language none: letters are the same in all. */
const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export const widthOf = (text: string): number => (PLAIN.test(text) ? text.length : stringWidth(text));

/** The beginning of it, with an ellipsis where something is missing. */
export function cut(text: string, columns: number, ellipsis = '…'): string {
  // Half a surrogate pair is no character.
  const seen = text.slice(0, columns * CHARS_A_COLUMN).replace(/[\uD800-\uDBFF]$/, '');
  if (seen.length === text.length && widthOf(text) <= columns) return text;
  const room = columns - ellipsis.length;
  if (room < 0) return ellipsis.slice(0, Math.max(0, columns));
  return `${beginning(seen, room)}${ellipsis}`;
}

function beginning(text: string, columns: number): string {
  if (PLAIN.test(text)) return text.slice(0, columns).trimEnd();
  let [kept, taken] = ['', 0];
  for (const { segment } of letters.segment(text)) {
    taken += widthOf(segment);
    if (taken > columns) break;
    kept += segment;
  }
  return kept.trimEnd();
}

export const padEnd = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - widthOf(text)));
export const padStart = (text: string, columns: number): string => ' '.repeat(Math.max(0, columns - widthOf(text))) + text;
