/**
 * Does a destination owe nothing more of a session? By what is remembered and by the look of its files: nothing is built.
 *
 * in:   SessionRef; states and times of roots on disk, the config, the key of a destination
 * out:  true for one in scope of which something final may be missing there
 */
import type { Config } from '../config/schema.ts';
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
    const directory = startDirectoryOf(ref, stateFolder);
    return directory !== undefined && decide(directory).inScope && state.disabled !== true && parentOf(state)?.sampled !== false;
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
