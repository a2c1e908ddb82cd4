/**
 * What is written down of sessions, and whether it can be.
 *
 * in:   the state folder, which may not be there; the newest transcript of the directory
 * out:  `Record`: figures; Checks. Reads only
 */
import { accessSync, constants, existsSync, realpathSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../../errors.ts';
import { isOfNewerVersion } from '../../export/ledger.ts';
import { harnesses } from '../../harness/index.ts';
import type { ProblemCounts } from '../../harness/problems.ts';
import { type LogEntry, logEntries } from '../../hook/log.ts';
import { lastSession, onceEachFile, type SessionRef, sessionsWritten, type UnreadableFile } from '../../read/find.ts';
import { nameOf } from '../../sync/deliver-session.ts';
import { allSessions, type Delivered, readState, type SessionState, unsettledSessions } from '../../sync/state.ts';
import { unplacedIn } from '../../sync/undelivered.ts';
import { when } from '../age.ts';
import { count } from '../summary.ts';
import { unplacedWords } from '../unplaced.ts';
import { type Facts, orUserError, tilde } from './facts.ts';
import { type Check, failure, ok, type SessionFigures, warning } from './report.ts';

export interface Recorded {
  readonly sessions: SessionFigures;
  readonly problems: ProblemCounts;
  /** The newest first. */
  readonly errors: readonly LogEntry[];
  /** Unix ms; undefined: none has ever come. */
  readonly lastHookMs: number | undefined;
  /** The latest time that is written down anywhere. */
  readonly latestMs: number;
}

const FAILURES_MAX = 5;
const ERRORS_MAX = 5;

/** @param key  of the destination, as in the ledger */
export function recorded({ paths }: Facts, key: string | undefined): Recorded {
  const states = allSessions(paths.state);
  const delivered = states.flatMap((state) => deliveredTo(state, key) ?? []);
  const sum = (read: (one: Delivered) => number): number => delivered.reduce((total, one) => total + read(one), 0);
  const unsettled = unsettledSessions(paths.state).length;
  const entries = logEntries(paths.state).filter(isEntry);
  const hooks = states.flatMap(hookTimes);
  const failures = states.flatMap(({ sessionId, failure: last }) => (last === undefined ? [] : [{ session: sessionId, ...last }]));
  return {
    sessions: {
      known: states.length,
      settled: Math.max(0, states.length - unsettled),
      unsettled,
      withPending: delivered.filter(({ pending }) => pending > 0).length,
      pendingSpans: sum(({ pending }) => pending),
      withOpen: delivered.filter(({ open }) => open > 0).length,
      openSpans: sum(({ open }) => open),
      refusedSpans: sum(({ refused }) => refused),
      lost: states.filter((state) => isLost(state, key)).length,
      failures: failures.toSorted((a, b) => b.atMs - a.atMs).slice(0, FAILURES_MAX),
    },
    problems: problemsOf(delivered),
    errors: entries
      .filter(({ level }) => level === 'error')
      .toReversed()
      .slice(0, ERRORS_MAX)
      .map((entry) => ({ ...entry, message: entry.message.split('\n')[0]! })),
    lastHookMs: hooks.length === 0 ? undefined : latest(hooks),
    latestMs: latest([...hooks, ...entries.map(({ atMs }) => atMs), ...delivered.map(({ atMs }) => atMs)]),
  };
}

const deliveredTo = ({ delivered }: SessionState, key: string | undefined): Delivered | undefined =>
  key === undefined ? undefined : delivered?.[key];

export const hookTimes = ({ seenAtMs, startedAtMs, stoppedAtMs, endedAtMs }: SessionState): readonly number[] =>
  [seenAtMs, startedAtMs, stoppedAtMs, endedAtMs].filter((atMs) => atMs !== undefined);

export const latest = (times: readonly number[]): number => times.reduce((last, atMs) => Math.max(last, atMs), 0);

function isLost(state: SessionState, key: string | undefined): boolean {
  const delivered = deliveredTo(state, key);
  return delivered !== undefined && delivered.pending + delivered.open > 0 && state.path !== undefined && !existsSync(state.path);
}

const isEntry = (entry: unknown): entry is LogEntry => {
  const { atMs, message } = (entry ?? {}) as Partial<LogEntry>;
  return typeof atMs === 'number' && typeof message === 'string';
};

function problemsOf(delivered: readonly Delivered[]): ProblemCounts {
  const counts = new Map<string, number>();
  for (const { problems } of delivered)
    for (const [reason, of] of Object.entries(problems)) counts.set(reason, (counts.get(reason) ?? 0) + of);
  return Object.fromEntries(counts);
}

// ---------------------------------------------------------------------------------------------

/** Less than this is as good as none: a ledger's line must fit, and a state. */
const FREE_BYTES_MIN = 1024 * 1024;

export const MEND_FOLDER = 'Make room on the disk, or mend the permissions.';

/** Without it nothing may be sent. */
export function ledgerCheck({ paths, world }: Facts): Check {
  const folder = nearest(paths.state);
  const name = tilde(paths.state, world);
  try {
    if (!statSync(folder).isDirectory())
      return failure('ledger', `${tilde(folder, world)} is no folder, so nothing can be written down or sent.`, 'Move it away.');
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(folder);
    if (bavail * bsize < FREE_BYTES_MIN)
      return failure('ledger', `The disk of ${name} is full: what can't be written down is not sent.`, MEND_FOLDER);
    if (isOfNewerVersion(paths.state))
      return failure(
        'ledger',
        `${name} was written by a newer version of trace-build: this one can't tell what was delivered before, so it sends nothing.`,
        'npm install --global trace-build@latest, then trace-build install',
      );
  } catch (error) {
    return failure('ledger', `${name} can't be written, so nothing is sent: ${(error as Error).message}.`, MEND_FOLDER);
  }
  return ok('ledger', folder === paths.state ? `${name} can be written.` : `${name} is not there yet; nothing was ever delivered.`);
}

const nearest = (path: string): string => (existsSync(path) || path === dirname(path) ? path : nearest(dirname(path)));

/** Of the directory, when it is in scope: is it known, and how far is it? */
export function newestSessionCheck({ world, directory, decision, nowMs, paths }: Facts, key: string | undefined): Check | undefined {
  if (decision?.inScope !== true) return undefined;
  const ref = orUserError(() => newestIn(directory, world));
  if (ref instanceof UserError || ref === undefined)
    return ok('newest session', 'Claude Code has kept no transcript of a session of this directory.');
  const state = readState(paths.state, nameOf(ref));
  const words = `${ref.sessionId}, written ${when(ref.modifiedMs, nowMs)}`;
  const delivered = deliveredTo(state, key);
  if (delivered !== undefined) {
    const rest = [
      ...(delivered.open > 0 ? [`${count(delivered.open, 'span')} may still change and will follow`] : []),
      ...(delivered.pending > 0 ? [`${count(delivered.pending, 'span')} could not be delivered yet`] : []),
    ];
    return ok('newest session', `${words}: delivered ${when(delivered.atMs, nowMs)}${rest.map((part) => `; ${part}`).join('')}.`);
  }
  if (state.seenAtMs !== undefined)
    return ok('newest session', `${words}: a hook told of it ${when(state.seenAtMs, nowMs)}; nothing of it is delivered yet.`);
  const { addedMs } = decision.root;
  const sync = `trace-build sync --session ${ref.sessionId}`;
  if (addedMs !== undefined && ref.begunMs < addedMs)
    return warning('newest session', `${words}: it was begun before the root was added, so hooks do not make up for it.`, sync);
  return warning(
    'newest session',
    `${words}: no hook has told of it. Claude Code loads hooks when a session starts.`,
    `Start a new session. For this one: ${sync}`,
  );
}

const newestIn = (directory: string, { env, home }: Facts['world']): SessionRef | undefined =>
  existsSync(directory) ? lastSession(realpathSync(directory), { env, home, harnesses }) : undefined;

export function sessionsCheck({ sessions }: Recorded, nowMs: number): Check {
  const { known, settled, unsettled, withPending, pendingSpans, withOpen, openSpans, refusedSpans, lost, failures } = sessions;
  if (known === 0) return ok('sessions', 'None is known yet.');
  const parts = [
    `${count(known, 'session')} known: ${settled} done with, ${unsettled} that go on or have something left.`,
    ...(withOpen > 0 ? [`${count(openSpans, 'span')} of ${withOpen} may still change.`] : []),
    ...(withPending > 0 ? [`${count(pendingSpans, 'span')} of ${withPending} could not be delivered yet.`] : []),
    ...(refusedSpans > 0 ? [`${count(refusedSpans, 'span')} refused by the collector, for good.`] : []),
    ...(lost > 0 ? [`Of ${lost} the transcript is gone, and not all was delivered.`] : []),
  ];
  const details = failures.map(({ session, atMs, message }) => `${session}  ${when(atMs, nowMs)}: ${message}`);
  if (withPending + refusedSpans + lost + failures.length === 0) return ok('sessions', parts.join(' '));
  return warning(
    'sessions',
    parts.join(' '),
    withPending + failures.length > 0 ? 'trace-build sync delivers what is left' : undefined,
    details,
  );
}

/** What is in none of the lists of what is to be delivered. */
export interface LeftOut {
  /** What should hold sessions and can't be read. */
  readonly unread: readonly UnreadableFile[];
  /** How many sessions tell no directory, and are in no scope for that. */
  readonly unplaced: number;
}

/** @param key  of the destination, as in the ledger */
export function leftOut({ world: { env, home }, config: loaded, paths, nowMs }: Facts, key: string | undefined): LeftOut {
  const unread: UnreadableFile[] = [];
  const places = { env, home, harnesses, onUnreadable: onceEachFile((file) => unread.push(file)) };
  const refs = [...sessionsWritten(places, 0)];
  if (loaded instanceof UserError || key === undefined) return { unread, unplaced: 0 };
  return { unread, unplaced: refs.filter(unplacedIn({ config: loaded.config, home, stateFolder: paths.state, key, nowMs })).length };
}

export function transcriptsCheck({ unread, unplaced }: LeftOut, { world, config: loaded }: Facts): Check {
  const words = loaded instanceof UserError ? undefined : unplacedWords(unplaced, loaded.config);
  if (unread.length === 0) return ok('transcripts', ['All that lie in the usual places can be read.', words].filter(Boolean).join(' '));
  return warning(
    'transcripts',
    `${count(unread.length, 'file')} can't be read, so nothing of what is in ${unread.length === 1 ? 'it' : 'them'} is listed or delivered.`,
    unread[0]!.hint,
    [...unread.map(({ path, message }) => message.replace(path, tilde(path, world))), ...(words === undefined ? [] : [words])],
  );
}

export function problemsCheck({ problems }: Recorded, { unread }: LeftOut): Check {
  const all = Object.entries(problems).filter(([, of]) => of > 0);
  if (all.length === 0)
    return ok('problems', `Every line of every transcript ${unread.length === 0 ? '' : 'that can be read '}could be used.`);
  const kinds = all.toSorted(([, a], [, b]) => b - a).map(([reason, of]) => `${of} ${reason}`);
  return warning(
    'problems',
    `Not everything in the transcripts could be used: ${kinds.join(', ')}.`,
    'trace-build <session> --dry-run --verbose lists them',
  );
}

/** Since then an error is news. */
const NEWS_MS = 7 * 24 * 60 * 60_000;

export function logCheck({ errors }: Recorded, lastDeliveryMs: number | undefined, { nowMs, paths, world }: Facts): Check {
  const [last] = errors;
  if (last === undefined) return ok('log', 'The worker has logged no error.');
  const details = errors.map(
    ({ atMs, session, message }) => `${when(atMs, nowMs)}: ${session === undefined ? '' : `${session}: `}${message}`,
  );
  const log = `${tilde(paths.state, world)}/log`;
  if (lastDeliveryMs !== undefined && lastDeliveryMs > last.atMs)
    return ok('log', `The last error was ${when(last.atMs, nowMs)}; since then something was delivered (${log}).`, details);
  if (nowMs - last.atMs > NEWS_MS) return ok('log', `The last error was ${when(last.atMs, nowMs)} (${log}).`, details);
  return warning('log', `The worker's last error was ${when(last.atMs, nowMs)} (${log}).`, undefined, details);
}

/** Clocks of a network's disks may differ by some seconds. */
const SLACK_MS = 60_000;

export function clockCheck(latestMs: number, nowMs: number): Check {
  if (latestMs <= nowMs + SLACK_MS) return ok('clock', 'Nothing was written in the future.');
  return warning(
    'clock',
    `Something was written ${when(latestMs, nowMs)}, by this clock: it was set back, or was wrong then. Nothing is lost by it, but ages above may be wrong.`,
    'Compare: date',
  );
}
