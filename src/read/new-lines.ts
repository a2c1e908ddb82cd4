/**
 * What was added to a file of lines since it was last read.
 *
 * in:   a path, the cursor of the last time
 * out:  lines, and a cursor for the next time
 *
 * A cursor holds the offset, and what tells that the file is still the one it was taken of: hashes of its beginning and
 * of what lies before the offset. Where they differ, the file was replaced, rewritten or cut: it is read from the start.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Cursor, ReadNew } from '../harness/harness.ts';
import { linesOf } from './lines.ts';

/** Enough that two sessions don't agree in it: it holds ids and times. */
const MARK_BYTES = 4096;

interface LineCursor {
  readonly path: string;
  readonly offset: number;
  readonly beginning: string;
  readonly last: string;
}

/** @throws whatever the file system says, with its `code`; while the lines are read, too */
export const readNewLines: ReadNew<string, Buffer> = (path, cursor) => {
  const known = cursor as LineCursor | undefined;
  const fromByte = known !== undefined && fits(known, path) ? known.offset : 0;
  const ends: number[] = [];
  return {
    records: linesOf(path, fromByte, ends),
    fromStart: fromByte === 0,
    cursor: (after = ends.length): Cursor => ({ ...cursorAt(path, after === 0 ? fromByte : ends[after - 1]!) }),
  };
};

function fits(cursor: LineCursor, path: string): boolean {
  if (cursor.path !== path) return false;
  const now = cursorAt(path, cursor.offset);
  return now.beginning === cursor.beginning && now.last === cursor.last;
}

function cursorAt(path: string, offset: number): LineCursor {
  const fd = openSync(path, 'r');
  try {
    const bytes = Math.min(MARK_BYTES, offset);
    const size = fstatSync(fd).size;
    return { path, offset, beginning: hashOf(fd, 0, bytes), last: size < offset ? '' : hashOf(fd, offset - bytes, bytes) };
  } finally {
    closeSync(fd);
  }
}

function hashOf(fd: number, from: number, bytes: number): string {
  const buffer = Buffer.alloc(bytes);
  const read = readSync(fd, buffer, 0, bytes, from);
  return createHash('sha256').update(buffer.subarray(0, read)).digest('hex').slice(0, 32);
}
