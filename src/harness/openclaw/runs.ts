/**
 * Records of one session → its runs: from a prompt, or what came back from a sub-agent, to the end of the answer.
 *
 * in:   ParsedFile
 * out:  `RawRun[]` in order of their beginnings: which entries belong to which run; pure and total
 *
 * Version 4 names the run on nearly every entry; version 3 and pi name none, and there a prompt begins one. The trajectory
 * names it in both.
 */
import { grouped } from '../../grouped.ts';
import type { RunEvent } from './events.ts';
import type { AssistantEntry, CompactionEntry, Entry, ParsedFile, ResultEntry, UserEntry } from './records.ts';

export interface RawRun {
  /** Kept by forks and by the move into the database: the id of its first entry; of a run without a prompt, the run's. */
  readonly startId: string;
  readonly runId?: string;
  readonly prompt?: UserEntry;
  readonly steering: readonly UserEntry[];
  readonly calls: readonly AssistantEntry[];
  readonly results: readonly ResultEntry[];
  /** Both, in the order of the transcript. */
  readonly steps: readonly (AssistantEntry | ResultEntry)[];
  readonly compactions: readonly CompactionEntry[];
  /** When OpenClaw itself wrote something into it. */
  readonly notesMs: readonly number[];
  /** What the trajectory tells of it. */
  readonly events: readonly RunEvent[];
  readonly startedAtMs: number;
  /** Runs that a rewind took out of the conversation just before this one, by index. */
  readonly dropped: readonly number[];
  /** The one it went back to; -1: to the beginning. Undefined: it follows the one before. */
  readonly backTo?: number;
  /** What the database says of how a session's last run ended is of this one. */
  readonly isLast: boolean;
  /** Copied from the session that this one was forked from. */
  readonly isCopy: boolean;
}

/** The sub-agent's run that one without a prompt was started by: `announce:v1:<session key>:<run>`. */
export const announcedBy = (runId: string | undefined): string | undefined => /^announce:v\d+:(.+)$/.exec(runId ?? '')?.[1];

interface Draft {
  startId: string;
  /** As its entries call it: a run on the command line has one name in its prompt and another one in its answers. */
  readonly runIds: Set<string>;
  prompt: UserEntry | undefined;
  steering: UserEntry[];
  calls: AssistantEntry[];
  results: ResultEntry[];
  steps: (AssistantEntry | ResultEntry)[];
  compactions: CompactionEntry[];
  notesMs: number[];
  firstMs: number;
  dropped: number[];
  backTo: number | undefined;
}

export function runsOf({ entries, events, header }: ParsedFile): readonly RawRun[] {
  const drafts: Draft[] = [];
  /** By entry, the run it belongs to: of bookkeeping too, for prompts hang on it. */
  const runOfEntry = new Map<string, number>();
  /** Runs that are part of the conversation, by index, oldest first. */
  const alive: number[] = [];
  /** The last one that goes by a name. */
  const byRunId = new Map<string, Draft>();
  const begin = (first: Entry, runId: string | undefined, firstMs: number): Draft => {
    const draft: Draft = {
      startId: first.kind === 'assistant' && runId !== undefined ? runId : keyOf(first),
      runIds: new Set(runId === undefined ? [] : [runId]),
      prompt: first.kind === 'user' ? first : undefined,
      steering: [],
      calls: [],
      results: [],
      steps: [],
      compactions: [],
      notesMs: [],
      firstMs,
      dropped: [],
      backTo: undefined,
    };
    rewindTo(first, draft);
    alive.push(drafts.length);
    drafts.push(draft);
    if (runId !== undefined) byRunId.set(runId, draft);
    return draft;
  };
  /** An entry that hangs on an older run than the last one: those in between are no longer part of the conversation. */
  const rewindTo = (first: Entry, draft: Draft): void => {
    const parent = first.parentId === undefined ? undefined : runOfEntry.get(first.parentId);
    if (parent === undefined || drafts.length === 0) return;
    const kept = alive.findLastIndex((at) => at <= parent) + 1;
    if (kept === alive.length) return;
    const dropped = alive.splice(kept);
    draft.dropped = dropped;
    draft.backTo = parent;
  };
  /** Of calls that have no result yet: another run may use their ids again. */
  const runOfCall = new Map<string, Draft>();
  for (const entry of entries) {
    switch (entry.kind) {
      case 'user': {
        const current = drafts.at(-1);
        if (entry.runId !== undefined && current?.runIds.has(entry.runId)) current.steering.push(entry);
        else begin(entry, entry.runId, entry.sentMs);
        break;
      }
      case 'assistant': {
        const run = runOf(entry, drafts, byRunId) ?? begin(entry, entry.runId, entry.startedMs);
        run.calls.push(entry);
        run.steps.push(entry);
        if (entry.runId !== undefined && !run.runIds.has(entry.runId)) {
          run.runIds.add(entry.runId);
          byRunId.set(entry.runId, run);
        }
        for (const { id } of entry.toolCalls) runOfCall.set(id, run);
        break;
      }
      case 'result': {
        const run = runOfCall.get(entry.callId) ?? runOf(entry, drafts, byRunId) ?? begin(entry, entry.runId, entry.atMs);
        run.results.push(entry);
        run.steps.push(entry);
        runOfCall.delete(entry.callId);
        break;
      }
      case 'compaction':
        (compactedRun(entry, drafts, byRunId) ?? begin(entry, entry.runId, entry.atMs)).compactions.push(entry);
        break;
      case 'note':
        (byRunId.get(entry.runId ?? '') ?? drafts.at(-1))?.notesMs.push(entry.atMs);
        break;
      case 'other':
        break;
      default:
        entry satisfies never;
    }
    runOfEntry.set(entry.id, drafts.length - 1);
  }
  const told = eventsBy(drafts, events);
  return drafts.map(({ firstMs, backTo, runIds, prompt, ...draft }, at) => ({
    ...draft,
    ...(runIds.size > 0 && { runId: [...runIds].at(-1)! }),
    ...(prompt !== undefined && { prompt }),
    ...(backTo !== undefined && { backTo }),
    events: told[at]!,
    startedAtMs: firstMs,
    isLast: at === drafts.length - 1,
    isCopy: header !== undefined && header.forkedFrom !== undefined && ((prompt ?? draft.calls[0])?.atMs ?? header.atMs) < header.atMs,
  }));
}

/**
 * What the trajectory tells of each: it names the run. Of one whose entries do not, the events are those among which its prompt
 * was written, or before which it waited.
 */
function eventsBy(drafts: readonly Draft[], events: readonly RunEvent[]): readonly (readonly RunEvent[])[] {
  const byRun = grouped(
    events.toSorted((one, other) => one.atMs - other.atMs),
    ({ runId }) => runId,
  );
  const told = drafts.map(({ runIds }) => [...runIds].flatMap((id) => byRun.get(id) ?? []));
  const named = new Set(drafts.flatMap(({ runIds }) => [...runIds]));
  const groups = [...byRun].map(([runId, own]) => ({ runId, own, startMs: own[0]!.atMs }));
  for (const [n, { runId, own, startMs }] of groups.entries()) {
    if (named.has(runId) || announcedBy(runId) !== undefined || own[0]!.kind !== 'attempt') continue;
    const endMs = own.findLast(({ kind }) => kind === 'ended')?.atMs ?? groups[n + 1]?.startMs ?? Number.POSITIVE_INFINITY;
    const isFree = (at: number): boolean => drafts[at]?.prompt !== undefined && told[at]!.length === 0;
    const during = drafts.findIndex(({ prompt }, at) => isFree(at) && startMs <= prompt!.atMs && prompt!.atMs <= endMs);
    const before = drafts.findLastIndex(({ firstMs }) => firstMs < startMs);
    if (during >= 0) told[during] = own;
    else if (isFree(before) && (drafts[before]!.calls[0]?.startedMs ?? startMs) >= startMs) told[before] = own;
  }
  return told;
}

/**
 * The run that an entry without a prompt of its own belongs to. A failed call may be written under another run's id than its
 * prompt: so only a run that has had an answer is told apart by it.
 */
function runOf(entry: AssistantEntry | ResultEntry, drafts: readonly Draft[], byRunId: ReadonlyMap<string, Draft>): Draft | undefined {
  const known = byRunId.get(entry.runId ?? '');
  if (known !== undefined) return known;
  const current = drafts.at(-1);
  if (current === undefined || announcedBy(entry.runId) !== undefined) return undefined;
  const isOver = current.calls.length > 0 || current.prompt === undefined;
  return isOver && entry.runId !== undefined && current.runIds.size > 0 ? undefined : current;
}

/** One that was asked for between two runs is a run of its own. */
function compactedRun(entry: CompactionEntry, drafts: readonly Draft[], byRunId: ReadonlyMap<string, Draft>): Draft | undefined {
  if (entry.runId !== undefined) return byRunId.get(entry.runId);
  const current = drafts.at(-1);
  return current?.calls.at(-1)?.stopReason === 'toolUse' ? current : undefined;
}

/** Ids of version 3 and pi have 8 digits: with the time of the entry, which forks keep, they name one among all there are. */
export const keyOf = ({ id, atMs }: Entry): string => (id.length >= 32 ? id : `${id}@${atMs}`);
