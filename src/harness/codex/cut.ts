/**
 * A long line → the same JSON with its long texts cut, before it is parsed.
 *
 * in:   bytes of a line that nobody wants the content of
 * out:  text, to be parsed as JSON
 *
 * Nearly all bytes of a long line are one text: what a command printed, a file, an image. How a call ended stands at
 * the beginning of its output, in the oldest versions at the end: both are kept.
 */

const HEAD_BYTES = 2048;
const TAIL_BYTES = 512;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export function shortened(line: Buffer): string {
  const kept: string[] = [];
  let from = 0;
  let open = line.indexOf(QUOTE);
  while (open >= 0) {
    const close = endOfText(line, open + 1);
    if (close < 0) break;
    if (close - open > HEAD_BYTES + TAIL_BYTES + 64) {
      const headEnd = boundaryBefore(line, open + 1 + HEAD_BYTES, open + 1);
      kept.push(line.toString('utf8', from, headEnd), '…');
      from = boundaryBefore(line, close - TAIL_BYTES, headEnd);
    }
    open = line.indexOf(QUOTE, close + 1);
  }
  kept.push(line.toString('utf8', from));
  return kept.join('');
}

/** The quote that ends a text, given where the text begins. */
function endOfText(line: Buffer, from: number): number {
  for (let at = line.indexOf(QUOTE, from); at >= 0; at = line.indexOf(QUOTE, at + 1)) {
    let slashes = 0;
    while (at - 1 - slashes >= from && line[at - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return -1;
}

/** The nearest place before that is neither within a character nor within an escape. */
function boundaryBefore(line: Buffer, wanted: number, least: number): number {
  let at = wanted;
  while (at > least && ((line[at]! & 0xc0) === 0x80 || isEscaped(line, at, least))) at--;
  return at;
}

/** An escape has six bytes at most: `\u0041`. */
function isEscaped(line: Buffer, at: number, least: number): boolean {
  for (let back = 1; back <= 5 && at - back >= least; back++) {
    if (line[at - back] !== BACKSLASH) continue;
    let slashes = 1;
    while (at - back - slashes >= least && line[at - back - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 1) return back === 1 || line[at - back + 1] === 0x75;
  }
  return false;
}
