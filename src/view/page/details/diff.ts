/**
 * What was there and what is there now → lines, as a diff shows them.
 *
 * in:   two texts
 * out:  lines, unchanged stretches shortened; pure, and bounded: texts that have little in common are told one after the other
 */
import { diffArrays, diffWordsWithSpace } from 'diff';

export interface Piece {
  readonly text: string;
  readonly changed: boolean;
}

export type DiffLine =
  | { readonly kind: 'same'; readonly text: string }
  /** `pieces`: which words of it changed, where that helps. */
  | { readonly kind: 'added' | 'removed'; readonly text: string; readonly pieces?: readonly Piece[] }
  /** Unchanged lines left out, or between two edits none. */
  | { readonly kind: 'gap'; readonly lines: number }
  | { readonly kind: 'note'; readonly text: string };

/** Lines kept around a change. */
const CONTEXT = 3;
const MAX_EDITS = 1000;
/** Above that no lines are compared. */
const MAX_TEXT = 2_000_000;
const MAX_LINES = 50_000;
/** Words are compared within lines that short. */
const MAX_WORDS = 500;
const MAX_WORD_LINES = 40;

export function diffLines(before: string, after: string): DiffLine[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  const ends = before !== '' && after !== '' && before.endsWith('\n') !== after.endsWith('\n');
  const note: DiffLine[] = ends
    ? [{ kind: 'note', text: `${after.endsWith('\n') ? 'Before' : 'Now'}: no line end at the end of the text` }]
    : [];
  const changes = before.length + after.length > MAX_TEXT ? undefined : diffArrays(old, now, { maxEditLength: MAX_EDITS });
  if (changes === undefined) return [...all('removed', old), ...all('added', now), ...note];
  const out: DiffLine[] = [];
  for (let at = 0; at < changes.length; at++) {
    const change = changes[at]!;
    const next = changes[at + 1];
    if (change.removed && next?.added === true) {
      push(out, pairs(change.value, next.value));
      at++;
    } else if (change.added || change.removed) push(out, all(change.added ? 'added' : 'removed', change.value));
    else push(out, shortened(change.value, at === 0, at === changes.length - 1));
  }
  return [...out, ...note];
}

/** `push(...lines)` would need as much stack as there are lines. */
function push(to: DiffLine[], lines: readonly DiffLine[]): void {
  for (const line of lines) to.push(line);
}

function linesOf(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

const all = (kind: 'added' | 'removed', lines: readonly string[]): DiffLine[] => {
  const shown: DiffLine[] = lines.slice(0, MAX_LINES).map((text) => ({ kind, text }));
  return lines.length <= MAX_LINES ? shown : [...shown, { kind: 'note', text: `⋯ ${lines.length - MAX_LINES} more lines ${kind}` }];
};

function shortened(lines: readonly string[], first: boolean, last: boolean): DiffLine[] {
  const [head, tail] = [first ? 0 : CONTEXT, last ? 0 : CONTEXT];
  const same = (part: readonly string[]): DiffLine[] => part.map((text) => ({ kind: 'same', text }));
  const left = lines.length - head - tail;
  // A gap of one line takes as much room as the line.
  if (left <= 1) return same(lines);
  return [...same(lines.slice(0, head)), { kind: 'gap', lines: left }, ...same(lines.slice(lines.length - tail))];
}

/** As many lines before as after: probably the same lines, so their words are compared. */
function pairs(removed: readonly string[], added: readonly string[]): DiffLine[] {
  if (removed.length !== added.length || removed.length > MAX_WORD_LINES) return [...all('removed', removed), ...all('added', added)];
  const words = removed.map((line, index) => wordsOf(line, added[index]!));
  return [
    ...removed.map((text, index): DiffLine => ({ kind: 'removed', text, ...(words[index] && { pieces: words[index].before }) })),
    ...added.map((text, index): DiffLine => ({ kind: 'added', text, ...(words[index] && { pieces: words[index].after }) })),
  ];
}

/** @returns undefined: too long, or too little in common for the eye to be helped */
function wordsOf(before: string, after: string): { readonly before: readonly Piece[]; readonly after: readonly Piece[] } | undefined {
  if (before.length > MAX_WORDS || after.length > MAX_WORDS) return undefined;
  const changes = diffWordsWithSpace(before, after);
  const common = changes.reduce((length, { added, removed, value }) => (added || removed ? length : length + value.trim().length), 0);
  if (common * 3 < Math.max(before.trim().length, after.trim().length)) return undefined;
  const side = (other: 'added' | 'removed'): Piece[] =>
    changes.flatMap((change) => (change[other] ? [] : [{ text: change.value, changed: change.added || change.removed }]));
  return { before: side('added'), after: side('removed') };
}
