/**
 * Sessions that lie as a file each in the folder of their project, with their agents' files in folders beside them.
 *
 * in:   places, a `ProjectsLayout`
 * out:  `Store`; a session that only agents are left of is found, too
 *
 * Links to directories are followed, each directory once, so a loop of links ends.
 */
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../errors.ts';
import type { Harness, ProjectsLayout } from '../harness/harness.ts';
import { beginningOf } from './beginning.ts';
import { entriesOf, foldersIn, foldersUnder, readableHead, readableStats, realPathOf } from './folders.ts';
import type { AgentRef, Places, SessionRef, Store } from './refs.ts';

/** Agents that lie beside their sessions, by folder and session. */
export type BesideIndex = Map<string, ReadonlyMap<string, readonly AgentRef[]>>;

/** Enough of an agent's file to tell whose it is. */
const HEAD_BYTES = 64 * 1024;
/** `<session>/subagents/workflows/<run>/agent-….jsonl`. */
const MAX_AGENT_DEPTH = 3;

/** A kind of place: one harness's, by one layout. */
interface Kind {
  readonly harness: Harness;
  readonly layout: ProjectsLayout;
}

/**
 * @param isOthers  whether a file is another store's, by its name
 * @param beside    folders listed before; for whoever asks for one session after another
 */
export function projectsStore(kind: Kind, places: Places, isOthers: (path: string) => boolean, beside: BesideIndex): Store {
  const { harness, layout } = kind;
  const roots = layout.roots(places.env, places.home);
  const files = function* (): Generator<{ path: string; sessionId: string }> {
    for (const root of roots)
      for (const folder of foldersIn(root))
        for (const { name } of entriesOf(join(root, folder))) {
          const file = layout.classify(name);
          if (file?.kind === 'session') yield { path: join(root, folder, name), sessionId: file.sessionId };
        }
  };
  return {
    harness,
    roots,
    names: () => false,
    owns: () => true, // Whatever the name: a transcript may have been copied anywhere.
    at: (path) => [fromFile(path, kind, beside)],
    all: () => [...new Map(roots.map((root) => [realPathOf(root), root])).values()].flatMap((root) => sessionsUnder(root, kind, isOthers)),
    under: (folder) => {
      demandNoAgents(folder, layout);
      return sessionsUnder(folder, kind, isOthers);
    },
    withId: (prefix) =>
      [...files()]
        .filter(({ sessionId }) => sessionId.startsWith(prefix))
        .map(({ sessionId, path }) => ({ sessionId, ref: () => fromFile(path, kind, beside) })),
    begunIn: (directory) =>
      roots
        .flatMap((root) => sessionsIn(join(root, layout.projectFolder(directory)), kind, isOthers))
        .filter(({ path }) => path !== undefined),
    writtenSince: (sinceMs) =>
      [...files()].flatMap(({ path }) => {
        const stats = readableStats(path);
        if (!stats?.isFile() || stats.mtimeMs < sinceMs) return [];
        return [{ atMs: stats.mtimeMs, refs: () => (readableStats(path) === undefined ? [] : [fromFile(path, kind, beside)]) }];
      }),
  };
}

/** A folder and all below it. */
function sessionsUnder(top: string, kind: Kind, isOthers: (path: string) => boolean): readonly SessionRef[] {
  const ids = new Map<string, ReadonlySet<string>>();
  const isOfSession = (folder: string, name: string): boolean =>
    ids.get(folder)!.has(name) && hasAgentFolder(join(folder, name), kind.layout);
  const found: SessionRef[] = [];
  for (const folder of foldersUnder(top, isOfSession)) {
    const sessions = sessionsIn(folder, kind, isOthers);
    ids.set(folder, new Set(sessions.map(({ sessionId }) => sessionId)));
    for (const session of sessions) found.push(session);
  }
  return found;
}

/** The sessions whose files lie in one folder, and those of which only agents are left. */
function sessionsIn(folder: string, kind: Kind, isOthers: (path: string) => boolean): readonly SessionRef[] {
  const { layout } = kind;
  const paths = new Map(
    entriesOf(folder).flatMap(({ name }) => {
      const file = layout.classify(name);
      const path = join(folder, name);
      return file?.kind === 'session' && !isOthers(path) ? [[file.sessionId, path] as const] : [];
    }),
  );
  const beside = agentsBeside(folder, layout);
  const folders = foldersIn(folder).filter((name) => !paths.has(name) && agentsIn(join(folder, name), folder, layout).length > 0);
  const ids = new Set([...paths.keys(), ...beside.keys(), ...folders]);
  return [...ids].map((sessionId) =>
    sessionRef(kind, sessionId, paths.get(sessionId), folder, [
      ...agentsIn(join(folder, sessionId), folder, layout),
      ...(beside.get(sessionId) ?? []),
    ]),
  );
}

function sessionRef(
  { harness, layout }: Kind,
  sessionId: string,
  path: string | undefined,
  folder: string,
  agents: readonly AgentRef[],
): SessionRef {
  const anyPath = path ?? agents[0]?.path;
  const stats = anyPath === undefined ? undefined : readableStats(anyPath);
  const { atMs, directory = directoryAmong(agents, layout) } = anyPath === undefined ? {} : beginningOf(anyPath, layout);
  return {
    harness,
    layout,
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

function directoryAmong(agents: readonly AgentRef[], layout: ProjectsLayout): string | undefined {
  for (const { path } of agents) {
    const { directory } = beginningOf(path, layout);
    if (directory !== undefined) return directory;
  }
  return undefined;
}

function fromFile(path: string, kind: Kind, known: BesideIndex): SessionRef {
  const { harness, layout } = kind;
  const folder = dirname(path);
  const file = layout.classify(basename(path));
  if (file?.kind === 'agent' || isWithinAgents(folder, layout))
    throw new UserError(`${path} is the transcript of a sub-agent.`, 'Name the session it belongs to: its agents come with it.');
  const sessionId = file?.sessionId ?? basename(path);
  const own = agentsIn(join(folder, sessionId), folder, layout);
  const key = `${harness.name} ${folder}`;
  const beside = known.get(key) ?? agentsBeside(folder, layout);
  known.set(key, beside);
  return sessionRef(kind, sessionId, path, folder, [...own, ...(beside.get(sessionId) ?? [])]);
}

// ---------------------------------------------------------------------------------------------

export function findNeighbour({ folder, layout }: SessionRef, idPrefix: string): string | undefined {
  if (layout.kind !== 'projects') return undefined;
  return entriesOf(folder)
    .filter(({ name }) => name.startsWith(idPrefix) && layout.classify(name)?.kind === 'session')
    .map(({ name }) => join(folder, name))[0];
}

/** The agents of all sessions in a project's folder, by their ids. */
export function agentsAround(folder: string, layout: ProjectsLayout): ReadonlyMap<string, AgentRef> {
  const agents = new Map<string, AgentRef>();
  for (const neighbour of foldersIn(folder))
    for (const agent of agentsIn(join(folder, neighbour), folder, layout)) if (!agents.has(agent.agentId)) agents.set(agent.agentId, agent);
  return agents;
}

function agentsIn(sessionFolder: string, projectFolder: string, layout: ProjectsLayout): readonly AgentRef[] {
  const visit = (folder: string, depth: number): AgentRef[] => [
    ...entriesOf(folder).flatMap(({ name }) => {
      const path = join(folder, name);
      const file = layout.classify(relative(projectFolder, path).split(sep).join('/'));
      return file?.kind === 'agent' ? [{ agentId: file.agentId, path, ...(file.group !== undefined && { group: file.group }) }] : [];
    }),
    ...(depth < MAX_AGENT_DEPTH ? foldersIn(folder).flatMap((name) => visit(join(folder, name), depth + 1)) : []),
  ];
  return layout.agentFolders.flatMap((name) => visit(join(sessionFolder, name), 1));
}

/** Old versions keep agents beside the sessions; only their lines tell whose they are. */
function agentsBeside(folder: string, layout: ProjectsLayout): ReadonlyMap<string, readonly AgentRef[]> {
  const bySession = new Map<string, AgentRef[]>();
  for (const { name } of entriesOf(folder)) {
    const file = layout.classify(name);
    if (file?.kind !== 'agent') continue;
    const path = join(folder, name);
    const sessionId = layout.sessionOf(readableHead(path, HEAD_BYTES));
    if (sessionId !== undefined) bySession.set(sessionId, [...(bySession.get(sessionId) ?? []), { agentId: file.agentId, path }]);
  }
  return bySession;
}

const hasAgentFolder = (folder: string, layout: ProjectsLayout): boolean =>
  foldersIn(folder).some((name) => layout.agentFolders.includes(name));

/** A session's own folder: its file lies beside it, or is gone and its agents are left. A name alone tells nothing. */
function isSessionFolder(folder: string, layout: ProjectsLayout): boolean {
  if (!hasAgentFolder(folder, layout)) return false;
  const [parent, id] = [dirname(resolve(folder)), basename(resolve(folder))];
  const isItsFile = (name: string): boolean => {
    const file = layout.classify(name);
    return file?.kind === 'session' && file.sessionId === id;
  };
  return entriesOf(parent).some(({ name }) => isItsFile(name)) || agentsIn(resolve(folder), parent, layout).length > 0;
}

/** Whether a folder is, or lies in, the one where a session keeps its agents. */
function isWithinAgents(folder: string, layout: ProjectsLayout): boolean {
  const parts = realPathOf(folder).split(sep);
  return parts.some((part, at) => at > 1 && layout.agentFolders.includes(part) && isSessionFolder(parts.slice(0, at).join(sep), layout));
}

function demandNoAgents(folder: string, layout: ProjectsLayout): void {
  if (isSessionFolder(folder, layout) || isWithinAgents(folder, layout))
    throw new UserError(`${folder} holds the sub-agents of one session.`, 'Name the session, or the folder above it.');
}
