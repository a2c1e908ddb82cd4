/**
 * Databases made at run time: with sql.js, and in WAL mode by writing the WAL ourselves, frame by frame.
 *
 * out:  `databaseOf`, `walOf`, `sqlite3`, the command, where there is one
 */
import { spawnSync } from 'node:child_process';
import { type SqlJsDatabase, sqlJs } from '../../src/read/sql-js.ts';

interface Writable extends SqlJsDatabase {
  exec(sql: string): unknown;
  export(): Uint8Array;
}

/** @returns the bytes of the database after each of the scripts */
export function databaseOf(...scripts: readonly string[]): Buffer[] {
  const { Database } = sqlJs() as unknown as { Database: new () => Writable };
  const database = new Database();
  try {
    return scripts.map((sql) => {
      database.exec(sql);
      return Buffer.from(database.export());
    });
  } finally {
    database.close();
  }
}

export interface Frame {
  /** 1-based. */
  readonly page: number;
  readonly bytes: Buffer;
  /** Pages of the database, for the last frame of a transaction. */
  readonly commit?: number;
}

/** The frames of a transaction that turns one database into another. */
export function framesBetween(before: Buffer, after: Buffer, pageSize = 4096): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < after.length; at += pageSize) {
    const bytes = after.subarray(at, at + pageSize);
    if (!bytes.equals(before.subarray(at, at + pageSize))) frames.push({ page: at / pageSize + 1, bytes });
  }
  const last = frames.pop()!;
  return [...frames, { ...last, commit: after.length / pageSize }];
}

export function walOf(
  frames: readonly Frame[],
  { pageSize = 4096, bigEndian = false, salts = [1, 2] as readonly [number, number] } = {},
): Buffer {
  let sums: readonly [number, number] = [0, 0];
  const sum = (bytes: Buffer): void => {
    let [s0, s1] = sums;
    for (let at = 0; at < bytes.length; at += 8) {
      s0 = (s0 + (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)) + s1) >>> 0;
      s1 = (s1 + (bigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)) + s0) >>> 0;
    }
    sums = [s0, s1];
  };
  const words = (...values: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 4);
    for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
    return bytes;
  };
  const header = words(0x377f0682 + (bigEndian ? 1 : 0), 3007000, pageSize, 0, ...salts);
  sum(header);
  const parts = [header, words(...sums)];
  for (const { page, bytes, commit = 0 } of frames) {
    const head = words(page, commit);
    sum(head);
    sum(bytes);
    parts.push(head, words(...salts, ...sums), bytes);
  }
  return Buffer.concat(parts);
}

/** Debian's command, a writer as any other: `.ci/run` installs it. */
export const hasSqlite3 = (): boolean => spawnSync('sqlite3', ['-version']).status === 0;

/** @returns the bytes of a database as they are after a script; its triggers, which may need modules we lack, are gone */
export function changedDatabase(bytes: Uint8Array, sql: string): Buffer {
  const { Database } = sqlJs() as unknown as { Database: new (bytes: Uint8Array) => Writable };
  // A copy, for it writes into what it is given.
  const database = new Database(Uint8Array.from(bytes));
  try {
    const [found] = database.exec("select name from sqlite_master where type = 'trigger'") as { values: string[][] }[];
    for (const [name] of found?.values ?? []) database.exec(`drop trigger "${name}"`);
    database.exec(sql);
    return Buffer.from(database.export());
  } finally {
    database.close();
  }
}
