/**
 * Whether the sessions of a directory are exported, and why.
 *
 * in:   Config; what the disk knows of the directory; the home that `~` stands for
 * out:  `ScopeDecision`; pure
 *
 * A pattern that names something also means what lies below it: who excludes github.com/acme means all of it.
 */
import { isAbsolute, relative, sep } from 'node:path';
import type { DirectoryFacts } from '../read/directory.ts';
import { expanded } from './paths.ts';
import type { Config } from './schema.ts';

/** A root, or a pattern of `include`. */
export interface Root {
  /** `~` expanded, as written otherwise. */
  readonly path: string;
  /** Unix ms. Absent when the config does not say: a root written by hand, a pattern. */
  readonly addedMs?: number;
}

export type ScopeDecision =
  | { readonly inScope: true; readonly root: Root; readonly why: string }
  | { readonly inScope: false; readonly why: string };

export function decideScope(config: Config, facts: DirectoryFacts, home: string): ScopeDecision {
  const excluding = config.exclude.find((pattern) => isExcluded(pattern, facts, home));
  if (excluding !== undefined) return { inScope: false, why: `excluded by ${excluding}` };
  const unsure = facts.exists ? undefined : config.exclude.find((pattern) => !isPlainDirectory(pattern, home));
  if (unsure !== undefined)
    return { inScope: false, why: `its directory is gone, so it can't be told whether ${unsure} excludes it: ${facts.directory}` };
  const roots = rootsOf(config, home);
  const inRoot = (path: string): Root | undefined =>
    oldest(roots.filter((root) => root.path === '*' || isInside(path, facts.realPath(root.path))));
  const root = inRoot(facts.path);
  if (root !== undefined)
    return { inScope: true, root, why: root.path === '*' ? 'every directory is in scope: *' : `inside the root ${root.path}` };
  const main = facts.repository === undefined ? undefined : inRoot(facts.repository);
  if (main !== undefined) return { inScope: true, root: main, why: `a git worktree of ${facts.repository}, inside the root ${main.path}` };
  const including = config.include.find((pattern) => isIncluded(pattern, facts, home));
  if (including !== undefined) return { inScope: true, root: { path: expanded(including, home) }, why: `included by ${including}` };
  return { inScope: false, why: notHeld(facts, roots, config.include) };
}

/** Of a session that tells no directory: it belongs to whoever wants all there is, and leaves nothing out of it. */
export function decideNowhere(config: Config, home: string): ScopeDecision {
  const [unsure] = config.exclude;
  if (unsure !== undefined) return { inScope: false, why: `it tells no directory, so it can't be told whether ${unsure} excludes it` };
  const root = oldest(rootsOf(config, home).filter(({ path }) => path === '*'));
  const pattern = config.include.find(isEverything);
  const everything = root ?? (pattern === undefined ? undefined : { path: expanded(pattern, home) });
  return everything === undefined
    ? { inScope: false, why: 'it tells no directory, so no root holds it' }
    : { inScope: true, root: everything, why: `every session is in scope: ${everything.path}` };
}

/** In the order of the config. */
export const rootsOf = (config: Config, home: string): readonly Root[] =>
  config.trace_roots.map((root) => {
    if (typeof root === 'string') return { path: expanded(root, home) };
    return { path: expanded(root.path, home), ...(root.added !== undefined && { addedMs: Date.parse(root.added) }) };
  });

/** Of several that hold a directory, the one that was added first: since then it has been in scope. */
const oldest = (roots: readonly Root[]): Root | undefined =>
  roots.toSorted((a, b) => (a.addedMs ?? Number.POSITIVE_INFINITY) - (b.addedMs ?? Number.POSITIVE_INFINITY))[0];

/** Wherever a link, a worktree, or a repository within another may hide it: excluding is strict. */
function isExcluded(pattern: string, facts: DirectoryFacts, home: string): boolean {
  const { directory, outerRepositories, outerRemotes } = facts;
  return (
    isIncluded(pattern, facts, home) ||
    [directory, ...outerRepositories].some((path) => isAt(pattern, path, facts, home)) ||
    outerRemotes.some(onRemote(pattern))
  );
}

const isEverything = (pattern: string): boolean => /^\*+$/.test(pattern);

function isIncluded(pattern: string, facts: DirectoryFacts, home: string): boolean {
  if (isEverything(pattern)) return true;
  const places = facts.repository === undefined ? [facts.path] : [facts.path, facts.repository];
  return places.some((path) => isAt(pattern, path, facts, home)) || facts.remotes.some(onRemote(pattern));
}

function onRemote(pattern: string): (remote: string) => boolean {
  const glob = globOf(pattern.replace(/\.git$/, ''), 'i');
  return (remote) => glob.test(remote);
}

/** The path alone tells whether it holds a directory. */
const isPlainDirectory = (pattern: string, home: string): boolean => isAbsolute(expanded(pattern, home)) && !pattern.includes('*');

function isAt(pattern: string, path: string, facts: DirectoryFacts, home: string): boolean {
  const place = expanded(pattern, home);
  if (!isAbsolute(place)) return false;
  if (place.includes('*')) return globOf(place).test(path);
  return isInside(path, place) || isInside(path, facts.realPath(place));
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way.split(sep)[0] !== '..' && !isAbsolute(way));
}

/** `*` stays within one segment, `**` does not. */
function globOf(pattern: string, flags = ''): RegExp {
  const source = pattern
    .replace(/\/+$/, '')
    .replaceAll(/\*\*+|[*.+?^${}()|[\]\\]/g, (found) => (found === '*' ? '[^/]*' : found.startsWith('*') ? '.*' : `\\${found}`));
  return new RegExp(`^${source}(?:/.*)?$`, flags);
}

function notHeld({ directory, path }: DirectoryFacts, roots: readonly Root[], include: readonly string[]): string {
  if (roots.length === 0 && include.length === 0) return 'nothing is exported: trace_roots is empty';
  const named = [
    ...(roots.length > 0 ? [`roots: ${roots.map(({ path }) => path).join(', ')}`] : []),
    ...(include.length > 0 ? [`include: ${include.join(', ')}`] : []),
  ];
  return `no root holds ${directory}${path === directory ? '' : `, which is ${path}`} (${named.join('; ')})`;
}
