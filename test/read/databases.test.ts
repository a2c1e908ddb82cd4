/** Sessions in databases that lie anywhere: whose they are, which belong together, and how they are called. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { harnesses } from '../../src/harness/index.ts';
import { allSessions, findSessionOfId, findSessions, lastSession, type Places } from '../../src/read/find.ts';
import { databaseOf } from '../support/sqlite.ts';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-databases-')));
afterAll(() => rmSync(top, { recursive: true, force: true }));
let made = 0;

const TABLES = `
  create table schema_version(version integer);
  create table sessions(id text, source text, model text, model_config text, parent_session_id text, started_at real, ended_at real, end_reason text);
  create table messages(id integer primary key, session_id text, role text, content text, timestamp real);`;
const session = (id: string, parent?: string): string =>
  `insert into sessions values ('${id}', 'cli', 'm', '${parent === undefined ? '{}' : `{"_delegate_from": "${parent}"}`}', ${
    parent === undefined ? 'null' : `'${parent}'`
  }, ${1000 + made++}, null, null);`;

/** A home with these files in `.hermes`. */
function home(files: Readonly<Record<string, Uint8Array>>): Places & { readonly folder: string } {
  const path = join(top, String(made++));
  const folder = join(path, '.hermes');
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return { env: {}, home: path, harnesses, folder };
}

const ids = (refs: readonly { readonly sessionId: string }[]): string[] => refs.map(({ sessionId }) => sessionId).toSorted();

test('an id that is the beginning of another one is an id', () => {
  const places = home({ 'state.db': databaseOf(TABLES + session('mine') + session('mine-2'))[0]! });
  expect(ids(findSessions('mine', places))).toEqual(['mine']);
  expect(() => findSessions('min', places)).toThrow('2 sessions begin with min: mine, mine-2');
});

test('what a hook calls a session is no path', () => {
  const places = home({ 'state.db': databaseOf(TABLES + session('usr') + session('agent-of-usr', 'usr'))[0]! });
  const here = process.cwd();
  process.chdir('/');
  try {
    expect(findSessionOfId('usr', places).sessionId).toBe('usr');
    expect(findSessionOfId('agent-of-usr', places).sessionId).toBe('usr');
  } finally {
    process.chdir(here);
  }
  expect(() => findSessionOfId(places.folder, places)).toThrow(UserError);
});

test('databases of others in a folder cost nothing, whatever is in them; one that is called as ours tells', () => {
  const [ours] = databaseOf(TABLES + session('a'));
  const [others] = databaseOf('create table schema_version(a); create table sessions(b); create table messages(c)');
  const [later] = databaseOf('create table t(a)');
  later!.writeUInt32BE(9, 44);
  const places = home({ 'copy.db': ours!, 'others.sqlite': others!, 'later.db': later! });
  expect(ids(findSessions(places.folder, places))).toEqual(['a']);
  writeFileSync(join(places.folder, 'state.db'), later!);
  const told: string[] = [];
  const telling = { ...places, onUnreadable: ({ path }: { path: string }) => told.push(path) };
  expect(ids(findSessions(places.folder, telling))).toEqual(['a']);
  expect(allSessions(telling)).toEqual([]);
  expect(told).toEqual([join(places.folder, 'state.db'), join(places.folder, 'state.db')]);
  for (const find of [() => findSessionOfId('a', places), () => lastSession(places.folder, places)])
    expect(find).toThrow(`${join(places.folder, 'state.db')} can't be read: unsupported file format.`);
  rmSync(join(places.folder, 'copy.db'));
  expect(() => findSessions(places.folder, places)).toThrow('unsupported file format');
});

test('agents below agents, a great many of them, and in circles', () => {
  const deep = Array.from({ length: 20_000 }, (_, n) => session(`s${n}`, n === 0 ? undefined : `s${n - 1}`)).join('');
  const places = home({ 'state.db': databaseOf(`${TABLES} begin; ${deep} commit;`)[0]! });
  const [only, ...more] = allSessions(places);
  expect(more).toEqual([]);
  expect(only).toMatchObject({ sessionId: 's0' });
  expect(only!.agents).toHaveLength(19_999);

  const round = home({ 'state.db': databaseOf(TABLES + session('a', 'b') + session('b', 'a'))[0]! });
  const [one, ...others] = allSessions(round);
  expect(others).toEqual([]);
  expect(one!.agents).toHaveLength(1);
});
