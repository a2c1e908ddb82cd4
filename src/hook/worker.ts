/**
 * Drains the queue, catches up, and is gone.
 *
 * in:   the state folder with its queue, the config files; nothing of the environment
 * out:  spans at the collector; states, notice and log on disk
 *
 * One worker at a time: whoever finds the lock held leaves, for the holder looks at the queue once more after it has
 * unlocked. A job goes when what it told is written down, so whatever happens afterwards is made up for.
 */
import { join } from 'node:path';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { lock, tryLock } from '../disk/lock.ts';
import { UserError } from '../errors.ts';
import { grouped } from '../grouped.ts';
import { harnesses } from '../harness/index.ts';
import type { Places } from '../read/find.ts';
import type { Tools } from '../sync/deliver-session.ts';
import { openTools } from '../sync/settings.ts';
import { catchUp } from './catch-up.ts';
import { type Log, openLog } from './log.ts';
import { writeNotice } from './notice.ts';
import { isEmpty, jobsIn } from './queue.ts';
import { takeUp } from './session-jobs.ts';
import { messageOf, type Shift, type WorkerWorld } from './shift.ts';
import { waitingSessions } from './waiting.ts';

/** Longer than a worker needs for the sessions of a machine's last minute. */
const AWAITED_LOCK_MS = 60_000;
/** Nobody waits at a terminal: what a collector in trouble does not take now, a later hook brings. */
const DEADLINE_MS = 20_000;

/** Never throws: nobody would see it. */
export async function work(world: WorkerWorld): Promise<void> {
  const { state } = world.paths;
  const log = openLog(state, world.now);
  const left = new Set<string>();
  try {
    for (;;) {
      const folder = join(state, 'worker.lock');
      const held = world.awaited ? await lock(folder, AWAITED_LOCK_MS) : tryLock(folder);
      if (held === undefined) return;
      try {
        if (!(await shift(world, left, log))) return;
      } finally {
        held.release();
      }
      if (isEmpty(state, left)) return;
    }
  } catch (error) {
    log('error', messageOf(error));
  }
}

/** @returns false when nothing can be done, now or in a moment: the jobs stay */
async function shift(world: WorkerWorld, left: Set<string>, log: Log): Promise<boolean> {
  const { paths, home, version, now } = world;
  let opened: { loaded: LoadedConfig; tools: Tools | undefined };
  try {
    const loaded = loadConfig(paths);
    opened = { loaded, tools: openTools(loaded, { home, stateFolder: paths.state, version, now }, { deadlineMs: DEADLINE_MS }) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    log('error', messageOf(error));
    // Who can't be read can't say that it wants no notice.
    writeNotice(paths.state, 'failures', { obstacle: messageOf(error), pending: 0 });
    return false;
  }
  const { loaded, tools } = opened;
  const crew: Shift = { ...world, loaded, tools, left, places: placesOf(world), log };
  try {
    let scans = await drain(crew);
    for await (const _ of catchUp(crew, () => scans)) scans = (await drain(crew)) || scans;
  } finally {
    await tools?.outlet.close();
  }
  const { places } = crew;
  const pending = waitingSessions({ stateFolder: paths.state, config: loaded.config, places, key: tools?.outlet.key, nowMs: now() });
  const obstacle = tools === undefined && pending > 0 ? 'No endpoint is set: `trace-build init` sets one.' : undefined;
  writeNotice(paths.state, loaded.config.notice, { obstacle, health: tools?.outlet.health(), pending });
  return true;
}

/**
 * Only writes down what hooks told, for somebody else to deliver: the queue is empty then.
 *
 * @throws UserError when the config is broken
 */
export async function takeUpQueue(world: WorkerWorld): Promise<void> {
  const { state } = world.paths;
  const left = new Set<string>();
  do {
    const held = await lock(join(state, 'worker.lock'), AWAITED_LOCK_MS);
    // A worker that is still at it drains the queue itself.
    if (held === undefined) return;
    try {
      const loaded = loadConfig(world.paths);
      await drain({ ...world, loaded, tools: undefined, left, places: placesOf(world), log: openLog(state, world.now) });
    } finally {
      held.release();
    }
    // A worker that found us at it has left.
  } while (!isEmpty(state, left));
}

const placesOf = ({ home }: WorkerWorld): Places => ({ env: {}, home, harnesses });

/** All there is, and what comes meanwhile. @returns whether a session began */
async function drain(crew: Shift): Promise<boolean> {
  let began = false;
  for (;;) {
    const all = jobsIn(crew.paths.state, crew.now(), (name, why) => crew.log('error', `${name} was removed from the queue: ${why}`));
    const jobs = all.filter(({ path }) => !crew.left.has(path));
    if (jobs.length === 0) return began;
    began ||= jobs.some(({ event }) => event === 'SessionStart');
    for (const ofSession of grouped(jobs, ({ sessionId }) => sessionId).values()) {
      try {
        await takeUp(ofSession, crew);
      } catch (error) {
        // What it told is not written down yet: the jobs stay, for another worker, and the other sessions go on.
        crew.log('error', messageOf(error), ofSession[0]!.sessionId);
        for (const { path } of ofSession) crew.left.add(path);
      }
    }
  }
}
