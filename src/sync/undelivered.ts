/**
 * Does a destination owe nothing more of a session? By what is remembered and by the look of its files: nothing is built.
 *
 * in:   SessionRef; states and times of roots on disk, the config, the key of a destination
 * out:  true for one in scope of which something final may be missing there; and which are in no scope though nobody left them out
 */
import type { Config } from '../config/schema.ts';
import { rootsOf } from '../config/scope.ts';
import type { SessionRef } from '../read/find.ts';
import { nameOf, parentOf } from './deliver-session.ts';
import { scopeDecider, startDirectoryOf } from './in-scope.ts';
import { rootTimes } from './settings.ts';
import { isAsSeen, standingOf } from './standing.ts';
import { readState, type SessionState } from './state.ts';

export interface Owing {
  readonly config: Config;
  readonly home: string;
  readonly stateFolder: string;
  /** Of the destination, as in the ledger. */
  readonly key: string;
  readonly nowMs: number;
}

/** For one session after another. */
export function undeliveredTo({ config, home, stateFolder, key, nowMs }: Owing): (ref: SessionRef) => boolean {
  const decide = scopeDecider(config, home, stateFolder);
  const addedMs = rootTimes(config, home, stateFolder);
  const isExported = (ref: SessionRef, state: SessionState): boolean => {
    const { inScope } = decide(startDirectoryOf(ref, stateFolder));
    return inScope && state.disabled !== true && parentOf(state)?.sampled !== false;
  };
  return (ref) => {
    // Only agents of it are left, or it tells of nothing yet: it is delivered when somebody names it.
    if (ref.path === undefined || ref.begunMs === 0) return false;
    const state = readState(stateFolder, nameOf(ref));
    if (!isExported(ref, state)) return false;
    const known = state.delivered?.[key];
    // What was written before its root was added is not for hooks.
    if (known === undefined) return ref.modifiedMs >= (addedMs(ref) ?? 0);
    const { ended } = standingOf(ref, state, nowMs);
    return known.pending > 0 || !isAsSeen(ref, known.seen) || (ended && !known.ended && known.open > 0);
  };
}

/**
 * Whether a session goes nowhere for the only reason that it tells no directory: nobody named it, and no root can have it.
 *
 * @param begunSinceMs  Unix ms; default: when the first root was added
 */
export function unplacedIn(
  { config, home, stateFolder, key }: Owing,
  begunSinceMs = firstAddedMs(config, home),
): (ref: SessionRef) => boolean {
  const decide = scopeDecider(config, home, stateFolder);
  return (ref) => {
    if (ref.path === undefined || ref.begunMs === 0 || ref.begunMs < begunSinceMs) return false;
    if (startDirectoryOf(ref, stateFolder) !== undefined || decide(undefined).inScope) return false;
    const state = readState(stateFolder, nameOf(ref));
    return state.disabled !== true && state.delivered?.[key] === undefined;
  };
}

/** Who opted nothing in misses nothing. */
const firstAddedMs = (config: Config, home: string): number =>
  Math.min(...rootsOf(config, home).map(({ addedMs = 0 }) => addedMs), ...config.include.map(() => 0));
