/**
 * Waits until the end of a turn is on disk: hooks run before the last lines are written.
 *
 * in:   a session's file, what the hook said
 * out:  whether it has come; or, at the end of a session, that nothing comes any more
 */
import type { Stop } from '../harness/harness.ts';
import type { SessionRef } from '../read/find.ts';
import { stampOf } from '../read/transcript.ts';
import { lastLines } from '../sync/standing.ts';

/** Measured: lines follow within 70 ms of the hook's start, and its summary within some more. */
const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 25;

/** Lines are written in batches of 100 ms. */
const QUIET_MS = 250;

export interface Clock {
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

export async function hasSettled({ path, layout }: SessionRef, stop: Stop, clock: Clock): Promise<boolean> {
  // From the look on, not from the hook, and in looks, not in time: a clock may be set, and a job may have waited.
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    // A database has all that was written before its hooks are told.
    if (path !== undefined && (layout.kind === 'database' || layout.hasStop(lastLines(path), stop))) return true;
    // What has not come since a hook of long ago never will.
    if (waitedMs >= PATIENCE_MS || clock.now() - stop.atMs > PATIENCE_MS) return false;
    await clock.wait(LOOK_EVERY_MS);
  }
}

/** After /clear, unlike after an exit, the agent goes on, and lines of the session it left may still be on their way. */
export async function untilQuiet({ path }: SessionRef, endedAtMs: number, clock: Clock): Promise<void> {
  if (path === undefined || clock.now() - endedAtMs > PATIENCE_MS) return;
  let seen = stampOf(path);
  for (let [waitedMs, quietMs] = [0, 0]; quietMs < QUIET_MS && waitedMs < PATIENCE_MS; waitedMs += LOOK_EVERY_MS) {
    await clock.wait(LOOK_EVERY_MS);
    const now = stampOf(path);
    quietMs = now === seen ? quietMs + LOOK_EVERY_MS : 0;
    seen = now;
  }
}
