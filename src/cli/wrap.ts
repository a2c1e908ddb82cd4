/**
 * Parts of a sentence → lines, as many parts to a line as fit.
 *
 * in:   parts on one line each (`harmless`), what stands between two of them, columns
 * out:  lines of at most so many columns: a part longer than a line goes on in the next, a word longer than a line is cut
 */
import { cut, widthOf } from './text-width.ts';

export function wrapped(parts: readonly string[], between: string, columns: number, ellipsis = '…'): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    if (fits(lines.at(-1), between, part, columns)) lines[lines.length - 1] += `${between}${part}`;
    else lines.push(...broken(part, columns, ellipsis));
  }
  return lines;
}

const fits = (line: string | undefined, between: string, more: string, columns: number): boolean =>
  line !== undefined && widthOf(line) + widthOf(between) + widthOf(more) <= columns;

/** After a comma, else between words. */
function broken(part: string, columns: number, ellipsis: string): readonly string[] {
  if (widthOf(part) <= columns) return [part];
  const lines: string[] = [];
  const pieces = part.split(/(?<=,) +/).flatMap((piece) => (widthOf(piece) <= columns ? [piece] : piece.split(/ +/)));
  for (const word of pieces) {
    if (fits(lines.at(-1), ' ', word, columns)) lines[lines.length - 1] += ` ${word}`;
    else lines.push(cut(word, columns, ellipsis));
  }
  return lines;
}
