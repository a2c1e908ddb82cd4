/**
 * Folders on disk → the sessions in them.
 *
 * in:   a folder, the harness's layout
 * out:  `SessionRef[]`; a folder that isn't there, or may not be read, holds none
 *
 * Links to directories are followed, each directory once, so a loop of links ends.
 */
import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
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

/** Enough of an agent's file to tell whose it is. */
const HEAD_BYTES = 64 * 1024;
/** `<session>/subagents/workflows/<run>/agent-….jsonl`. */
const MAX_AGENT_DEPTH = 3;

/** A folder and all below it; a session comes before its forks. */
export function sessionsUnder(top: string, harness: Harness): readonly SessionRef[] {
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
  visit(top);
  return found.toSorted((a, b) => a.begunMs - b.begunMs || (a.sessionId < b.sessionId ? -1 : 1));
}

/** The sessions whose files lie in one folder, and those of which only agents are left. */
export function sessionsIn(folder: string, harness: Harness): readonly SessionRef[] {
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

export function sessionRef(
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

export function agentsIn(sessionFolder: string, projectFolder: string, harness: Harness): readonly AgentRef[] {
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
export function agentsBeside(folder: string, harness: Harness): ReadonlyMap<string, readonly AgentRef[]> {
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

export const hasAgentFolder = (folder: string, harness: Harness): boolean =>
  foldersIn(folder).some((name) => harness.layout.agentFolders.includes(name));

export const unreadable = (path: string, error: unknown): UserError =>
  // Node repeats the path at the end.
  new UserError(
    `${path} can't be read: ${(error as Error).message.replace(/, \w+ '.*$/s, '')}.`,
    'Check the path, and the permissions of its folders.',
  );

export function realPathOf(path: string): string {
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

export const entriesOf = (folder: string) => listed(folder).filter((entry) => !entry.isFolder);
export const foldersIn = (folder: string): readonly string[] => listed(folder).flatMap((entry) => (entry.isFolder ? [entry.name] : []));

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
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
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
