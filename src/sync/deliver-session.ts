/**
 * One session: read on, built, delivered, remembered. The one path for hooks, `sync` and the command line.
 *
 * in:   a session on disk, its state, an outlet
 * out:  SessionDelivery; the session's new state on disk
 */
import type { Outlet, OutletReport } from '../export/outlet.ts';
import { type BuildOptions, type Standing, type TracedSession, traceSession } from '../pipeline.ts';
import type { SessionRef } from '../read/find.ts';
import { traceIdOf } from '../trace/ids.ts';
import { parentFrom, underParent } from '../trace/parent.ts';
import type { Span } from '../trace/span.ts';
import { isAsSeen, stampsOf, standingOf } from './standing.ts';
import { type Delivered, readState, type SessionState, settle, writeState } from './state.ts';

export interface Tools {
  readonly stateFolder: string;
  readonly outlet: Outlet;
  readonly build: BuildOptions;
  readonly version: string;
  /** Whether it is where hooks deliver to: what they owe another destination, this one does not settle. */
  readonly marks: boolean;
  /** Turns of a session that began earlier stay here, unless somebody asked for all of it. Unix ms. */
  readonly sinceMs?: (ref: SessionRef) => number | undefined;
  /** Take every session to have ended. */
  readonly final?: boolean;
  /** Send what was delivered before, too. */
  readonly resend?: boolean;
  /** For sessions that no hook has told of. */
  readonly traceparent?: string | undefined;
  readonly now: () => number;
}

export type SessionDelivery =
  | { readonly kind: 'sent'; readonly traced: TracedSession; readonly report: OutletReport }
  /** Nothing was written since the last time, and nothing was left. */
  | { readonly kind: 'as it was' }
  /** Its parent trace is not recorded. */
  | { readonly kind: 'not sampled' };

/** @throws UserError when reading a file breaks off */
export async function deliverSession(ref: SessionRef, tools: Tools): Promise<SessionDelivery> {
  const { stateFolder, outlet, version } = tools;
  const state = stateOf(ref, tools);
  const marks = tools.marks && !state.disabled;
  const standing = tools.final ? { ended: true } : standingOf(ref, state, tools.now());
  const seen = stampsOf(ref);
  const delivered = tools.resend ? undefined : state.delivered?.[outlet.key];
  const sinceMs = sinceOf(ref, state, tools);
  const known = delivered?.version === version && coversAll(delivered, sinceMs) ? delivered : undefined;
  if (known !== undefined && isAsSeen(ref, known.seen, seen) && known.ended === standing.ended && known.pending === 0) {
    if (marks && known.ended && known.open === 0) settle(stateFolder, nameOf(ref));
    return { kind: 'as it was' };
  }
  if (parentOf(state)?.sampled === false) {
    writeState(stateFolder, state, marks ? (standing.ended ? 'settled' : 'unsettled') : 'unmarked');
    return { kind: 'not sampled' };
  }
  const whole = traceSession(ref, tools.build, { ...standing, resume: known?.resume });
  const traced = sinceMs === undefined ? whole : { ...whole, spans: begunSince(whole.spans, sinceMs) };
  const report = await sendTraced(traced, state, outlet);
  const next = remembered(ref, traced, report, { state, standing, seen, sinceMs }, tools);
  const isSettled = standing.ended && report.unsettled.size === 0 && lastEvents(next) === lastEvents(state);
  writeState(stateFolder, next, marks ? (isSettled ? 'settled' : 'unsettled') : 'unmarked');
  return { kind: 'sent', traced, report };
}

/** Of a session that somebody asked for as a whole before, undefined: it goes on as a whole. */
export function sinceOf(ref: SessionRef, { delivered }: SessionState, { outlet, sinceMs }: Tools): number | undefined {
  const known = delivered?.[outlet.key];
  if (known !== undefined && known.sinceMs === undefined) return undefined;
  const given = sinceMs?.(ref);
  return given !== undefined && ref.begunMs < given ? given : undefined;
}

/** Whether all that is asked for now was asked for then, too. */
const coversAll = (then: Delivered, sinceMs: number | undefined): boolean =>
  then.sinceMs === undefined || (sinceMs !== undefined && then.sinceMs <= sinceMs);

/** By turns: a trace is sent as a whole, or not at all. */
export function begunSince(spans: readonly Span[], sinceMs: number): readonly Span[] {
  const begunMs = new Map<string, number>();
  for (const { traceId, startMs } of spans) begunMs.set(traceId, Math.min(startMs, begunMs.get(traceId) ?? startMs));
  return spans.filter(({ traceId }) => begunMs.get(traceId)! >= sinceMs);
}

/** For whoever built it already. */
export const sendTraced = (
  traced: Pick<TracedSession, 'session' | 'spans'>,
  state: SessionState,
  outlet: Outlet,
): Promise<OutletReport> => {
  const parent = parentOf(state);
  return outlet.send(traced.spans, traced.session.id, parent && ((span: Span) => underParent(span, parent)));
};

/** As it was before it was read: what is written meanwhile is seen the next time. */
export interface Before {
  readonly state: SessionState;
  readonly standing: Standing;
  readonly seen: string;
  readonly sinceMs?: number | undefined;
}

/** The state to write down after a delivery. What hooks told meanwhile stays. */
export function remembered(
  ref: SessionRef,
  traced: TracedSession,
  report: OutletReport,
  { state, standing, seen, sinceMs }: Before,
  { stateFolder, outlet, version, now }: Pick<Tools, 'stateFolder' | 'outlet' | 'version' | 'now'>,
): SessionState {
  const known = readState(stateFolder, nameOf(ref));
  const { turns } = traced.session;
  const at = turns.findIndex(({ startId }) => report.unsettled.has(traceIdOf(startId)));
  const resume = traced.resumeAt(at < 0 ? turns.length : at);
  const { failure: _, ...rest } = known.seenAtMs === undefined ? state : known;
  const delivered: Delivered = {
    version,
    atMs: now(),
    seen,
    ended: standing.ended,
    open: report.open,
    pending: report.pending,
    refused: report.refused,
    problems: traced.problemCounts,
    ...(resume !== undefined && { resume }),
    ...(sinceMs !== undefined && { sinceMs }),
  };
  return {
    ...rest,
    conversationId: traced.session.id,
    ...(ref.path !== undefined && { path: ref.path }),
    delivered: { ...known.delivered, [outlet.key]: delivered },
    ...(report.stopped !== undefined && { failure: { atMs: now(), message: report.stopped } }),
  };
}

const lastEvents = ({ startedAtMs, stoppedAtMs, endedAtMs }: SessionState): string => [startedAtMs, stoppedAtMs, endedAtMs].join();

/** What is known of it; the parent it is first seen with, it keeps. */
export function stateOf(
  ref: SessionRef,
  { stateFolder, traceparent, now }: Pick<Tools, 'stateFolder' | 'traceparent' | 'now'>,
): SessionState {
  const known = readState(stateFolder, nameOf(ref));
  return known.seenAtMs === undefined && traceparent !== undefined ? { ...known, seenAtMs: now(), traceparent } : known;
}

export const nameOf = (ref: SessionRef) => ({ harness: ref.harness.name, sessionId: ref.sessionId });

export const parentOf = ({ traceparent }: SessionState) => (traceparent === undefined ? undefined : parentFrom(traceparent));
