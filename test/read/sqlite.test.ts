/** Databases as they lie on disk: live ones, damaged ones, and files that are none. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { type OpenDatabase, readDatabase } from '../../src/read/sqlite.ts';
import { mergeWal } from '../../src/read/wal.ts';
import { databaseOf, type Frame, framesBetween, walOf } from '../support/sqlite.ts';

const directory = mkdtempSync(join(tmpdir(), 'sqlite-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let made = 0;
/** A folder of its own for each database. */
function put(files: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = join(directory, String(made++));
  mkdirSync(folder);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return folder;
}

const TABLE = "create table t(a integer, b text, c blob); insert into t values (1, 'one', x'00ff');";
const all =
  (sql: string, ...parameters: (string | number)[]) =>
  (db: OpenDatabase) =>
    db.all({ sql, parameters });
const numbers = all('select a from t order by a');

/** Names, bytes and times of everything in a folder. */
const footprint = (folder: string) =>
  readdirSync(folder)
    .toSorted()
    .map((name) => [name, statSync(join(folder, name), { bigint: true }).mtimeNs, readFileSync(join(folder, name)).toString('base64')]);

/** No waiting in tests: what is tried again is tried at once. */
const options = (waited: number[] = []) => ({ wait: (ms: number) => void waited.push(ms) });

const failure = (path: string): string => {
  try {
    readDatabase(path, numbers, options());
    return 'it was read';
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).message.replace(`${path} can't be read: `, '').replace(/\.$/, '');
  }
};

test('rows, of each kind of value, and the columns of each table', () => {
  const [bytes] = databaseOf(`${TABLE} insert into t values (null, 'a' || char(0) || 'b', null), (1.5, '', x''); create table u(d)`);
  const path = join(put({ 'a.db': bytes! }), 'a.db');
  readDatabase(path, (db) => {
    expect(db.columns).toEqual({ t: ['a', 'b', 'c'], u: ['d'] });
    expect(db.all({ sql: 'select * from t where a = ?', parameters: [1] })).toEqual([{ a: 1, b: 'one', c: new Uint8Array([0, 255]) }]);
    expect(db.all({ sql: 'select a, b from t where a is not 1', parameters: [] })).toEqual([
      { a: null, b: 'a\0b' },
      { a: 1.5, b: '' },
    ]);
    expect(db.all({ sql: 'select d from u', parameters: [] })).toEqual([]);
  });
});

test.each(['real-run-0.18.2', 'live-wal-0.18.2', 'schema30'])('%s: reading leaves every file as it was, and makes none', (story) => {
  const folder = put({});
  cpSync(join('fixtures', 'hermes', story), folder, { recursive: true, preserveTimestamps: true });
  const before = footprint(folder);
  const rows = readDatabase(join(folder, 'state.db'), all('select count(*) as n, sum(id) as ids from messages'));
  expect(rows).toEqual([story.startsWith('real') ? { n: 12, ids: 78 } : { n: 31, ids: 496 }]);
  expect(footprint(folder)).toEqual(before);
});

test('what is only in the WAL is read, though main file and folder can only be read', () => {
  const folder = put({});
  for (const name of ['state.db', 'state.db-wal']) cpSync(join('fixtures', 'hermes', 'live-wal-0.18.2', name), join(folder, name));
  chmodSync(folder, 0o500);
  const rows = readDatabase(join(folder, 'state.db'), all("select content from messages where content like 'only in%'"));
  chmodSync(folder, 0o700);
  expect(rows).toEqual([{ content: 'only in the WAL' }]);
});

test.each(['a?mode=rw.db', 'a#b.db', 'a%41.db', 'ä \'"b.db'])('a path with %s in it', (name) => {
  const [bytes] = databaseOf(TABLE);
  expect(readDatabase(join(put({ [name]: bytes! }), name), numbers)).toEqual([{ a: 1 }]);
});

test('a symbolic link: the WAL lies beside what it points to', () => {
  const [one, two] = databaseOf(TABLE, 'insert into t values (2, null, null)');
  const folder = put({ 'a.db': one!, 'a.db-wal': walOf(framesBetween(one!, two!)) });
  const link = join(put({}), 'link.db');
  symlinkSync(join(folder, 'a.db'), link);
  expect(readDatabase(link, numbers)).toEqual([{ a: 1 }, { a: 2 }]);
});

test.each([512, 1024, 65536])('pages of %i bytes', (pageSize) => {
  const [one, two] = databaseOf(`pragma page_size = ${pageSize}; ${TABLE}`, 'insert into t values (2, null, null)');
  const wal = walOf(framesBetween(one!, two!, pageSize), { pageSize });
  expect(readDatabase(join(put({ 'a.db': one!, 'a.db-wal': wal }), 'a.db'), numbers)).toEqual([{ a: 1 }, { a: 2 }]);
});

describe('the WAL', () => {
  const [one, two, three] = databaseOf(
    TABLE,
    'insert into t values (2, null, null)',
    'create table more(x); insert into t values (3, null, null)',
  );
  const [first, second] = [framesBetween(one!, two!), framesBetween(two!, three!)];
  const begun: Frame[] = second.map(({ page, bytes }) => ({ page, bytes }));
  const merged = (wal: Buffer): Buffer => mergeWal(Buffer.from(one!), wal);

  test.each([
    { what: 'one transaction', wal: walOf(first), is: two },
    { what: 'sums over big-endian words', wal: walOf(first, { bigEndian: true }), is: two },
    { what: 'two transactions, the database grows', wal: walOf([...first, ...second]), is: three },
    { what: 'a transaction without its end', wal: walOf([...first, ...begun]), is: two },
    { what: 'only one without its end', wal: walOf(begun), is: one },
    {
      what: 'frames of an earlier round behind',
      wal: Buffer.concat([walOf(first), walOf([...first, ...second], { salts: [8, 9] }).subarray(32)]),
      is: two,
    },
    { what: 'half a frame', wal: walOf([...first, ...second]).subarray(0, 32 + first.length * 4120 + 2000), is: two },
    { what: 'a damaged frame', wal: damaged(walOf([...first, ...second]), 32 + first.length * 4120 + 100), is: two },
    { what: 'a damaged header', wal: damaged(walOf(first), 3), is: one },
    { what: 'a damaged checksum of the header', wal: damaged(walOf(first), 30), is: one },
    { what: 'no header', wal: walOf(first).subarray(0, 20), is: one },
    { what: 'nothing', wal: Buffer.alloc(0), is: one },
  ])('$what', ({ wal, is }) => {
    expect(merged(wal).equals(is!)).toBe(true);
  });

  test('a main file that a checkpoint had half written', () => {
    const half = Buffer.from(one!);
    for (const { page, bytes } of first.slice(0, 1)) bytes.copy(half, (page - 1) * 4096);
    expect(mergeWal(half, walOf(first)).equals(two!)).toBe(true);
  });

  test('cut at any byte it is the database after some commit', () => {
    const wal = walOf([...first, ...second]);
    for (let end = 0; end <= wal.length; end += 7) {
      const image = merged(wal.subarray(0, end));
      expect([one!, two!, three!].some((known) => image.equals(known))).toBe(true);
    }
  });
});

describe('what can not be read', () => {
  test.each([
    { what: 'an empty file', files: { 'a.db': '' }, why: 'it is empty' },
    { what: 'a text', files: { 'a.db': 'hello\n'.repeat(100) }, why: 'it is no SQLite database' },
    { what: 'the beginning of a header', files: { 'a.db': 'SQLite format 3\0' }, why: 'it is no SQLite database' },
    { what: 'none', files: {}, why: 'it does not exist' },
  ])('$what: $why', ({ files, why }) => {
    expect(failure(join(put(files as Record<string, string>), 'a.db'))).toBe(why);
  });

  test('a directory', () => expect(failure(put({}))).toBe('it is a directory'));

  test('a file in the place of a directory', () =>
    expect(failure(join(put({ a: '' }), 'a', 'b.db'))).toBe('a part of its path is no directory'));

  test('a link to itself', () => {
    const path = join(put({}), 'a.db');
    symlinkSync(path, path);
    expect(failure(path)).toBe('its symbolic links go round in circles');
  });

  test('a database of a later format', () => {
    const [bytes] = databaseOf(TABLE);
    bytes!.writeUInt32BE(9, 44);
    expect(failure(join(put({ 'a.db': bytes! }), 'a.db'))).toBe('unsupported file format');
  });

  test('a database cut short, or overwritten in the middle', () => {
    const [bytes] = databaseOf(
      `${TABLE} create table big(x); with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) insert into big select hex(randomblob(50)) from n`,
    );
    expect(failure(join(put({ 'a.db': bytes!.subarray(0, 200) }), 'a.db'))).toMatch(/malformed|not a database/);
    const wounded = Buffer.from(bytes!);
    wounded.fill(0xee, 4096, 8192);
    expect(failure(join(put({ 'a.db': wounded }), 'a.db'))).toMatch(/malformed|damaged/);
  });

  test('a transaction that never ends: it is tried again, and then told', () => {
    const [bytes] = databaseOf(TABLE);
    const folder = put({ 'a.db': bytes!, 'a.db-journal': Buffer.from('d9d505f920a163d7ffff', 'hex') });
    const waited: number[] = [];
    expect(() => readDatabase(join(folder, 'a.db'), numbers, options(waited))).toThrow('a transaction is under way');
    expect(waited).toHaveLength(11);
  });

  test('a journal that was done with is no obstacle', () => {
    const [bytes] = databaseOf(TABLE);
    const folder = put({ 'a.db': bytes!, 'a.db-journal': Buffer.alloc(600) });
    expect(readDatabase(join(folder, 'a.db'), numbers)).toEqual([{ a: 1 }]);
  });

  test.each(['-wal', '-journal'])('a pipe that is called %s is not waited for', (suffix) => {
    const [bytes] = databaseOf(TABLE);
    const path = join(put({ 'a.db': bytes! }), 'a.db');
    execFileSync('mkfifo', [`${path}${suffix}`]);
    expect(readDatabase(path, numbers, options())).toEqual([{ a: 1 }]);
  });

  test('too large, where no other way is left: how large, and what to do', () => {
    const [bytes] = databaseOf(TABLE);
    const path = join(put({ 'a.db': bytes! }), 'a.db');
    const read = () => readDatabase(path, numbers, { maxBytes: 1000 });
    if (process.versions.node.startsWith('20.')) expect(read).toThrow(/it is 0 MB large/);
    else expect(read()).toEqual([{ a: 1 }]);
  });

  test('too large, open elsewhere, with a WAL that was just emptied', () => {
    const [bytes] = databaseOf(TABLE);
    bytes!.fill(2, 18, 20);
    const folder = put({ 'a.db': bytes!, 'a.db-wal': '', 'a.db-shm': Buffer.alloc(32768) });
    const read = () => readDatabase(join(folder, 'a.db'), numbers, { ...options(), maxBytes: 1000 });
    if (process.versions.node.startsWith('20.')) expect(read).toThrow(/it is 0 MB large/);
    else expect(read()).toEqual([{ a: 1 }]);
    expect(readdirSync(folder).toSorted()).toEqual(['a.db', 'a.db-shm', 'a.db-wal']);
  });
});

test('a transaction that ends while it is waited for', () => {
  const [one, two] = databaseOf(TABLE, 'insert into t values (2, null, null)');
  const folder = put({ 'a.db': one!, 'a.db-journal': Buffer.from('d9d505f920a163d7ffff', 'hex') });
  const path = join(folder, 'a.db');
  const wait = () => {
    writeFileSync(path, two!);
    rmSync(`${path}-journal`, { force: true });
  };
  expect(readDatabase(path, numbers, { wait })).toEqual([{ a: 1 }, { a: 2 }]);
});

test('a file that was just written to, and is damaged, is read again', () => {
  const [one, two] = databaseOf(TABLE, 'insert into t values (2, null, null)');
  const torn = Buffer.from(two!);
  torn.fill(0xff, 4096, 4600);
  const path = join(put({ 'a.db': torn }), 'a.db');
  const nowMs = () => statSync(path).mtimeMs;
  expect(readDatabase(path, numbers, { nowMs, wait: () => writeFileSync(path, one!) })).toEqual([{ a: 1 }]);
});

test('read again and again: an image is kept while nothing is written, and no longer', () => {
  const [one, two, three] = databaseOf(TABLE, 'insert into t values (2, null, null)', 'insert into t values (3, null, null)');
  const folder = put({ 'a.db': one! });
  const path = join(folder, 'a.db');
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  const opened = () => readDatabase(path, (db) => db);
  const first = opened();
  expect(opened()).toBe(first);
  writeFileSync(join(folder, 'a.db-wal'), walOf(framesBetween(one!, two!)));
  expect(readDatabase(path, numbers)).toEqual([{ a: 1 }, { a: 2 }]);
  writeFileSync(join(folder, 'a.db-wal'), walOf([...framesBetween(one!, two!), ...framesBetween(two!, three!)]));
  expect(readDatabase(path, numbers)).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  rmSync(join(folder, 'a.db-wal'));
  expect(readDatabase(path, numbers)).toEqual([{ a: 1 }]);
  rmSync(path);
  expect(failure(path)).toBe('it does not exist');
});

test('what the caller throws comes through, and once', () => {
  const [bytes] = databaseOf(TABLE);
  const path = join(put({ 'a.db': bytes! }), 'a.db');
  let calls = 0;
  const use = () => {
    calls += 1;
    throw new Error('is locked, says somebody else');
  };
  expect(() => readDatabase(path, use, options())).toThrow('says somebody else');
  expect(calls).toBe(1);
});

/** A frame that holds `{"role":"user"}` as it is, one cut off, one that claims to be 4 GB. */
test('blobs of zstd come as text, damaged ones as they are', () => {
  const packed = '28b52ffd200f7900007b22726f6c65223a2275736572227d';
  const [bytes] = databaseOf(
    `create table t(a, c blob); insert into t values (1, x'${packed}'), (2, x'28b52ffd200f79'), (3, x'28b52ffda0ffffffff0000000000000000')`,
  );
  const rows = readDatabase(join(put({ 'a.db': bytes! }), 'a.db'), all('select c from t order by a'));
  expect(
    rows.map(({ c }) =>
      typeof c === 'string'
        ? c
        : Buffer.from(c as Uint8Array)
            .toString('hex')
            .slice(0, 14),
    ),
  ).toEqual(['{"role":"user"}', '28b52ffd200f79', '28b52ffda0ffff']);
});

function damaged(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = copy[at]! ^ 0xff;
  return copy;
}
