/**
 * Has a session ended? Its transcript does not tell.
 *
 * in:   what hooks told of it, its files, the time
 * out:  `Standing`
 *
 * Ended: a hook said so and nothing was written since; or its process is gone; or nothing was written for a day.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { isAlive } from '../disk/lock.ts';
import type { Standing } from '../pipeline.ts';
import { isDatabase, type SessionRef } from '../read/find.ts';
import { stampOf } from '../read/transcript.ts';
import type { SessionState } from './state.ts';

const SILENCE_MS = 24 * 60 * 60_000;
/** Bookkeeping may follow the hook that told of the end; a resumed session takes longer to be typed into. */
const AFTERMATH_MS = 2_000;

/** What of a session tells whether it has ended. */
export type Traces = Pick<SessionRef, 'harness' | 'path' | 'modifiedMs' | 'rows'>;

export const standingOf = (ref: Traces, state: SessionState, nowMs: number): Standing => ({
  ended: hasEnded(ref, state, nowMs),
  stoppedAtMs: state.stoppedAtMs,
});

function hasEnded(ref: Traces, state: SessionState, nowMs: number): boolean {
  const wasTold = state.endedAtMs !== undefined && state.endedAtMs >= Math.max(state.startedAtMs ?? 0, state.stoppedAtMs ?? 0);
  if (wasTold && ref.modifiedMs <= state.endedAtMs + AFTERMATH_MS) return true;
  if (state.process !== undefined && isAlive(state.process) === false && !goesOnUntold(ref, state)) return true;
  if (ref.rows?.ended === true || nowMs - ref.modifiedMs >= SILENCE_MS) return true;
  // A copy has a new date.
  // What stands at the end of a database is of any session.
  const lastMs = ref.path === undefined || isDatabase(ref.path) ? undefined : lastTimeIn(ref);
  return lastMs !== undefined && nowMs - lastMs >= SILENCE_MS;
}

/** What keeps its sessions in a database tells of a new one only: another process may have taken up an old one since. */
const goesOnUntold = (
  { rows, modifiedMs }: Traces,
  { seenAtMs = 0, startedAtMs = 0, stoppedAtMs = 0, endedAtMs = 0 }: SessionState,
): boolean => rows !== undefined && modifiedMs > Math.max(seenAtMs, startedAtMs, stoppedAtMs, endedAtMs) + AFTERMATH_MS;

const lastTimeIn = (ref: Traces): number | undefined =>
  lastLines(ref.path!)
    .flatMap((line) => timeOf(line, ref) ?? [])
    .reduce<number | undefined>((latest, atMs) => Math.max(latest ?? 0, atMs), undefined);

function timeOf(line: string, { harness }: Traces): number | undefined {
  for (const layout of harness.layouts) {
    const atMs = layout.kind === 'database' ? undefined : layout.timeOf(line);
    if (atMs !== undefined) return atMs;
  }
  return undefined;
}

const TAIL_BYTES = 64 * 1024;

/** The end of a file; its first line may be the end of one. `[]` when it can't be read: others tell why. */
export function lastLines(path: string): readonly string[] {
  try {
    // Who opens a pipe waits for a writer, unless he says that he does not.
    const fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const { size } = fstatSync(fd);
      const buffer = Buffer.alloc(Math.min(TAIL_BYTES, size));
      return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, size - buffer.length)).split('\n');
    } finally {
      closeSync(fd);
    }
  } catch {
    return [];
  }
}

/** What a session looks like; of one in a database its rows, too, for others are written there. */
export const stampsOf = (ref: SessionRef): string =>
  ref.rows === undefined
    ? filesOf(ref)
    : [stampOf(ref.path!), ...[ref.rows, ...ref.agents.map(({ rows }) => rows)].map((rows) => rows?.version)].join('|');

/** Whether nothing was written of a session since it looked like that. */
export function isAsSeen(ref: SessionRef, seen: string, now = stampsOf(ref)): boolean {
  const rowsIn = (stamps: string): string => stamps.slice(stamps.indexOf('|'));
  return ref.rows === undefined ? now === seen : rowsIn(now) === rowsIn(seen);
}

/** What a session's files look like. */
export const filesOf = (ref: SessionRef): string =>
  [ref.path, ...ref.agents.map(({ path }) => path)].map((path) => (path === undefined ? '' : stampOf(path))).join('|');

/** Whether a session's own file is as it was when its files looked like that. */
export const isOwnStamp = (path: string, seen: string): boolean => seen.split('|')[0] === stampOf(path);
