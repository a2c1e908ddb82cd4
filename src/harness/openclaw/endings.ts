/**
 * How a run ended, and when: by its entries, the trajectory, and what the database says of a session's last run.
 *
 * in:   RawRun, the status of its session
 * out:  `Ending`; pure and total
 */
import type { ErrorType, RunOutcome } from '../../session/types.ts';
import type { RunEvent } from './events.ts';
import type { AssistantEntry } from './records.ts';
import type { RawRun } from './runs.ts';

interface Ending {
  readonly outcome: RunOutcome;
  /** False while it may still go on. */
  readonly finished: boolean;
  readonly isAnswered: boolean;
  readonly endedAtMs: number;
}

/**
 * @param status  of the session's last run, as the database has it
 * @param isOver  whether nothing more can come
 */
export function endingOf(run: RawRun, status: string | undefined, isOver: boolean): Ending {
  const last = run.calls.at(-1);
  const ended = endOf(run.events);
  const isAnswered = last !== undefined && last.stopReason !== 'toolUse';
  // A command that no model was asked about.
  const isSettled = last === undefined && run.notesMs.length > 0;
  const finished =
    isOver ||
    ended !== undefined ||
    (last !== undefined && isTheEnd(last, run.events)) ||
    (run.compactions.length > 0 && run.prompt === undefined && last === undefined) ||
    isSettled;
  const outcome = outcomeOf(
    run,
    ended ?? (isOver && run.isLast ? ENDED_BY[status ?? ''] : undefined),
    finished && !isAnswered && !isSettled,
  );
  const told = [
    run.startedAtMs,
    ...[...run.calls, ...run.results, ...run.compactions].map(({ atMs }) => atMs),
    ...(isSettled ? run.notesMs : []),
    ...run.events.flatMap(({ kind, atMs }) => (kind === 'call' || kind === 'result' ? [atMs] : [])),
    // With its answer or error a turn is over; without one it is when the run is.
    ...(ended !== undefined && last?.error === undefined && (!isAnswered || outcome.kind !== 'completed') ? [ended.atMs] : []),
  ];
  return { outcome, finished, isAnswered, endedAtMs: told.reduce((latest, atMs) => Math.max(latest, atMs)) };
}

/**
 * Whether nothing is to come after an answer. The trajectory tells the end of a run after hooks have, so one does not wait for it but
 * where it may tell that the answer was none.
 */
function isTheEnd({ stopReason, isEmpty, error, atMs }: AssistantEntry, events: readonly RunEvent[]): boolean {
  const attempts = events.filter(({ kind }) => kind === 'attempt');
  if (stopReason === 'toolUse' || attempts.some((attempt) => attempt.atMs > atMs)) return false;
  return attempts.length === 0 || error !== undefined || (stopReason === 'stop' && !isEmpty);
}

interface Ended {
  readonly status: string;
  readonly timedOut: boolean;
  readonly stopReason?: string;
}

/** Where the trajectory tells nothing. */
const ENDED_BY: Readonly<Record<string, Ended>> = {
  killed: { status: 'interrupted', timedOut: false },
  failed: { status: 'error', timedOut: false },
  timeout: { status: 'error', timedOut: true },
};

/** An attempt may end the run, as it thought, and another one follow. */
function endOf(events: readonly RunEvent[]): (RunEvent & { kind: 'ended' }) | undefined {
  const last = events.findLast(({ kind }) => kind === 'ended' || kind === 'attempt');
  return last?.kind === 'ended' ? last : undefined;
}

function outcomeOf({ calls, prompt }: RawRun, ended: Ended | undefined, isBroken: boolean): RunOutcome {
  const last = calls.at(-1);
  const error = (errorType: ErrorType): RunOutcome => ({ kind: 'error', errorType });
  if (last?.error !== undefined)
    return { kind: 'error', errorType: `api_${last.error.type}`, ...(last.error.message !== undefined && { message: last.error.message }) };
  if (ended?.timedOut === true && ended.status !== 'success') return error('timeout');
  if (ended?.status === 'interrupted' || last?.stopReason === 'aborted') return { kind: 'interrupted' };
  if (ended?.status === 'error') return error(ended.stopReason === 'error' ? 'api_error' : 'agent_error');
  return isBroken && prompt !== undefined && ended?.status !== 'success' ? { kind: 'interrupted' } : { kind: 'completed' };
}
