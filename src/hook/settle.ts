/**
 * Waits until the end of a turn is on disk: hooks run before the last lines are written.
 *
 * in:   a session's file, what the hook said
 * out:  whether it has come
 */
import type { Stop } from '../harness/harness.ts';
import type { SessionRef } from '../read/find.ts';
import { lastLines } from '../sync/standing.ts';

/** Measured: lines follow within 70 ms of the hook's start, and its summary within some more. */
const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 25;

export interface Clock {
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

export async function hasSettled({ path, harness }: SessionRef, stop: Stop, clock: Clock): Promise<boolean> {
  // From the look on, not from the hook, and in looks, not in time: a clock may be set, and a job may have waited.
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    if (path !== undefined && harness.layout.hasStop(lastLines(path), stop)) return true;
    // What has not come since a hook of long ago never will.
    if (waitedMs >= PATIENCE_MS || clock.now() - stop.atMs > PATIENCE_MS) return false;
    await clock.wait(LOOK_EVERY_MS);
  }
}
