/**
 * An SQLite database that somebody may be writing to → one consistent image of it, by nothing but reading bytes.
 *
 * in:   path of the main file; `-wal` and `-journal` beside it
 * out:  `snapshotOf`: the database as after its last commit, or why there is none just now
 *
 * SQLite itself would leave traces: even read-only it creates `-shm` and `-wal` beside a database in WAL mode, and fails where
 * it can't. Bytes can be read without a lock because of how a WAL works: while it lasts, the main file changes only by
 * checkpoints, and those copy pages which are in the WAL. So the main file as it was read, with all committed pages of
 * the WAL laid over it, is the database, whatever a checkpoint did meanwhile; unless the WAL was begun anew, and
 * that changes its header. Format: https://www.sqlite.org/fileformat2.html#walformat
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

export type Snapshot =
  | {
      readonly kind: 'image';
      readonly bytes: Buffer /** It could not be told for sure that nothing was written meanwhile. */;
      readonly doubtful: boolean;
    }
  | { readonly kind: 'changing'; readonly why: string }
  | { readonly kind: 'too-large'; readonly bytes: number }
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * @param path  no symbolic link: the files beside it lie with what it points to
 * @throws whatever the file system says, with its `code`
 */
export function snapshotOf(path: string, maxBytes: number, nowMs: () => number): Snapshot {
  const stats = statSync(path);
  if (!stats.isFile()) return { kind: 'unusable', why: stats.isDirectory() ? 'it is a directory' : 'it is no regular file' };
  const fd = openSync(path, 'r');
  try {
    const before = fstatSync(fd, { bigint: true });
    const size = Number(before.size) + sizeOf(`${path}-wal`);
    if (size > maxBytes) return { kind: 'too-large', bytes: size };
    const headerBefore = headOf(`${path}-wal`, WAL_HEADER_BYTES);
    const begunMs = nowMs();
    if (isJournal(headOf(`${path}-journal`, JOURNAL_MAGIC.length))) return { kind: 'changing', why: 'a transaction is under way' };
    const main = readAll(fd, Number(before.size));
    const wal = headerBefore.length < WAL_HEADER_BYTES ? NO_BYTES : contentOf(`${path}-wal`);
    const headerAfter = headOf(`${path}-wal`, WAL_HEADER_BYTES);
    if (!headerBefore.equals(headerAfter) || !headerAfter.equals(wal.subarray(0, WAL_HEADER_BYTES)))
      return { kind: 'changing', why: 'its WAL was begun anew' };
    if (statSync(path, { bigint: true }).ino !== before.ino) return { kind: 'changing', why: 'it was replaced' };
    if (wal.length >= WAL_HEADER_BYTES) return checked(mergeWal(main, wal), false);
    // Without a WAL whoever writes does so in the main file itself.
    const after = fstatSync(fd, { bigint: true });
    if (after.mtimeNs !== before.mtimeNs || after.size !== before.size) return { kind: 'changing', why: 'it was written to' };
    if (isJournal(headOf(`${path}-journal`, JOURNAL_MAGIC.length))) return { kind: 'changing', why: 'a transaction is under way' };
    return checked(main, begunMs - Number(before.mtimeMs) < CLOCK_TICK_MS);
  } finally {
    closeSync(fd);
  }
}

/** Two writes within one tick of the file system's clock have the same time. With room for a coarse one. */
const CLOCK_TICK_MS = 50;

/**
 * @param main  is written to, and may be what is returned
 * @returns the main file with all committed pages of the WAL laid over it, of a WAL that can be read as one
 */
export function mergeWal(main: Buffer, wal: Buffer): Buffer {
  if (wal.length < WAL_HEADER_BYTES) return main;
  const magic = wal.readUInt32BE(0);
  const pageSize = wal.readUInt32BE(8);
  const isPageSize = pageSize >= 512 && pageSize <= 65536 && (pageSize & (pageSize - 1)) === 0;
  if ((magic & 0xfffffffe) >>> 0 !== WAL_MAGIC || !isPageSize) return main;
  const sum = new Checksum((magic & 1) === 1);
  sum.add(wal, 0, 24);
  if (!sum.is(wal, 24)) return main;

  const committed = new Map<number, number>();
  let pending = new Map<number, number>();
  let pages = 0;
  const salts = wal.subarray(16, 24);
  for (let at = WAL_HEADER_BYTES; at + FRAME_HEADER_BYTES + pageSize <= wal.length; at += FRAME_HEADER_BYTES + pageSize) {
    // Frames of an earlier round lie behind those of this one.
    if (!wal.subarray(at + 8, at + 16).equals(salts)) break;
    sum.add(wal, at, 8);
    sum.add(wal, at + FRAME_HEADER_BYTES, pageSize);
    if (!sum.is(wal, at + 16)) break;
    pending.set(wal.readUInt32BE(at), at + FRAME_HEADER_BYTES);
    const pagesAfterCommit = wal.readUInt32BE(at + 4);
    if (pagesAfterCommit === 0) continue;
    for (const [page, offset] of pending) committed.set(page, offset);
    pending = new Map();
    pages = pagesAfterCommit;
  }
  if (pages === 0) return main;
  const image = main.length === pages * pageSize ? main : Buffer.alloc(pages * pageSize);
  if (image !== main) main.copy(image);
  for (const [page, offset] of committed) if (page >= 1 && page <= pages) wal.copy(image, (page - 1) * pageSize, offset, offset + pageSize);
  return image;
}

/** Of two running sums over 32-bit words, as SQLite defines it. */
class Checksum {
  readonly #swap: boolean;
  #s0 = 0;
  #s1 = 0;

  /** @param bigEndian  the words of what is summed; checksums themselves are always big-endian */
  constructor(bigEndian: boolean) {
    this.#swap = bigEndian;
  }

  /** In locals: this runs over every byte of the WAL. */
  add(bytes: Buffer, from: number, length: number): void {
    let s0 = this.#s0;
    let s1 = this.#s1;
    const view = new DataView(bytes.buffer, bytes.byteOffset + from, length);
    const littleEndian = !this.#swap;
    for (let at = 0; at < length; at += 8) {
      s0 = (s0 + view.getUint32(at, littleEndian) + s1) | 0;
      s1 = (s1 + view.getUint32(at + 4, littleEndian) + s0) | 0;
    }
    this.#s0 = s0;
    this.#s1 = s1;
  }

  is(bytes: Buffer, at: number): boolean {
    return this.#s0 >>> 0 === bytes.readUInt32BE(at) && this.#s1 >>> 0 === bytes.readUInt32BE(at + 4);
  }
}

const WAL_MAGIC = 0x377f0682;
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const JOURNAL_MAGIC = Buffer.from('d9d505f920a163d7', 'hex');
const MAIN_MAGIC = Buffer.from('SQLite format 3\0');
const NO_BYTES = Buffer.alloc(0);

/** A journal that was done with is deleted, empty, or has its magic number overwritten. */
const isJournal = (head: Buffer): boolean => head.equals(JOURNAL_MAGIC);

function checked(bytes: Buffer, doubtful: boolean): Snapshot {
  if (bytes.length === 0) return { kind: 'unusable', why: 'it is empty' };
  if (bytes.length < 100 || !bytes.subarray(0, MAIN_MAGIC.length).equals(MAIN_MAGIC))
    return { kind: 'unusable', why: 'it is no SQLite database' };
  // As if it had never had a WAL: there is none beside an image.
  bytes[18] = 1;
  bytes[19] = 1;
  return { kind: 'image', bytes, doubtful };
}

function readAll(fd: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let filled = 0;
  while (filled < size) {
    const read = readSync(fd, bytes, filled, size - filled, filled);
    if (read === 0) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

const contentOf = (path: string): Buffer => orNone(() => (isFile(path) ? readFileSync(path) : NO_BYTES), NO_BYTES);
const sizeOf = (path: string): number => orNone(() => (isFile(path) ? statSync(path).size : 0), 0);

/** A pipe would be waited for without end; to SQLite it is no WAL or journal either. */
const isFile = (path: string): boolean => statSync(path).isFile();

function headOf(path: string, length: number): Buffer {
  return orNone(() => {
    if (!isFile(path)) return NO_BYTES;
    const fd = openSync(path, 'r');
    try {
      return readAll(fd, length);
    } finally {
      closeSync(fd);
    }
  }, NO_BYTES);
}

/** A file that is not there is as good as an empty one. */
function orNone<T>(read: () => T, none: T): T {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none;
    throw error;
  }
}
