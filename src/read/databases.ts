/**
 * Sessions that lie in the tables of an SQLite database.
 *
 * in:   places, a `DatabaseLayout`
 * out:  `Store`; the lines of a session or agent: a row each, as JSON text
 */
import { basename, dirname, join } from 'node:path';
import { grouped } from '../grouped.ts';
import type { DatabaseLayout, DatabaseSession, Harness } from '../harness/harness.ts';
import { entriesOf, foldersIn, foldersUnder, readableHead, readableStats } from './folders.ts';
import type { Places, SessionRef, Store } from './refs.ts';
import { spoolFolder, spoolLines, spoolStamp, spoolsIn } from './spool.ts';
import { type OpenDatabase, readDatabase } from './sqlite.ts';
import { tolerantly } from './unreadable.ts';

interface Kind {
  readonly harness: Harness;
  readonly layout: DatabaseLayout;
}

/** The first bytes of every SQLite 3 database. */
const MAGIC = 'SQLite format 3\0';

export function databaseStore(kind: Kind, places: Places): Store {
  const { harness, layout } = kind;
  const roots = layout.files(places.env, places.home);
  const ownNames = new Set(roots.map((root) => basename(root)));
  const told = <T>(find: () => readonly T[]): readonly T[] => tolerantly(find, places.onUnreadable);
  // Whatever its first bytes are, it should be a database; but for an empty one, which is only being made.
  const isInPlace = (path: string): boolean => readableStats(path)?.size !== 0 && holds(path);
  const usual = (): readonly string[] => roots.flatMap(matching).flatMap((path) => told(() => (isInPlace(path) ? [path] : [])));
  const all = (): readonly SessionRef[] => usual().flatMap((path) => told(() => at(path)));
  const holds = (path: string): boolean =>
    readDatabase(path, ({ columns }) => layout.tables.every((table) => columns[table] !== undefined));
  const owns = (path: string): boolean => isDatabase(path) && holds(path);
  const at = (path: string): readonly SessionRef[] => sessionsIn(path, kind, places.home);
  return {
    harness,
    roots,
    names: () => false,
    owns,
    at,
    all,
    under: (folder) =>
      [...foldersUnder(folder)].flatMap((each) =>
        entriesOf(each)
          .map(({ name }) => join(each, name))
          .filter((path) => /\.(?:sqlite3?|db)$/.test(path))
          .flatMap((path) => {
            const find = (): readonly SessionRef[] => (owns(path) ? at(path) : []);
            // Of another program's, or of one that was only called so, the user wants to know nothing.
            return ownNames.has(basename(path)) ? told(find) : tolerantly(find);
          }),
      ),
    withId: (prefix) =>
      all()
        .filter((ref) => ref.sessionId.startsWith(prefix) || isPartOf(ref, prefix))
        .map((ref) => ({ sessionId: ref.sessionId, ref: () => ref })),
    begunIn: (directory) => all().filter(({ startDirectory }) => startDirectory === directory),
    writtenSince: (sinceMs) =>
      usual().flatMap((path) => {
        const atMs = writtenMs(path);
        return atMs >= sinceMs ? [{ atMs, refs: () => told(() => at(path)) }] : [];
      }),
  };
}

/** The lines of a session or agent, in the order they are told. @throws UserError when the database can't be read */
export function rowLines(path: string, { ids, spools = [] }: DatabaseSession, layout: DatabaseLayout): readonly string[] {
  const rows = readDatabase(path, ({ all, columns }) =>
    layout.lineQueries(ids, columns).flatMap((query) => all(query).map((row) => layout.lineOf(row))),
  );
  // Read after the rows: whatever these tell of was told before.
  return [...rows, ...spools.flatMap(spoolLines)];
}

/** Another key of a session, or an agent, by its whole id. */
const isPartOf = ({ rows, agents }: SessionRef, id: string): boolean =>
  rows?.ids.includes(id) === true || agents.some((agent) => agent.agentId === id || agent.rows?.ids.includes(id) === true);

/** Writes go to the log beside the database first. */
const writtenMs = (path: string): number => Math.max(readableStats(path)?.mtimeMs ?? 0, readableStats(`${path}-wal`)?.mtimeMs ?? 0);

export const isDatabase = (path: string): boolean => readableHead(path, MAGIC.length) === MAGIC;

/** A `*` stands for any one folder. */
function matching(pattern: string): readonly string[] {
  const at = pattern.indexOf('/*/');
  if (at < 0) return readableStats(pattern)?.isFile() === true ? [pattern] : [];
  return foldersIn(pattern.slice(0, at)).flatMap((name) => matching(`${pattern.slice(0, at)}/${name}${pattern.slice(at + 2)}`));
}

/** Whoever reads one session after another asks for the list each time. */
const lists = new WeakMap<OpenDatabase, Map<DatabaseLayout, readonly DatabaseSession[]>>();

function listedIn(db: OpenDatabase, layout: DatabaseLayout): readonly DatabaseSession[] {
  const known = lists.get(db) ?? new Map<DatabaseLayout, readonly DatabaseSession[]>();
  lists.set(db, known);
  const sessions = known.get(layout) ?? layout.sessionsOf(layout.listQueries(db.columns).map(db.all));
  known.set(layout, sessions);
  return sessions;
}

function sessionsIn(path: string, { harness, layout }: Kind, home: string): readonly SessionRef[] {
  const spoolsOf = layout.hasSpool === true ? spoolsIn(spoolFolder(home, harness.name)) : () => [];
  const sessions = readDatabase(path, (db) => listedIn(db, layout)).map((session) => {
    const spools = spoolsOf(session.ids);
    return spools.length === 0 ? session : { ...session, spools, version: `${session.version} ${spoolStamp(spools)}` };
  });
  const roots = rootsOf(sessions);
  return [...grouped(sessions, (session) => roots.get(session)!)].map(([session, all]) => ({
    harness,
    layout,
    sessionId: session.id,
    path,
    folder: dirname(path),
    rows: session,
    agents: all.filter((each) => each !== session).map((each) => ({ agentId: each.id, path, rows: each })),
    begunMs: session.begunMs,
    ...(session.directory !== undefined && { startDirectory: session.directory }),
    modifiedMs: all.reduce((latest, { modifiedMs }) => Math.max(latest, modifiedMs), 0),
    bytes: 0,
  }));
}

/** By session, whoever is at the top, however many there are below each other; of a circle, one of them for all. */
function rootsOf(sessions: readonly DatabaseSession[]): ReadonlyMap<DatabaseSession, DatabaseSession> {
  const byId = new Map(sessions.flatMap((session) => session.ids.map((id) => [id, session])));
  const roots = new Map<DatabaseSession, DatabaseSession>();
  for (const session of sessions) {
    const way = new Set<DatabaseSession>();
    let at = session;
    while (!roots.has(at)) {
      way.add(at);
      const parent = at.parentId === undefined ? undefined : byId.get(at.parentId);
      if (parent === undefined || way.has(parent)) break;
      at = parent;
    }
    const root = roots.get(at) ?? at;
    for (const each of way) roots.set(each, root);
  }
  return roots;
}
