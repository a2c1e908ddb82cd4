/**
 * One line of a transcript → a record. The only file that spells the names of the format's fields.
 *
 * in:   a JSON object
 * out:  a record, or undefined for a line that tells nothing; problems for fields of the wrong type
 *
 * Text is kept only when content is asked for; what classifies a line is read off here, once.
 */
import { isObject } from '../../json.ts';
import type { Part, ProblemReason } from '../../session/types.ts';
import { type Complain, countAt, type Fields, flagAt, objectAt, textAt, utcMs } from '../fields.ts';
import { type Block, blocksOf, partsOf, resultValue, textOf } from './parts.ts';
import type {
  AgentCallInput,
  AssistantRecord,
  ClaudeRecord,
  LineContext,
  SystemRecord,
  ToolResult,
  ToolUse,
  UsageCounts,
  UserRecord,
} from './records.ts';

export type AddProblem = (line: number, reason: ProblemReason, detail: string) => void;

/** Of a text that only has to be classified; task notifications name their task within it. */
const HEAD_CHARS = 2000;
/** Of a failed result: enough to tell the kinds of failure apart. */
const RESULT_HEAD_CHARS = 300;
/** Names of tools that start an agent: `Task` until about 2.1.50, `Agent` since. */
const AGENT_TOOLS: ReadonlySet<string> = new Set(['Agent', 'Task']);
/** OTLP keeps nanoseconds in an unsigned 64-bit number: this is the last millisecond that fits. */
const LAST_MS = 18_446_744_073_709;

/** What the API and the CLI call their errors. */
const API_ERRORS: ReadonlySet<string> = new Set([
  'api_error',
  'authentication_error',
  'authentication_failed',
  'billing_error',
  'invalid_request',
  'invalid_request_error',
  'max_output_tokens',
  'not_found_error',
  'overloaded',
  'overloaded_error',
  'permission_error',
  'rate_limit',
  'rate_limit_error',
  'request_too_large',
  'server_error',
  'timeout_error',
]);
/** From this version on, a call that the user refused is told apart from one that was stopped at work. */
const DENIAL_BEFORE_RUN_SINCE = [2, 1, 329];

const NO_PARTS: readonly Part[] = [];
const NO_TOOLS: readonly ToolUse[] = [];
const NO_RESULTS: readonly ToolResult[] = [];

/** Reads the lines of one file, in order. */
export class LineReader {
  readonly #content: boolean;
  readonly #add: AddProblem;
  #line = 0;
  #context: LineContext | undefined;
  /** Of the last line that had one: the best guess for a line without. */
  #atMs = 0;
  #sawPrompt = false;
  readonly #scope: string;

  /** @param scope  tells the file from the others of its session, for ids of what has none */
  constructor(scope: string, content: boolean, add: AddProblem) {
    this.#scope = scope;
    this.#content = content;
    this.#add = add;
  }

  read(line: number, value: Fields): ClaudeRecord | undefined {
    this.#line = line;
    switch (value['type']) {
      case 'assistant':
        return this.#assistant(value);
      case 'user':
        return this.#user(value);
      case 'system':
        return this.#system(value);
      case 'api-request': {
        const id = this.#text(value, 'id');
        return id === undefined ? undefined : { kind: 'request', id, source: this.#text(value, 'querySource'), ...this.#common(value) };
      }
      case 'attachment': {
        const attachment = this.#object(value, 'attachment');
        if (attachment?.['type'] !== 'queued_command') return { kind: 'timed', ...this.#common(value) };
        // A text, or blocks when there is an image with it.
        return { kind: 'steering', text: this.#cut(textOf(blocksOf(attachment['prompt'], this.#complain)) ?? ''), ...this.#common(value) };
      }
      default:
        if (typeof value['type'] !== 'string') this.#complain('type: there is none');
        // Bookkeeping, and types of versions to come. Its time still tells when the file was begun.
        return typeof value['timestamp'] === 'string' ? { kind: 'timed', ...this.#common(value) } : undefined;
    }
  }

  readonly #complain: Complain = (detail) => this.#add(this.#line, 'wrong-shape', detail);
  readonly #text = (fields: Fields, key: string): string | undefined => textAt(fields, key, this.#complain);
  readonly #flag = (fields: Fields, key: string): boolean => flagAt(fields, key, this.#complain);
  readonly #count = (fields: Fields, key: string): number | undefined => countAt(fields, key, this.#complain);
  readonly #object = (fields: Fields, key: string): Fields | undefined => objectAt(fields, key, this.#complain);

  #common(value: Fields) {
    const parentUuid = value['parentUuid'];
    return {
      line: this.#line,
      uuid: this.#text(value, 'uuid'),
      parentUuid: parentUuid === null ? null : this.#text(value, 'parentUuid'),
      atMs: this.#time(value),
      context: this.#sharedContext(value),
      copiedFrom: value['forkedFrom'] === undefined ? undefined : this.#text(this.#object(value, 'forkedFrom') ?? {}, 'sessionId'),
    };
  }

  #time(value: Fields): number {
    const text = this.#text(value, 'timestamp');
    const atMs = text === undefined ? Number.NaN : utcMs(text);
    if (atMs > 0 && atMs <= LAST_MS) this.#atMs = atMs;
    else this.#add(this.#line, 'missing-timestamp', text === undefined ? 'no timestamp' : 'its timestamp is no time');
    return this.#atMs;
  }

  /** The same object as long as nothing in it changes. */
  #sharedContext(value: Fields): LineContext {
    const c = this.#context;
    if (
      c !== undefined &&
      c.sessionId === value['sessionId'] &&
      c.version === value['version'] &&
      c.cwd === value['cwd'] &&
      c.branch === value['gitBranch'] &&
      c.entrypoint === value['entrypoint'] &&
      c.team === value['teamName'] &&
      c.teammate === value['agentName']
    )
      return c;
    this.#context = {
      sessionId: this.#text(value, 'sessionId'),
      version: this.#text(value, 'version'),
      cwd: this.#text(value, 'cwd'),
      branch: this.#text(value, 'gitBranch'),
      entrypoint: this.#text(value, 'entrypoint'),
      team: this.#text(value, 'teamName'),
      teammate: this.#text(value, 'agentName'),
    };
    return this.#context;
  }

  #assistant(value: Fields): AssistantRecord | undefined {
    const message = this.#message(value);
    if (message === undefined) return undefined;
    const common = this.#common(value);
    const blocks = blocksOf(message['content'], this.#complain);
    const isApiError = this.#flag(value, 'isApiErrorMessage');
    const model = this.#text(message, 'model');
    const words = isApiError || model === '<synthetic>' ? (textOf(blocks) ?? '') : '';
    const synthetic = syntheticKind(model, isApiError, words);
    const requestId = this.#text(value, 'requestId');
    const requestSessionId = this.#text(value, 'requestSessionId');
    const usage = this.#object(message, 'usage');
    const toolBlocks = blocks.filter((block) => block.type === 'tool_use');
    // Field by field: spread into it, the record of nearly every line took twice the time, and a fifth more memory.
    return {
      line: common.line,
      uuid: common.uuid,
      parentUuid: common.parentUuid,
      atMs: common.atMs,
      context: common.context,
      copiedFrom: requestSessionId !== common.context.sessionId ? (requestSessionId ?? common.copiedFrom) : common.copiedFrom,
      kind: 'assistant',
      messageId: this.#text(message, 'id') ?? requestId ?? common.uuid ?? `${this.#scope} line ${this.#line}`,
      requestId,
      requestRef: this.#text(value, 'requestRef'),
      model: model ?? 'unknown',
      requestedModel: this.#text(value, 'requestedModel'),
      stopReason: this.#text(message, 'stop_reason'),
      usage: usage === undefined ? undefined : this.#usage(usage),
      effort: this.#text(value, 'effort'),
      agentType: this.#text(value, 'attributionAgent'),
      synthetic,
      apiError: synthetic === 'api_error' ? { kind: apiErrorKind(value, words), message: this.#content ? words : undefined } : undefined,
      toolUses: toolBlocks.length === 0 ? NO_TOOLS : toolBlocks.map((block, at) => this.#toolUse(block, at)),
      serverToolUses: blocks.reduce((count, block) => count + Number(block.type === 'server_tool_use'), 0),
      parts: this.#content ? partsOf(blocks) : NO_PARTS,
    };
  }

  #message(value: Fields): Fields | undefined {
    const message = this.#object(value, 'message');
    if (message === undefined && value['message'] == null) this.#complain('message: there is none');
    return message;
  }

  #toolUse(block: Block, at: number): ToolUse {
    const name = this.#text(block, 'name') ?? 'unknown';
    const input = isObject(block['input']) ? block['input'] : {};
    return {
      id: this.#text(block, 'id') ?? `${this.#scope} line ${this.#line} call ${at + 1}`,
      name,
      input: this.#content ? block['input'] : undefined,
      agentCall: AGENT_TOOLS.has(name) ? this.#agentCall(input) : undefined,
      skill: name === 'Skill' ? (this.#text(input, 'skill') ?? this.#text(input, 'command')) : undefined,
    };
  }

  #agentCall(input: Fields): AgentCallInput {
    return {
      prompt: this.#text(input, 'prompt'),
      description: this.#text(input, 'description'),
      type: this.#text(input, 'subagent_type'),
      name: this.#text(input, 'name'),
    };
  }

  /** The largest truth a line holds: attempts on several models are told one by one in `iterations`. */
  #usage(usage: Fields): UsageCounts {
    const top = this.#counters(usage);
    const iterations = usage['iterations'];
    if (iterations != null && !(Array.isArray(iterations) && iterations.every(isObject)))
      this.#complain('usage.iterations: expected a list of objects');
    if (!Array.isArray(iterations) || iterations.length === 0) return top;
    const all = iterations.flatMap((iteration) => (isObject(iteration) ? [this.#counters(iteration)] : []));
    const largest = (read: (counts: UsageCounts) => number): number =>
      Math.max(
        read(top),
        all.reduce((sum, counts) => sum + read(counts), 0),
      );
    return {
      input: largest((u) => u.input),
      output: largest((u) => u.output),
      cacheRead: largest((u) => u.cacheRead),
      cacheWrite: largest((u) => u.cacheWrite),
      cacheWrite1h: largest((u) => u.cacheWrite1h),
      reasoning: top.reasoning === undefined ? undefined : largest((u) => u.reasoning ?? 0),
      webSearches: largest((u) => u.webSearches),
    };
  }

  #counters(usage: Fields): UsageCounts {
    const within = (group: string, key: string): number | undefined => {
      const fields = this.#object(usage, group);
      return fields === undefined ? undefined : this.#count(fields, key);
    };
    return {
      input: this.#count(usage, 'input_tokens') ?? 0, // excludes both cache counts
      output: this.#count(usage, 'output_tokens') ?? 0,
      cacheRead: this.#count(usage, 'cache_read_input_tokens') ?? 0,
      cacheWrite: this.#count(usage, 'cache_creation_input_tokens') ?? 0,
      cacheWrite1h: within('cache_creation', 'ephemeral_1h_input_tokens') ?? 0,
      reasoning: within('output_tokens_details', 'thinking_tokens'),
      webSearches: within('server_tool_use', 'web_search_requests') ?? 0,
    };
  }

  #user(value: Fields): UserRecord | undefined {
    const message = this.#message(value);
    if (message === undefined) return undefined;
    const common = this.#common(value);
    const blocks = blocksOf(message['content'], this.#complain);
    const resultBlocks = blocks.filter((block) => block.type === 'tool_result');
    const words = textOf(blocks);
    const firstPrompt = !this.#sawPrompt && words !== undefined && resultBlocks.length === 0;
    if (firstPrompt) this.#sawPrompt = true;
    const origin = this.#object(value, 'origin');
    return {
      line: common.line,
      uuid: common.uuid,
      parentUuid: common.parentUuid,
      atMs: common.atMs,
      context: common.context,
      copiedFrom: common.copiedFrom,
      kind: 'user',
      text: words === undefined || firstPrompt ? words : this.#cut(words),
      isMeta: this.#flag(value, 'isMeta'),
      isSidechain: this.#flag(value, 'isSidechain'),
      isCompactSummary: this.#flag(value, 'isCompactSummary'),
      hasTurnPosition: this.#object(value, 'turnPosition') !== undefined,
      turnOrigin: this.#text(value, 'turnOrigin'),
      originKind: origin === undefined ? undefined : this.#text(origin, 'kind'),
      hasMedia: blocks.some((block) => block.type === 'image' || block.type === 'document'),
      results: resultBlocks.length === 0 ? NO_RESULTS : resultBlocks.map((block) => this.#toolResult(block, value)),
      parts: this.#content ? partsOf(blocks) : NO_PARTS,
    };
  }

  #toolResult(block: Block, value: Fields): ToolResult {
    // A failure's is a text; what a tool of some server returns may be anything.
    const details = isObject(value['toolUseResult']) ? value['toolUseResult'] : {};
    const permission = this.#object(value, 'permissionDecision');
    const decision = permission === undefined ? undefined : this.#text(permission, 'decision');
    const denial = this.#text(value, 'toolDenialKind');
    const isError = this.#flag(block, 'is_error');
    const content = block['content'];
    const words = !isError ? '' : typeof content === 'string' ? content : (textOf(blocksOf(content, this.#complain)) ?? '');
    return {
      toolUseId: this.#text(block, 'tool_use_id') ?? '',
      isError,
      head: copied(words.slice(0, RESULT_HEAD_CHARS)),
      message: isError && this.#content ? words : undefined,
      value: this.#content ? resultValue(content) : undefined,
      denial,
      stoppedBy: denial === 'user-rejected' && decision === undefined ? this.#stoppedBy(value) : undefined,
      permission: decision === undefined ? undefined : { decision, source: this.#text(permission!, 'source') },
      // Lines of sub-agents may have no details: there the words tell.
      created: details['type'] === 'create' || (typeof content === 'string' && content.startsWith('File created successfully')),
      replaced: this.#content && details['type'] === 'update' ? textOrNot(details['originalFile']) : undefined,
      details: {
        status: textOrNot(details['status']),
        agentId: textOrNot(details['agentId']) ?? textOrNot(details['agent_id']),
        agentName: textOrNot(details['name']),
        splitPane: details['is_splitpane'] === true,
        runId: textOrNot(details['runId']),
        taskId: idOrNot(details['backgroundTaskId']) ?? idOrNot(details['taskId']),
        interrupted: details['interrupted'] === true,
      },
    };
  }

  #stoppedBy(value: Fields): ToolResult['stoppedBy'] {
    if (this.#flag(value, 'toolDenialBeforeRun')) return 'denial';
    return isSince(this.#text(value, 'version'), DENIAL_BEFORE_RUN_SINCE) ? 'interruption' : undefined;
  }

  #system(value: Fields): SystemRecord {
    const subtype = this.#text(value, 'subtype') ?? '';
    const meta = subtype === 'compact_boundary' ? (this.#object(value, 'compactMetadata') ?? {}) : undefined;
    return { kind: 'system', subtype, compaction: meta === undefined ? undefined : this.#compaction(meta), ...this.#common(value) };
  }

  #compaction(meta: Fields): NonNullable<SystemRecord['compaction']> {
    const trigger = this.#text(meta, 'trigger');
    const tokensBefore = this.#count(meta, 'preTokens');
    const tokensAfter = this.#count(meta, 'postTokens');
    const durationMs = this.#count(meta, 'durationMs');
    return {
      ...(trigger !== undefined && { trigger }),
      ...(tokensBefore !== undefined && { tokensBefore }),
      ...(tokensAfter !== undefined && { tokensAfter }),
      ...(durationMs !== undefined && { durationMs }),
    };
  }

  #cut(words: string): string {
    return this.#content || words.length <= HEAD_CHARS ? words : copied(words.slice(0, HEAD_CHARS));
  }
}

/** A slice of a long string keeps all of it alive; a copy does not. */
const copied = (slice: string): string => (slice === '' ? '' : Buffer.from(slice, 'utf16le').toString('utf16le'));

/** What a tool returns is its own affair: only if it looks like what we look for, we take it. */
const textOrNot = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
/** A server of tasks may call one of its own by its title. */
const idOrNot = (value: unknown): string | undefined => (typeof value === 'string' && /^[\w-]{1,64}$/.test(value) ? value : undefined);

function syntheticKind(model: string | undefined, isApiError: boolean, words: string): AssistantRecord['synthetic'] {
  if (isApiError) return 'api_error';
  if (model !== '<synthetic>') return 'no';
  return words === 'No response requested.' ? 'no_response' : 'other';
}

/** A status, else a word that we know: what else stands there is content. Old versions tell the status only in the text: `API Error: 400 {…`. */
function apiErrorKind(value: Fields, words: string): string {
  const { apiErrorStatus, apiErrorType, error } = value;
  const status = [String(apiErrorStatus), /^API Error: (\d{3})\b/.exec(words)?.[1]].find((text) => /^[1-5]\d\d$/.test(text ?? ''));
  return status ?? [apiErrorType, error].map(textOrNot).find((kind) => kind !== undefined && API_ERRORS.has(kind)) ?? 'unknown';
}

/** Is a version such as `2.1.329` that one, or a later one? */
function isSince(version: string | undefined, since: readonly number[]): boolean {
  const parts = version?.split('.').map(Number) ?? [];
  const differs = since.findIndex((part, at) => parts[at] !== part);
  return parts.length > 0 && (differs < 0 || (parts[differs] ?? 0) > since[differs]!);
}
