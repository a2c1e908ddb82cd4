/**
 * Sessions on disk → what the server of `view` shows of them.
 *
 * in:   a way to find sessions, how to build them, World
 * out:  `Shelf`; `shownOf`, one session as it is shown
 */
import { createHash } from 'node:crypto';
import { type BuildOptions, type Standing, traceSession } from '../pipeline.ts';
import { findSession, type Places, placeOf, type SessionRef } from '../read/find.ts';
import { stampOf } from '../read/transcript.ts';
import type { Shelf } from '../view/answers.ts';
import type { PageFiles } from '../view/html.ts';
import type { ListedSession, ListLine } from '../view/model.ts';
import type { Shown } from '../view/session.ts';
import { sessionsKept } from '../view/sessions.ts';
import { demandSession } from './no-session.ts';
import type { World } from './run.ts';
import { standingIn } from './standing.ts';
import { overSessions } from './threads.ts';

/** How sessions are built, and what of their content is kept. */
export type ViewOptions = BuildOptions & Required<Pick<BuildOptions, 'content' | 'redactorFor'>>;

/** @param find  every time the list is looked at: what is new is in it */
export function shelfOf(page: PageFiles, find: () => readonly SessionRef[], options: ViewOptions, places: Places, world: World): Shelf {
  const refs = new Map<string, SessionRef>();
  const refresh = (): void => {
    for (const ref of find()) refs.set(keyOf(ref), ref);
  };
  const refOf = (key: string): SessionRef | undefined => {
    if (!refs.has(key)) refresh();
    return refs.get(key);
  };
  const open = sessionsKept(
    (key) => {
      const ref = refOf(key);
      return ref && shownOf(asItIs(ref, places), options, world);
    },
    (key) => {
      const ref = refOf(key);
      if (ref === undefined) return undefined;
      const now = asItIs(ref, places);
      return `${stampsOf(now)} ${standingNow(world)(now).ended}`;
    },
  );
  const summaries = new Map<string, { readonly stamp: string; readonly line: ListLine }>();
  return {
    page,
    session: open,
    list: () => {
      // At once: what is wrong with the place they are in is an answer of its own.
      refs.clear();
      refresh();
      return lines();
    },
  };

  async function* lines(): AsyncGenerator<ListLine> {
    const listed = [...refs].toSorted(([, a], [, b]) => b.modifiedMs - a.modifiedMs);
    yield { kind: 'sessions', sessions: listed.map(([key, ref]) => listedSession(key, ref)) };
    const standing = standingNow(world);
    const changes = new Map(listed.map(([key, ref]) => [key, `${changeOf(ref)} ${standing(ref).ended}`]));
    const isKnown = ([key]: [string, SessionRef]): boolean => summaries.get(key)?.stamp === changes.get(key);
    for (const [key] of listed.filter(isKnown)) yield summaries.get(key)!.line;
    const unknown = listed.filter((entry) => !isKnown(entry)).map(([, ref]) => ref);
    for await (const result of overSessions(unknown, { kind: 'summary', content: options.content, nowMs: timeIn(world) }, world)) {
      const key = keyOf(result.ref);
      const line: ListLine =
        result.kind === 'failed' ? { kind: 'failed', key, message: result.message } : { kind: 'summary', key, summary: result.summary };
      summaries.set(key, { stamp: changes.get(key)!, line });
      yield line;
    }
  }
}

/** Of one that may go on what is not over is open. @throws UserError when it can't be read, or is none */
export function shownOf(ref: SessionRef, options: ViewOptions, world: World): Shown {
  const { session, spans, problems, repositoryUrl } = traceSession(ref, options, standingNow(world)(ref));
  demandSession({ session, problems, ref });
  return {
    key: keyOf(ref),
    session,
    spans,
    problems,
    ...(ref.startDirectory !== undefined && { project: ref.startDirectory }),
    ...(repositoryUrl !== undefined && { repositoryUrl }),
    content: options.content,
  };
}

const timeIn = ({ now = Date.now }: World): number => now();

/** A session ends without a line, by its silence too. */
const standingNow = (world: World): ((ref: SessionRef) => Standing) => standingIn(world, timeIn(world));

/** The same in every run: an address of the page can be kept, but for its first part. */
export const keyOf = (ref: SessionRef): string =>
  createHash('sha256')
    .update(`${ref.harness.name} ${placeOf(ref)}`)
    .digest('hex')
    .slice(0, 16);

function listedSession(key: string, { sessionId, harness, startDirectory, modifiedMs, bytes }: SessionRef): ListedSession {
  return {
    key,
    id: sessionId,
    harness: harness.name,
    ...(startDirectory !== undefined && { project: startDirectory }),
    modifiedMs,
    bytes,
  };
}

/** It may have grown, and started agents, since. Of one that is gone, whoever reads it will tell. */
export const asItIs = (ref: SessionRef, places: Places): SessionRef =>
  ref.path === undefined || stampOf(ref.path) === undefined ? ref : (findSession(ref.path, ref.sessionId, places) ?? ref);

const stampsOf = ({ path, agents }: SessionRef): string =>
  [...(path === undefined ? [] : [path]), ...agents.map((agent) => agent.path)].map((file) => `${file} ${stampOf(file)}`).join('\n');

const changeOf = ({ modifiedMs, bytes, agents, rows }: SessionRef): string =>
  [modifiedMs, bytes, agents.length, ...[rows, ...agents.map((agent) => agent.rows)].map((each) => each?.version)].join(' ');
