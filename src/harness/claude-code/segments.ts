/**
 * The main file cut into turns, before anything is read out of them.
 *
 * in:   the parsed main file, or what was added to it
 * out:  `Segment[]`, one per turn, in file order; what lies before the first turn goes with it
 */
import type { Before } from './before.ts';
import { isEvent } from './digest.ts';
import type { ClaudeRecord, ParsedFile, UserRecord } from './records.ts';
import { lowerBound } from './search.ts';
import { isUnmarkedTrigger, turnStarts } from './triggers.ts';

export interface Segment {
  /** From the line that started the turn to the line before the next one. */
  readonly records: readonly ClaudeRecord[];
  /** Absent when the model spoke before anything that starts a turn. */
  readonly start: UserRecord | undefined;
  /** Lines just above that belong to it: a notification that was merged into this turn, the command of `!bash`. */
  readonly lead: readonly UserRecord[];
  readonly firstLine: number;
  readonly lastLine: number;
}

/**
 * @param ended   false while the file may grow
 * @param before  what is known of the turns above; what lies before the first turn is theirs then
 */
export function segmentsOf(file: ParsedFile, ended: boolean, before?: Before): readonly Segment[] {
  const starts = turnStarts(
    file.records,
    before?.markingVersions.map((version) => version ?? undefined),
  );
  const cuts: Draft[] = [];
  let current: Draft = { records: [], start: undefined, lead: [] };
  let lead: UserRecord[] = [];
  for (const record of file.records) {
    if (record.kind === 'user' && starts.has(record.line)) {
      const idle = takeIdleCompactions(current, before !== undefined && cuts.length === 0);
      cuts.push(current);
      current = { records: [record, ...idle], start: record, lead };
      lead = [];
      continue;
    }
    current.records.push(record);
    if (record.kind === 'user' && isUnmarkedTrigger(record)) lead.push(record);
    // The model answered before another turn began: the line was for the turn it stands in.
    else if (record.kind === 'assistant') lead = [];
  }
  // Whose history it made is not known yet; if nothing comes any more, the last turn tells of it.
  if (!ended) takeIdleCompactions(current);
  cuts.push(current);
  const [beginning, ...turns] = cuts as [Draft, ...Draft[]];
  // Without a start but with a response: a file cut at its beginning, or a version we don't know.
  const all = beginning.records.some((r) => r.kind === 'assistant' && r.synthetic !== 'no_response')
    ? [spoken(beginning), ...turns]
    : turns;
  return all.map((draft, at) => ({
    ...draft,
    firstLine: at === 0 && before === undefined ? 0 : draft.records[0]!.line,
    lastLine: (all[at + 1]?.records[0]?.line ?? Number.POSITIVE_INFINITY) - 1,
  }));
}

interface Draft {
  records: ClaudeRecord[];
  start: UserRecord | undefined;
  lead: readonly UserRecord[];
}

/**
 * A compaction after the last thing a turn did is of the next turn, whose history it made: the turn itself
 * was over, and may have been sent.
 */
function takeIdleCompactions(turn: Draft, allIdle = false): readonly ClaudeRecord[] {
  const last = turn.records.findLastIndex(isEvent);
  const idle =
    last < 0 && !allIdle
      ? []
      : turn.records.slice(Math.max(0, last)).filter((record) => record.kind === 'system' && record.compaction !== undefined);
  if (idle.length > 0) turn.records = turn.records.filter((record) => !idle.includes(record));
  return idle;
}

/** From the first line that shows somebody at work, not from the bookkeeping above it. */
function spoken(draft: Draft): Draft {
  const first = draft.records.findIndex((record) => record.kind === 'user' || record.kind === 'assistant');
  return { ...draft, records: draft.records.slice(first) };
}

/**
 * The session a file is of: what its name says when a line agrees, else what its last line says,
 * for a fork begins with lines of another session and a file may have been renamed.
 */
export function sessionIdOf(file: ParsedFile, fromName: string): string {
  let last: string | undefined;
  for (const { context } of file.records) {
    if (context.sessionId === fromName) return fromName;
    last = context.sessionId ?? last;
  }
  return last ?? fromName;
}

/**
 * Was the turn copied from another session? Recent versions mark the lines; 2.0.76 and 2.1.50 keep
 * the old session id on them; in between only the time tells: the copies are older than the file.
 */
export function copyMark(segment: Segment, sessionId: string, begunMs: number): { readonly sessionId?: string } | undefined {
  const { start } = segment;
  const answer = segment.records.find((record) => record.kind === 'assistant');
  const original = [start?.copiedFrom, start?.context.sessionId, answer?.copiedFrom].find((id) => id !== undefined && id !== sessionId);
  if (original !== undefined) return { sessionId: original };
  const last = segment.records.findLast(isEvent);
  return last !== undefined && last.atMs < begunMs ? {} : undefined;
}

/** Latest time above the first turn: when the file was begun, whatever older lines follow. */
export function begunMs(file: ParsedFile, segments: readonly Segment[]): number {
  const firstStart = segments[0]?.start?.line ?? 0;
  let latest = 0;
  for (const record of file.records) {
    if (record.line >= firstStart) break;
    // Requests are written as they go, a prompt a little after it was typed.
    if (record.kind !== 'request') latest = Math.max(latest, record.atMs);
  }
  return latest;
}

/**
 * The turns that a rewind took back just before this one: its first line hangs on a line of a turn
 * further up, so the turns in between are no longer part of the conversation.
 *
 * @returns how many of the turns before `at` stay; `at` itself when there was no rewind. Where the line it hangs on
 *          was not read, all of these turns were taken back
 */
export function turnsKept(file: ParsedFile, segments: readonly Segment[], at: number, before?: Before): number {
  const start = segments[at]?.start;
  if (start === undefined || at === 0 || start.parentUuid === undefined) return at;
  // Taken back to the very beginning. Turns that hang on nothing one after another were never linked at all.
  if (start.parentUuid === null)
    return segments[0]?.start?.parentUuid === null && (at === 1 || segments[at - 1]?.start?.parentUuid) ? 0 : at;
  const line = file.lineOfUuid.get(start.parentUuid);
  if (line === undefined && before?.lastIds.includes(start.parentUuid)) return 0;
  if (line === undefined || line >= start.line) return at;
  const firstStart = segments[0]?.start?.line ?? 0;
  if (line < firstStart) return 0;
  return lowerBound(segments, ({ lastLine }) => lastLine >= line) + 1;
}
