/**
 * Claude Code's transcript lines → records: what we know of a line once it is read.
 *
 * in:   lines of ~/.claude/projects/<folder>/<session>.jsonl, or of a sub-agent's file
 * out:  `ParsedFile`: the records of a file, and a problem for each line that could not be used
 *
 * A record holds the facts that spans need and no more: that is what keeps a 100 MB session small in memory.
 * How a line is read is in reader.ts, what is never read at all in lines.ts. Format and versions: README.md.
 */
import type { Part, Problem } from '../../session/types.ts';
import type { AgentFile, ParseOptions, TranscriptFile } from '../harness.ts';
import { decodeLines } from './lines.ts';
import { type AgentMeta, readMeta } from './meta.ts';
import { type AddProblem, LineReader } from './reader.ts';
import { lowerBound } from './search.ts';

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
  /** Its text; without content only the beginning of it, but for a file's first prompt. */
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
  /** Did the user say no before the tool began, or stop it at work? Only recent versions tell. */
  readonly stoppedBy: 'denial' | 'interruption' | undefined;
  readonly permission: { readonly decision: string; readonly source: string | undefined } | undefined;
  /** A file was written that was not there before. */
  readonly created: boolean;
  /** What a file held before it was written anew. */
  readonly replaced: string | undefined;
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

/** A damaged file may have millions of bad lines; the rest is counted in one problem. */
const MAX_PROBLEMS_PER_FILE = 1000;

export function parseFile(file: TranscriptFile | AgentFile, { content }: ParseOptions): ParsedFile {
  const problems = problemList(file.name);
  const records: ClaudeRecord[] = [];
  const lineOfUuid = new Map<string, number>();
  const agent = 'id' in file ? file : undefined;
  const reader = new LineReader(agent?.id ?? 'main', content, problems.add);
  let isFork = false;
  if (file.unreadable !== undefined) problems.add(0, 'unreadable-file', file.unreadable);
  for (const decoded of decodeLines(file.lines, problems.add, { content }, file.firstLine)) {
    if (decoded.kind === 'skipped') {
      if (decoded.uuid !== undefined) lineOfUuid.set(decoded.uuid, decoded.line);
      continue;
    }
    if (decoded.value['type'] === 'fork-context-ref') isFork = true;
    const record = reader.read(decoded.line, decoded.value);
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
  const changed = first === undefined || first.atMs !== again.atMs || idsIn(first) !== idsIn(again);
  // A result is paired by another id than its line's; a prompt's id is all a turn has.
  if (again.kind !== 'assistant')
    return { changed, keep: changed && again.kind === 'user' && again.results.length > 0 ? again : undefined };
  if (changed) return { changed, keep: again };
  return { changed, keep: { ...again, parts: [], toolUses: [], serverToolUses: 0 } };
}

/** What pairs a line with others: of two lines that agree in this, the second tells nothing new. */
function idsIn(record: ClaudeRecord): string {
  if (record.kind === 'assistant') return [record.messageId, ...record.toolUses.map(({ id }) => id)].join(' ');
  return record.kind === 'user' ? `user ${record.results.map(({ toolUseId }) => toolUseId).join(' ')}` : record.kind;
}

/** Lines before the first one with a time take that time. */
function timed(records: readonly ClaudeRecord[]): readonly ClaudeRecord[] {
  if (records[0]?.atMs !== 0) return records;
  const firstMs = records.find((record) => record.atMs > 0)?.atMs ?? 0;
  return records.map((record) => (record.atMs === 0 ? { ...record, atMs: firstMs } : record));
}

function recordAt(records: readonly ClaudeRecord[], line: number): ClaudeRecord | undefined {
  const found = records[lowerBound(records, (record) => record.line >= line)];
  return found?.line === line ? found : undefined;
}
