/**
 * Rows of `messages`, as lines of JSON → records; between them may stand what shell hooks told (exact.ts).
 *
 * in:   lines of one session or agent, with its `SessionMeta` beside
 * out:  `ParsedFile`: a record a row, and a problem for each line that could not be used
 *
 * Of a content only what spans need is kept: its hash tells copies, its beginning tells what kind of row it is.
 */
import { isObject, parsedJson } from '../../json.ts';
import type { FileChange, Part, Problem, ProblemReason } from '../../session/types.ts';
import { type Fields, objectAt, textAt } from '../fields.ts';
import type { AgentFile, ParseOptions, TranscriptFile } from '../harness.ts';
import { objectsIn } from '../json-lines.ts';
import { filesOf } from './changes.ts';
import { type HookRecord, hookRecord } from './exact.ts';
import type { SessionMeta } from './layout.ts';
import { partsOf } from './parts.ts';

export interface Message {
  /** 1-based. */
  readonly line: number;
  readonly sessionId: string;
  readonly role: 'user' | 'assistant' | 'tool' | 'system';
  /** Unix ms, to the microsecond: rows of one batch lie that close together. */
  readonly atMs: number;
  readonly hash: string;
  /** Its beginning. */
  readonly head: string;
  readonly toolCalls: readonly RequestedTool[];
  readonly toolCallId: string | undefined;
  readonly result: ToolResult | undefined;
  readonly finishReason: string | undefined;
  readonly isSummary: boolean;
  readonly isHidden: boolean;
  /** Taken out of the conversation by an undo: it did happen. */
  readonly isRewound: boolean;
  readonly parts: readonly Part[];
}

export interface RequestedTool {
  readonly id: string;
  readonly name: string;
  /** Hashes of the prompts of the agents it asks for; '' for one without. */
  readonly goals: readonly string[];
  readonly files: readonly FileChange[] | undefined;
  readonly input: unknown;
}

export interface ToolResult {
  readonly exitCode: number | undefined;
  readonly error: string | undefined;
  readonly isError: boolean;
  readonly delegationId: string | undefined;
  /** Of each agent that a call waited for, by its place among those it asked for. */
  readonly reports: ReadonlyMap<number, AgentReport>;
}

/** How an agent ended, by the one who ran it. */
export interface AgentReport {
  readonly status: string;
  readonly error: string | undefined;
}

export interface ParsedFile {
  readonly name: string;
  readonly agentId: string | undefined;
  readonly meta: SessionMeta;
  readonly messages: readonly Message[];
  readonly hooks: readonly HookRecord[];
  readonly content: boolean;
  readonly problems: readonly Problem[];
}

const MAX_PROBLEMS_PER_FILE = 1000;
const HEAD_CHARS = 200;
const ROLES: ReadonlySet<unknown> = new Set(['user', 'assistant', 'tool', 'system']);

export function parseFile(file: TranscriptFile | AgentFile, { content }: ParseOptions): ParsedFile {
  const problems: Problem[] = [];
  const add = (line: number, reason: ProblemReason, detail: string): void => {
    if (problems.length < MAX_PROBLEMS_PER_FILE) problems.push({ file: file.name, line, reason, detail: detail.slice(0, HEAD_CHARS) });
  };
  if (file.unreadable !== undefined) add(0, 'unreadable-file', file.unreadable);
  const meta = metaOf(file.meta, (detail) => add(0, 'bad-meta', detail));
  const messages: Message[] = [];
  const hooks: HookRecord[] = [];
  const rows = new Set<string>();
  for (const { line, value } of objectsIn(file.lines, add, file.firstLine)) {
    if (typeof value['hook_event_name'] === 'string') {
      hooks.push(...hookRecord(value));
      continue;
    }
    // The same row again: read twice, or copied into the lines twice.
    const row = JSON.stringify([value['session_id'], value['id']]);
    if (value['id'] !== undefined && rows.has(row)) continue;
    rows.add(row);
    const message = messageOf(line, value, content, add);
    if (message !== undefined) messages.push(message);
  }
  return { name: file.name, agentId: 'id' in file ? file.id : undefined, meta, messages, hooks, content, problems };
}

function messageOf(
  line: number,
  row: Fields,
  content: boolean,
  add: (line: number, reason: ProblemReason, detail: string) => void,
): Message | undefined {
  const complain = (detail: string) => add(line, 'wrong-shape', detail);
  const { role, timestamp } = row;
  if (!ROLES.has(role)) {
    add(
      line,
      'wrong-shape',
      `role: expected user, assistant, tool or system, got ${typeof role === 'string' ? 'another word' : typeof role}`,
    );
    return undefined;
  }
  if (typeof timestamp !== 'number' || !Number.isFinite(timestamp) || timestamp <= 0 || timestamp > MAX_SECONDS) {
    add(line, 'missing-timestamp', 'a row without a time has no place');
    return undefined;
  }
  const text = textAt(row, 'content', complain) ?? '';
  const parts = partsOf(text, complain);
  const plain = parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n');
  const toolCallId = role === 'tool' ? textAt(row, 'tool_call_id', complain) : undefined;
  const reasoning = textAt(row, 'reasoning', complain);
  const kind = textAt(row, 'display_kind', complain);
  const isSummary = role === 'user' && (row['_compressed_summary'] === 1 || plain.startsWith('[CONTEXT COMPACTION'));
  return {
    line,
    sessionId: textAt(row, 'session_id', complain) ?? '',
    role: role as Message['role'],
    atMs: timestamp * 1000,
    hash: hashOf(plain),
    head: plain.slice(0, HEAD_CHARS),
    toolCalls: role === 'assistant' ? toolCallsOf(row['tool_calls'], content, complain) : [],
    toolCallId,
    result: role === 'tool' ? resultOf(plain) : undefined,
    finishReason: textAt(row, 'finish_reason', complain),
    isSummary,
    isHidden: kind === 'hidden',
    isRewound: row['active'] === 0 && row['compacted'] !== 1,
    parts: content ? [...(reasoning === undefined ? [] : [{ kind: 'reasoning', text: reasoning } as const]), ...parts] : [],
  };
}

/** What a date can hold. */
export const MAX_SECONDS = 8.64e12;

function toolCallsOf(value: unknown, content: boolean, complain: (detail: string) => void): RequestedTool[] {
  const list = typeof value === 'string' && value !== '' ? parsedJson(value) : value;
  if (list === undefined || list === null || list === '') return [];
  if (!Array.isArray(list)) {
    complain('tool_calls: expected a list');
    return [];
  }
  return list.flatMap((call: unknown): RequestedTool[] => {
    if (!isObject(call)) return [];
    const ask = objectAt(call, 'function', complain) ?? call;
    const id = textAt(call, 'id', complain) ?? textAt(call, 'call_id', complain);
    const name = textAt(ask, 'name', complain);
    if (id === undefined || name === undefined) {
      complain('tool_calls: a call without id or name');
      return [];
    }
    const written = ask['arguments'];
    const input = typeof written === 'string' ? (parsedJson(written) ?? written) : written;
    return [
      {
        id,
        name,
        goals: name === 'delegate_task' ? goalsOf(input) : [],
        files: filesOf(name, input, content),
        input: content ? input : undefined,
      },
    ];
  });
}

function goalsOf(input: unknown): string[] {
  if (!isObject(input)) return [];
  const tasks = Array.isArray(input['tasks']) && input['tasks'].length > 0 ? input['tasks'] : [input];
  return tasks.map((task: unknown) => (isObject(task) && typeof task['goal'] === 'string' ? hashOf(task['goal']) : ''));
}

/** A result is JSON, mostly; there is no mark of failure but what it says. */
function resultOf(text: string): ToolResult {
  const value = text.startsWith('{') ? parsedJson(text) : undefined;
  const fields: Fields = isObject(value) ? value : {};
  const { exit_code: exitCode, error, delegation_id: id } = fields;
  const status = fields['status'];
  const results = Array.isArray(fields['results']) ? fields['results'].filter(isObject) : [];
  const message = typeof error === 'string' && error !== '' ? error : undefined;
  return {
    exitCode: Number.isSafeInteger(exitCode) ? (exitCode as number) : undefined,
    error: message,
    isError: (Number.isSafeInteger(exitCode) && exitCode !== 0) || message !== undefined || status === 'error',
    delegationId: typeof id === 'string' && /^deleg_\w{1,64}$/.test(id) ? id : undefined,
    reports: new Map(
      results.map((each, at) => [Number.isSafeInteger(each['task_index']) ? (each['task_index'] as number) : at, reportOf(each)]),
    ),
  };
}

const reportOf = ({ status, error }: Fields): AgentReport => ({
  status: typeof status === 'string' ? status : '',
  error: typeof error === 'string' && error !== '' ? error : undefined,
});

function metaOf(text: string | undefined, complain: (detail: string) => void): SessionMeta {
  const value = text === undefined ? {} : parsedJson(text);
  if (!isObject(value)) complain('it is no JSON object');
  const fields: Fields = isObject(value) ? value : {};
  const rows = (key: string) => (Array.isArray(fields[key]) ? (fields[key] as unknown[]).filter(isObject) : []) as SessionMeta['sessions'];
  return {
    sessions: rows('sessions'),
    models: rows('models'),
    messages: Number.isSafeInteger(fields['messages']) ? (fields['messages'] as number) : -1,
    ...(typeof fields['origin'] === 'string' && { origin: fields['origin'] }),
  };
}

/** 53 bits of it (cyrb53): enough to tell the texts of one session apart, and short. */
export function hashOf(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}
