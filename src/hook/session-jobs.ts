/**
 * What hooks told of one session → its state, and a delivery.
 *
 * in:   jobs of one session, oldest first: they come to one piece of work
 * out:  the session's state written down, the jobs gone, what is final delivered
 */
import { existsSync } from 'node:fs';
import { processOf } from '../disk/lock.ts';
import { mayTry } from '../export/outlet.ts';
import { findSession, findSessionOfId, obstacleIn, type Places, type SessionRef, type UnreadableFile } from '../read/find.ts';
import { deliverSession, nameOf } from '../sync/deliver-session.ts';
import { scopeDecider, startDirectoryOf } from '../sync/in-scope.ts';
import { readState, type SessionName, type SessionState, type ToldDirectory, writeState } from '../sync/state.ts';
import { parentFrom } from '../trace/parent.ts';
import { type Job, remove } from './queue.ts';
import { hasSettled, untilQuiet } from './settle.ts';
import { messageOf, type Shift } from './shift.ts';

export async function takeUp(jobs: readonly Job[], crew: Shift): Promise<void> {
  const { paths, log } = crew;
  const { sessionId } = jobs[0]!;
  const done = (): void => jobs.forEach(remove);
  const { ref: early } = found(jobs, crew);
  const name: SessionName = early === undefined ? { harness: harnessOf(jobs, crew), sessionId } : nameOf(early);
  const known = readState(paths.state, name);
  if (known.disabled || jobs.some(({ disabled }) => disabled)) {
    // Wherever it was begun: a root may be added later.
    writeState(paths.state, { ...known, disabled: true }, 'settled');
    return done();
  }
  const decide = scopeDecider(crew.loaded.config, crew.home, paths.state);
  const isInScope = (directory: string | undefined): boolean => decide(directory).inScope;
  const start = toldIn(jobs);
  const told = (ref: SessionRef | undefined): string | undefined => ref && startDirectoryOf(ref, paths.state, start);
  // A transcript of a few lines may not name it yet.
  const expected = told(early) ?? known.startDirectory ?? startDirectoryIn(jobs);
  if (!isInScope(expected)) return done();
  // An agent that stops is news of its session, and no more: that one goes on.
  const own = jobs.filter((job) => !isOfAgent(job, early));
  const stop = own.findLast(({ event }) => event === 'Stop');
  const ended = own.at(-1)?.event === 'SessionEnd';
  // Also before an end: /clear follows a turn so closely that its last lines are not written yet.
  const settled = early !== undefined && stop !== undefined && (await hasSettled(early, stop, crew));
  if (early !== undefined && ended) await untilQuiet(early, own.at(-1)!.atMs, crew);
  const { ref, obstacle } = found(jobs, crew);
  const directory = told(ref) ?? expected;
  const state = {
    ...withEvents(known, jobs, own),
    ...(directory !== undefined && { startDirectory: directory }),
    ...(known.told === undefined && start !== undefined && { told: start }),
    ...(ref?.path !== undefined && { path: ref.path, transcriptSeen: true as const }),
  };
  if (ref === undefined && obstacle !== undefined) keepWaiting(state, obstacle, crew);
  else writeState(paths.state, { ...state, ...(settled && { stoppedAtMs: stop.atMs }) }, 'unsettled');
  done();
  // What a hook says is enough to remember a session, and not enough to send it.
  if (ref === undefined || !isInScope(told(ref)) || (crew.loaded.config.when === 'session' && !ended)) return;
  await deliver(ref, crew, log);
}

/** What goes wrong with one session costs only that one. */
export async function deliver(ref: SessionRef, { tools, now, paths }: Shift, log: Shift['log']): Promise<void> {
  if (tools === undefined || !mayTry(tools.outlet.health(), now())) return;
  // Told since the caller looked.
  if (readState(paths.state, nameOf(ref)).disabled) return;
  try {
    const delivery = await deliverSession(ref, tools);
    if (delivery.kind === 'as it was') return;
    if (delivery.kind === 'not sampled') return log('info', 'its parent trace is not sampled, so nothing is sent', ref.sessionId);
    const { acknowledged, before, updated, refused, pending, open, messages } = delivery.report;
    const figures = { acknowledged, before, updated, refused, pending, open };
    const said = Object.entries(figures).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
    log(refused + pending > 0 ? 'error' : 'info', [said.join(', ') || 'nothing to send', ...messages].join('. '), ref.sessionId);
  } catch (error) {
    log('error', messageOf(error), ref.sessionId);
    const state = readState(paths.state, nameOf(ref));
    const [message] = messageOf(error).split('\n');
    writeState(paths.state, { ...state, failure: { atMs: now(), message: message! } }, 'unsettled');
  }
}

/** It lies in what can't be read, as far as anybody can tell: it is looked for again, and told of once. */
export function keepWaiting(state: SessionState, { message }: UnreadableFile, { paths, log, now }: Shift): void {
  const isNews = state.failure?.message !== message;
  if (isNews) log('error', message, state.sessionId);
  writeState(paths.state, isNews ? { ...state, failure: { atMs: now(), message } } : state, 'unsettled');
}

interface Found {
  /** Undefined while there is no transcript: it was not begun yet, is gone, or can't be read. */
  readonly ref?: SessionRef | undefined;
  /** What can't be read, and may hold it. */
  readonly obstacle?: UnreadableFile | undefined;
}

function found(jobs: readonly Job[], crew: Shift): Found {
  const { sessionId } = jobs[0]!;
  const places: Places = { ...crew.places, harnesses: crew.places.harnesses.filter(({ name }) => name === harnessOf(jobs, crew)) };
  const told = jobs.flatMap(({ transcriptPath }) => transcriptPath ?? []).toReversed();
  // A hook within a sub-agent names the agent's transcript, and the session's id.
  let obstacle: UnreadableFile | undefined;
  for (const path of new Set(told)) {
    const at = existsSync(path) ? foundBy(() => findSession(path, sessionId, places)) : {};
    if (at.ref !== undefined) return at;
    obstacle ??= at.obstacle;
  }
  const anywhere = foundBy(() => findSessionOfId(sessionId, places));
  return { ...anywhere, obstacle: obstacle ?? anywhere.obstacle };
}

/** It says so, or it is one that was found below its session. */
const isOfAgent = ({ harness, agentId, sessionId }: Job, ref: SessionRef | undefined): boolean =>
  harness !== undefined &&
  (agentId !== undefined || (ref !== undefined && ref.sessionId !== sessionId && ref.rows?.ids.includes(sessionId) !== true));

export function foundBy(find: () => SessionRef | undefined): Found {
  try {
    return { ref: find() };
  } catch (error) {
    return { obstacle: obstacleIn(error) }; // Else there is none of that name.
  }
}

/** A name that we don't know is no name. */
function harnessOf(jobs: readonly Job[], { places: { harnesses } }: Shift): string {
  const told = jobs.findLast(({ harness }) => harness !== undefined)?.harness;
  return (harnesses.find(({ name }) => name === told) ?? harnesses[0]!).name;
}

function toldIn(jobs: readonly Job[]): ToldDirectory | undefined {
  const start = jobs.find(({ event, agentId }) => event === 'SessionStart' && agentId === undefined);
  return start?.cwd === undefined ? undefined : { directory: start.cwd, atMs: start.atMs };
}

const startDirectoryIn = (jobs: readonly Job[]): string | undefined =>
  jobs.find((job) => job.projectDirectory !== undefined)?.projectDirectory ?? jobs.find((job) => job.cwd !== undefined)?.cwd;

function withEvents(known: SessionState, jobs: readonly Job[], own: readonly Job[]): SessionState {
  const lastMs = (event: Job['event']): number | undefined => own.findLast((job) => job.event === event)?.atMs;
  const [startedAtMs, endedAtMs] = [lastMs('SessionStart') ?? known.startedAtMs, lastMs('SessionEnd') ?? known.endedAtMs];
  const pid = jobs.findLast((job) => job.pid !== undefined)?.pid;
  // Alive, it can be known again. One that is gone already is told by what is known of it from before.
  const process = pid === undefined ? undefined : (processOf(pid) ?? known.process);
  const path = jobs.findLast((job) => job.transcriptPath !== undefined)?.transcriptPath ?? known.path;
  const traceparent = known.seenAtMs === undefined ? validParent(jobs[0]!.traceparent) : known.traceparent;
  const { process: _, ...rest } = known;
  return {
    ...rest,
    seenAtMs: known.seenAtMs ?? jobs[0]!.atMs,
    ...(path !== undefined && { path }),
    ...(startedAtMs !== undefined && { startedAtMs }),
    ...(endedAtMs !== undefined && { endedAtMs }),
    ...(process !== undefined && { process }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

const validParent = (traceparent: string | undefined): string | undefined =>
  traceparent !== undefined && parentFrom(traceparent) !== undefined ? traceparent : undefined;
