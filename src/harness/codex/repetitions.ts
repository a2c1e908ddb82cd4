/**
 * Lines told again: each counts once.
 *
 * in:   ordinals and lines, in the order of the file
 * out:  whether a line was there before
 *
 * Where lines are numbered, the number tells. Before that only the same line twice in a row is known for sure.
 */
import type { Line } from '../harness.ts';
import { asBuffer } from '../json-lines.ts';

/** More numbers than that are not missing, but of another count. */
const MAX_GAP = 10_000;
/** Of longer lines the beginning and the end have to do. */
const WHOLE_CHARS = 8192;

export class Repetitions {
  #highest = -1;
  readonly #missing = new Set<number>();
  #previous = '';

  /** @returns whether it was asked for before */
  has(ordinal: number): boolean {
    if (ordinal > this.#highest) {
      if (this.#highest >= 0 && ordinal - this.#highest < MAX_GAP && this.#missing.size < MAX_GAP)
        for (let missing = this.#highest + 1; missing < ordinal; missing++) this.#missing.add(missing);
      this.#highest = ordinal;
      return false;
    }
    return !this.#missing.delete(ordinal);
  }

  hasLine(line: Line, ordinal: number | undefined): boolean {
    if (ordinal !== undefined) return this.has(ordinal);
    const mark = markOf(line);
    const again = mark === this.#previous;
    this.#previous = mark;
    return again;
  }
}

function markOf(line: Line): string {
  const text = (from: number, to: number): string =>
    typeof line === 'string' ? line.slice(from, to) : asBuffer(line).toString('latin1', from, to);
  if (line.length <= WHOLE_CHARS) return text(0, line.length);
  return `${line.length} ${text(0, WHOLE_CHARS / 2)} ${text(line.length - WHOLE_CHARS / 2, line.length)}`;
}
