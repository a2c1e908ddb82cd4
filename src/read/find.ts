/**
 * What the user named → sessions on disk.
 *
 * in:   a path, an id or its beginning, a directory; environment and home as arguments
 * out:  `SessionRef[]`, sorted so that a session comes before its forks
 */
import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { UserError } from '../errors.ts';
import type { Harness } from '../harness/harness.ts';
import {
  type AgentRef,
  agentsBeside,
  agentsIn,
  entriesOf,
  foldersIn,
  hasAgentFolder,
  realPathOf,
  type SessionRef,
  sessionRef,
  sessionsIn,
  sessionsUnder,
  unreadable,
} from './sessions.ts';

export type { AgentRef, SessionRef } from './sessions.ts';

export interface Places {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly harnesses: readonly Harness[];
}

/** Agents that lie beside their sessions, by folder and session. */
export type BesideIndex = Map<string, ReadonlyMap<string, readonly AgentRef[]>>;

/**
 * @param given   a file, a directory, a session id or the beginning of one
 * @param beside  folders listed before; for whoever asks for one session after another
 * @throws UserError when there is no such thing, it can't be read, or there is more than one
 */
export function findSessions(given: string, places: Places, beside: BesideIndex = new Map()): readonly SessionRef[] {
  const stats = statsOf(given);
  if (stats === undefined) return [byId(given, places, beside)];
  const harness = places.harnesses[0]!;
  if (stats.isDirectory()) {
    demandReadable(given);
    demandNoAgents(given, harness);
    const found = sessionsUnder(given, harness);
    if (found.length === 0)
      throw new UserError(`${given} holds no sessions.`, 'Name a transcript (.jsonl), or a folder such as ~/.claude/projects.');
    return found;
  }
  if (!stats.isFile())
    throw new UserError(
      `${given} is a pipe or a device, not a file.`,
      'Write the transcript to a file first (cat … > session.jsonl), and name that.',
    );
  return [fromFile(given, harness, beside)];
}

/** The newest session begun in a directory. */
export function lastSession(directory: string, places: Places): SessionRef {
  const real = realpathSync(directory);
  const found = places.harnesses.flatMap((harness) =>
    harness.layout.roots(places.env, places.home).flatMap((root) => sessionsIn(join(root, harness.layout.projectFolder(real)), harness)),
  );
  const newest = found.filter((ref) => ref.path !== undefined).toSorted((a, b) => b.modifiedMs - a.modifiedMs)[0];
  if (newest !== undefined) return newest;
  const searched = places.harnesses.flatMap((harness) => harness.layout.roots(places.env, places.home)).join(', ');
  throw new UserError(
    `No session of ${real} was found under ${searched}.`,
    'Change to the directory the agent was started in, or name a transcript.',
  );
}

/** All sessions of this machine, the last changed first. What can't be read is left out. */
export function allSessions({ env, home, harnesses }: Places): readonly SessionRef[] {
  const seen = new Set<string>();
  const found = harnesses.flatMap((harness) =>
    harness.layout.roots(env, home).flatMap((root) => {
      const real = `${harness.name} ${realPathOf(root)}`;
      if (seen.has(real)) return [];
      seen.add(real);
      return sessionsUnder(root, harness);
    }),
  );
  return found.toSorted((a, b) => b.modifiedMs - a.modifiedMs || (a.sessionId < b.sessionId ? -1 : 1));
}

/** The agents of all sessions in a project's folder, by the folder and by their ids. */
export type AgentIndex = Map<string, ReadonlyMap<string, AgentRef>>;

/**
 * The file of an agent whose id is known, among the neighbours of a session: where a fork's original keeps it.
 *
 * @param known  folders listed before; a fork may miss many agents, and its siblings the same ones
 */
export function findAgent({ folder, harness }: SessionRef, agentId: string, known: AgentIndex = new Map()): AgentRef | undefined {
  const key = `${harness.name} ${folder}`;
  const agents = known.get(key) ?? agentsAround(folder, harness);
  known.set(key, agents);
  return agents.get(agentId);
}

export const findNeighbour = (ref: SessionRef, idPrefix: string): string | undefined =>
  entriesOf(ref.folder)
    .filter(({ name }) => name.startsWith(idPrefix) && ref.harness.layout.classify(name)?.kind === 'session')
    .map(({ name }) => join(ref.folder, name))[0];

// ---------------------------------------------------------------------------------------------

function byId(id: string, places: Places, beside: BesideIndex): SessionRef {
  const advice = 'Name a file, a directory, a session id or its beginning; or --last for the newest session of this directory.';
  if (id.includes('/') || id.endsWith('.jsonl')) throw new UserError(`There is no ${id}.`, advice);
  const found = places.harnesses.flatMap((harness) =>
    harness.layout.roots(places.env, places.home).flatMap((root) =>
      foldersIn(root).flatMap((folder) =>
        entriesOf(join(root, folder)).flatMap(({ name }) => {
          const kind = harness.layout.classify(name);
          return kind?.kind === 'session' && kind.sessionId.startsWith(id)
            ? [{ harness, path: join(root, folder, name), sessionId: kind.sessionId }]
            : [];
        }),
      ),
    ),
  );
  const ids = [...new Set(found.map(({ sessionId }) => sessionId))];
  if (ids.length > 1)
    throw new UserError(
      `${ids.length} sessions begin with ${id}: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ' …' : ''}`,
      'Give more of the id.',
    );
  if (found.length === 0) throw new UserError(`There is no file, directory or session called ${id}.`, advice);
  // A session that moved to another folder may have left its old file behind.
  return found.map(({ harness, path }) => fromFile(path, harness, beside)).toSorted((a, b) => b.modifiedMs - a.modifiedMs)[0]!;
}

function fromFile(path: string, harness: Harness, known: BesideIndex): SessionRef {
  const folder = dirname(path);
  const kind = harness.layout.classify(basename(path));
  if (kind?.kind === 'agent' || isWithinAgents(folder, harness))
    throw new UserError(`${path} is the transcript of a sub-agent.`, 'Name the session it belongs to: its agents come with it.');
  const sessionId = kind?.sessionId ?? basename(path);
  const own = agentsIn(join(folder, sessionId), folder, harness);
  const key = `${harness.name} ${folder}`;
  const beside = known.get(key) ?? agentsBeside(folder, harness);
  known.set(key, beside);
  return sessionRef(harness, sessionId, path, folder, [...own, ...(beside.get(sessionId) ?? [])]);
}

function agentsAround(folder: string, harness: Harness): ReadonlyMap<string, AgentRef> {
  const agents = new Map<string, AgentRef>();
  for (const neighbour of foldersIn(folder))
    for (const agent of agentsIn(join(folder, neighbour), folder, harness))
      if (!agents.has(agent.agentId)) agents.set(agent.agentId, agent);
  return agents;
}

/** A session's own folder: its file lies beside it, or is gone and its agents are left. A name alone tells nothing. */
function isSessionFolder(folder: string, harness: Harness): boolean {
  if (!hasAgentFolder(folder, harness)) return false;
  const [parent, id] = [dirname(resolve(folder)), basename(resolve(folder))];
  const isItsFile = (name: string): boolean => {
    const kind = harness.layout.classify(name);
    return kind?.kind === 'session' && kind.sessionId === id;
  };
  return entriesOf(parent).some(({ name }) => isItsFile(name)) || agentsIn(resolve(folder), parent, harness).length > 0;
}

/** Whether a folder is, or lies in, the one where a session keeps its agents. */
function isWithinAgents(folder: string, harness: Harness): boolean {
  const parts = realPathOf(folder).split(sep);
  return parts.some(
    (part, at) => at > 1 && harness.layout.agentFolders.includes(part) && isSessionFolder(parts.slice(0, at).join(sep), harness),
  );
}

function demandNoAgents(folder: string, harness: Harness): void {
  if (isSessionFolder(folder, harness) || isWithinAgents(folder, harness))
    throw new UserError(`${folder} holds the sub-agents of one session.`, 'Name the session, or the folder above it.');
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
