/**
 * The entries of a run → its model calls and tool calls.
 *
 * in:   RawRun
 * out:  ModelCall[], ToolCall[]; pure and total
 */
import type { AgentRun, FileChange, Message, ModelCall, Part, ProblemReason, ToolCall, ToolOutcome } from '../../session/types.ts';
import { isObject } from '../fields.ts';
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

/** But for failed ones: these end the run with an error, and had no answer. */
export function modelCallsOf(run: RawRun, content: boolean): readonly ModelCall[] {
  const failedMs = retriedAtMs(run);
  const compactedMs = run.compactions.map(({ atMs }) => atMs);
  const answered = run.calls.filter((call) => call.error === undefined && (call.stopReason !== 'aborted' || hasAnswer(call)));
  const inputs = content ? inputsOf(run, answered) : [];
  return answered.map((call, at) => {
    const previousMs = answered[at - 1]?.atMs ?? 0;
    return {
      // Some providers count their responses from 0 again, some call them all the same.
      id: keyOf(call),
      idIsOurs: true,
      ...(call.responseId !== undefined && { responseId: call.responseId }),
      provider: call.provider,
      model: call.model,
      startedAtMs: call.startedMs,
      endedAtMs: call.atMs,
      finishReason: call.stopReason,
      usage: call.usage,
      costUsd: call.costUsd,
      retries: failedMs.filter((atMs) => previousMs < atMs && atMs <= call.startedMs).length,
      afterCompaction: compactedMs.some((atMs) => previousMs < atMs && atMs <= call.startedMs),
      serverToolCalls: 0,
      ...(content && {
        input: inputs[at]!,
        output: { role: 'assistant', parts: call.parts ?? [] } satisfies Message,
      }),
    };
  });
}

/** When the run began anew because an attempt had failed. What came of that attempt is in no transcript. */
function retriedAtMs({ events }: RawRun): readonly number[] {
  const retried: number[] = [];
  let hasFailed = false;
  for (const event of events) {
    if (event.kind === 'attempt') {
      if (hasFailed) retried.push(event.atMs);
      hasFailed = true;
    } else if (event.kind === 'attempted') hasFailed = event.status !== 'success';
  }
  return retried;
}

const hasAnswer = ({ usage, isEmpty }: AssistantEntry): boolean => (usage?.output ?? 0) > 0 || !isEmpty;

/** Of each call, what is new since the one before: the prompt, what the user added, what tools said. */
function inputsOf({ prompt, steering, results }: RawRun, calls: readonly AssistantEntry[]): readonly (readonly Message[])[] {
  const users = prompt === undefined ? steering : [prompt, ...steering];
  let [said, given] = [0, 0];
  return calls.map((call) => {
    const input: Message[] = [];
    for (; said < users.length && users[said]!.sentMs <= call.startedMs; said++)
      input.push({ role: 'user', parts: users[said]!.parts ?? [] });
    for (; given < results.length && results[given]!.atMs <= call.atMs; given++) {
      const { callId, output } = results[given]!;
      input.push({ role: 'tool', parts: [{ kind: 'tool_result', id: callId, result: output } satisfies Part] });
    }
    return input;
  });
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
  const results = new Map(run.results.map((result) => [result.callId, result]));
  const [begun, ended] = (['call', 'result'] as const).map(
    (kind) => new Map(run.events.flatMap((event) => (event.kind === kind ? [[event.callId, event.atMs] as const] : []))),
  ) as [Map<string, number>, Map<string, number>];
  const told = run.calls.flatMap((call) => call.toolCalls.map((tool) => ({ ...tool, askedMs: call.atMs })));
  const known = new Set(told.map(({ id }) => id));
  // A call of a tool that does not exist is not kept, its result is.
  const orphans = run.results
    .filter(({ callId }) => !known.has(callId))
    .map(({ callId, toolName, atMs }) => ({
      id: callId,
      name: toolName,
      askedMs: begun.get(callId) ?? atMs,
      label: undefined,
      input: undefined,
    }));
  return [...new Map([...told, ...orphans].map((tool) => [tool.id, tool])).values()].map(
    ({ id, name, askedMs, label, input }): ToolCall => {
      const result = results.get(id);
      const startedAtMs = begun.get(id) ?? askedMs;
      const endedAtMs = result && endOf(result, startedAtMs, ended.get(id));
      if (result !== undefined && result.atMs < startedAtMs) add(result.line, 'end-before-start', 'a result that is older than its call');
      const agent = result?.started && claim({ callId: id, startedAtMs, ...result.started, ...(label !== undefined && { label }) });
      return {
        id,
        name,
        startedAtMs,
        outcome: outcomeOf(result, endedAtMs, finished),
        exitCode: result?.exitCode,
        ...(!begun.has(id) && { timeEstimated: true }),
        agents: [],
        ...(agent !== undefined && { agent }),
        ...filesOf(name, input, result, content),
        ...(content && { input, output: result?.output }),
      };
    },
  );
}

/** All results of tools that ran together are written when the last one is done. */
function endOf({ atMs, durationMs }: ResultEntry, startedAtMs: number, endedMs: number | undefined): number {
  const end = endedMs ?? (durationMs === undefined ? atMs : Math.min(atMs, startedAtMs + durationMs));
  return Math.max(startedAtMs, end);
}

function outcomeOf(result: ResultEntry | undefined, endedAtMs: number | undefined, finished: boolean): ToolOutcome {
  if (result === undefined || endedAtMs === undefined) return { kind: finished ? 'interrupted' : 'open' };
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
