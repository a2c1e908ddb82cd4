/**
 * What the work on a queue needs to know.
 *
 * in:   types of other rooms      out: `WorkerWorld`, `Shift`; an error in words
 */
import type { LoadedConfig } from '../config/load.ts';
import type { Paths } from '../config/paths.ts';
import { UserError } from '../errors.ts';
import type { Places } from '../read/find.ts';
import type { Tools } from '../sync/deliver-session.ts';
import type { Log } from './log.ts';
import type { Clock } from './settle.ts';

export interface WorkerWorld extends Clock {
  readonly paths: Paths;
  readonly home: string;
  readonly version: string;
  /** Somebody waits for the delivery: then another worker is waited for, too. */
  readonly awaited: boolean;
}

/** Of one worker, from lock to unlock. */
export interface Shift extends WorkerWorld {
  readonly loaded: LoadedConfig;
  /** Absent without an endpoint: then what there is to send is written down and stays. */
  readonly tools: Tools | undefined;
  /** Jobs that this worker could not do: they stay. */
  readonly left: Set<string>;
  readonly places: Places;
  readonly log: Log;
}

export const messageOf = (error: unknown): string => {
  if (error instanceof UserError) return `${error.message} ${error.hint}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};
