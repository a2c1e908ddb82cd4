/**
 * Claude Code's transcript lines → records. The only file that spells the format's field names.
 *
 * in:   lines of ~/.claude/projects/<folder>/<session>.jsonl, or of a sub-agent's file
 * out:  `ParsedFile`: the facts we use, and a problem for each line that could not be used
 *
 * - Schemas name only the fields we use and drop the rest, so a new release of the CLI breaks
 *   nothing, and a record holds no more of a 100 MB session than we need of it.
 * - A field of the wrong type costs that field, not the line (`salvage`).
 * - Text is kept only when content is asked for; what classifies a line is read off here, once.
 * Format and versions: README.md in this folder.
 */
import * as z from 'zod';
import type { Part, Problem, ProblemReason } from '../../session/types.ts';
import type { AgentFile, ParseOptions, TranscriptFile } from '../harness.ts';
import { type Decoded, decodeLines } from './lines.ts';
import { partsOf, resultValue, textOf } from './parts.ts';

/** What most lines of a file repeat. One object is shared by all lines in a row that agree. */
export interface LineContext {
  readonly sessionId: string | undefined;
  readonly version: string | undefined;
  readonly cwd: string | undefined;
  readonly branch: string | undefined;
  readonly entrypoint: string | undefined;
  readonly team: string | undefined;
  readonly teammate: string | undefined;
}

interface Common {
  /** 1-based. */
  readonly line: number;
  readonly uuid: string | undefined;
  readonly parentUuid: string | null | undefined;
  readonly atMs: number;
  readonly context: LineContext;
  /** The session this line was copied from, where the line says so. */
  readonly copiedFrom: string | undefined;
}

/** One block of a response: a response is several of these lines with one `messageId`. */
export interface AssistantRecord extends Common {
  readonly kind: 'assistant';
  readonly messageId: string;
  readonly requestId: string | undefined;
  readonly requestRef: string | undefined;
  readonly model: string;
  readonly requestedModel: string | undefined;
  readonly stopReason: string | undefined;
  readonly usage: UsageCounts | undefined;
  readonly effort: string | undefined;
  /** Type of the sub-agent that wrote it. */
  readonly agentType: string | undefined;
  /** Not a response of the model but of the CLI. */
  readonly synthetic: 'no' | 'api_error' | 'no_response' | 'other';
  /** HTTP status or kind of the API error that ended the turn. */
  readonly apiError: { readonly kind: string; readonly message: string | undefined } | undefined;
  readonly toolUses: readonly ToolUse[];
  readonly serverToolUses: number;
  readonly parts: readonly Part[];
}

export interface ToolUse {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
  /** Only for calls that may start an agent. */
  readonly agentCall: AgentCallInput | undefined;
  readonly skill: string | undefined;
}

export interface AgentCallInput {
  readonly prompt: string | undefined;
  readonly description: string | undefined;
  readonly type: string | undefined;
  readonly name: string | undefined;
}

/** Token counts of one line, the largest truth it holds (`iterations` summed). */
export interface UsageCounts {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cacheWrite1h: number;
  readonly reasoning: number | undefined;
  readonly webSearches: number;
}

export interface UserRecord extends Common {
  readonly kind: 'user';
  /** Text blocks; cut to `HEAD_CHARS` without content, but for a file's first prompt. */
  readonly text: string | undefined;
  readonly isMeta: boolean;
  /** Said to a sub-agent: very old versions have such lines in the main file. */
  readonly isSidechain: boolean;
  readonly isCompactSummary: boolean;
  readonly hasTurnPosition: boolean;
  readonly turnOrigin: string | undefined;
  readonly originKind: string | undefined;
  readonly hasMedia: boolean;
  readonly results: readonly ToolResult[];
  readonly parts: readonly Part[];
}

export interface ToolResult {
  readonly toolUseId: string;
  readonly isError: boolean;
  /** Beginning of its text: enough to tell the kinds of failure apart. */
  readonly head: string;
  readonly message: string | undefined;
  readonly value: unknown;
  readonly denial: string | undefined;
  readonly permission: { readonly decision: string; readonly source: string | undefined } | undefined;
  readonly details: ResultDetails;
}

/** What `toolUseResult` tells of tasks and agents. */
export interface ResultDetails {
  readonly status: string | undefined;
  readonly agentId: string | undefined;
  readonly agentName: string | undefined;
  readonly splitPane: boolean;
  readonly runId: string | undefined;
  readonly taskId: string | undefined;
  readonly interrupted: boolean;
}

export interface SystemRecord extends Common {
  readonly kind: 'system';
  readonly subtype: string;
  readonly compaction: { trigger?: string; tokensBefore?: number; tokensAfter?: number; durationMs?: number } | undefined;
}

/** One attempt to call the API; only in recent versions. */
export interface RequestRecord extends Common {
  readonly kind: 'request';
  readonly id: string;
  readonly source: string | undefined;
}

/** Text that reached the agent in the middle of a turn. */
export interface SteeringRecord extends Common {
  readonly kind: 'steering';
  readonly text: string;
}

/** Any other line with a time: `queue-operation`, mostly. */
export interface TimedRecord extends Common {
  readonly kind: 'timed';
}

export type ClaudeRecord = AssistantRecord | UserRecord | SystemRecord | RequestRecord | SteeringRecord | TimedRecord;

export interface ParsedFile {
  readonly name: string;
  readonly agentId: string | undefined;
  readonly group: string | undefined;
  readonly meta: AgentMeta | undefined;
  readonly records: readonly ClaudeRecord[];
  /** Where each uuid stands, skipped lines included. */
  readonly lineOfUuid: ReadonlyMap<string, number>;
  /** The file begins as a copy of its parent's history. */
  readonly isFork: boolean;
  readonly content: boolean;
  readonly problems: readonly Problem[];
}

const HEAD_CHARS = 2000;
/** Enough of a result to classify it. */
const RESULT_HEAD_CHARS = 300;
/** A damaged file may have millions of bad lines; the rest is counted in one problem. */
const MAX_PROBLEMS_PER_FILE = 1000;

export function parseFile(file: TranscriptFile | AgentFile, { content }: ParseOptions): ParsedFile {
  const problems = problemList(file.name);
  const records: ClaudeRecord[] = [];
  const lineOfUuid = new Map<string, number>();
  const reader = new RecordReader(content, problems.add);
  let isFork = false;
  if (file.unreadable !== undefined) problems.add(0, 'unreadable-file', file.unreadable);
  for (const decoded of decodeLines(file.lines, problems.add)) {
    if (decoded.kind === 'skipped') {
      if (decoded.uuid !== undefined) lineOfUuid.set(decoded.uuid, decoded.line);
      continue;
    }
    if (decoded.value['type'] === 'fork-context-ref') isFork = true;
    const record = reader.read(decoded);
    if (record === undefined) continue;
    const first = record.uuid === undefined ? undefined : lineOfUuid.get(record.uuid);
    if (first !== undefined) {
      const again = repetition(recordAt(records, first), record);
      if (again.changed) problems.add(record.line, 'duplicate-uuid', `${record.uuid} is also the uuid of line ${first}`);
      if (again.keep !== undefined) records.push(again.keep);
      continue;
    }
    if (record.uuid !== undefined) lineOfUuid.set(record.uuid, record.line);
    records.push(record);
  }
  const agent = 'id' in file ? file : undefined;
  const meta = agent?.meta === undefined ? undefined : readMeta(agent.meta, problems.add);
  return {
    name: file.name,
    agentId: agent?.id,
    group: agent?.group,
    meta,
    records: timed(records),
    lineOfUuid,
    isFork: isFork || meta?.isFork === true,
    content,
    problems: problems.list(),
  };
}

type AddProblem = (line: number, reason: ProblemReason, detail: string) => void;

function problemList(file: string): { add: AddProblem; list: () => Problem[] } {
  const kept: Problem[] = [];
  let more = 0;
  let lastLine = 0;
  return {
    add: (line, reason, detail) => {
      if (kept.length < MAX_PROBLEMS_PER_FILE) kept.push({ file, line, reason, detail: detail.slice(0, 200) });
      else [more, lastLine] = [more + 1, line];
    },
    list: () =>
      more === 0 ? kept : [...kept, { file, line: lastLine, reason: 'wrong-shape', detail: `and ${more} more problems up to this line` }],
  };
}

/**
 * The CLI appends old lines again when it compacts. The same line twice tells nothing new, but for
 * the usage of a response, which only ever grows: so its blocks go and its counters stay.
 */
function repetition(first: ClaudeRecord | undefined, again: ClaudeRecord): { changed: boolean; keep: ClaudeRecord | undefined } {
  const changed = first?.kind !== again.kind || first.atMs !== again.atMs;
  if (again.kind !== 'assistant') return { changed, keep: undefined };
  if (changed || (first?.kind === 'assistant' && first.messageId !== again.messageId)) return { changed: true, keep: again };
  return { changed, keep: { ...again, parts: [], toolUses: [], serverToolUses: 0 } };
}

/** Lines before the first one with a time take that time. */
function timed(records: readonly ClaudeRecord[]): readonly ClaudeRecord[] {
  if (records[0]?.atMs !== 0) return records;
  const firstMs = records.find((record) => record.atMs > 0)?.atMs ?? 0;
  return records.map((record) => (record.atMs === 0 ? { ...record, atMs: firstMs } : record));
}

function recordAt(records: readonly ClaudeRecord[], line: number): ClaudeRecord | undefined {
  let [low, high] = [0, records.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const record = records[middle]!;
    if (record.line === line) return record;
    if (record.line < line) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

// ---------------------------------------------------------------------------------------------
// Schemas: strangers' data comes in here, and nowhere else.

const text = z.string().nullish();
const count = z.number().nonnegative().nullish();
const flag = z.boolean().nullish();

const line = {
  uuid: text,
  parentUuid: text,
  timestamp: text,
  sessionId: text,
  version: text,
  cwd: text,
  gitBranch: text,
  entrypoint: text,
  teamName: text,
  agentName: text,
  forkedFrom: z.object({ sessionId: text }).nullish(),
};

const counters = {
  input_tokens: count, // excludes both cache counts
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  output_tokens_details: z.object({ thinking_tokens: count }).nullish(),
  cache_creation: z.object({ ephemeral_1h_input_tokens: count }).nullish(),
  server_tool_use: z.object({ web_search_requests: count }).nullish(),
};
const usageSchema = z.object({ ...counters, iterations: z.array(z.object(counters)).nullish() });

export const blockSchema = z.object({
  type: z.string(),
  id: text,
  name: text,
  text: text,
  thinking: text,
  input: z.unknown().optional(),
  tool_use_id: text,
  is_error: flag,
  content: z.unknown().optional(),
  source: z.unknown().optional(),
});
export type Block = z.infer<typeof blockSchema>;

const assistantSchema = z.object({
  ...line,
  requestId: text,
  requestRef: text,
  requestSessionId: text,
  requestedModel: text,
  effort: text,
  attributionAgent: text,
  isApiErrorMessage: flag,
  apiErrorStatus: z.union([z.number(), z.string()]).nullish(),
  error: text,
  message: z.object({
    id: text,
    model: text,
    stop_reason: text,
    usage: usageSchema.nullish(),
    content: z.unknown().optional(), // text, or blocks: see #blocks
  }),
});

const userSchema = z.object({
  ...line,
  isMeta: flag,
  isSidechain: flag,
  isCompactSummary: flag,
  turnPosition: z.object({}).nullish(),
  turnOrigin: text,
  origin: z.object({ kind: text }).nullish(),
  toolUseResult: z.unknown().optional(),
  toolDenialKind: text,
  permissionDecision: z.object({ decision: z.string(), source: text }).nullish(),
  message: z.object({ content: z.unknown().optional() }), // text, or blocks: see #blocks
});

const detailsSchema = z.object({
  status: text,
  agentId: text,
  agent_id: text,
  name: text,
  is_splitpane: flag,
  runId: text,
  taskId: text,
  backgroundTaskId: text,
  interrupted: flag,
});

const systemSchema = z.object({
  ...line,
  subtype: text,
  compactMetadata: z.object({ trigger: text, preTokens: count, postTokens: count, durationMs: count }).nullish(),
});

const requestSchema = z.object({ ...line, id: z.string(), querySource: text });
const attachmentSchema = z.object({ ...line, attachment: z.object({ type: text, prompt: text }) });
const timedSchema = z.object(line);
const agentInputSchema = z.object({ prompt: text, description: text, subagent_type: text, name: text });
const skillInputSchema = z.object({ skill: text, command: text });

const metaSchema = z.object({
  agentType: text,
  name: text,
  description: text,
  toolUseId: text,
  parentAgentId: text,
  taskKind: text,
  spawnedAgentType: text,
  isFork: flag,
  finished: flag,
});
export type AgentMeta = { readonly [K in keyof z.infer<typeof metaSchema>]: z.infer<typeof metaSchema>[K] };

function readMeta(json: string, add: AddProblem): AgentMeta | undefined {
  try {
    return salvage(metaSchema, JSON.parse(json), (detail) => add(0, 'bad-meta', detail));
  } catch (error) {
    add(0, 'bad-meta', `its .meta.json is not JSON: ${(error as Error).message}`);
    return undefined;
  }
}

/** Parses; where a field has the wrong type, once more without that field. */
function salvage<T>(schema: z.ZodType<T>, value: unknown, complain: (detail: string) => void): T | undefined {
  for (let attempt = 0; attempt < 8; attempt++) {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      complain(`${issue.path.join('.') || 'line'}: ${issue.message}`);
      if (!removeAt(value, issue.path)) return undefined;
    }
  }
  return undefined;
}

function removeAt(value: unknown, path: readonly PropertyKey[]): boolean {
  const holder = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
  const key = path.at(-1);
  if (key === undefined || typeof holder !== 'object' || holder === null || !(key in holder)) return false;
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete (holder as Record<PropertyKey, unknown>)[key];
  return true;
}

// ---------------------------------------------------------------------------------------------
// Lines → records.

/** Names of tools that start an agent: `Task` until about 2.1.50, `Agent` since. */
const AGENT_TOOLS: ReadonlySet<string> = new Set(['Agent', 'Task']);
/** OTLP keeps nanoseconds in an unsigned 64-bit number: this is the last millisecond that fits. */
const LAST_MS = 18_446_744_073_709;

class RecordReader {
  readonly #content: boolean;
  readonly #add: AddProblem;
  #context: LineContext | undefined;
  /** Of the last line that had one: the best guess for a line without. */
  #atMs = 0;
  #sawPrompt = false;

  constructor(content: boolean, add: AddProblem) {
    this.#content = content;
    this.#add = add;
  }

  read({ line, value }: Extract<Decoded, { kind: 'value' }>): ClaudeRecord | undefined {
    const complain = (detail: string) => this.#add(line, 'wrong-shape', detail);
    switch (value['type']) {
      case 'assistant': {
        const data = salvage(assistantSchema, value, complain);
        return data && this.#assistant(line, data);
      }
      case 'user': {
        const data = salvage(userSchema, value, complain);
        return data && this.#user(line, data);
      }
      case 'system': {
        const data = salvage(systemSchema, value, complain);
        return data && this.#system(line, data);
      }
      case 'api-request': {
        const data = salvage(requestSchema, value, complain);
        return data && { ...this.#common(line, data), kind: 'request', id: data.id, source: data.querySource ?? undefined };
      }
      case 'attachment': {
        const data = salvage(attachmentSchema, value, complain);
        if (data?.attachment.type !== 'queued_command') return data && { ...this.#common(line, data), kind: 'timed' };
        return { ...this.#common(line, data), kind: 'steering', text: this.#cut(data.attachment.prompt ?? '') };
      }
      default: {
        // Bookkeeping, and types of versions to come. Its time still tells when the file was begun.
        if (typeof value['timestamp'] !== 'string') return undefined;
        const data = salvage(timedSchema, value, complain);
        return data && { ...this.#common(line, data), kind: 'timed' };
      }
    }
  }

  #common(lineNumber: number, data: z.infer<typeof timedSchema>): Common {
    const atMs = data.timestamp == null ? Number.NaN : Date.parse(data.timestamp);
    if (atMs > 0 && atMs <= LAST_MS) this.#atMs = atMs;
    else this.#add(lineNumber, 'missing-timestamp', data.timestamp == null ? 'no timestamp' : `unusable timestamp ${data.timestamp}`);
    return {
      line: lineNumber,
      uuid: data.uuid ?? undefined,
      parentUuid: data.parentUuid,
      atMs: this.#atMs,
      context: this.#sharedContext(data),
      copiedFrom: data.forkedFrom?.sessionId ?? undefined,
    };
  }

  #sharedContext(data: z.infer<typeof timedSchema>): LineContext {
    const c = this.#context;
    const same =
      c !== undefined &&
      c.sessionId === (data.sessionId ?? undefined) &&
      c.version === (data.version ?? undefined) &&
      c.cwd === (data.cwd ?? undefined) &&
      c.branch === (data.gitBranch ?? undefined) &&
      c.entrypoint === (data.entrypoint ?? undefined) &&
      c.team === (data.teamName ?? undefined) &&
      c.teammate === (data.agentName ?? undefined);
    if (same) return c;
    this.#context = {
      sessionId: data.sessionId ?? undefined,
      version: data.version ?? undefined,
      cwd: data.cwd ?? undefined,
      branch: data.gitBranch ?? undefined,
      entrypoint: data.entrypoint ?? undefined,
      team: data.teamName ?? undefined,
      teammate: data.agentName ?? undefined,
    };
    return this.#context;
  }

  #assistant(lineNumber: number, data: z.infer<typeof assistantSchema>): AssistantRecord {
    const common = this.#common(lineNumber, data);
    const { message } = data;
    const blocks = this.#blocks(lineNumber, message.content);
    const words = textOf(blocks) ?? '';
    const synthetic = syntheticKind(message.model, data.isApiErrorMessage === true, words);
    const foreign = data.requestSessionId != null && data.requestSessionId !== common.context.sessionId ? data.requestSessionId : undefined;
    return {
      ...common,
      copiedFrom: foreign ?? common.copiedFrom,
      kind: 'assistant',
      messageId: message.id ?? data.requestId ?? common.uuid ?? `line ${lineNumber}`,
      requestId: data.requestId ?? undefined,
      requestRef: data.requestRef ?? undefined,
      model: message.model ?? 'unknown',
      requestedModel: data.requestedModel ?? undefined,
      stopReason: message.stop_reason ?? undefined,
      usage: message.usage == null ? undefined : usageCounts(message.usage),
      effort: data.effort ?? undefined,
      agentType: data.attributionAgent ?? undefined,
      synthetic,
      apiError:
        synthetic === 'api_error'
          ? { kind: apiErrorKind(data.apiErrorStatus, data.error, words), message: this.#content ? words : undefined }
          : undefined,
      toolUses: blocks.flatMap((block) => (block.type === 'tool_use' ? [this.#toolUse(lineNumber, block)] : [])),
      serverToolUses: blocks.filter((block) => block.type === 'server_tool_use').length,
      parts: this.#content ? partsOf(blocks) : [],
    };
  }

  #toolUse(lineNumber: number, block: Block): ToolUse {
    const name = block.name ?? 'unknown';
    const complain = (detail: string) => this.#add(lineNumber, 'wrong-shape', `input of ${name}: ${detail}`);
    const agent = AGENT_TOOLS.has(name) && isObject(block.input) ? salvage(agentInputSchema, { ...block.input }, complain) : undefined;
    const skill = name === 'Skill' && isObject(block.input) ? salvage(skillInputSchema, { ...block.input }, complain) : undefined;
    return {
      id: block.id ?? `line ${lineNumber}`,
      name,
      input: this.#content ? block.input : undefined,
      agentCall: AGENT_TOOLS.has(name)
        ? {
            prompt: agent?.prompt ?? undefined,
            description: agent?.description ?? undefined,
            type: agent?.subagent_type ?? undefined,
            name: agent?.name ?? undefined,
          }
        : undefined,
      skill: skill?.skill ?? skill?.command ?? undefined,
    };
  }

  #user(lineNumber: number, data: z.infer<typeof userSchema>): UserRecord {
    const common = this.#common(lineNumber, data);
    const blocks = this.#blocks(lineNumber, data.message.content);
    const results = blocks.flatMap((block) => (block.type === 'tool_result' ? [this.#toolResult(lineNumber, block, data)] : []));
    const words = textOf(blocks);
    const firstPrompt = !this.#sawPrompt && words !== undefined && results.length === 0;
    if (firstPrompt) this.#sawPrompt = true;
    return {
      ...common,
      kind: 'user',
      text: words === undefined || firstPrompt ? words : this.#cut(words),
      isMeta: data.isMeta === true,
      isSidechain: data.isSidechain === true,
      isCompactSummary: data.isCompactSummary === true,
      hasTurnPosition: data.turnPosition != null,
      turnOrigin: data.turnOrigin ?? undefined,
      originKind: data.origin?.kind ?? undefined,
      hasMedia: blocks.some((block) => block.type === 'image' || block.type === 'document'),
      results,
      parts: this.#content ? partsOf(blocks) : [],
    };
  }

  #toolResult(lineNumber: number, block: Block, data: z.infer<typeof userSchema>): ToolResult {
    const complain = (detail: string) => this.#add(lineNumber, 'wrong-shape', `toolUseResult.${detail}`);
    const details = isObject(data.toolUseResult) ? salvage(detailsSchema, data.toolUseResult, complain) : undefined;
    const words = typeof block.content === 'string' ? block.content : (textOf(this.#blocks(lineNumber, block.content)) ?? '');
    const isError = block.is_error === true;
    return {
      toolUseId: block.tool_use_id ?? '',
      isError,
      head: isError ? copied(words.slice(0, RESULT_HEAD_CHARS)) : '',
      message: isError && this.#content ? words : undefined,
      value: this.#content ? resultValue(block.content) : undefined,
      denial: data.toolDenialKind ?? undefined,
      permission: data.permissionDecision
        ? { decision: data.permissionDecision.decision, source: data.permissionDecision.source ?? undefined }
        : undefined,
      details: {
        status: details?.status ?? undefined,
        agentId: details?.agentId ?? details?.agent_id ?? undefined,
        agentName: details?.name ?? undefined,
        splitPane: details?.is_splitpane === true,
        runId: details?.runId ?? undefined,
        taskId: details?.backgroundTaskId ?? details?.taskId ?? undefined,
        interrupted: details?.interrupted === true,
      },
    };
  }

  #system(lineNumber: number, data: z.infer<typeof systemSchema>): SystemRecord {
    const meta = data.compactMetadata;
    return {
      ...this.#common(lineNumber, data),
      kind: 'system',
      subtype: data.subtype ?? '',
      compaction:
        data.subtype === 'compact_boundary'
          ? {
              ...(meta?.trigger != null && { trigger: meta.trigger }),
              ...(meta?.preTokens != null && { tokensBefore: meta.preTokens }),
              ...(meta?.postTokens != null && { tokensAfter: meta.postTokens }),
              ...(meta?.durationMs != null && { durationMs: meta.durationMs }),
            }
          : undefined,
    };
  }

  /** A message's content is text or blocks; a block that makes no sense costs only itself. */
  #blocks(lineNumber: number, content: unknown): readonly Block[] {
    if (typeof content === 'string') return [{ type: 'text', text: content }];
    if (!Array.isArray(content)) return [];
    return content.flatMap(
      (block, at) => salvage(blockSchema, block, (detail) => this.#add(lineNumber, 'wrong-shape', `block ${at}: ${detail}`)) ?? [],
    );
  }

  #cut(words: string): string {
    return this.#content || words.length <= HEAD_CHARS ? words : copied(words.slice(0, HEAD_CHARS));
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A slice of a long string keeps all of it alive; a copy does not. */
const copied = (slice: string): string => Buffer.from(slice, 'utf16le').toString('utf16le');

function syntheticKind(model: string | null | undefined, isApiError: boolean, words: string): AssistantRecord['synthetic'] {
  if (isApiError) return 'api_error';
  if (model !== '<synthetic>') return 'no';
  return words === 'No response requested.' ? 'no_response' : 'other';
}

/** Old versions tell the status only in the text: `API Error: 400 {…`. */
const apiErrorKind = (status: number | string | null | undefined, error: string | null | undefined, words: string): string =>
  String(status ?? /^API Error: (\d{3})\b/.exec(words)?.[1] ?? error ?? 'unknown');

function usageCounts(usage: z.infer<typeof usageSchema>): UsageCounts {
  const attempts = usage.iterations ?? [];
  const largest = (read: (counts: Omit<typeof usage, 'iterations'>) => number | null | undefined): number =>
    Math.max(
      read(usage) ?? 0,
      attempts.reduce((sum, attempt) => sum + (read(attempt) ?? 0), 0),
    );
  return {
    input: largest((u) => u.input_tokens),
    output: largest((u) => u.output_tokens),
    cacheRead: largest((u) => u.cache_read_input_tokens),
    cacheWrite: largest((u) => u.cache_creation_input_tokens),
    cacheWrite1h: largest((u) => u.cache_creation?.ephemeral_1h_input_tokens),
    reasoning: usage.output_tokens_details?.thinking_tokens == null ? undefined : largest((u) => u.output_tokens_details?.thinking_tokens),
    webSearches: largest((u) => u.server_tool_use?.web_search_requests),
  };
}
