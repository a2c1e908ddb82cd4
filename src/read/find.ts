/**
 * What the user named → sessions on disk.
 *
 * in:   a path, an id or its beginning, a directory; environment and home as arguments
 * out:  `SessionRef[]`, sorted so that a session comes before its forks
 *
 * Links to directories are followed, each directory once, so a loop of links ends.
 */
import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../errors.ts';
import type { Harness } from '../harness/harness.ts';
import { beginningOf } from './beginning.ts';
import { headOf } from './lines.ts';

export interface SessionRef {
  readonly harness: Harness;
  readonly sessionId: string;
  /** Absent when only agents of the session are left. */
  readonly path: string | undefined;
  /** The folder that holds the session's file, and its siblings. */
  readonly folder: string;
  readonly agents: readonly AgentRef[];
  /** Time of the first line that has one, Unix ms: a fork's file begins later than its original. */
  readonly begunMs: number;
  /** Directory the session began in, as its own file tells; where that is empty or gone, as its agents' files do. */
  readonly startDirectory?: string;
  readonly modifiedMs: number;
  /** Size of the session's own file. */
  readonly bytes: number;
}

export interface AgentRef {
  readonly agentId: string;
  readonly path: string;
  readonly group?: string;
}

export interface Places {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly harnesses: readonly Harness[];
}

/** Enough of an agent's file to tell whose it is. */
const HEAD_BYTES = 64 * 1024;
/** `<session>/subagents/workflows/<run>/agent-….jsonl`. */
const MAX_AGENT_DEPTH = 3;

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

function sessionsUnder(top: string, harness: Harness): readonly SessionRef[] {
  const seen = new Set<string>();
  const found: SessionRef[] = [];
  const visit = (folder: string): void => {
    const real = realPathOf(folder);
    if (seen.has(real)) return;
    seen.add(real);
    const sessions = sessionsIn(folder, harness);
    for (const session of sessions) found.push(session);
    const ids = new Set(sessions.map(({ sessionId }) => sessionId));
    const isOfSession = (name: string): boolean => ids.has(name) && hasAgentFolder(join(folder, name), harness);
    for (const name of foldersIn(folder)) if (!isOfSession(name)) visit(join(folder, name));
  };
  if (isSessionFolder(top, harness) || isWithinAgents(top, harness))
    throw new UserError(`${top} holds the sub-agents of one session.`, 'Name the session, or the folder above it.');
  visit(top);
  return found.toSorted((a, b) => a.begunMs - b.begunMs || (a.sessionId < b.sessionId ? -1 : 1));
}

/** The sessions whose files lie in one folder, and those of which only agents are left. */
function sessionsIn(folder: string, harness: Harness): readonly SessionRef[] {
  const paths = new Map(
    entriesOf(folder).flatMap(({ name }) => {
      const kind = harness.layout.classify(name);
      return kind?.kind === 'session' ? [[kind.sessionId, join(folder, name)] as const] : [];
    }),
  );
  const beside = agentsBeside(folder, harness);
  const folders = foldersIn(folder).filter((name) => !paths.has(name) && agentsIn(join(folder, name), folder, harness).length > 0);
  const ids = new Set([...paths.keys(), ...beside.keys(), ...folders]);
  return [...ids].map((sessionId) =>
    sessionRef(harness, sessionId, paths.get(sessionId), folder, [
      ...agentsIn(join(folder, sessionId), folder, harness),
      ...(beside.get(sessionId) ?? []),
    ]),
  );
}

function sessionRef(
  harness: Harness,
  sessionId: string,
  path: string | undefined,
  folder: string,
  agents: readonly AgentRef[],
): SessionRef {
  const anyPath = path ?? agents[0]?.path;
  const stats = anyPath === undefined ? undefined : readableStats(anyPath);
  const { atMs, directory = directoryAmong(agents, harness) } = anyPath === undefined ? {} : beginningOf(anyPath, harness.layout);
  return {
    harness,
    sessionId,
    path,
    folder,
    agents: agents.toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1)),
    begunMs: atMs ?? 0,
    ...(directory !== undefined && { startDirectory: directory }),
    modifiedMs: stats?.mtimeMs ?? 0,
    bytes: path === undefined ? 0 : (stats?.size ?? 0),
  };
}

function directoryAmong(agents: readonly AgentRef[], { layout }: Harness): string | undefined {
  for (const { path } of agents) {
    const { directory } = beginningOf(path, layout);
    if (directory !== undefined) return directory;
  }
  return undefined;
}

function agentsAround(folder: string, harness: Harness): ReadonlyMap<string, AgentRef> {
  const agents = new Map<string, AgentRef>();
  for (const neighbour of foldersIn(folder))
    for (const agent of agentsIn(join(folder, neighbour), folder, harness))
      if (!agents.has(agent.agentId)) agents.set(agent.agentId, agent);
  return agents;
}

function agentsIn(sessionFolder: string, projectFolder: string, harness: Harness): readonly AgentRef[] {
  const visit = (folder: string, depth: number): AgentRef[] => [
    ...entriesOf(folder).flatMap(({ name }) => {
      const path = join(folder, name);
      const kind = harness.layout.classify(relative(projectFolder, path).split(sep).join('/'));
      return kind?.kind === 'agent' ? [{ agentId: kind.agentId, path, ...(kind.group !== undefined && { group: kind.group }) }] : [];
    }),
    ...(depth < MAX_AGENT_DEPTH ? foldersIn(folder).flatMap((name) => visit(join(folder, name), depth + 1)) : []),
  ];
  return harness.layout.agentFolders.flatMap((name) => visit(join(sessionFolder, name), 1));
}

/** Old versions keep agents beside the sessions; only their lines tell whose they are. */
function agentsBeside(folder: string, harness: Harness): ReadonlyMap<string, readonly AgentRef[]> {
  const bySession = new Map<string, AgentRef[]>();
  for (const { name } of entriesOf(folder)) {
    const kind = harness.layout.classify(name);
    if (kind?.kind !== 'agent') continue;
    const path = join(folder, name);
    const sessionId = harness.layout.sessionOf(readableHead(path));
    if (sessionId !== undefined) bySession.set(sessionId, [...(bySession.get(sessionId) ?? []), { agentId: kind.agentId, path }]);
  }
  return bySession;
}

const hasAgentFolder = (folder: string, harness: Harness): boolean =>
  foldersIn(folder).some((name) => harness.layout.agentFolders.includes(name));

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

const unreadable = (path: string, error: unknown): UserError =>
  // Node repeats the path at the end.
  new UserError(
    `${path} can't be read: ${(error as Error).message.replace(/, \w+ '.*$/s, '')}.`,
    'Check the path, and the permissions of its folders.',
  );

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path); // It vanished, or may not be read: then it is empty to us.
  }
}

/** Files that can't be read are told when they are opened for good. */
function readableStats(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function readableHead(path: string): string {
  try {
    return headOf(path, HEAD_BYTES);
  } catch {
    return '';
  }
}

const entriesOf = (folder: string) => listed(folder).filter((entry) => !entry.isFolder);
const foldersIn = (folder: string): readonly string[] => listed(folder).flatMap((entry) => (entry.isFolder ? [entry.name] : []));

/** Names in a folder, sorted; a folder that isn't there, or may not be read, is empty. */
function listed(folder: string): readonly { readonly name: string; readonly isFolder: boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .map((entry) => ({
        name: entry.name,
        isFolder: entry.isDirectory() || (entry.isSymbolicLink() && leadsToFolder(join(folder, entry.name))),
      }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw unreadable(folder, error);
  }
}

/** A link that leads nowhere, or in a circle, leads to no folder. */
function leadsToFolder(link: string): boolean {
  try {
    return statSync(link).isDirectory();
  } catch {
    return false;
  }
}
