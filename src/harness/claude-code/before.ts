/**
 * Reading on: what the later turns of a session need to know of those before them, and when that is not enough.
 *
 * in:   what was read of a session, and the turn to go on from; later what was added since
 * out:  `Before`, plain JSON inside a `Checkpoint`; `isDoubtful`
 *
 * A turn leans on the turns above it in few ways: its number, the link to the turn before, tasks begun there whose end
 * is told here. Whatever else would reach back (a replayed line, a result without its call, a rewind beyond the last
 * turn, an agent nobody called) is a doubt, and in doubt the whole session is read: reading on saves time, it decides nothing.
 */
import type { CallRef } from '../../session/types.ts';
import { type FileIndex, isEvent } from './digest.ts';
import type { ClaudeRecord, ParsedFile } from './records.ts';
import type { Segment } from './segments.ts';
import { isUnmarkedTrigger, notificationsIn } from './triggers.ts';

export interface Before {
  readonly sessionId: string;
  readonly agentName: string;
  /** When the file was begun, by the lines above its first turn. */
  readonly begunMs: number;
  readonly turns: number;
  readonly previousTurnId: string;
  /** The last thing that happened. */
  readonly endedAtMs: number;
  readonly markingVersions: readonly (string | null)[];
  /** Ids of lines and responses of the last turn: what comes next may hang on them. */
  readonly lastIds: readonly string[];
  /** Where the span of each task is, by the task's id. */
  readonly tasks: Readonly<Record<string, CallRef>>;
  readonly startedBy: CallRef | undefined;
}

/** A turn's last lines: one further up is no place for the next turn to hang on, but for a rewind. */
const LAST_IDS_MAX = 200;

/**
 * The line after which the turn to come begins, whatever it will be: the last thing that happened before it, or the
 * first of the lines that were put there for it.
 *
 * @param segments  the turns before it
 */
export function lineBefore(segments: readonly Segment[]): number | undefined {
  for (const { records } of segments.toReversed()) {
    const last = records.findLast(isEvent);
    if (last === undefined) continue;
    const lastAnswer = records.findLastIndex((record) => record.kind === 'assistant');
    const lead = records
      .slice(lastAnswer + 1)
      .find((record) => record.kind === 'user' && record.hasTurnPosition === false && isUnmarkedTrigger(record));
    return lead === undefined ? last.line : Math.min(last.line, lead.line - 1);
  }
  return undefined;
}

export function lastIdsOf(main: ParsedFile, segment: Segment, upToLine: number): readonly string[] {
  const uuids = [...main.lineOfUuid].filter(([, line]) => line >= segment.firstLine && line <= upToLine).map(([uuid]) => uuid);
  const responses = new Set(segment.records.flatMap((record) => (record.kind === 'assistant' ? [record.messageId] : [])));
  return [...uuids.slice(-LAST_IDS_MAX), ...[...responses].slice(-LAST_IDS_MAX)];
}

export const lastEventMs = (records: readonly ClaudeRecord[]): number =>
  records.reduce((latest, record) => (isEvent(record) ? Math.max(latest, record.atMs) : latest), 0);

/** What was added reaches back further than a checkpoint remembers. */
export function isDoubtful(main: ParsedFile, segments: readonly Segment[], before: Before): boolean {
  const firstStart = segments[0]?.start?.line ?? Number.POSITIVE_INFINITY;
  const lastIds = new Set(before.lastIds);
  return (
    main.records.some(
      (record) =>
        // Somebody went on with a turn that was over.
        (record.line < firstStart && (isEvent(record) || record.kind === 'assistant')) ||
        // An old line again, or one that came late.
        ((record.kind === 'assistant' || record.kind === 'user') && record.atMs < before.endedAtMs) ||
        (record.uuid !== undefined && lastIds.has(record.uuid)) ||
        (record.kind === 'assistant' && lastIds.has(record.messageId)),
    ) || segments.some(({ start }) => start?.uuid === undefined || hangsElsewhere(main, start.parentUuid, lastIds))
  );
}

/** A turn that hangs on a line we neither have nor remember: a rewind, or a version that links otherwise. */
function hangsElsewhere(main: ParsedFile, parentUuid: string | null | undefined, lastIds: ReadonlySet<string>): boolean {
  if (parentUuid === undefined) return false;
  return parentUuid === null || !(main.lineOfUuid.has(parentUuid) || lastIds.has(parentUuid));
}

/** Something in the added lines is about a call or a task of the turns before, and it isn't known which. */
export const reachesBack = (index: FileIndex, knowsCall: (id: string) => boolean, knowsTask: (id: string) => boolean): boolean =>
  [...index.results.keys()].some((id) => !knowsCall(id)) ||
  index.file.records.some(
    (record) =>
      ((record.kind === 'user' && record.results.length === 0) || record.kind === 'steering') &&
      notificationsIn(record.text ?? '').some(
        ({ taskId, toolUseId }) => ![taskId, toolUseId].some((id) => id !== undefined && knowsTask(id)),
      ),
  );
