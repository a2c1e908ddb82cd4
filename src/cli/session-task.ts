/**
 * What is asked of each of many sessions, and the one function that answers: in this process or in a thread.
 *
 * in:   a task as plain data; the part of the world that can be sent to a thread; a session on disk
 * out:  `SessionResult`; never throws: what is wrong with one session is its result
 */

import { loadConfig } from '../config/load.ts';
import { redactorsFor } from '../config/packs.ts';
import { UserError } from '../errors.ts';
import { type BuildOptions, type Content, nothingKnown, type ToldSession, tellSession } from '../pipeline.ts';
import type { SessionRef } from '../read/find.ts';
import { type SessionSummary, summaryOf } from '../stats/summary.ts';
import { type CountedTurn, countedTurns } from '../stats/turns.ts';
import { callCostUsd } from '../trace/cost.ts';
import type { VerifyReport } from '../verify/report.ts';
import { NoSession, nothingIn } from './no-session.ts';
import type { World } from './run.ts';
import { pathsOf } from './settings.ts';
import { standingIn } from './standing.ts';
import { verifier } from './verifying.ts';

export interface SummaryTask {
  readonly kind: 'summary';
  /** Sessions that are silent since a day before have ended. Unix ms. So of all that follow. */
  readonly nowMs: number;
  /** `none` leaves out titles; anything but `full` hides secrets in what is told. */
  readonly content: Content;
}

/** What of each turn adds up. Redactions, files, commits and pull requests are counted only where content is looked at. */
export interface StatsTask {
  readonly kind: 'stats';
  readonly nowMs: number;
  readonly content: Content;
}

/** Both counts of a session. */
export interface VerifyTask {
  readonly kind: 'verify';
  readonly nowMs: number;
}

export type SessionTask = SummaryTask | StatsTask | VerifyTask;

export interface SessionStats {
  readonly harness: string;
  readonly turns: readonly CountedTurn[];
  readonly repositoryUrl?: string;
}

/** What is made of a session, without the session: as it comes out of a thread. */
export type Outcome =
  | { readonly kind: 'summary'; readonly summary: SessionSummary }
  | { readonly kind: 'stats'; readonly stats: SessionStats }
  | { readonly kind: 'verify'; readonly report: VerifyReport }
  | Failure;

/** What a task makes of a session when all goes well. */
export type OutcomeOf<T extends SessionTask> = Extract<Outcome, { readonly kind: T['kind'] }>;

export interface Failure {
  readonly kind: 'failed';
  readonly message: string;
  /** What the user can do, where it is for the user to do something. Absent: a bug of ours. */
  readonly hint?: string;
  /** It holds no session, so there is nothing that could be told. */
  readonly isNone?: true;
}

/** Plain data: threads are sent it. */
export type TaskWorld = Pick<World, 'home' | 'env' | 'platform' | 'managed'>;

/** For one session after another: what they ask the disk alike is remembered. */
export function sessionWorker(task: SessionTask, world: TaskWorld): (ref: SessionRef) => Outcome {
  let work: ((ref: SessionRef) => Outcome) | undefined;
  return (ref) => {
    try {
      work ??= task.kind === 'verify' ? verifying(task, world) : telling(task, world);
      return work(ref);
    } catch (error) {
      return failure(error);
    }
  };
}

function telling(task: SummaryTask | StatsTask, world: TaskWorld): (ref: SessionRef) => Outcome {
  const known = nothingKnown();
  const options = buildOptions(task.content, world);
  const standing = standingIn(world, task.nowMs);
  return (ref) => {
    const told = tellSession(ref, options, standing(ref), known);
    const nothing = nothingIn({ ...told, ref });
    if (nothing !== undefined) throw nothing;
    return answer(task, told);
  };
}

function verifying({ nowMs }: VerifyTask, world: TaskWorld): (ref: SessionRef) => Outcome {
  const verify = verifier(pathsOf(world).state, nowMs);
  return (ref) => ({ kind: 'verify', report: verify(ref) });
}

export function failure(error: unknown): Failure {
  if (error instanceof UserError)
    return { kind: 'failed', message: error.message, hint: error.hint, ...(error instanceof NoSession && { isNone: true }) };
  return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
}

function answer(task: SummaryTask | StatsTask, { session, repositoryUrl }: ToldSession): Outcome {
  switch (task.kind) {
    case 'summary':
      return { kind: 'summary', summary: summaryOf(session, callCostUsd) };
    case 'stats': {
      const turns = countedTurns(session, callCostUsd);
      return { kind: 'stats', stats: { harness: session.harness, turns, ...(repositoryUrl !== undefined && { repositoryUrl }) } };
    }
    default:
      return task satisfies never;
  }
}

function buildOptions(content: Content, world: TaskWorld): BuildOptions {
  // Where nothing is hidden, no rule is asked for.
  return content === 'full' ? { content } : { content, redactorFor: redactorsFor(loadConfig(pathsOf(world))) };
}
