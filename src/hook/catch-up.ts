/**
 * What earlier hooks could not do: sessions whose end never came, that a collector did not take, that no hook told of.
 *
 * in:   states and transcripts on disk
 * out:  one delivery after another; between them the caller looks at the queue, which goes first
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, removeHalfWritten, writePrivate } from '../disk/files.ts';
import { isAlive } from '../disk/lock.ts';
import { mayTry } from '../export/outlet.ts';
import { findSession, findSessionOfId, findSessions, isDatabase, type Places, type SessionRef } from '../read/find.ts';
import { nameOf } from '../sync/deliver-session.ts';
import { scopeDecider, sessionsInScope, startDirectoryOf } from '../sync/in-scope.ts';
import { originalsFirst } from '../sync/order.ts';
import { isOwnStamp, standingOf } from '../sync/standing.ts';
import { allSessions, forget, readState, type SessionState, settle, unsettledSessions, writeState } from '../sync/state.ts';
import { deliver, foundBy, keepWaiting } from './session-jobs.ts';
import type { Shift } from './shift.ts';
import { pruneSpools } from './spools.ts';

/** A look at every transcript there is costs thousands of files: not at every start of a session. */
const SCAN_EVERY_MS = 60 * 60_000;
/** A file that was written to while the last scan went on. */
const SCAN_OVERLAP_MS = 10 * 60_000;
/** A session that was opened and is not used: longer than anybody leaves a terminal like that. */
const UNBEGUN_MAX_MS = 14 * 24 * 60 * 60_000;
const PRUNE_EVERY_MS = 7 * 24 * 60 * 60_000;
/** Long enough for `doctor` to tell of it. */
const FAILURE_KEPT_MS = 14 * 24 * 60 * 60_000;
/** Nobody is at one file for so long. */
const HALF_WRITTEN_MAX_MS = 60 * 60_000;

/** @param began  whether a session began meanwhile: then there is time for a scan */
export async function* catchUp(crew: Shift, began: () => boolean): AsyncGenerator<void> {
  const { paths, now, loaded, log, home } = crew;
  const decide = scopeDecider(loaded.config, home, paths.state);
  const isInScope = (ref: SessionRef): boolean => decide(startDirectoryOf(ref, paths.state)).inScope;
  const deliverIfDue = async (ref: SessionRef, state: SessionState): Promise<void> => {
    if (loaded.config.when === 'turn' || standingOf(ref, state, now()).ended) await deliver(ref, crew, log);
  };
  let delivers = maySend(crew);
  for (const state of unsettledSessions(paths.state)) {
    if (state.disabled) settle(paths.state, state);
    // A folder's listing for each would cost a hook more than all else, when there is nothing to be done.
    if (state.disabled || (isThere(state) && (!delivers || isAsItWas(state, crew)))) continue;
    const { ref, obstacle } = lookedFor(state, crew);
    // Its first hook may have come before it could be known whose agent it is.
    const isAgent = ref?.agents.some(({ agentId }) => agentId === state.sessionId) === true;
    if (isAgent) forget(paths.state, state);
    if (ref === undefined && obstacle !== undefined) keepWaiting(state, obstacle, crew);
    else if (ref === undefined) settleGone(state, crew);
    else if (delivers && isInScope(ref)) {
      await deliverIfDue(ref, isAgent ? readState(paths.state, nameOf(ref)) : state);
      delivers = maySend(crew);
    }
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
  for (const ref of originalsFirst(found)) {
    // First, for a job may tell that it is disabled.
    yield;
    const known = readState(paths.state, nameOf(ref));
    if (known.disabled) continue;
    // Marked first, for the next scan won't find what can't be delivered now.
    const state: SessionState = { ...known, ...(ref.path !== undefined && { path: ref.path, transcriptSeen: true }) };
    writeState(paths.state, state, 'unsettled');
    await deliverIfDue(ref, state);
  }
  const prunes = !within(times.prunedAtMs, PRUNE_EVERY_MS, now());
  if (prunes) await prune(crew);
  writePrivate(timesPath(paths.state), `${JSON.stringify({ scannedAtMs, prunedAtMs: prunes ? now() : times.prunedAtMs })}\n`);
}

const maySend = ({ tools, now }: Shift): boolean => tools !== undefined && mayTry(tools.outlet.health(), now());

const isThere = ({ path }: SessionState): boolean => path !== undefined && existsSync(path);

/** Alive, and nothing was written to its own file since all that could be sent was. Its agents report there. */
function isAsItWas(state: SessionState, { tools, version, places, now }: Shift): boolean {
  const { path, delivered } = state;
  const known = delivered?.[tools?.outlet.key ?? ''];
  const harness = places.harnesses.find(({ name }) => name === state.harness);
  if (harness === undefined || path === undefined || known === undefined) return false;
  if (known.pending > 0 || known.ended || known.version !== version || !isOwnStamp(path, known.seen)) return false;
  const modifiedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return !standingOf({ harness, path, modifiedMs }, state, now()).ended;
}

/** A session that works in a worktree takes its file there. */
const lookedFor = ({ path, sessionId, harness }: SessionState, { places }: Shift) =>
  foundBy(() =>
    path !== undefined && existsSync(path)
      ? findSession(path, sessionId, places)
      : findSessionOfId(sessionId, { ...places, harnesses: places.harnesses.filter(({ name }) => name === harness) }),
  );

/** A session that was left without a prompt never had a transcript; one that had may have been deleted before its time. */
function settleGone(state: SessionState, { paths, log, now }: Shift): void {
  if (state.delivered === undefined && !state.transcriptSeen) {
    if (isOver(state, now())) forget(paths.state, state);
    return;
  }
  const lost = state.delivered === undefined ? 'nothing of it was' : `${owedBy(state)} of its spans were not`;
  const message = `its transcript is gone, and ${lost} delivered`;
  const isLost = state.delivered === undefined || owedBy(state) > 0;
  if (isLost) log('error', message, state.sessionId);
  writeState(paths.state, { ...state, ...(isLost && { failure: { atMs: now(), message } }) }, 'settled');
}

function isOver({ endedAtMs, process, seenAtMs = 0 }: SessionState, nowMs: number): boolean {
  return endedAtMs !== undefined || (process !== undefined && isAlive(process) === false) || nowMs - seenAtMs > UNBEGUN_MAX_MS;
}

/** Entries live as long as the transcripts they are of; one with spans that never arrived may come back. */
async function prune({ paths, tools, now, places }: Shift): Promise<void> {
  const isGone = goneFrom(places);
  const gone = allSessions(paths.state).filter(
    (state) =>
      !state.disabled &&
      (state.conversationId ?? state.failure) !== undefined &&
      isGone(state) &&
      !within(state.failure?.atMs, FAILURE_KEPT_MS, now()),
  );
  const keys = new Set(gone.filter((state) => owedBy(state) === 0).flatMap(({ conversationId }) => conversationId ?? []));
  await tools?.outlet.prune((session) => keys.has(session));
  for (const state of gone) forget(paths.state, state);
  removeHalfWritten(paths.state, now() - HALF_WRITTEN_MAX_MS);
  pruneSpools(places, now() - FAILURE_KEPT_MS);
}

/** Its file is; or it is in its database no more, as far as that can be read and holds any. */
function goneFrom(places: Places): (state: SessionState) => boolean {
  const known = new Map<string, ReadonlySet<string> | undefined>();
  const idsIn = (path: string): ReadonlySet<string> | undefined => {
    if (!known.has(path)) known.set(path, isDatabase(path) ? idsOfDatabase(path, places) : undefined);
    return known.get(path);
  };
  return ({ path, sessionId }) => path !== undefined && (!existsSync(path) || idsIn(path)?.has(sessionId) === false);
}

function idsOfDatabase(path: string, places: Places): ReadonlySet<string> | undefined {
  try {
    const parts = findSessions(path, places).flatMap(({ sessionId, rows, agents }) => [
      sessionId,
      rows,
      ...agents.map((agent) => agent.rows),
    ]);
    return new Set(parts.flatMap((part) => (typeof part === 'string' ? [part] : (part?.ids ?? []))));
  } catch {
    return undefined;
  }
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
