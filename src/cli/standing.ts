/**
 * Whether a session may go on, as every view of it tells alike.
 *
 * in:   the state folder, read only; the time; a session on disk
 * out:  `Standing`
 */
import type { Standing } from '../pipeline.ts';
import type { SessionRef } from '../read/find.ts';
import { nameOf } from '../sync/deliver-session.ts';
import { standingOf } from '../sync/standing.ts';
import { readState } from '../sync/state.ts';
import type { TaskWorld } from './session-task.ts';
import { pathsOf } from './settings.ts';

export function standingIn(world: TaskWorld, nowMs: number): (ref: SessionRef) => Standing {
  const { state: stateFolder } = pathsOf(world);
  return (ref) => standingOf(ref, readState(stateFolder, nameOf(ref)), nowMs);
}
