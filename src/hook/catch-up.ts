/**
 * What earlier hooks could not do: sessions whose end never came, that a collector did not take, that no hook told of.
 *
 * in:   states and transcripts on disk
 * out:  one delivery after another; between them the caller looks at the queue, which goes first
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, removeHalfWritten, writePrivate } from '../disk/files.ts';
import { isAlive } from '../disk/lock.ts';
import { findSessions, type SessionRef } from '../read/find.ts';
import { nameOf } from '../sync/deliver-session.ts';
import { scopeDecider, sessionsInScope, startDirectoryOf } from '../sync/in-scope.ts';
import { standingOf } from '../sync/standing.ts';
import { allSessions, forget, readState, type SessionState, settle, unsettledSessions, writeState } from '../sync/state.ts';
import { deliver } from './session-jobs.ts';
import type { Shift } from './shift.ts';

/** A look at every transcript there is costs thousands of files: not at every start of a session. */
const SCAN_EVERY_MS = 60 * 60_000;
/** A file that was written to while the last scan went on. */
const SCAN_OVERLAP_MS = 10 * 60_000;
/** A session that was opened and is not used: longer than anybody leaves a terminal like that. */
const UNBEGUN_MAX_MS = 14 * 24 * 60 * 60_000;
const PRUNE_EVERY_MS = 7 * 24 * 60 * 60_000;
/** Nobody is at one file for so long. */
const HALF_WRITTEN_MAX_MS = 60 * 60_000;

/** @param began  whether a session began meanwhile: then there is time for a scan */
export async function* catchUp(crew: Shift, began: () => boolean): AsyncGenerator<void> {
  const { paths, now, loaded, log, home } = crew;
  const decide = scopeDecider(loaded.config, home);
  const isInScope = (ref: SessionRef): boolean => {
    const directory = startDirectoryOf(ref, paths.state);
    return directory !== undefined && decide(directory).inScope;
  };
  const deliverIfDue = async (ref: SessionRef, state: SessionState): Promise<void> => {
    if (loaded.config.when === 'turn' || standingOf(ref, state, now()).ended) await deliver(ref, crew, log);
  };
  for (const state of unsettledSessions(paths.state)) {
    const ref = refOf(state, crew);
    if (state.disabled) settle(paths.state, state);
    else if (ref === undefined) settleGone(state, crew);
    else if (isInScope(ref)) await deliverIfDue(ref, state);
    yield;
  }
  const times = readTimes(paths.state);
  if (!began() || within(times.scannedAtMs, SCAN_EVERY_MS, now())) return;
  const scannedAtMs = now();
  const found = sessionsInScope({
    config: loaded.config,
    places: crew.places,
    stateFolder: paths.state,
    writtenSinceMs: within(times.scannedAtMs, Number.POSITIVE_INFINITY, scannedAtMs) ? times.scannedAtMs! - SCAN_OVERLAP_MS : 0,
    nowMs: scannedAtMs,
  });
  for (const ref of found) {
    // First, for a job may tell that it is disabled.
    yield;
    const known = readState(paths.state, nameOf(ref));
    if (known.disabled) continue;
    // Marked first, for the next scan won't find what can't be delivered now.
    const state = { ...known, ...(ref.path !== undefined && { path: ref.path }) };
    writeState(paths.state, state, 'unsettled');
    await deliverIfDue(ref, state);
  }
  const prunes = !within(times.prunedAtMs, PRUNE_EVERY_MS, now());
  if (prunes) await prune(crew);
  writePrivate(timesPath(paths.state), `${JSON.stringify({ scannedAtMs, prunedAtMs: prunes ? now() : times.prunedAtMs })}\n`);
}

/** A session that works in a worktree takes its file there. */
function refOf({ path, sessionId }: SessionState, { places }: Shift): SessionRef | undefined {
  try {
    return findSessions(path !== undefined && existsSync(path) ? path : sessionId, places)[0];
  } catch {
    return undefined; // There is none.
  }
}

/** A session that was left without a prompt never had a transcript; one that had may have been deleted before its time. */
function settleGone(state: SessionState, { paths, log, now }: Shift): void {
  if (state.delivered === undefined) {
    if (isOver(state, now())) forget(paths.state, state);
    return;
  }
  const lost = owedBy(state);
  const message = `its transcript is gone, and ${lost} of its spans were not delivered`;
  if (lost > 0) log('error', message, state.sessionId);
  writeState(paths.state, { ...state, ...(lost > 0 && { failure: { atMs: now(), message } }) }, 'settled');
}

function isOver({ endedAtMs, process, seenAtMs = 0 }: SessionState, nowMs: number): boolean {
  return endedAtMs !== undefined || (process !== undefined && isAlive(process) === false) || nowMs - seenAtMs > UNBEGUN_MAX_MS;
}

/** Entries live as long as the transcripts they are of; one with spans that never arrived may come back. */
async function prune({ paths, tools, now }: Shift): Promise<void> {
  const gone = allSessions(paths.state).filter(
    ({ path, conversationId, disabled }) => !disabled && conversationId !== undefined && path !== undefined && !existsSync(path),
  );
  const keys = new Set(gone.filter((state) => owedBy(state) === 0).flatMap(({ conversationId }) => conversationId ?? []));
  await tools?.outlet.prune((session) => keys.has(session));
  for (const state of gone) forget(paths.state, state);
  removeHalfWritten(paths.state, now() - HALF_WRITTEN_MAX_MS);
}

const owedBy = ({ delivered = {} }: SessionState): number =>
  Math.max(0, ...Object.values(delivered).map(({ pending, open }) => pending + open));

interface Times {
  readonly scannedAtMs?: number;
  readonly prunedAtMs?: number;
}

const timesPath = (stateFolder: string): string => join(stateFolder, 'catch-up.json');

function readTimes(stateFolder: string): Times {
  try {
    return JSON.parse(readIfThere(timesPath(stateFolder)) ?? '{}') ?? {};
  } catch {
    return {}; // Damaged: it is done again.
  }
}

/** A time that lies ahead is from a clock that was wrong. */
const within = (atMs: number | undefined, ms: number, nowMs: number): boolean => atMs !== undefined && atMs <= nowMs && nowMs - atMs < ms;
