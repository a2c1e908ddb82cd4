/**
 * What a user line is: does it start a turn, and what set it off?
 *
 * in:   UserRecord; for old versions also whether a model line follows
 * out:  `isTurnStart`, `triggerOf`, the ids in a task notification
 *
 * 2.1.329 marks the starts (`turnPosition`); 2.1.250 names the origin of some lines; before that only
 * the text tells. A file may hold lines of several versions, so the rule goes by the line's version.
 */
import type { Trigger } from '../../session/types.ts';
import type { ClaudeRecord, UserRecord } from './records.ts';

/** Versions that mark the lines which start a turn. */
export const markingVersions = (records: readonly ClaudeRecord[]): readonly (string | undefined)[] => [
  ...new Set(records.flatMap((r) => (r.kind === 'user' && r.hasTurnPosition ? [r.context.version] : []))),
];

/**
 * Tells which lines of a main file start a turn.
 *
 * @param records  all of its lines, or those from some point on
 * @param markingBefore  versions seen to mark starts in the lines above
 */
export function turnStarts(records: readonly ClaudeRecord[], markingBefore: readonly (string | undefined)[] = []): ReadonlySet<number> {
  const marking = new Set([...markingBefore, ...markingVersions(records)]);
  const starts = new Set<number>();
  const answered = new Set<string>();
  let candidate: UserRecord | undefined;
  for (const record of records) {
    if (record.kind === 'assistant' && record.synthetic === 'no' && !answered.has(record.messageId)) {
      answered.add(record.messageId);
      // A command runs by itself, or it asks the model: only then is it a turn.
      if (candidate !== undefined) starts.add(candidate.line);
      candidate = undefined;
    }
    if (record.kind !== 'user') continue;
    const role = marking.has(record.context.version) ? markedRole(record) : unmarkedRole(record);
    if (role === 'start') {
      starts.add(record.line);
      candidate = undefined;
    } else if (role === 'start if answered') candidate ??= record;
  }
  return starts;
}

type Role = 'start' | 'start if answered' | 'none';

const markedRole = (record: UserRecord): Role => (record.hasTurnPosition && !record.isCompactSummary ? 'start' : 'none');

function unmarkedRole(record: UserRecord): Role {
  if (record.isCompactSummary || record.isSidechain || record.results.length > 0) return 'none';
  if (record.originKind !== undefined) return 'start';
  if (record.isMeta || isInterruption(record)) return 'none';
  if (record.text === undefined) return record.hasMedia ? 'start' : 'none';
  if (isCommand(record.text) || /^<bash-input>/.test(record.text)) return 'start if answered';
  return /^<(?:local-command-|bash-)/.test(record.text) ? 'none' : 'start';
}

/** A line that would start a turn but lacks the mark: it belongs to the turn that starts next. */
export const isUnmarkedTrigger = (record: UserRecord): boolean =>
  !record.isMeta &&
  !record.isCompactSummary &&
  record.results.length === 0 &&
  (record.turnOrigin !== undefined || record.originKind !== undefined || /^<(?:bash-input|task-notification)>/.test(record.text ?? ''));

export const isInterruption = (record: UserRecord): boolean => record.text?.startsWith('[Request interrupted by user') === true;

/** A slash command: in tags, or, in some versions, as it was typed; then only the CLI's own are known from a path. */
const isCommand = (text: string): boolean => /^<command-(?:name|message)>/.test(text) || TYPED_COMMAND.test(text);
const TYPED_COMMAND = /^(\/(?:clear|compact|context|cost|init|review|usage))(?:\s|$)/;

export function triggerOf(record: UserRecord): Trigger {
  const text = record.text ?? '';
  if (isCommand(text)) return 'command';
  if (/^<bash-(?:input|stdout|stderr)>/.test(text)) return 'bash';
  if (/^<(?:task|bash|agent)-notification>/.test(text)) return 'task_notification';
  if (/^(?:<(?:teammate|agent)-message\b|Another Claude session sent a message)/.test(text)) return 'peer';
  switch (record.turnOrigin ?? record.originKind) {
    case 'human':
      return 'human';
    case 'sdk':
      return 'sdk';
    case 'task_notification':
    case 'task-notification':
      return 'task_notification';
    case 'peer':
    case 'coordinator':
      return 'peer';
    default:
      return record.context.entrypoint?.startsWith('sdk') ? 'sdk' : 'human';
  }
}

/** Name of the slash command, with the slash and without its arguments. */
export function commandOf(record: UserRecord): string | undefined {
  const text = record.text ?? '';
  return /<command-name>(\/[^<\s]+)<\/command-name>/.exec(text)?.[1] ?? TYPED_COMMAND.exec(text)?.[1];
}

export interface Notification {
  readonly taskId: string | undefined;
  readonly toolUseId: string | undefined;
  readonly status: string | undefined;
}

/** The notifications in a text: a task that runs in the background has ended. */
export function notificationsIn(text: string): Notification[] {
  if (!text.includes('-notification>')) return [];
  return text
    .split(/(?=<(?:task|bash)-notification>)/)
    .filter((piece) => /^<(?:task|bash)-notification>/.test(piece))
    .map((piece) => ({
      taskId: tag(piece, 'task-id') ?? tag(piece, 'shell-id'),
      toolUseId: tag(piece, 'tool-use-id'),
      status: tag(piece, 'status'),
    }));
}

const tag = (text: string, name: string): string | undefined => new RegExp(`<${name}>([^<]{1,200})</${name}>`).exec(text)?.[1];

/** What a teammate was told, without the envelope it came in. */
export const teammatePrompt = (text: string): string | undefined =>
  /^<teammate-message\b[^>]*>\n?([\s\S]*?)\n?<\/teammate-message>/.exec(text)?.[1];
