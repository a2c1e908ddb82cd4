/**
 * Rows of a turn, or of an agent's whole life → a run: its model calls, its tool calls, how it ended.
 *
 * in:   rows, when it is known that nothing follows
 * out:  `Digest`; the agents that its calls started come from outside
 *
 * Rows tell when something was over, not when it began: that is taken from the row before, and marked.
 */
import type { AgentRun, ModelCall, Part, RunOutcome, Message as SessionMessage, ToolCall, ToolOutcome } from '../../session/types.ts';
import { madeIn } from './changes.ts';
import type { Exact } from './exact.ts';
import { hashOf, type Message, type RequestedTool } from './records.ts';
import { isAnswered } from './segments.ts';

export interface Context {
  readonly exact: Exact;
  readonly content: boolean;
  /** Before ids of what is not the main agent's. */
  readonly prefix: string;
  modelOf(sessionId: string): { readonly model: string; readonly provider: string };
  /** Those that this call started. */
  agentsOf(call: RequestedTool, row: Message, result: Message | undefined): readonly AgentRun[];
  /** How often each answer was given so far, of the same agent. */
  readonly times: Map<string, number>;
  /** @returns false when the id was used in this trace before */
  isNew(callId: string): boolean;
}

export interface Digest {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly modelCalls: readonly ModelCall[];
  readonly toolCalls: readonly ToolCall[];
  readonly outcome: RunOutcome;
  readonly prompt?: readonly Part[];
  readonly answer?: readonly Part[];
  /** Lines of results that no call was found for. */
  readonly orphans: readonly { readonly line: number; readonly id: string }[];
}

/** @param isOver  nothing can follow: what has no result now will never have one */
export function digest(rows: readonly Message[], isOver: boolean, compactionsMs: readonly number[], context: Context): Digest {
  const { content } = context;
  const results = new Map<string, Message>();
  for (const row of rows) if (row.toolCallId !== undefined && !results.has(row.toolCallId)) results.set(row.toolCallId, row);
  const asked = new Set(rows.flatMap(({ toolCalls }) => toolCalls.map(({ id }) => id)));
  const lastAnswer = rows.findLastIndex(({ role }) => role === 'assistant');
  const modelCalls: ModelCall[] = [];
  const toolCalls: ToolCall[] = [];
  const again = new Map<string, number>();
  let lastMs = roundedMs(rows[0]!);
  let news: Message[] = [];
  let compactions = compactionsMs.length;
  for (const [at, row] of rows.entries()) {
    const atMs = Math.max(roundedMs(row), lastMs);
    if (row.role === 'assistant') {
      const call = modelCallOf(row, at === 0 ? atMs : lastMs, atMs, context);
      const isAfter = compactions > 0 && row.atMs >= compactionsMs[compactionsMs.length - compactions]!;
      if (isAfter) compactions -= 1;
      modelCalls.push({ ...call, afterCompaction: isAfter, ...(content && { input: news.map(messageOf), output: messageOf(row) }) });
      news = [];
      let freeMs = atMs;
      for (const request of row.toolCalls) {
        // The same id twice in one trace would be the same span twice.
        const id = ownId(request.id, again, context);
        const result = results.get(request.id);
        const tool = toolCallOf({ ...request, id }, row, freeMs, result, isOver || at < lastAnswer, context);
        if (tool.outcome.kind !== 'open') freeMs = tool.outcome.endedAtMs ?? freeMs;
        toolCalls.push(tool);
        results.delete(request.id);
      }
    } else news.push(row);
    lastMs = atMs;
  }
  const answer = rows.findLast(({ role, toolCalls: calls }) => role === 'assistant' && calls.length === 0);
  return {
    startedAtMs: modelCalls.reduce((start, { startedAtMs }) => Math.min(start, startedAtMs), roundedMs(rows[0]!)),
    endedAtMs: lastMs,
    modelCalls,
    toolCalls,
    outcome: { kind: isAnswered(rows) || !isOver ? 'completed' : 'interrupted' },
    ...(content && { prompt: rows[0]!.role === 'user' ? rows[0]!.parts : [], answer: answer?.parts ?? [] }),
    orphans: rows.flatMap(({ line, toolCallId }) => (toolCallId !== undefined && !asked.has(toolCallId) ? [{ line, id: toolCallId }] : [])),
  };
}

/** Of an id that was used in this trace before: how often tells them apart, for lines and rows do not stay. */
function ownId(id: string, again: Map<string, number>, { prefix, isNew }: Context): string {
  if (isNew(id)) return id;
  for (let time = again.get(id) ?? 1; ; time++) {
    const other = time === 1 ? `${prefix}${id}` : `${prefix}${id}#${time}`;
    if (!isNew(other)) continue;
    again.set(id, time + 1);
    return other;
  }
}

const roundedMs = ({ atMs }: Message): number => Math.round(atMs);

function modelCallOf(row: Message, startedAtMs: number, endedAtMs: number, { exact, prefix, modelOf, times }: Context): ModelCall {
  const { model, provider } = modelOf(row.sessionId);
  const known = exact.requestBefore(row.sessionId, row.atMs);
  // What was said again is another call.
  const said = hashOf(`${row.hash} ${row.toolCalls.map(({ id }) => id).join(' ')}`);
  const time = (times.get(said) ?? 0) + 1;
  times.set(said, time);
  const common = {
    id: `${prefix}${said}${time === 1 ? '' : `#${time}`}`,
    idIsOurs: true,
    provider,
    retries: 0,
    afterCompaction: false,
    serverToolCalls: 0,
  };
  if (known === undefined) return { ...common, model, startedAtMs, endedAtMs, finishReason: row.finishReason, timeEstimated: true };
  return {
    ...common,
    requestId: known.id,
    requestModel: known.requestModel,
    model: known.model ?? known.requestModel ?? model,
    startedAtMs: known.startedAtMs,
    endedAtMs: known.endedAtMs,
    finishReason: known.finishReason ?? row.finishReason,
    usage: known.usage,
  };
}

function toolCallOf(
  request: RequestedTool,
  row: Message,
  freeMs: number,
  result: Message | undefined,
  isOver: boolean,
  { exact, content, agentsOf }: Context,
): ToolCall {
  const known = exact.tool(row.sessionId, request.id);
  const endedAtMs = result === undefined ? freeMs : Math.max(roundedMs(result), freeMs);
  const startedAtMs =
    known === undefined || result === undefined ? Math.min(freeMs, endedAtMs) : Math.max(roundedMs(row), endedAtMs - known.durationMs);
  const agents = agentsOf(request, row, result);
  const mcp = /^mcp__(.+?)__(.+)$/.exec(request.name);
  const outcome = outcomeOf(result, endedAtMs, known?.status, isOver, content);
  return {
    id: request.id,
    name: request.name,
    startedAtMs,
    outcome,
    ...(outcome.kind === 'ok' && request.files !== undefined && { files: request.files }),
    ...(content && result !== undefined && madeIn(request.name, request.input, textOf(result))),
    ...(mcp !== null && { mcp: { server: mcp[1]!, tool: mcp[2]! } }),
    ...(result?.result?.exitCode !== undefined && { exitCode: result.result.exitCode }),
    ...(result?.result?.delegationId !== undefined && { taskId: result.result.delegationId }),
    ...(agents.length === 1 && request.goals.length <= 1 && { agent: agents[0] }),
    agents: agents.length === 1 && request.goals.length <= 1 ? [] : agents,
    ...(known === undefined && { timeEstimated: true }),
    ...(content && { input: request.input, ...(result !== undefined && { output: textOf(result) }) }),
  };
}

function outcomeOf(
  result: Message | undefined,
  endedAtMs: number,
  status: string | undefined,
  isOver: boolean,
  content: boolean,
): ToolOutcome {
  if (result === undefined) return isOver ? { kind: 'interrupted' } : { kind: 'open' };
  if (status === 'blocked') return { kind: 'denied', endedAtMs };
  if (status !== 'error' && result.result?.isError !== true) return { kind: 'ok', endedAtMs };
  const { error, exitCode } = result.result ?? {};
  const isTimeout = exitCode === 124 || /timed? ?out/i.test(error ?? '');
  return {
    kind: 'error',
    endedAtMs,
    errorType: isTimeout ? 'timeout' : 'tool_error',
    ...(content && error !== undefined && { message: error }),
  };
}

function messageOf(row: Message): SessionMessage {
  if (row.role === 'tool') return { role: 'tool', parts: [{ kind: 'tool_result', id: row.toolCallId ?? '', result: textOf(row) }] };
  const calls = row.toolCalls.map(({ id, name, input }): Part => ({ kind: 'tool_call', id, name, arguments: input }));
  return { role: row.role, parts: [...row.parts, ...calls] };
}

const textOf = ({ parts }: Message): string => parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n');
