/**
 * The entries of a run → its tool calls.
 *
 * in:   RawRun
 * out:  ToolCall[], each under an id that no other entry has: names.ts gives back that of the provider; pure and total
 *
 * A result names its call by an id that the provider made, and some begin anew with each answer: it is that of the answer before it,
 * and of several there the first that has none.
 */
import { grouped } from '../../grouped.ts';
import { isObject } from '../../json.ts';
import type { AgentRun, FileChange, ProblemReason, ToolCall, ToolOutcome } from '../../session/types.ts';
import type { AssistantEntry, ResultEntry } from './records.ts';
import { keyOf, type RawRun } from './runs.ts';

/** What a call says of the agent it started. */
export interface Claimed {
  readonly callId: string;
  readonly sessionKey: string;
  readonly runId: string;
  readonly label?: string;
  readonly startedAtMs: number;
}

/** A call, and all that is told of it. */
interface Asked {
  readonly id: string;
  readonly callId: string;
  readonly name: string;
  readonly label?: string;
  readonly input?: unknown;
  readonly askedMs: number;
  /** It can't have begun before. */
  readonly sinceMs: number;
  result?: ResultEntry;
  begun?: TimeOf;
  ended?: TimeOf;
}

interface TimeOf {
  readonly atMs: number;
  readonly isOk?: boolean;
}

/**
 * @param finished  whether a call without a result will have none
 * @param claim     the agent that a call started, if it is known
 */
export function toolCallsOf(
  run: RawRun,
  finished: boolean,
  content: boolean,
  claim: (claimed: Claimed) => AgentRun | undefined,
  add: (line: number, reason: ProblemReason, detail: string) => void,
): readonly ToolCall[] {
  return askedIn(run).map(({ id, callId, name, askedMs, label, input, result, begun, ended }): ToolCall => {
    const startedAtMs = begun?.atMs ?? askedMs;
    if (result !== undefined && result.atMs < startedAtMs) add(result.line, 'end-before-start', 'a result that is older than its call');
    const agent = result?.started && claim({ callId: id, startedAtMs, ...result.started, ...(label !== undefined && { label }) });
    return {
      id,
      callId,
      name,
      startedAtMs,
      outcome:
        result === undefined ? outcomeWithout(ended, startedAtMs, finished) : outcomeOf(result, endOf(result, startedAtMs, ended?.atMs)),
      exitCode: result?.exitCode,
      ...(begun === undefined && { timeEstimated: true }),
      agents: [],
      ...(agent !== undefined && { agent }),
      ...filesOf(name, input, result, content),
      ...(content && { input, output: result?.output }),
    };
  });
}

/** The calls of a run, those that only a result tells of last. */
function askedIn({ steps, events }: RawRun): readonly Asked[] {
  const asked: Asked[] = [];
  const orphans: Asked[] = [];
  const waiting = new Map<string, Asked[]>();
  /** Calls of the last answer that have their results. */
  const done = new Map<string, Asked>();
  let sinceMs = 0;
  for (const step of steps) {
    if (step.kind === 'assistant') {
      sinceMs = step.atMs;
      done.clear();
      const own = askedBy(step);
      asked.push(...own);
      for (const [callId, same] of grouped(own, (call) => call.callId)) waiting.set(callId, same);
      continue;
    }
    const { callId, toolName, atMs } = step;
    const again = done.get(callId);
    const told = waiting.get(callId)?.shift() ?? (again?.result?.toolName === toolName ? again : undefined);
    // A call of a tool that does not exist is not kept, its result is.
    const call = told ?? { id: `${callId}@${keyOf(step)}`, callId, name: toolName, askedMs: atMs, sinceMs };
    if (told === undefined) orphans.push(call);
    call.result = step;
    done.set(callId, call);
  }
  const all = [...asked, ...orphans];
  const sameIds = grouped(all, ({ callId }) => callId);
  for (const event of events) {
    if (event.kind !== 'call' && event.kind !== 'result') continue;
    const of = event.kind === 'call' ? 'begun' : 'ended';
    const call = callAt(sameIds.get(event.callId) ?? [], event.atMs, of);
    if (call !== undefined) call[of] = event;
  }
  return all;
}

const askedBy = (answer: AssistantEntry): readonly Asked[] =>
  answer.toolCalls.map(({ id, ...call }, at) => {
    const nth = answer.toolCalls.slice(0, at).filter((other) => other.id === id).length + 1;
    return { ...call, id: `${id}@${keyOf(answer)}${nth === 1 ? '' : `#${nth}`}`, callId: id, askedMs: answer.atMs, sinceMs: answer.atMs };
  });

/** Of calls with the same id the one that ran then; of several that ran together the first of which that is not told yet. */
function callAt(same: readonly Asked[], atMs: number, of: 'begun' | 'ended'): Asked | undefined {
  if (same.length < 2) return same[0];
  const then = same.filter(({ sinceMs, result }) => sinceMs <= atMs && atMs <= (result?.atMs ?? Number.POSITIVE_INFINITY));
  const latestMs = then.reduce((latest, { sinceMs }) => Math.max(latest, sinceMs), 0);
  const latest = then.filter(({ sinceMs }) => sinceMs === latestMs);
  return latest.find((call) => call[of] === undefined) ?? latest.at(-1);
}

/** All results of tools that ran together are written when the last one is done. */
function endOf({ atMs, durationMs }: ResultEntry, startedAtMs: number, endedMs: number | undefined): number {
  const end = endedMs ?? (durationMs === undefined ? atMs : Math.min(atMs, startedAtMs + durationMs));
  return Math.max(startedAtMs, end);
}

/** Of a call whose result was not written: the trajectory may tell that it ended, for all that ran together are written at once. */
function outcomeWithout(ended: TimeOf | undefined, startedAtMs: number, finished: boolean): ToolOutcome {
  if (!finished) return { kind: 'open' };
  if (ended === undefined) return { kind: 'interrupted' };
  return { kind: ended.isOk === true ? 'ok' : 'interrupted', endedAtMs: Math.max(startedAtMs, ended.atMs) };
}

function outcomeOf(result: ResultEntry, endedAtMs: number): ToolOutcome {
  const failed = result.isError || (result.exitCode ?? 0) !== 0 || result.timedOut;
  if (!failed) return { kind: 'ok', endedAtMs };
  const errorType = result.timedOut ? 'timeout' : result.unknownTool ? 'unknown_tool' : 'tool_error';
  return { kind: 'error', endedAtMs, errorType, ...(result.message !== undefined && { message: result.message }) };
}

/** What the two tools that change files say. Whether a file was there before, neither does. */
function filesOf(name: string, input: unknown, result: ResultEntry | undefined, content: boolean): { files?: readonly FileChange[] } {
  if ((name !== 'write' && name !== 'edit') || result === undefined || result.isError || result.unchanged) return {};
  if (!content || !isObject(input)) return { files: [{ change: 'update' }] };
  const text = (key: string): string | undefined => (typeof input[key] === 'string' ? input[key] : undefined);
  const [path, before, after] = [text('path'), name === 'edit' ? text('oldText') : '', text(name === 'edit' ? 'newText' : 'content')];
  return {
    files: [{ change: 'update', path, ...(before !== undefined && after !== undefined && { edits: [{ before, after }] }) }],
  };
}
