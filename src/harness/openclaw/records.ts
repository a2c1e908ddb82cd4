/**
 * Lines of an OpenClaw or pi session → records.
 *
 * in:   lines: entries of the transcript (JSONL version 3, SQLite version 4), and events of the trajectory, in any order
 * out:  `ParsedFile`: what of them makes turns, calls and times; a line that can't be used is a problem
 *
 * An entry of the transcript has an id and hangs on another one; an event of the trajectory has a `traceSchema`. Of the
 * latter only times, outcomes and the version are taken: all that was said is in the transcript.
 */
import { isObject, parsedJson } from '../../json.ts';
import type { Part, Problem, ProblemReason, TokenUsage } from '../../session/types.ts';
import { type Complain, type Fields, objectAt, textAt } from '../fields.ts';
import type { AgentFile, ParseOptions, TranscriptFile } from '../harness.ts';
import { objectsIn } from '../json-lines.ts';
import { eventFrom, eventKey, type RunEvent, timeAt } from './events.ts';
import { partsOf, resultValue, textIn } from './parts.ts';

export interface ParsedFile {
  readonly name: string;
  /** Of an agent's file: the id of its session. */
  readonly agentId?: string;
  readonly window: Window;
  readonly header?: Header;
  readonly entries: readonly Entry[];
  readonly events: readonly RunEvent[];
  readonly problems: readonly Problem[];
  readonly content: boolean;
}

/** What the database says of a session, beside its transcript. */
export interface Window {
  readonly sessionKey?: string;
  readonly label?: string;
  /** `running`, `done`, `failed`, `killed`, `timeout`: of the last run. */
  readonly status?: string;
}

export interface Header {
  readonly id: string;
  readonly atMs: number;
  readonly directory?: string;
  /** Id of the session that this one was forked from. */
  readonly forkedFrom?: string;
}

interface EntryBase {
  readonly line: number;
  readonly id: string;
  /** The entry it follows: entries are a tree. */
  readonly parentId?: string;
  /** When it was written down. Unix ms. */
  readonly atMs: number;
  readonly runId?: string;
}

export type Entry = UserEntry | AssistantEntry | ResultEntry | CompactionEntry | NoteEntry | OtherEntry;

export interface UserEntry extends EntryBase {
  readonly kind: 'user';
  readonly sentMs: number;
  readonly parts?: readonly Part[];
}

export interface AssistantEntry extends EntryBase {
  readonly kind: 'assistant';
  /** When the call began; it was written down when it ended. */
  readonly startedMs: number;
  readonly provider: string;
  readonly model: string;
  readonly responseId?: string;
  readonly usage?: TokenUsage;
  readonly costUsd?: number;
  readonly stopReason?: string;
  readonly error?: { readonly type: string; readonly message?: string };
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly label?: string; readonly input?: unknown }[];
  /** Whether it said or asked for anything. */
  readonly isEmpty: boolean;
  readonly parts?: readonly Part[];
}

export interface ResultEntry extends EntryBase {
  readonly kind: 'result';
  readonly callId: string;
  readonly toolName: string;
  readonly isError: boolean;
  readonly exitCode?: number;
  readonly durationMs?: number;
  readonly timedOut: boolean;
  /** The tool that was asked for does not exist. */
  readonly unknownTool: boolean;
  readonly started?: { readonly sessionKey: string; readonly runId: string };
  /** Without content: only of an error, for there it tells what kind it is. */
  readonly message?: string;
  readonly output?: unknown;
  /** The tool says that it left the file as it was. */
  readonly unchanged: boolean;
}

export interface CompactionEntry extends EntryBase {
  readonly kind: 'compaction';
  readonly tokensBefore?: number;
  readonly tokensAfter?: number;
}

/** What OpenClaw itself wrote under the name of the agent: what was delivered, the answer to a command. No model said it. */
export interface NoteEntry extends EntryBase {
  readonly kind: 'note';
}

/** Bookkeeping: only its place in the tree counts. */
export interface OtherEntry extends EntryBase {
  readonly kind: 'other';
}

export function parseFile(file: TranscriptFile | AgentFile, { content }: ParseOptions): ParsedFile {
  const problems: Problem[] = [];
  const add = (line: number, reason: ProblemReason, detail: string): void => void problems.push({ file: file.name, line, reason, detail });
  if (file.unreadable !== undefined) add(0, 'unreadable-file', file.unreadable);
  let header: Header | undefined;
  const entries = new Map<string, Entry>();
  const events = new Map<string, RunEvent>();
  for (const { line, value } of objectsIn(file.lines, add, file.firstLine)) {
    const complain: Complain = (detail) => add(line, 'wrong-shape', detail);
    if (value['traceSchema'] !== undefined) {
      const event = eventFrom(value, complain);
      if (event !== undefined) events.set(eventKey(event, value['seq']), event);
      continue;
    }
    if (value['type'] === 'session') {
      header ??= headerFrom(value, complain);
      continue;
    }
    const entry = entryFrom(value, line, content, add);
    // A line told twice is the same line; of a rewritten one the later counts, in the earlier's place.
    if (entry !== undefined) entries.set(entry.id, entry);
  }
  return {
    name: file.name,
    ...('id' in file && { agentId: file.id }),
    window: windowFrom(file.meta, (detail) => add(0, 'bad-meta', detail)),
    ...(header !== undefined && { header }),
    entries: [...entries.values()],
    events: [...events.values()],
    problems,
    content,
  };
}

function windowFrom(meta: string | undefined, complain: Complain): Window {
  if (meta === undefined) return {};
  const fields = parsedJson(meta);
  if (!isObject(fields)) {
    complain('what describes the session is no JSON object');
    return {};
  }
  const [sessionKey, label, status] = ['session_key', 'label', 'status'].map((key) => textAt(fields, key, complain));
  return { ...(sessionKey && { sessionKey }), ...(label && { label }), ...(status && { status }) };
}

function headerFrom(fields: Fields, complain: Complain): Header | undefined {
  const id = textAt(fields, 'id', complain);
  const atMs = timeAt(fields, 'timestamp', complain);
  const directory = textAt(fields, 'cwd', complain);
  // A path up to pi 0.73, `<time>_<id>.jsonl`.
  const forkedFrom = textAt(fields, 'parentSession', complain)
    ?.replace(/^.*[\\/]/, '')
    .replace(/\.jsonl$/, '')
    .replace(/^[^_]*_/, '');
  if (id === undefined || atMs === undefined) return undefined;
  return { id, atMs, ...(directory !== undefined && { directory }), ...(forkedFrom !== undefined && { forkedFrom }) };
}

function entryFrom(
  fields: Fields,
  line: number,
  content: boolean,
  add: (line: number, reason: ProblemReason, detail: string) => void,
): Entry | undefined {
  const complain: Complain = (detail) => add(line, 'wrong-shape', detail);
  const id = textAt(fields, 'id', complain);
  if (id === undefined) {
    if (fields['type'] === 'message') add(line, 'missing-uuid', 'a message without an id');
    return undefined;
  }
  const atMs = timeAt(fields, 'timestamp', complain);
  if (atMs === undefined) {
    add(line, 'missing-timestamp', 'an entry without a time');
    return undefined;
  }
  const parentId = textAt(fields, 'parentId', complain);
  // Ids of version 3 are short: with their time they name one entry among all there are.
  const base = { line, id, atMs, ...(parentId !== undefined && { parentId }) };
  if (fields['type'] === 'compaction') return compactionFrom(base, fields, complain);
  const message = fields['type'] === 'message' ? objectAt(fields, 'message', complain) : undefined;
  if (message !== undefined && isNote(message)) return noteFrom(base, message, complain);
  switch (message?.['role']) {
    case 'user':
      return userFrom(base, message, content, complain);
    case 'assistant':
      return assistantFrom(base, message, content, complain);
    case 'toolResult':
      return resultFrom(base, message, content, complain);
    default:
      return { ...base, kind: 'other' };
  }
}

type Base = Omit<EntryBase, 'runId'>;

/** Of its own tool search, too: the call inside a call, and its result, which the call around it tells. */
const isNote = (message: Fields): boolean =>
  isObject(message['openclawDeliveryMirror']) ||
  (message['provider'] === 'openclaw' && (message['model'] === 'delivery-mirror' || message['model'] === 'gateway-injected'));

function noteFrom(base: Base, message: Fields, complain: Complain): NoteEntry {
  const runId = runIdOf(message, complain);
  return { ...base, kind: 'note', ...(runId !== undefined && { runId }) };
}

function userFrom(base: Base, message: Fields, content: boolean, complain: Complain): UserEntry {
  const runId = textAt(message, 'idempotencyKey', complain)?.replace(/:user$/, '');
  return {
    ...base,
    kind: 'user',
    sentMs: Math.min(msAt(message, 'timestamp', complain) ?? base.atMs, base.atMs),
    ...(runId !== undefined && { runId }),
    ...(content && { parts: partsOf(message['content'], complain) }),
  };
}

function assistantFrom(base: Base, message: Fields, content: boolean, complain: Complain): AssistantEntry {
  const blocks = Array.isArray(message['content']) ? message['content'].filter(isObject) : [];
  const calls = blocks.filter((block) => block['type'] === 'toolCall');
  const responseId = textAt(message, 'responseId', complain);
  const stopReason = textAt(message, 'stopReason', complain);
  const runId = runIdOf(message, complain);
  const usage = usageFrom(objectAt(message, 'usage', complain));
  const told = content ? textAt(message, 'errorMessage', complain) : undefined;
  return {
    ...base,
    kind: 'assistant',
    startedMs: Math.min(msAt(message, 'timestamp', complain) ?? base.atMs, base.atMs),
    provider: textAt(message, 'provider', complain) ?? 'unknown',
    model: textAt(message, 'model', complain) ?? 'unknown',
    ...(runId !== undefined && { runId }),
    ...(responseId !== undefined && { responseId }),
    ...(stopReason !== undefined && { stopReason }),
    ...usage,
    ...(stopReason === 'error' && { error: { type: errorTypeOf(message, complain), ...(told !== undefined && { message: told }) } }),
    toolCalls: calls.flatMap((call) => {
      const id = textAt(call, 'id', complain);
      const { name, input } = meantBy(textAt(call, 'name', complain) ?? 'unknown', call['arguments']);
      return id === undefined ? [] : [{ id, name, ...labelIn(input), ...(content && { input }) }];
    }),
    isEmpty: blocks.length === 0 && (typeof message['content'] !== 'string' || message['content'] === ''),
    ...(content && { parts: partsOf(message['content'], complain) }),
  };
}

/** Where tools are hidden behind a search, one calls all: `tool_call{id: "openclaw:core:exec", args}`. */
function meantBy(name: string, input: unknown): { name: string; input: unknown } {
  const id = name === 'tool_call' && isObject(input) && typeof input['id'] === 'string' ? input['id'].replace(/^.*:/s, '') : '';
  return id === '' ? { name, input } : { name: id, input: (input as Fields)['args'] };
}

/** What the agent that is asked for shall be called. */
const labelIn = (input: unknown): { label?: string } =>
  isObject(input) && typeof input['label'] === 'string' && input['label'] !== '' ? { label: input['label'].slice(0, 200) } : {};

/** A status, or the provider's own word for it where that is one word. */
function errorTypeOf(message: Fields, complain: Complain): string {
  const [code, type] = [textAt(message, 'errorCode', complain), textAt(message, 'errorType', complain)];
  const status = /^\d{3}$/.exec(code ?? '') ?? /^(\d{3})\b/.exec(textAt(message, 'errorMessage', complain) ?? '');
  return status?.[0] ?? (/^[a-z_]{1,40}$/.test(type ?? '') ? type! : 'error');
}

function usageFrom(usage: Fields | undefined): { usage?: TokenUsage; costUsd?: number } {
  if (usage === undefined) return {};
  const count = (key: string): number => {
    const value = usage[key];
    return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0;
  };
  const [cacheRead, cacheWrite] = [count('cacheRead'), count('cacheWrite')];
  const cost = isObject(usage['cost']) ? usage['cost']['total'] : undefined;
  return {
    usage: {
      // What was read from and written to the cache is not in it.
      input: count('input') + cacheRead + cacheWrite,
      output: count('output'),
      cacheRead,
      cacheWrite,
      cacheWrite1h: 0,
      ...(usage['reasoningTokens'] !== undefined && { reasoning: count('reasoningTokens') }),
      webSearches: 0,
      reliable: true,
    },
    // The configured price list may be all zeros.
    ...(typeof cost === 'number' && Number.isFinite(cost) && cost > 0 && { costUsd: Math.round(cost * 1e12) / 1e12 }),
  };
}

function resultFrom(base: Base, message: Fields, content: boolean, complain: Complain): ResultEntry | OtherEntry {
  const callId = textAt(message, 'toolCallId', complain);
  if (callId === undefined) return { ...base, kind: 'other' };
  const outer = isObject(message['details']) ? message['details'] : {};
  const within = message['toolName'] === 'tool_call' && isObject(outer['result']) ? outer['result'] : undefined;
  const details = within === undefined ? outer : isObject(within['details']) ? within['details'] : {};
  const text = textIn(message['content']);
  const runId = runIdOf(message, complain);
  const exitCode = exitCodeOf(details, text);
  const sessionKey = details['childSessionKey'];
  const toolName = textAt(message, 'toolName', complain) ?? 'unknown';
  const isError =
    message['isError'] === true || within?.['isError'] === true || details['status'] === 'error' || details['status'] === 'failed';
  return {
    ...base,
    kind: 'result',
    callId,
    toolName,
    isError,
    ...(exitCode !== undefined && { exitCode }),
    ...(typeof details['durationMs'] === 'number' && { durationMs: Math.max(0, Math.round(details['durationMs'])) }),
    timedOut: details['noOutputTimedOut'] === true || details['exitReason'] === 'timeout' || details['status'] === 'timeout',
    unknownTool: isError && text.trim() === `Tool ${toolName} not found`,
    ...(typeof sessionKey === 'string' && { started: { sessionKey, runId: textAt(details, 'runId', complain) ?? '' } }),
    ...(runId !== undefined && { runId }),
    ...(content && { message: text, output: resultValue(message['content'], complain) }),
    unchanged: details['changed'] === false,
  };
}

/** pi has it in the text only. */
function exitCodeOf(details: Fields, text: string): number | undefined {
  const code = details['exitCode'] ?? Number(/\bCommand exited with code (\d+)\)?\s*$/.exec(text)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(code) ? (code as number) : undefined;
}

function compactionFrom(base: Base, fields: Fields, complain: Complain): CompactionEntry {
  const runId = runIdOf(fields, complain);
  const count = (key: string): number | undefined => (Number.isSafeInteger(fields[key]) ? (fields[key] as number) : undefined);
  const [tokensBefore, tokensAfter] = [count('tokensBefore'), count('tokensAfter')];
  return {
    ...base,
    kind: 'compaction',
    ...(runId !== undefined && { runId }),
    ...(tokensBefore !== undefined && { tokensBefore }),
    ...(tokensAfter !== undefined && { tokensAfter }),
  };
}

const runIdOf = (fields: Fields, complain: Complain): string | undefined =>
  textAt(objectAt(fields, '__openclaw', complain) ?? {}, 'runId', complain);

function msAt(fields: Fields, key: string, complain: Complain): number | undefined {
  const value = fields[key];
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return Math.round(value);
  if (value !== undefined && value !== null) complain(`${key}: expected a time in ms`);
  return undefined;
}
