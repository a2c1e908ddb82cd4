/**
 * What zstd made small → what it was.
 *
 * in:   bytes of a blob, path of a file
 * out:  `unpacked` text; `linesOfZstd`, the lines of a file that is never in memory as a whole
 *
 * Node has zstd from 22.15 on; before that fzstd, in JavaScript, does it.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import * as zlib from 'node:zlib';

/** A few bytes may claim to be gigabytes. */
const MAX_BLOB_BYTES = 64 * 1024 * 1024;
/** What a decoder has to remember of what it told; zstd's own command refuses more than 128 MiB unless asked. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;
/** A line is a text, and none can be longer. */
const MAX_LINE_BYTES = 512 * 1024 * 1024;
/** Of what is packed: a block of four bytes may become 128 KiB. */
const CHUNK_BYTES = 4 * 1024;
const LF = 10;

export const isZstd = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd && bytes.length > 8;

const native = (zlib as { zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer }).zstdDecompressSync;

/** @returns undefined when it is damaged, or too large to be taken */
export function unpacked(bytes: Uint8Array): string | undefined {
  try {
    const size = sizeToldBy(bytes);
    if (native !== undefined && size !== undefined) {
      const data = native(bytes, { maxOutputLength: MAX_BLOB_BYTES });
      // Node 22 takes what breaks off for a whole.
      if (data.length === size) return data.toString('utf8');
    }
    return Buffer.concat([...pieces([bytes], MAX_BLOB_BYTES)]).toString('utf8');
  } catch {
    return undefined; // Whoever asked has the bytes still, and says so.
  }
}

/**
 * Each line is only valid until the next is asked for. A last line without a line feed is told, too.
 *
 * @param maxBytes  no more than that is told, of what it was; the last line may then be the beginning of one
 * @throws whatever the file system says, and when the file is damaged, or a line has no end: the lines before that have been told
 */
export function* linesOfZstd(path: string, maxBytes = Number.POSITIVE_INFINITY): Generator<Buffer> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let left = maxBytes;
  for (const whole of pieces(chunksOf(path), Number.POSITIVE_INFINITY)) {
    if (left <= 0) break;
    const piece = whole.length <= left ? whole : whole.subarray(0, left);
    left -= piece.length;
    let start = 0;
    for (let end = piece.indexOf(LF); end >= 0; end = piece.indexOf(LF, start)) {
      const line = piece.subarray(start, end);
      yield rest.length === 0 ? line : Buffer.concat([...rest, line]);
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    if (start === piece.length) continue;
    restBytes += piece.length - start;
    if (restBytes > MAX_LINE_BYTES) throw new Error(`a line of more than ${MAX_LINE_BYTES / 1024 / 1024} MB`);
    rest.push(Buffer.from(piece.subarray(start)));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

/** Whether a file ends before it is over, and is well up to there. */
export const isCutOff = (error: unknown): boolean => error instanceof Error && error.message === 'unexpected EOF';

function* pieces(chunks: Iterable<Uint8Array>, maxBytes: number): Generator<Buffer> {
  let made: Buffer[] = [];
  let total = 0;
  // Required as late as re2js is, in redact/custom.ts, for the same reason.
  const { Decompress } = require('fzstd') as typeof import('fzstd');
  const decoder = new Decompress((data) => {
    total += data.length;
    if (total > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
    // A copy: the decoder goes on to use its memory.
    if (data.length > 0) made.push(Buffer.from(data));
  });
  let isFirst = true;
  for (const chunk of chunks) {
    if (isFirst && windowOf(chunk) > MAX_WINDOW_BYTES) throw new Error(`a window of more than ${MAX_WINDOW_BYTES} bytes`);
    isFirst = false;
    decoder.push(chunk);
    yield* made;
    made = [];
  }
  if (isFirst) return;
  decoder.push(new Uint8Array(0), true);
  yield* made;
}

/** How long the text is, where the header of the frame tells. */
function sizeToldBy(frame: Uint8Array): number | undefined {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, Math.min(frame.length, 32));
  const descriptor = bytes[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const width = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  if (width === 0 || bytes.length < at + width) return undefined;
  if (width === 8) return Number(bytes.readBigUInt64LE(at));
  return bytes.readUIntLE(at, width) + (width === 2 ? 256 : 0);
}

/** By the header of the frame: https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1 */
function windowOf(frame: Uint8Array): number {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, Math.min(frame.length, 32));
  if (!isZstd(bytes) || bytes.length < 18) return 0;
  const descriptor = bytes[4]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if (!isSingleSegment) {
    const base = 2 ** (10 + (bytes[5]! >> 3));
    return base + (base / 8) * (bytes[5]! & 7);
  }
  const at = 5 + [0, 1, 2, 4][descriptor & 3]!;
  const size = descriptor >> 6;
  if (size === 0) return bytes[at]!;
  if (size === 1) return bytes.readUInt16LE(at) + 256;
  return size === 2 ? bytes.readUInt32LE(at) : Number(bytes.readBigUInt64LE(at));
}

function* chunksOf(path: string): Generator<Uint8Array> {
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      const read = readSync(fd, buffer, 0, CHUNK_BYTES, null);
      if (read === 0) return;
      yield buffer.subarray(0, read);
    }
  } finally {
    closeSync(fd);
  }
}
