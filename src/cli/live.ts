/**
 * What hooks and their worker are at, this moment.
 *
 * in:   the state folder; the config, for where hooks deliver to
 * out:  `Live`, also in words. Reads only, also where there is no such folder
 */
import { join } from 'node:path';
import { destinationConfig } from '../config/destination.ts';
import type { LoadedConfig } from '../config/load.ts';
import { holderOf, lastHeldMs } from '../disk/lock.ts';
import { UserError } from '../errors.ts';
import { type Destination, destinationFrom } from '../export/destination.ts';
import { healthOf } from '../export/outlet.ts';
import { droppedJobs, type Waiting, waitingJobs } from '../hook/queue.ts';
import { when } from './age.ts';
import { count } from './summary.ts';

export interface Live {
  readonly queue: Waiting & {
    /** Ever: nobody had taken them up in time. */
    readonly dropped: number;
  };
  readonly worker: {
    /** Of the one that is at work. */
    readonly pid: number | undefined;
    /** Unix ms. */
    readonly lastRanMs: number | undefined;
  };
  /** When the destination last acknowledged spans, Unix ms. */
  readonly lastDeliveryMs: number | undefined;
}

/** No variable counts for hooks. @returns an error when what the config says of it can't be used */
export function destinationOfHooks(loaded: LoadedConfig, home: string): Destination | UserError | undefined {
  try {
    return destinationFrom({ env: {}, config: destinationConfig(loaded, home) });
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

export function liveState(stateFolder: string, destination: Destination | undefined): Live {
  const worker = join(stateFolder, 'worker.lock');
  return {
    queue: { ...waitingJobs(stateFolder), dropped: droppedJobs(stateFolder) },
    worker: { pid: holderOf(worker)?.pid, lastRanMs: lastHeldMs(worker) },
    lastDeliveryMs: destination === undefined ? undefined : healthOf(destination, stateFolder).lastAcknowledgedMs,
  };
}

export function queueWords({ jobs, oldestAtMs, dropped }: Live['queue'], nowMs: number): string {
  const past = dropped === 0 ? '' : `; ${count(dropped, 'hook')} dropped in the past, for nobody had taken them up in time`;
  if (oldestAtMs === undefined) return `empty${past}`;
  return `${count(jobs, 'hook')} to be taken up, the oldest came ${when(oldestAtMs, nowMs)}${past}`;
}

export function workerWords({ pid, lastRanMs }: Live['worker'], nowMs: number): string {
  if (pid !== undefined) return `at work (process ${pid})`;
  return lastRanMs === undefined ? 'has never run' : `not running; it last ran ${when(lastRanMs, nowMs)}`;
}

export const deliveryWords = ({ lastDeliveryMs }: Live, nowMs: number): string =>
  lastDeliveryMs === undefined ? 'none yet' : when(lastDeliveryMs, nowMs);
