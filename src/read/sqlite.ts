/**
 * A harness's SQLite database → rows. Read-only, and it leaves no trace: no file is created or changed, no lock is taken,
 * whoever writes is never kept waiting.
 *
 * in:   path of the database, what to ask of it
 * out:  `readDatabase`; an `UnreadableFile` that says why when it can't be read
 *
 * One way for all versions of Node: an image of the last commit (wal.ts), opened in memory by sql.js. What is too large for
 * that is read where it lies by Node's own SQLite, where there is one and opening the database would create no file.
 */
import { realpathSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Query, Row, TableColumns } from '../harness/harness.ts';
import { sqlJs } from './sql-js.ts';
import { UnreadableFile } from './unreadable.ts';
import { snapshotOf } from './wal.ts';
import { isZstd, unpacked } from './zstd.ts';

export interface OpenDatabase {
  /** Of all tables but virtual ones, by name. */
  readonly columns: TableColumns;
  all(query: Query): readonly Row[];
}

/** An image is in memory twice, for a moment. */
const MAX_IMAGE_BYTES = 256 * 1024 * 1024;
/** A transaction is over in milliseconds; a checkpoint, when the disk is slow, in tens of them. */
const TRIES = 12;
/** What looks damaged may have been read at a bad moment, but not again and again. */
const TRIES_DAMAGED = 3;
const WAIT_MS = 50;
/** After that, another write shows in the time of a file: of a fine clock, and of one that counts seconds. */
const SETTLED_MS = 100;
const SETTLED_COARSE_MS = 2000;

export interface ReadOptions {
  readonly maxBytes?: number;
  /** Unix ms. */
  readonly nowMs?: () => number;
  readonly wait?: (ms: number) => void;
}

/**
 * @param use  may be called again when the database turns out to be damaged at the first try; what it returns must not lean
 *             on the database
 * @throws UnreadableFile
 */
export function readDatabase<T>(path: string, use: (db: OpenDatabase) => T, options: ReadOptions = {}): T {
  const { maxBytes = MAX_IMAGE_BYTES, nowMs = Date.now, wait = sleep } = options;
  let why = '';
  let damaged = 0;
  for (let left = TRIES; left > 0; left--) {
    try {
      const real = realpathSync(path);
      const stamp = `${maxBytes} ${real} ${stampOf(real)} ${stampOf(`${real}-wal`)} ${stampOf(`${real}-journal`)}`;
      if (kept !== undefined && kept.stamp === stamp) return use(kept.db);
      const snapshot = snapshotOf(real, maxBytes, nowMs);
      if (snapshot.kind === 'unusable') throw unreadable(path, snapshot.why, 'Name the database of a harness, or leave it out.');
      if (snapshot.kind === 'too-large') return usePlace(path, real, snapshot, use);
      if (snapshot.kind === 'image') {
        const isSettled = [real, `${real}-wal`].map(writtenMs).every((atMs) => nowMs() - atMs > settledAfterMs(atMs));
        return useImage(path, snapshot.bytes, snapshot.doubtful, isSettled ? stamp : undefined, use);
      }
      why = snapshot.why;
    } catch (error) {
      why = transientReason(error) ?? rethrown(path, error);
      damaged += 1;
      if (damaged === TRIES_DAMAGED) break;
    }
    if (left > 1) wait(WAIT_MS);
  }
  const hint = damaged === 0 ? 'Try again when the agent is less busy.' : 'Let the harness repair it, or put a copy in its place.';
  throw unreadable(path, why, hint);
}

/**
 * The last image, as long as nothing is written to its database: a session is read after another one. Only one, for it may
 * be large.
 */
let kept: { readonly stamp: string; readonly db: OpenDatabase; close(): void } | undefined;

/** @param stamp  under which it may be kept */
function useImage<T>(path: string, bytes: Buffer, doubtful: boolean, stamp: string | undefined, use: (db: OpenDatabase) => T): T {
  kept?.close();
  kept = undefined;
  const { Database } = loaded(path);
  const database = asking(() => new Database(bytes));
  const close = () => database.close();
  try {
    const all = ({ sql, parameters }: Query): Row[] =>
      asking(() => {
        const statement = database.prepare(sql);
        try {
          const rows: Row[] = [];
          statement.bind(parameters);
          let names: readonly string[] | undefined;
          while (statement.step()) {
            names ??= statement.getColumnNames();
            rows.push(rowOf(names, statement.get()));
          }
          return rows;
        } finally {
          statement.free();
        }
      });
    if (doubtful && all({ sql: 'pragma quick_check(1)', parameters: [] })[0]?.['quick_check'] !== 'ok')
      throw new DatabaseError('it is damaged', undefined);
    const db = { columns: columnsOf(all), all };
    const result = use(db);
    if (stamp !== undefined) kept = { stamp, db, close };
    return result;
  } finally {
    if (kept === undefined) close();
  }
}

/** A copy of the program that lacks a file must not cost the sessions that lie in no database. */
function loaded(path: string): ReturnType<typeof sqlJs> {
  try {
    return sqlJs();
  } catch (error) {
    throw unreadable(path, `SQLite could not be loaded: ${(error as Error).message}`, 'Install trace-build again.');
  }
}

// ---------------------------------------------------------------------------------------------
// What is too large to be copied.

interface NodeDatabase {
  prepare(sql: string): { all(...parameters: (string | number)[]): Record<string, unknown>[]; setReadBigInts(on: boolean): void };
  exec(sql: string): void;
  close(): void;
}

function usePlace<T>(path: string, real: string, { bytes }: { bytes: number }, use: (db: OpenDatabase) => T): T {
  const size = `it is ${Math.round(bytes / 1e6)} MB large`;
  const sqlite = nodeSqlite();
  if (sqlite === undefined)
    throw unreadable(path, size, 'With Node 22.15 or later it can be read; or let the harness delete old sessions and VACUUM it.');
  // Opened the usual way, a database in WAL mode that nobody has open would get its `-wal` and `-shm` back.
  const isOpen = exists(`${real}-shm`) && exists(`${real}-wal`);
  if (!isOpen && exists(`${real}-journal`)) throw unreadable(path, `${size}, and a transaction is under way`, 'Try again.');
  const before = stampOf(real);
  const location = new URL(`${pathToFileURL(real).href}?${isOpen ? 'mode=ro' : 'immutable=1'}`);
  const database = asking(() => new sqlite.DatabaseSync(location, { readOnly: true, timeout: 4000 }));
  try {
    const all = ({ sql, parameters }: Query): Row[] =>
      asking(() => {
        const statement = database.prepare(sql);
        statement.setReadBigInts(true);
        return statement.all(...parameters).map((row) => rowOf(Object.keys(row), Object.values(row)));
      });
    // One moment for all that is asked.
    asking(() => database.exec('begin'));
    const result = use({ columns: columnsOf(all), all });
    if (!isOpen && (stampOf(real) !== before || exists(`${real}-wal`))) throw new DatabaseError('it was written to', undefined);
    return result;
  } finally {
    database.close();
  }
}

/** Absent before Node 22.5. Loading it warns that it is experimental, on Node 22: nobody can do anything about that. */
function nodeSqlite(): { DatabaseSync: new (path: URL, options: object) => NodeDatabase } | undefined {
  const emitWarning = process.emitWarning;
  try {
    process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
      if (!String(warning).includes('SQLite is an experimental feature')) emitWarning.call(process, warning, ...rest);
    }) as typeof process.emitWarning;
    return (process as unknown as { getBuiltinModule?: (name: string) => never }).getBuiltinModule?.('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

const stampOf = (path: string): string => {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.ino} ${stats.size} ${stats.mtimeNs}`;
};
const settledAfterMs = (writtenMs: number): number => (writtenMs % 1000 === 0 ? SETTLED_COARSE_MS : SETTLED_MS);

const writtenMs = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

// ---------------------------------------------------------------------------------------------

function columnsOf(all: (query: Query) => readonly Row[]): TableColumns {
  const tables = all({ sql: "select name from sqlite_master where type = 'table' and sql not like 'create virtual%'", parameters: [] });
  return Object.fromEntries(
    tables.map(({ name }) => [
      String(name),
      all({ sql: 'select name from pragma_table_info(?)', parameters: [String(name)] }).map((column) => String(column['name'])),
    ]),
  );
}

function rowOf(names: readonly string[], values: readonly unknown[]): Row {
  const row: Record<string, Row[string]> = {};
  for (const [at, name] of names.entries()) row[name] = cellOf(values[at]);
  return row;
}

function cellOf(value: unknown): Row[string] {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value instanceof Uint8Array) return (isZstd(value) ? unpacked(value) : undefined) ?? value;
  return null;
}

/** What SQLite says, told from what a caller's own function throws. */
class DatabaseError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'DatabaseError';
  }
}

function asking<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw new DatabaseError((error as Error).message, error);
  }
}

const TRANSIENT = /malformed|not a database|disk I\/O error|is locked|busy|damaged|was written to|unable to open/i;

/** @returns what is worth another try; undefined for what is not */
function transientReason(error: unknown): string | undefined {
  if (error instanceof DatabaseError) return TRANSIENT.test(error.message) ? error.message : undefined;
  return undefined;
}

const SAID: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission was denied',
  EPERM: 'permission was denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is no directory',
  ELOOP: 'its symbolic links go round in circles',
  EIO: 'the disk reports an error',
};

function rethrown(path: string, error: unknown): never {
  // Made by a version of SQLite that is newer, or by nobody who knew what it is to hold.
  if (error instanceof DatabaseError) throw unreadable(path, error.message, 'Let the harness repair it, or leave it out.');
  const said = SAID[(error as NodeJS.ErrnoException).code ?? ''];
  throw said === undefined ? error : unreadable(path, said, 'Check the path and its permissions.');
}

const unreadable = (path: string, why: string, hint: string): UnreadableFile => new UnreadableFile(path, why, hint);

/** Without giving up the thread: there is nothing else to do in the meantime. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
