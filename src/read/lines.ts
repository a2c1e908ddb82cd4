/**
 * A file → its lines as bytes, read in chunks: the file is never in memory as a whole.
 *
 * in:   a path, the byte to begin at
 * out:  a generator; each line is a view into one buffer and only valid until the next is asked for
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Large enough that nearly every line lies in one read, small enough to stay in the CPU's cache. */
const CHUNK_BYTES = 256 * 1024;
/** A text can be half as long. */
const MAX_LINE_BYTES = 1024 * 1024 * 1024;
const LF = 10;

/**
 * @param ends  is given the offset just after each line; after a last one without a line feed, which may still grow,
 *              the offset of its beginning
 * @param maxBytes  no more than that is read; the last line may then be the beginning of one
 * @throws whatever the file system says, with its `code`; when a line has no end
 */
export function* linesOf(path: string, fromByte = 0, ends: number[] = [], maxBytes = Number.POSITIVE_INFINITY): Generator<Buffer> {
  const fd = openSync(path, 'r');
  try {
    let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let filled = 0;
    let position = fromByte;
    for (;;) {
      const wanted = Math.min(buffer.length - filled, fromByte + maxBytes - position);
      const read = readSync(fd, buffer, filled, wanted, position);
      if (read === 0) break;
      position += read;
      const end = filled + read;
      let start = 0;
      const bufferAt = position - end;
      // What was left of the last chunk holds no line feed.
      for (let at = buffer.indexOf(LF, filled); at >= 0 && at < end; at = buffer.indexOf(LF, start)) {
        ends.push(bufferAt + at + 1);
        yield buffer.subarray(start, at);
        start = at + 1;
      }
      buffer.copyWithin(0, start, end);
      filled = end - start;
      // A hole in a file can be larger than all memory.
      if (filled >= MAX_LINE_BYTES) throw new Error(`a line of more than ${MAX_LINE_BYTES / 1024 / 1024} MB`);
      if (filled === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
    }
    if (filled > 0) {
      ends.push(position - filled);
      yield buffer.subarray(0, filled);
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * The beginning of a file, for a look at its first line.
 *
 * @throws whatever the file system says, and when it is no regular file: a pipe would be waited for without end
 */
export function headOf(path: string, bytes: number): string {
  if (!statSync(path).isFile()) throw new Error(`${path} is no regular file`);
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(bytes);
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, bytes, 0));
  } finally {
    closeSync(fd);
  }
}
