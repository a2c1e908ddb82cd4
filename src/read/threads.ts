/**
 * Sessions that lie as a file per thread: a session and its agents are files of one kind, anywhere below a root.
 *
 * in:   places, a `ThreadsLayout`
 * out:  `Store`; an agent whose parent is nowhere is a session of its own
 *
 * Which thread is whose only the first lines tell, so those of all files below a root are read: once, for they never change;
 * and for a thread that no other one started only those of threads that were made after it.
 */
import { dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import type { Harness, ThreadHead, ThreadsLayout } from '../harness/harness.ts';
import { beginningOf } from './beginning.ts';
import { entriesOf, foldersUnder, readableStats, realPathOf } from './folders.ts';
import type { AgentRef, Places, SessionRef, Store } from './refs.ts';
import { firstLineOf, isPacked, reasonAgainstAll } from './transcript.ts';

interface Kind {
  readonly harness: Harness;
  readonly layout: ThreadsLayout;
}

interface Thread {
  readonly id: string;
  /** In another one the same id is another thread's. */
  readonly scope: string;
  readonly path: string;
  readonly head: ThreadHead;
}

export function threadsStore(kind: Kind, places: Places): Store {
  const { harness, layout } = kind;
  const roots = layout.roots(places.env, places.home);
  const usual = (): readonly Thread[] => threadsBelow(roots, layout);
  return {
    harness,
    roots,
    names: (path) => layout.threadOf(path) !== undefined,
    owns: (path) => headOrNone(path, layout) !== undefined,
    at: (path) => [fromFile(path, kind, roots)],
    all: () => sessionsAmong(usual(), kind),
    under: (folder) => sessionsAmong(threadsBelow([folder], layout), kind),
    withId: (prefix) => {
      const trees = treesOf(usual());
      return (
        [...trees]
          // An agent leads to its session, by its whole id.
          .filter(([{ id }, agents]) => id.startsWith(prefix) || agents.some((agent) => agent.id === prefix))
          .map(([thread, agents]) => ({ sessionId: thread.id, ref: () => sessionRef(thread, agents, kind) }))
      );
    },
    begunIn: (directory) => sessionsAmong(usual(), kind).filter(({ startDirectory }) => startDirectory === directory),
    writtenSince: (sinceMs) =>
      [...treesOf(usual())].flatMap(([thread, agents]) => {
        const atMs = Math.max(...[thread, ...agents].map(({ path }) => readableStats(path)?.mtimeMs ?? 0));
        return atMs >= sinceMs ? [{ atMs, refs: () => [sessionRef(thread, agents, kind)] }] : [];
      }),
  };
}

/** All threads below a folder, by their ids: any of them may be an agent of another one's copy. */
export const threadsAround = (top: string, layout: ThreadsLayout): ReadonlyMap<string, AgentRef> =>
  new Map(threadsBelow([top], layout).map(({ id, path }) => [id, { agentId: id, path }]));

function fromFile(path: string, kind: Kind, roots: readonly string[]): SessionRef {
  const { layout } = kind;
  const real = realPathOf(path);
  const root = roots.find((each) => real.startsWith(`${realPathOf(each)}/`));
  const head = headOf(path, layout) ?? {};
  const id = head.threadId ?? layout.threadOf(path) ?? path;
  const isOlder = (other: string): boolean => head.parentThreadId === undefined && layout.isOlder?.(other, id) === true;
  const around = threadsBelow(root === undefined ? [layout.topOf?.(path) ?? dirname(path)] : roots, layout, isOlder);
  const trees = treesOf(around);
  for (const [thread, agents] of trees) {
    if (realPathOf(thread.path) === real) return sessionRef(thread, agents, kind);
    if (agents.some((agent) => realPathOf(agent.path) === real))
      throw new UserError(
        `${path} is the transcript of a sub-agent.`,
        `Name the session it belongs to, ${thread.id}: its agents come with it.`,
      );
  }
  // One of two files of a thread, or with a name of its own.
  const thread = { id, scope: layout.scopeOf?.(path) ?? '', path, head };
  return sessionRef(thread, agentsOf(thread, around), kind);
}

/** Threads below folders, one file each: of two, the one that is not packed, else the larger one. */
function threadsBelow(tops: readonly string[], layout: ThreadsLayout, isLeftOut: (id: string) => boolean = () => false): readonly Thread[] {
  const byId = new Map<string, Thread>();
  for (const top of tops)
    for (const folder of foldersUnder(top))
      for (const { name } of entriesOf(folder)) {
        const path = join(folder, name);
        const named = layout.threadOf(path);
        const head = named === undefined || isLeftOut(named) ? undefined : headOrNone(path, layout);
        if (named === undefined || head === undefined) continue;
        const thread = { id: head.threadId ?? named, scope: layout.scopeOf?.(path) ?? '', path, head };
        const other = byId.get(nameOf(thread));
        if (other === undefined || isBetter(thread, other)) byId.set(nameOf(thread), thread);
      }
  return [...byId.values()];
}

const nameOf = ({ id, scope }: Pick<Thread, 'id' | 'scope'>): string => `${scope}\0${id}`;

const isBetter = (a: Thread, b: Thread): boolean =>
  isPacked(a.path) === isPacked(b.path) ? (readableStats(a.path)?.size ?? 0) > (readableStats(b.path)?.size ?? 0) : isPacked(b.path);

/** A packed file is called like no other: where nothing in it can be read, its name tells whose it is, and reading it why. */
const headOrNone = (path: string, layout: ThreadsLayout): ThreadHead | undefined =>
  headOf(path, layout) ?? (isPacked(path) && layout.threadOf(path) !== undefined && reasonAgainstAll(path) !== undefined ? {} : undefined);

const heads = new WeakMap<ThreadsLayout, Map<string, ThreadHead>>();

function headOf(path: string, layout: ThreadsLayout): ThreadHead | undefined {
  const known = heads.get(layout) ?? new Map<string, ThreadHead>();
  heads.set(layout, known);
  const before = known.get(path);
  // A first line that is not whole yet is read again.
  const line = before === undefined ? firstLineOf(path) : undefined;
  const head = before ?? (line === undefined ? undefined : layout.headOf(line, path));
  if (head !== undefined) known.set(path, head);
  return head;
}

const sessionsAmong = (threads: readonly Thread[], kind: Kind): readonly SessionRef[] =>
  [...treesOf(threads)].map(([thread, agents]) => sessionRef(thread, agents, kind));

/** Threads that no other one among these started, each with all below it. */
function treesOf(threads: readonly Thread[]): ReadonlyMap<Thread, readonly Thread[]> {
  const byName = new Map(threads.map((thread) => [nameOf(thread), thread]));
  const trees = new Map<Thread, Thread[]>();
  for (const thread of threads) {
    const root = rootOf(thread, byName);
    const tree = trees.get(root) ?? [];
    if (root !== thread) tree.push(thread);
    trees.set(root, tree);
  }
  return trees;
}

function rootOf(thread: Thread, byName: ReadonlyMap<string, Thread>): Thread {
  const named = (id: string | undefined): Thread | undefined =>
    id === undefined ? undefined : byName.get(nameOf({ id, scope: thread.scope }));
  const seen = new Set<Thread>();
  let root = thread;
  for (;;) {
    seen.add(root);
    const { parentThreadId, rootThreadId } = root.head;
    if (parentThreadId === undefined) return root;
    const parent = named(parentThreadId) ?? named(rootThreadId);
    if (parent === undefined || seen.has(parent)) return root;
    root = parent;
  }
}

const agentsOf = (of: Thread, threads: readonly Thread[]): readonly Thread[] =>
  [...treesOf(threads)].find(([thread]) => nameOf(thread) === nameOf(of))?.[1] ?? [];

function sessionRef({ id, path }: Thread, agents: readonly Thread[], { harness, layout }: Kind): SessionRef {
  const stats = readableStats(path);
  const { atMs, directory } = beginningOf(path, layout);
  return {
    harness,
    layout,
    sessionId: id,
    path,
    folder: dirname(path),
    agents: agents.map((agent): AgentRef => ({ agentId: agent.id, path: agent.path })).toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1)),
    begunMs: atMs ?? 0,
    ...(directory !== undefined && { startDirectory: directory }),
    modifiedMs: stats?.mtimeMs ?? 0,
    bytes: stats?.size ?? 0,
  };
}
