/**
 * Which sessions on this machine are to be exported?
 *
 * in:   Config, home, where harnesses keep their transcripts
 * out:  the scope of one session; all sessions in scope, newest first
 */
import { join } from 'node:path';
import { expanded } from '../config/paths.ts';
import type { Config } from '../config/schema.ts';
import { decideNowhere, decideScope, rootsOf, type ScopeDecision } from '../config/scope.ts';
import { readIfThere, writePrivate } from '../disk/files.ts';
import { type Places, type SessionRef, sessionsWritten } from '../read/find.ts';
import { nameOf } from './deliver-session.ts';
import { directoriesIn } from './directories.ts';
import { readState, type ToldDirectory } from './state.ts';

/**
 * Decides for one directory after another: what was found out of one serves its other sessions.
 *
 * @param stateFolder  to remember directories by that are in scope: one that is gone then is judged as it was
 */
export function scopeDecider(config: Config, home: string, stateFolder?: string): (directory: string | undefined) => ScopeDecision {
  const directories = directoriesIn(stateFolder);
  const known = new Map<string, ScopeDecision>();
  const nowhere = decideNowhere(config, home);
  return (directory) => {
    if (directory === undefined) return nowhere;
    const before = known.get(directory);
    if (before !== undefined) return before;
    const facts = directories.factsOf(directory);
    const decision = decideScope(config, facts, home);
    // Of one that is in scope no more, what was remembered must not bring it back.
    if (facts.exists && (decision.inScope || directories.isKnown(facts.directory))) directories.remember(facts);
    known.set(directory, decision);
    return decision;
  };
}

/**
 * By the transcript itself, which no repository writes; by what a hook said only while there is none: a repository can
 * set the variables of a hook. Where a transcript tells none, by what its agent wrote into the payload of the hook that came as it began.
 */
export function startDirectoryOf(ref: SessionRef, stateFolder: string, told?: ToldDirectory): string | undefined {
  if (ref.path !== undefined && ref.startDirectory !== undefined) return ref.startDirectory;
  const state = readState(stateFolder, nameOf(ref));
  if (ref.path === undefined) return state.startDirectory ?? ref.startDirectory;
  const { directory, atMs } = state.told ?? told ?? { atMs: Number.NaN };
  return Math.abs(atMs - ref.begunMs) <= BEGINNING_MS ? directory : undefined;
}

/** Between the first line of a session and the hook of its start. */
const BEGINNING_MS = 60_000;

export interface Search {
  readonly config: Config;
  readonly places: Places;
  readonly stateFolder: string;
  /** Only files written since then. Unix ms. */
  readonly writtenSinceMs: number;
  /** Only sessions begun since then; default: since their root was added. Unix ms. */
  readonly begunSinceMs?: number | undefined;
  readonly nowMs: number;
  /** Told of those that are not in scope and tell no directory. */
  readonly onUnplaced?: (ref: SessionRef) => void;
}

/** Newest first. A transcript that can't be read is left to whoever names it. */
export function sessionsInScope(search: Search): readonly SessionRef[] {
  const { config, places, stateFolder, nowMs, onUnplaced } = search;
  const decide = scopeDecider(config, places.home, stateFolder);
  const addedMs = whenAdded(config, places.home, stateFolder, nowMs);
  return [...sessionsWritten(places, search.writtenSinceMs)].flatMap((ref) => {
    const directory = startDirectoryOf(ref, stateFolder);
    const decision = decide(directory);
    if (!decision.inScope) {
      if (directory === undefined) onUnplaced?.(ref);
      return [];
    }
    return ref.begunMs >= (search.begunSinceMs ?? decision.root.addedMs ?? addedMs(decision.root.path)) ? [ref] : [];
  });
}

/** A root that was written by hand says nothing of when: then it counts from when we first saw it. */
function whenAdded(config: Config, home: string, stateFolder: string, nowMs: number): (root: string) => number {
  const path = join(stateFolder, 'roots.json');
  const known = storedTimes(path);
  const unstamped = rootsOf(config, home).flatMap(({ path: root, addedMs }) => (addedMs === undefined ? [root] : []));
  const all = [...unstamped, ...config.include.map((pattern) => expanded(pattern, home))];
  if (all.some((root) => known[root] === undefined)) {
    const times = Object.fromEntries(all.map((root) => [root, known[root] ?? nowMs]));
    writePrivate(path, `${JSON.stringify(times)}\n`);
    return (root) => times[root] ?? nowMs;
  }
  return (root) => known[root] ?? nowMs;
}

function storedTimes(path: string): Record<string, number> {
  try {
    return JSON.parse(readIfThere(path) ?? '{}') ?? {};
  } catch {
    return {}; // Damaged: they count from now.
  }
}
