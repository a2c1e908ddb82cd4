/**
 * Lines of a rollout → entries: JSON objects of one shape, whichever era wrote them.
 *
 * in:   lines, as text or bytes, and the number of the first of them
 * out:  `Entry`, one per line that counts; problems for lines that are no JSON object
 *
 * Rollouts may have many GiB, most of it what no span needs: the state of the world, lists of tools, histories written
 * anew after a compaction, images. Such lines are told by their first bytes, and long texts are cut before a line is
 * parsed. A line that this does not understand is parsed like any other: skipping saves time, it decides nothing.
 */
import { isObject } from '../../json.ts';
import type { ProblemReason } from '../../session/types.ts';
import { type Fields, utcMs } from '../fields.ts';
import type { Line, ParseOptions } from '../harness.ts';
import { asBuffer, type Opening, objectsIn } from '../json-lines.ts';
import { shortened } from './cut.ts';
import { Repetitions } from './repetitions.ts';

export interface Entry {
  /** 1-based. */
  readonly line: number;
  /** Unix ms; lines of the first era have none. */
  readonly atMs: number | undefined;
  readonly ordinal: number | undefined;
  readonly type: EntryType;
  readonly payload: Fields;
  /** Of the era without envelopes: no line has a time. */
  readonly bare: boolean;
}

export type EntryType =
  | 'session_meta'
  | 'turn_context'
  | 'response_item'
  | 'event_msg'
  | 'token_usage_record'
  | 'compacted'
  | 'inter_agent_communication_metadata'
  | 'state';

const TYPES: ReadonlySet<string> = new Set<EntryType>([
  'session_meta',
  'turn_context',
  'response_item',
  'event_msg',
  'token_usage_record',
  'compacted',
  'inter_agent_communication_metadata',
]);
const ITEM_TYPES: ReadonlySet<unknown> = new Set([
  'message',
  'reasoning',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'local_shell_call',
  'web_search_call',
]);

/** What some other line tells as well, or nobody asks for. */
const SKIPPED_EVENTS: ReadonlySet<string> = new Set([
  'user_message',
  'agent_message',
  'agent_reasoning',
  'agent_reasoning_raw_content',
  'thread_name_updated',
  'thread_goal_updated',
]);
const HEAD_BYTES = 600;
const HEAD = /^\{"timestamp":"([^"\\]{10,40})",(?:"ordinal":(\d{1,15}),)?"type":"(\w+)","payload":\{(?:"type":"(\w+)")?/;
const DEVELOPER = /^,(?:"\w+":(?:"[^"\\]*"|null),)*"role":"developer"/;
const MESSAGE_ITEM = /^,"thread_id":"[^"\\]*","turn_id":"[^"\\]*","item":\{"type":"(?:UserMessage|AgentMessage|Reasoning)"/;
/** Their texts are asked for whole: a patch tells which files it changes. */
const WHOLE_ITEMS: ReadonlySet<string> = new Set(['function_call', 'custom_tool_call', 'local_shell_call']);
/** Shorter lines are parsed as fast as they are searched. */
const LONG_BYTES = 16 * 1024;

export function* entriesOf(
  lines: Iterable<Line>,
  add: (line: number, reason: ProblemReason, detail: string) => void,
  { content }: ParseOptions,
  firstLine = 1,
): Generator<Entry> {
  const repetitions = new Repetitions();
  const open: Opening = (line) => {
    const head = headOf(line);
    if (head?.skipped) {
      if (head.ordinal !== undefined) repetitions.has(head.ordinal);
      return '';
    }
    // Written anew, the history may be larger than all lines before it.
    if (head?.type === 'compacted' && endsWithBrace(line))
      return { timestamp: head.timestamp, ordinal: head.ordinal, type: head.type, payload: {} };
    return textOf(line, content || WHOLE_ITEMS.has(head?.inner ?? ''));
  };
  for (const { line, raw, value } of objectsIn(lines, add, firstLine, open)) {
    const read = opened(value);
    if (read === undefined || repetitions.hasLine(raw, countOf(value['ordinal']))) continue;
    if (read.payload === undefined) add(line, 'wrong-shape', 'payload: expected an object');
    else if (read.bare) yield { line, atMs: undefined, ordinal: undefined, type: read.type, payload: read.payload, bare: true };
    else yield entryOf(line, value, read.type, read.payload, add);
  }
}

interface Head {
  readonly timestamp: string;
  readonly ordinal: number | undefined;
  readonly type: string;
  readonly inner: string | undefined;
  readonly skipped: boolean;
}

function headOf(line: Line): Head | undefined {
  const text = typeof line === 'string' ? line.slice(0, HEAD_BYTES) : asBuffer(line).toString('latin1', 0, HEAD_BYTES);
  const match = HEAD.exec(text);
  if (match === null) return undefined;
  const [whole, timestamp = '', ordinal, type = '', inner] = match;
  return {
    timestamp,
    ordinal: ordinal === undefined ? undefined : Number(ordinal),
    type,
    inner,
    skipped: isSkipped(type, inner, text.slice(whole.length)),
  };
}

function isSkipped(type: string, inner: string | undefined, rest: string): boolean {
  if (type === 'world_state') return true;
  if (inner === undefined) return false;
  if (type === 'event_msg') return SKIPPED_EVENTS.has(inner) || (inner === 'item_completed' && MESSAGE_ITEM.test(rest));
  return type === 'response_item' && (inner === 'additional_tools' || (inner === 'message' && DEVELOPER.test(rest)));
}

/** An object whose envelope is known. Without `payload`: it should have one. */
function opened(value: Fields): { type: EntryType; payload: Fields | undefined; bare: boolean } | undefined {
  const { type, payload } = value;
  if (typeof type === 'string' && TYPES.has(type) && ('payload' in value || 'timestamp' in value))
    return { type: type as EntryType, payload: isObject(payload) ? payload : undefined, bare: false };
  if ('payload' in value) return undefined;
  if (ITEM_TYPES.has(type)) return { type: 'response_item', payload: value, bare: true };
  if (value['record_type'] === 'state') return { type: 'state', payload: value, bare: true };
  const begins = type === undefined && typeof value['id'] === 'string' && typeof value['timestamp'] === 'string';
  return begins ? { type: 'session_meta', payload: value, bare: true } : undefined;
}

function entryOf(
  line: number,
  envelope: { readonly timestamp?: unknown; readonly ordinal?: unknown },
  type: EntryType,
  payload: Fields,
  add: (line: number, reason: ProblemReason, detail: string) => void,
): Entry {
  const { timestamp, ordinal } = envelope;
  const atMs = typeof timestamp === 'string' ? utcMs(timestamp) : Number.NaN;
  if (Number.isNaN(atMs)) add(line, 'missing-timestamp', `a ${type} line needs one`);
  return { line, atMs: Number.isNaN(atMs) ? undefined : atMs, ordinal: countOf(ordinal), type, payload, bare: false };
}

const countOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;

function textOf(line: Line, whole: boolean): string {
  if (typeof line === 'string') return whole || line.length < LONG_BYTES ? line : shortened(Buffer.from(line));
  const bytes = asBuffer(line);
  return whole || bytes.length < LONG_BYTES ? bytes.toString('utf8') : shortened(bytes);
}

const endsWithBrace = (line: Line): boolean => {
  const end = typeof line === 'string' ? line.slice(-8) : asBuffer(line).toString('latin1', Math.max(0, line.length - 8));
  return end.trimEnd().endsWith('}');
};
