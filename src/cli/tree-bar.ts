/**
 * When something ran, as a bar on a time axis of a few columns.
 *
 * in:   an interval, the axis, columns
 * out:  text of exactly so many columns; never empty, for what took no time happened too
 */
export interface Axis {
  /** Unix ms. */
  readonly startMs: number;
  readonly endMs: number;
}

const [FULL, RIGHT_HALF, RIGHT_EIGHTH] = ['█', '▐', '▕'];
/** By eighths from the left. */
const LEFT = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉', FULL];

export function bar({ startMs, endMs }: Axis, axis: Axis, columns: number, ascii = false): string {
  const span = Math.max(1, axis.endMs - axis.startMs);
  const eighths = columns * 8;
  const at = (ms: number): number => Math.min(eighths, Math.max(0, Math.round(((ms - axis.startMs) / span) * eighths)));
  const start = Math.min(at(startMs), eighths - 1);
  const end = Math.max(at(endMs), start + 1);
  const cells: string[] = Array.from({ length: columns }, (_, column) => (ascii ? asciiCell : cell)(start - column * 8, end - column * 8));
  // Across the edge of two columns, with little of either.
  if (columns > 0 && !cells.some((text) => text !== ' ')) cells[Math.floor((start + end - 1) / 16)] = '|';
  return cells.join('');
}

/** @param start, end  in eighths from the left edge of the column */
function cell(start: number, end: number): string {
  if (end <= 0 || start >= 8) return ' ';
  if (start <= 0) return LEFT[Math.min(8, end)]!;
  // There are blocks that begin at the left, and two that end at the right.
  if (end >= 8) return start <= 1 ? FULL : start <= 5 ? RIGHT_HALF : RIGHT_EIGHTH;
  if (start <= 2) return LEFT[end]!;
  return end - start <= 2 && start >= 4 ? RIGHT_EIGHTH : start >= 4 ? RIGHT_HALF : LEFT[Math.min(8, end)]!;
}

function asciiCell(start: number, end: number): string {
  const covered = Math.min(8, end) - Math.max(0, start);
  if (covered <= 0) return ' ';
  return covered >= 4 ? '=' : start >= 0 && end <= 8 ? '|' : ' ';
}
