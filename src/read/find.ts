/**
 * What the user named → sessions on disk.
 *
 * in:   a path, an id or its beginning, a directory; environment and home as arguments
 * out:  `SessionRef[]`, sorted so that a session comes before its forks
 */
import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { UserError } from '../errors.ts';
import { databaseStore } from './databases.ts';
import { unreadable } from './folders.ts';
import { agentsAround, type BesideIndex, projectsStore } from './projects.ts';
import { type AgentRef, type Places, placeOf, type SessionRef, type Store } from './refs.ts';
import { threadsAround, threadsStore } from './threads.ts';
import { reasonAgainstAll } from './transcript.ts';
import { NoSuchSession, onceEachFile, tolerantly, UnreadableFile } from './unreadable.ts';

export { isDatabase } from './databases.ts';
export { type BesideIndex, findNeighbour } from './projects.ts';
export { type AgentRef, type Places, placeOf, type SessionRef } from './refs.ts';
export { type Listener, obstacleIn, onceEachFile, type UnreadableFile } from './unreadable.ts';

/**
 * @param given   a file, a directory, a session id or the beginning of one
 * @param beside  folders listed before; for whoever asks for one session after another
 * @throws UserError when there is no such thing, it can't be read, or there is more than one
 */
export function findSessions(given: string, places: Places, beside: BesideIndex = new Map()): readonly SessionRef[] {
  const stats = statsOf(given);
  if (stats === undefined) return [onlyOne(byId(given, places, beside))];
  const [telling, unread] = listening(places);
  const stores = storesOf(telling, beside);
  if (stats.isDirectory()) {
    demandReadable(given);
    const found = onceEach(stores.flatMap((store) => store.under(given)));
    if (found.length === 0 && unread.length === 1) throw unread[0]!;
    for (const file of unread) places.onUnreadable?.(file);
    if (found.length === 0)
      throw new UserError(
        `${given} holds no sessions.`,
        'Name a transcript (.jsonl), a database, or a folder such as ~/.claude/projects or ~/.codex/sessions.',
      );
    return found.toSorted((a, b) => a.begunMs - b.begunMs || (a.sessionId < b.sessionId ? -1 : 1));
  }
  if (!stats.isFile())
    throw new UserError(
      `${given} is a pipe or a device, not a file.`,
      'Write the transcript to a file first (cat … > session.jsonl), and name that.',
    );
  const found = ownerOf(given, stores).at(given);
  if (found.length === 0) throw new UserError(`${given} holds no sessions yet.`, 'Name another one.');
  return found;
}

/**
 * One session whose whole id is known, or that of an agent of it; of two, the one written last. Unlike what a user has named, it
 * is never a path.
 *
 * @throws UserError when there is none
 */
export const findSessionOfId = (sessionId: string, places: Places): SessionRef => byId(sessionId, places, new Map())[0]!;

/**
 * One session whose file is known: a database holds many.
 *
 * @returns undefined when there is none
 */
export function findSession(path: string, sessionId: string, places: Places, beside?: BesideIndex): SessionRef | undefined {
  const found = findSessions(path, places, beside);
  return found.length === 1 && found[0]!.rows === undefined ? found[0] : found.find((ref) => ref.rows?.ids.includes(sessionId));
}

/** The newest session begun in a directory. */
export function lastSession(directory: string, places: Places): SessionRef {
  const real = realpathSync(directory);
  const [telling, unread] = listening(places);
  const stores = storesOf(telling, new Map());
  const newest = stores.flatMap((store) => store.begunIn(real)).toSorted((a, b) => b.modifiedMs - a.modifiedMs)[0];
  if (newest === undefined)
    throw new NoSuchSession(
      `No session of ${real} was found under ${searchedPlaces(places).join(', ')}.`,
      'Change to the directory the agent was started in, or name a transcript.',
      unread,
    );
  // A newer one may lie in there.
  for (const file of unread) places.onUnreadable?.(file);
  return newest;
}

/** Where sessions are looked for when nothing is named; for people. */
export const searchedPlaces = (places: Places): readonly string[] => storesOf(places, new Map()).flatMap(({ roots }) => roots);

/** All sessions of this machine, the last changed first. What can't be read is left out, and `places` are told of it. */
export function allSessions(places: Places): readonly SessionRef[] {
  return onceEach(storesOf(places, new Map()).flatMap((store) => tolerantly(() => store.all(), places.onUnreadable))).toSorted(
    (a, b) => b.modifiedMs - a.modifiedMs || (a.sessionId < b.sessionId ? -1 : 1),
  );
}

/** Sessions in the usual places whose files were written to since, the last one first. What can't be read is left out, and `places` are told of it. */
export function* sessionsWritten(places: Places, sinceMs: number): Generator<SessionRef> {
  const files = storesOf(places, new Map()).flatMap((store) => store.writtenSince(sinceMs));
  for (const { refs } of files.toSorted((a, b) => b.atMs - a.atMs))
    for (const ref of tolerantly(refs, places.onUnreadable)) {
      const why = ref.begunMs === 0 && ref.path !== undefined && ref.rows === undefined ? reasonAgainstAll(ref.path) : undefined;
      if (why !== undefined) places.onUnreadable?.(new UnreadableFile(ref.path!, why.replace(/, \w+ '.*$/s, ''), CHECK_FILE));
      else if (ref.rows === undefined || ref.modifiedMs >= sinceMs) yield ref;
    }
}

const CHECK_FILE = 'Check its permissions, or run as the user it belongs to.';

/** The agents that lie around a session, by where that is and by their ids. */
export type AgentIndex = Map<string, ReadonlyMap<string, AgentRef>>;

/**
 * The file of an agent whose id is known, where a fork's original keeps it.
 *
 * @param known  places looked at before; a fork may miss many agents, and its siblings the same ones
 */
export function findAgent(
  { folder, harness, layout, path }: SessionRef,
  agentId: string,
  known: AgentIndex = new Map(),
): AgentRef | undefined {
  if (layout.kind === 'database') return undefined;
  const around = layout.kind === 'threads' ? (layout.topOf?.(path ?? folder) ?? folder) : folder;
  const key = `${harness.name} ${around}`;
  const agents = known.get(key) ?? (layout.kind === 'threads' ? threadsAround(around, layout) : agentsAround(around, layout));
  known.set(key, agents);
  return agents.get(agentId);
}

// ---------------------------------------------------------------------------------------------

/** The more a store asks of a file, the earlier it comes: the last one takes whatever is left. */
function storesOf(places: Places, beside: BesideIndex): readonly Store[] {
  const layouts = places.harnesses.flatMap((harness) => harness.layouts.map((layout) => ({ harness, layout })));
  const databases = layouts.flatMap(({ harness, layout }) =>
    layout.kind === 'database' ? [databaseStore({ harness, layout }, places)] : [],
  );
  const threads = layouts.flatMap(({ harness, layout }) => (layout.kind === 'threads' ? [threadsStore({ harness, layout }, places)] : []));
  const threadLayouts = layouts.flatMap(({ layout }) => (layout.kind === 'threads' ? [layout] : []));
  const isOthers = (path: string): boolean =>
    threadLayouts.some((layout) => layout.isBeside?.(path) === true) ||
    (threadLayouts.some((layout) => layout.threadOf(path) !== undefined) && threads.some((store) => store.owns(path)));
  const projects = layouts.flatMap(({ harness, layout }) =>
    layout.kind === 'projects' ? [projectsStore({ harness, layout }, places, isOthers, beside)] : [],
  );
  return [...databases, ...threads, ...projects];
}

/** Two may write the same lines: then the name tells. */
const ownerOf = (path: string, stores: readonly Store[]): Store =>
  stores.find((store) => store.names(path) && store.owns(path)) ?? stores.find((store) => store.owns(path))!;

/** Of a session, or an agent, in a database and in a file it was taken from, the one in the database. */
function onceEach(refs: readonly SessionRef[]): readonly SessionRef[] {
  const nameOf = (ref: SessionRef, id: string): string => [ref.harness.name, scopeOf(ref), id].join('\0');
  const idsIn = ({ rows, agents }: SessionRef): readonly string[] =>
    [rows, ...agents.map((agent) => agent.rows)].flatMap((of) => of?.ids ?? []);
  const stored = new Set(refs.flatMap((ref) => idsIn(ref).map((id) => nameOf(ref, id))));
  const kept = refs.filter((ref) => ref.rows !== undefined || !stored.has(nameOf(ref, ref.sessionId)));
  return [...new Map(kept.map((ref) => [placeOf(ref), ref])).values()];
}

const scopeOf = ({ layout, path }: SessionRef): string => (layout.kind !== 'projects' && path && layout.scopeOf?.(path)) || '';

/** Where an id names one session in each of two places, none is the one that was meant. */
function onlyOne(found: readonly SessionRef[]): SessionRef {
  if (new Set(found.map(scopeOf)).size < 2) return found[0]!;
  throw new UserError(
    `${found.length} sessions are called ${found[0]!.sessionId}: ${found.map(placeOf).join(', ')}`,
    'Name the file, or the database, instead.',
  );
}

/** The same places, and what could not be read in them. */
function listening(places: Places): readonly [Places, readonly UnreadableFile[]] {
  const unread: UnreadableFile[] = [];
  return [{ ...places, onUnreadable: onceEachFile((file) => unread.push(file)) }, unread];
}

/** The one written last first. */
function byId(id: string, places: Places, beside: BesideIndex): readonly SessionRef[] {
  const [telling, unread] = listening(places);
  const stores = storesOf(telling, beside);
  const advice = 'Name a file, a directory, a session id or its beginning; or --last for the newest session of this directory.';
  if (id === '') throw new UserError('What was named is an empty text.', advice);
  if (id.includes('/') || id.endsWith('.jsonl')) throw new UserError(`There is no ${id}.`, advice);
  const all = stores.flatMap((store) => store.withId(id));
  const whole = all.filter(({ sessionId }) => sessionId === id);
  // Some let the user choose the id: one may be the beginning of another.
  const found = whole.length > 0 ? whole : all;
  const ids = [...new Set(found.map(({ sessionId }) => sessionId))];
  if (ids.length > 1)
    throw new UserError(
      `${ids.length} sessions begin with ${id}: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ' …' : ''}`,
      'Give more of the id.',
    );
  if (found.length === 0) throw new NoSuchSession(`There is no file, directory or session called ${id}.`, advice, unread);
  // A session that moved to another folder may have left its old file behind.
  return onceEach(found.map(({ ref }) => ref())).toSorted((a, b) => b.modifiedMs - a.modifiedMs);
}

/** @returns undefined where there is nothing */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Below it, a folder that may not be read is empty; of the one that was named the user wants to know. */
function demandReadable(folder: string): void {
  try {
    readdirSync(folder);
  } catch (error) {
    throw unreadable(folder, error);
  }
}
