/**
 * A stretch of one file → what its agent did in it: model calls, tool uses, marks, how it ended.
 *
 * in:   a `FileIndex` (whole file) and the records of the stretch, in file order
 * out:  `Digest`; agents are not attached yet, that is agents.ts
 *
 * Three facts of the format carry this file:
 * - One response is several lines with one `message.id`, not always adjacent, each repeating the
 *   usage. So calls are grouped by id, and each counter is the largest value seen.
 * - A result may stand anywhere below its call; it is paired by `tool_use_id` within the file.
 * - No line tells when a request left, but for `api-request` of recent versions: else it left when
 *   the last input before it was written.
 */
import type {
  Compaction,
  ErrorType,
  Message,
  ModelCall,
  Part,
  ProblemReason,
  RunOutcome,
  Steering,
  TokenUsage,
} from '../../session/types.ts';
import { isLateInterruption, type TimedResult } from './outcomes.ts';
import type { Owners } from './pool.ts';
import { providerOf } from './providers.ts';
import type {
  AssistantRecord,
  ClaudeRecord,
  ParsedFile,
  RequestRecord,
  SteeringRecord,
  ToolUse,
  UsageCounts,
  UserRecord,
} from './records.ts';
import { lowerBound } from './search.ts';
import { isInterruption, notificationsIn } from './triggers.ts';

/** What has to be known of the whole file before any stretch of it can be read. */
export interface FileIndex {
  readonly file: ParsedFile;
  readonly results: ReadonlyMap<string, TimedResult>;
  readonly requests: ReadonlyMap<string, RequestRecord>;
  /** Requests that no response refers to, in file order: they failed, or the stream was lost. */
  readonly failedRequests: readonly RequestRecord[];
  /** Every line of a response, by message id: they may lie turns apart when a compaction told them again. */
  readonly responses: ReadonlyMap<string, readonly AssistantRecord[]>;
  readonly owners: Owners;
}

export interface ToolSite {
  readonly use: ToolUse;
  readonly atMs: number;
  readonly line: number;
  readonly result: TimedResult | undefined;
}

export interface Digest {
  readonly startId: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly modelCalls: readonly ModelCall[];
  readonly toolSites: readonly ToolSite[];
  readonly compactions: readonly Compaction[];
  readonly steering: readonly Steering[];
  /** As far as these records tell. */
  readonly end: 'answered' | 'interrupted' | 'failed' | 'unanswered';
  readonly error: { readonly errorType: ErrorType; readonly message: string | undefined } | undefined;
  /** A line that only stands where the agent has stopped follows the last thing it did. */
  readonly closed: boolean;
  readonly first: ClaudeRecord | undefined;
  readonly agentType: string | undefined;
  readonly answer: readonly Part[] | undefined;
  readonly problems: readonly { readonly line: number; readonly reason: ProblemReason; readonly detail: string }[];
}

export function indexFile(file: ParsedFile, owners: Owners): FileIndex {
  const results = new Map<string, TimedResult>();
  const requests = new Map<string, RequestRecord>();
  const responses = new Map<string, AssistantRecord[]>();
  const answered = new Set<string>();
  for (const record of file.records) {
    if (record.kind === 'request') requests.set(record.id, record);
    else if (record.kind === 'assistant') {
      if (record.requestRef !== undefined) answered.add(record.requestRef);
      const lines = responses.get(record.messageId);
      if (lines === undefined) responses.set(record.messageId, [record]);
      else lines.push(record);
    } else if (record.kind === 'user') {
      for (const result of record.results) {
        if (!isLateInterruption(result) && !results.has(result.toolUseId)) {
          results.set(result.toolUseId, { result, atMs: record.atMs, line: record.line });
        }
      }
    }
  }
  const failedRequests = [...requests.values()].filter((request) => !answered.has(request.id));
  return { file, results, requests, failedRequests, responses, owners };
}

/** Does the line show the agent at work? The last such line is where a run ends. */
export function isEvent(record: ClaudeRecord): boolean {
  if (record.kind === 'assistant') return record.synthetic === 'no' || record.synthetic === 'api_error';
  return record.kind === 'user' && (record.results.some((result) => !isLateInterruption(result)) || isInterruption(record));
}

/** System lines that the CLI writes once a turn is over. */
const CLOSING_LINES: ReadonlySet<string> = new Set(['stop_hook_summary', 'turn_duration', 'agents_killed']);

/**
 * @param index  of the file the records are from
 * @param records  the stretch, in file order; its first line started it
 * @param startId  id of the line that started it
 */
export function digest(index: FileIndex, records: readonly ClaudeRecord[], startId: string): Digest {
  const calls = new Map<string, CallDraft>();
  const toolSites = new Map<string, ToolSite>();
  const problems: Digest['problems'][number][] = [];
  const compactions: Compaction[] = [];
  const steering: Steering[] = [];
  const startedAtMs = records[0]?.atMs ?? 0;
  let endedAtMs = Number.NEGATIVE_INFINITY;
  let end: Digest['end'] = 'unanswered';
  let error: Digest['error'];
  let closed = false;
  let failedAttempts = 0;
  let afterCompaction = false;
  let pending: UserRecord[] = [];
  let pendingSteering: SteeringRecord[] = [];
  let lastInputMs: number | undefined;
  let agentType: string | undefined;
  let latestCall: CallDraft | undefined;

  const tells = (owners: ReadonlyMap<string, ParsedFile>, id: string): boolean => (owners.get(id) ?? index.file) === index.file;
  const addToolSites = (record: AssistantRecord): void => {
    for (const use of record.toolUses) {
      if (!tells(index.owners.ofCall, use.id)) continue;
      const twin = toolSites.get(use.id);
      if (twin === undefined) toolSites.set(use.id, { use, atMs: record.atMs, line: record.line, result: index.results.get(use.id) });
      else if (twin.use.name !== use.name)
        problems.push({
          line: record.line,
          reason: 'duplicate-tool-use',
          detail: `${use.id} is also the id of a call on line ${twin.line}`,
        });
    }
  };
  for (const record of records) {
    const lines = record.kind === 'assistant' ? index.responses.get(record.messageId) : undefined;
    // The response was begun in an earlier stretch: it is told there, with all of its lines.
    if (lines !== undefined && lines[0]!.line < (records[0]?.line ?? 0)) continue;
    if (isEvent(record)) {
      endedAtMs = Math.max(endedAtMs, record.atMs);
      closed = false;
    }
    switch (record.kind) {
      case 'assistant': {
        if (record.synthetic === 'api_error') {
          error = { errorType: `api_${record.apiError?.kind ?? 'unknown'}`, message: record.apiError?.message };
          [end, closed] = ['failed', true];
        }
        if (record.synthetic !== 'no') break;
        if (!tells(index.owners.ofResponse, record.messageId)) {
          addToolSites(record);
          break;
        }
        agentType ??= record.agentType;
        end = 'answered';
        error = undefined;
        if (!calls.has(record.messageId)) {
          latestCall = draftOf(record, [...pending, ...pendingSteering], lastInputMs, failedAttempts, afterCompaction);
          calls.set(record.messageId, latestCall);
          [pending, pendingSteering, failedAttempts, afterCompaction] = [[], [], 0, false];
          for (const line of lines ?? [record]) {
            addLine(latestCall, line);
            addToolSites(line);
          }
        }
        break;
      }
      case 'user': {
        if (isInterruption(record)) [end, closed] = ['interrupted', true];
        if (latestCall !== undefined && isCutOffNote(record)) latestCall.cutOff = true;
        if (record.results.length === 0 || record.results.some((result) => !isLateInterruption(result))) {
          // The model has not had its say about a result yet.
          if (record.results.length > 0 && end === 'answered') end = 'unanswered';
          lastInputMs = Math.max(lastInputMs ?? 0, record.atMs);
          pending.push(record);
        }
        break;
      }
      case 'steering':
        if (notificationsIn(record.text).length === 0)
          steering.push({ atMs: record.atMs, ...(index.file.content && { prompt: inputMessage(record).parts }) });
        pendingSteering.push(record);
        break;
      case 'system':
        if (record.compaction !== undefined) {
          compactions.push({ atMs: record.atMs, ...record.compaction });
          afterCompaction = true;
        } else if (record.subtype === 'api_error') failedAttempts++;
        else if (CLOSING_LINES.has(record.subtype)) closed = true;
        break;
      case 'request':
      case 'timed':
        break;
      default:
        record satisfies never;
    }
  }
  const sites = [...toolSites.values()];
  if (end === 'answered' && sites.some((site) => site.result === undefined)) end = 'unanswered';
  const drafts = [...calls.values()];
  // Requests are written at once, a prompt a little after it was typed.
  const begun = { atMs: startedAtMs, line: 0 };
  const modelCalls = drafts.map((draft, at) => modelCall(index, draft, drafts[at - 1]?.first ?? begun));
  for (const site of sites) {
    if (site.result !== undefined && site.result.atMs < site.atMs)
      problems.push({ line: site.result.line, reason: 'end-before-start', detail: `result of ${site.use.id} is older than the call` });
  }
  if (endedAtMs !== Number.NEGATIVE_INFINITY && endedAtMs < startedAtMs)
    problems.push({
      line: records[0]?.line ?? 0,
      reason: 'end-before-start',
      detail: 'its last line is older than the line that started it',
    });
  return {
    startId,
    startedAtMs,
    endedAtMs: Math.max(startedAtMs, endedAtMs),
    modelCalls,
    toolSites: sites,
    compactions,
    steering,
    end,
    error,
    closed,
    first: records[0],
    agentType,
    answer: index.file.content ? answerOf(modelCalls) : undefined,
    problems,
  };
}

/** @param over  true when nothing can come any more */
export function outcomeOf(digested: Digest, over: boolean): RunOutcome {
  switch (digested.end) {
    case 'answered':
      return { kind: 'completed' };
    case 'interrupted':
      return { kind: 'interrupted' };
    case 'failed':
      return {
        kind: 'error',
        errorType: digested.error?.errorType ?? 'api_unknown',
        ...(digested.error?.message !== undefined && { message: digested.error.message }),
      };
    case 'unanswered':
      return over ? { kind: 'interrupted' } : { kind: 'completed' };
    default:
      return digested.end satisfies never;
  }
}

// ---------------------------------------------------------------------------------------------

/** A point in a file. */
type Place = Pick<ClaudeRecord, 'atMs' | 'line'>;

/** A response, as far as its lines have been read. */
interface CallDraft {
  readonly first: AssistantRecord;
  readonly input: readonly (UserRecord | SteeringRecord)[];
  readonly inputMs: number | undefined;
  readonly failedAttempts: number;
  readonly afterCompaction: boolean;
  firstMs: number;
  lastMs: number;
  requestRef: string | undefined;
  requestId: string | undefined;
  requestModel: string | undefined;
  stopReason: string | undefined;
  effort: string | undefined;
  /** Each counter the largest seen. */
  usage: UsageCounts | undefined;
  serverToolCalls: number;
  readonly parts: Part[];
  /** The stream broke off: the CLI tells the model so in the next line. */
  cutOff: boolean;
}

const draftOf = (
  first: AssistantRecord,
  input: CallDraft['input'],
  inputMs: number | undefined,
  failedAttempts: number,
  afterCompaction: boolean,
): CallDraft => ({
  first,
  input,
  inputMs,
  failedAttempts,
  afterCompaction,
  firstMs: first.atMs,
  lastMs: first.atMs,
  requestRef: undefined,
  requestId: undefined,
  requestModel: undefined,
  stopReason: undefined,
  effort: undefined,
  usage: undefined,
  serverToolCalls: 0,
  parts: [],
  cutOff: false,
});

function addLine(call: CallDraft, line: AssistantRecord): void {
  call.firstMs = Math.min(call.firstMs, line.atMs);
  call.lastMs = Math.max(call.lastMs, line.atMs);
  call.requestRef ??= line.requestRef;
  call.requestId ??= line.requestId;
  call.requestModel ??= line.requestedModel;
  call.effort ??= line.effort;
  call.stopReason = line.stopReason ?? call.stopReason;
  if (line.usage !== undefined) call.usage = call.usage === undefined ? line.usage : largestOf(call.usage, line.usage);
  call.serverToolCalls += line.serverToolUses;
  for (const part of line.parts) call.parts.push(part);
}

const largestOf = (a: UsageCounts, b: UsageCounts): UsageCounts => ({
  input: Math.max(a.input, b.input),
  output: Math.max(a.output, b.output),
  cacheRead: Math.max(a.cacheRead, b.cacheRead),
  cacheWrite: Math.max(a.cacheWrite, b.cacheWrite),
  cacheWrite1h: Math.max(a.cacheWrite1h, b.cacheWrite1h),
  reasoning: a.reasoning === undefined ? b.reasoning : Math.max(a.reasoning, b.reasoning ?? 0),
  webSearches: Math.max(a.webSearches, b.webSearches),
});

const isCutOffNote = (record: UserRecord): boolean => record.isMeta && record.text?.startsWith('Your response above was cut off') === true;

function modelCall(index: FileIndex, draft: CallDraft, since: Place): ModelCall {
  const { first, usage } = draft;
  const request = draft.requestRef === undefined ? undefined : index.requests.get(draft.requestRef);
  const content = index.file.content;
  return {
    id: first.messageId,
    requestId: draft.requestId,
    provider: providerOf(first.model, first.messageId),
    requestModel: draft.requestModel,
    model: first.model,
    startedAtMs: Math.min(request?.atMs ?? draft.inputMs ?? draft.firstMs, draft.firstMs),
    endedAtMs: draft.lastMs,
    finishReason: draft.stopReason,
    usage: usage === undefined ? undefined : tokenUsage(usage, draft.stopReason !== undefined && !draft.cutOff),
    effort: draft.effort,
    retries: Math.max(draft.failedAttempts, request === undefined ? 0 : silentRetries(index, request, first, since)),
    afterCompaction: draft.afterCompaction,
    serverToolCalls: draft.serverToolCalls,
    input: content ? draft.input.map(inputMessage) : undefined,
    output: content ? { role: 'assistant', parts: draft.parts } : undefined,
  };
}

/** Some errors are retried without a word: only the attempts since the call before, or since the start, show it. */
function silentRetries(index: FileIndex, request: RequestRecord, first: AssistantRecord, since: Place): number {
  const { failedRequests } = index;
  let retries = 0;
  for (let at = lowerBound(failedRequests, ({ line }) => line >= first.line) - 1; at >= 0; at--) {
    const other = failedRequests[at]!;
    if (other.line <= since.line || other.atMs < since.atMs) break;
    if (other.atMs <= request.atMs && other.source === request.source) retries++;
  }
  return retries;
}

/** @param reliable  the counts are final once the stop reason is known; before that they may be placeholders */
const tokenUsage = (usage: UsageCounts, reliable: boolean): TokenUsage => ({
  input: usage.input + usage.cacheRead + usage.cacheWrite,
  output: usage.output,
  cacheRead: usage.cacheRead,
  cacheWrite: usage.cacheWrite,
  cacheWrite1h: Math.min(usage.cacheWrite, usage.cacheWrite1h),
  reasoning: usage.reasoning,
  webSearches: usage.webSearches,
  reliable,
});

function inputMessage(record: UserRecord | SteeringRecord): Message {
  if (record.kind === 'steering') return { role: 'user', parts: [{ kind: 'text', text: record.text }] };
  return { role: record.results.length > 0 ? 'tool' : 'user', parts: record.parts };
}

const answerOf = (calls: readonly ModelCall[]): readonly Part[] | undefined =>
  calls.at(-1)?.output?.parts.filter((part) => part.kind === 'text');
