/**
 * How many sessions wait to be delivered?
 *
 * in:   states on disk, the config, a destination
 * out:  a number, for the notice
 */
import { existsSync, statSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import type { Places } from '../read/find.ts';
import { scopeDecider } from '../sync/in-scope.ts';
import { standingOf } from '../sync/standing.ts';
import { type SessionState, unsettledSessions } from '../sync/state.ts';

export interface Waiting {
  readonly stateFolder: string;
  readonly config: Config;
  readonly places: Places;
  /** Of the destination, as in the ledger. */
  readonly key: string | undefined;
  readonly nowMs: number;
}

/** Of those that never were tried, the ones that are due: with a transcript, in scope, and not for their end to wait for. */
export function waitingSessions({ stateFolder, config, places, key, nowMs }: Waiting): number {
  const decide = scopeDecider(config, places.home, stateFolder);
  const isDue = (state: SessionState): boolean => {
    const { path, startDirectory } = state;
    const harness = places.harnesses.find(({ name }) => name === state.harness);
    if (harness === undefined || path === undefined || !existsSync(path)) return false;
    if (startDirectory !== undefined && !decide(startDirectory).inScope) return false;
    const modifiedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return config.when === 'turn' || standingOf({ harness, path, modifiedMs }, state, nowMs).ended;
  };
  return unsettledSessions(stateFolder).filter((state) => {
    const known = key === undefined ? undefined : state.delivered?.[key];
    return !state.disabled && (known === undefined ? isDue(state) : known.pending > 0);
  }).length;
}
