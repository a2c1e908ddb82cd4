/** A writer at work, in WAL mode and without: it is never kept waiting, and what is read is always one moment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readDatabase } from '../../src/read/sqlite.ts';
import { hasSqlite3 } from '../support/sqlite.ts';

const directory = mkdtempSync(join(tmpdir(), 'live-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/**
 * Hands the `sqlite3` command a transaction every so often, each of two tables that must agree, and now and then a
 * checkpoint; no busy timeout: a lock would be an error at once. Told to stop, it prints how many there were.
 */
const WRITER = `
  const { spawn } = require('node:child_process');
  const [path, mode, everyMs] = process.argv.slice(1);
  const sqlite = spawn('sqlite3', ['-bail', path], { stdio: ['pipe', 'inherit', 'inherit'] });
  const filler = 'x'.repeat(3000);
  sqlite.stdin.write('pragma journal_mode=' + mode + '; pragma wal_autocheckpoint=50; create table t(n integer primary key, filler text);'
    + " create table total(count, sum); insert into total values (0, 0); select 'ready';\\n");
  let n = 0;
  const timer = setInterval(() => {
    n += 1;
    sqlite.stdin.write('begin; insert into t values (' + n + ", '" + filler + "'); update total set count = count + 1, sum = sum + " + n + '; commit;\\n');
    if (n % 40 === 0) sqlite.stdin.write('begin; delete from t where n < ' + (n - 100) + '; update total set count = (select count(*) from t), sum = (select sum(n) from t); commit;\\n');
    if (n % 60 === 0) sqlite.stdin.write('pragma wal_checkpoint(' + ['passive', 'full', 'restart', 'truncate'][(n / 60) % 4] + ');\\n');
  }, Number(everyMs));
  process.stdin.once('end', () => { clearInterval(timer); sqlite.stdin.end(); }).resume();
  sqlite.once('close', (code) => { process.stdout.write(JSON.stringify({ n, code }) + '\\n'); process.exit(0); });
`;

interface Writer {
  readonly process: ChildProcess;
  stop(): Promise<{ readonly n: number; readonly code: number }>;
}

async function writer(path: string, mode: string, everyMs: number): Promise<Writer> {
  const child = spawn(process.execPath, ['-e', WRITER, path, mode, String(everyMs)], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const gone = once(child, 'close').then(() => {
    throw new Error(`the writer is gone: ${said}`);
  });
  gone.catch(() => undefined);
  while (!said.includes('ready')) await Promise.race([once(child.stdout, 'data'), gone]);
  return {
    process: child,
    stop: async () => {
      const closed = once(child, 'close');
      child.stdin.end();
      await closed;
      return JSON.parse(said.trim().split('\n').at(-1)!) as { n: number; code: number };
    },
  };
}

const INVARIANT =
  'select count, sum, (select count(*) from t) as rows, (select coalesce(sum(n), 0) from t) as added, (select coalesce(max(n), 0) from t) as newest from total';

test.each([
  { mode: 'wal', everyMs: 20, times: 1000 },
  { mode: 'wal', everyMs: 1, times: 300 },
  { mode: 'delete', everyMs: 100, times: 100 },
])('$mode, a transaction every $everyMs ms, read $times times', async ({ mode, everyMs, times }) => {
  expect(hasSqlite3(), 'the sqlite3 command is needed: apt-get install sqlite3').toBe(true);
  const path = join(directory, `${mode}-${everyMs}.db`);
  const { stop } = await writer(path, mode, everyMs);
  let newest = 0;
  const seen = new Set<number>();
  for (let time = 0; time < times || seen.size < 20; time++) {
    const [row] = readDatabase(path, (db) => db.all({ sql: INVARIANT, parameters: [] }));
    expect(row).toMatchObject({ rows: row!['count'], added: row!['sum'] });
    expect(Number(row!['newest'])).toBeGreaterThanOrEqual(newest);
    newest = Number(row!['newest']);
    seen.add(newest);
  }
  const { n, code } = await stop();
  expect(code, 'sqlite3 saw no error, no lock').toBe(0);
  const [last] = readDatabase(path, (db) => db.all({ sql: INVARIANT, parameters: [] }));
  expect(last).toMatchObject({ newest: n });
  expect(n).toBeGreaterThan(newest - 1);
  expect(readdirSync(directory).filter((name) => name.startsWith(`${mode}-${everyMs}.`))).toEqual([`${mode}-${everyMs}.db`]);
});

test('a writer that holds its database open: nothing beside it, and nothing in it, is ours', async () => {
  const path = join(directory, 'held.db');
  const sqlite = spawn('sqlite3', [path], { stdio: ['pipe', 'pipe', 'inherit'] });
  sqlite.stdin.write("pragma journal_mode=wal; create table t(n); insert into t values (1); select 'done';\n");
  let said = '';
  sqlite.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  while (!said.includes('done')) await once(sqlite.stdout, 'data');
  const files = () =>
    Object.fromEntries(
      readdirSync(directory)
        .filter((name) => name.startsWith('held'))
        .map((name) => [name, readFileSync(join(directory, name)).toString('base64')]),
    );
  const before = files();
  expect(Object.keys(before)).toEqual(['held.db', 'held.db-shm', 'held.db-wal']);
  for (let time = 0; time < 20; time++)
    expect(readDatabase(path, (db) => db.all({ sql: 'select n from t', parameters: [] }))).toEqual([{ n: 1 }]);
  expect(files()).toEqual(before);
  const closed = once(sqlite, 'close');
  sqlite.stdin.end();
  await closed;
  // Closed cleanly: the WAL is gone, and reading does not bring it back.
  writeFileSync(join(directory, 'held.note'), '');
  expect(readDatabase(path, (db) => db.all({ sql: 'select n from t', parameters: [] }))).toEqual([{ n: 1 }]);
  expect(Object.keys(files())).toEqual(['held.db', 'held.note']);
});
