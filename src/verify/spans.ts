/**
 * What the spans of a session tell of responses, tool calls and agents, read off their attributes as a backend would.
 *
 * in:   spans
 * out:  `Built`; `TOKEN_ROWS`
 */
import type { Tokens } from '../harness/recount.ts';
import { isAccount } from '../trace/account.ts';
import * as attr from '../trace/semconv.ts';
import type { Span } from '../trace/span.ts';
import type { TokenRow } from './report.ts';

/** The counters, as they are shown. */
export const TOKEN_ROWS: readonly (readonly [TokenRow, keyof Tokens])[] = [
  ['input tokens', 'input'],
  ['output tokens', 'output'],
  ['cache read tokens', 'cacheRead'],
  ['cache write tokens', 'cacheWrite'],
];

export interface Built {
  readonly responses: readonly BuiltResponse[];
  readonly toolCalls: readonly BuiltCall[];
  readonly agents: readonly BuiltAgent[];
  readonly accounts: readonly BuiltAccount[];
}

/** Tokens of all calls together, on the last turn or on an agent. */
export interface BuiltAccount {
  readonly spanId: string;
  readonly agentId?: string;
  readonly tokens: Tokens;
  readonly costUsd?: number;
}

export interface BuiltCall {
  readonly id: string;
  readonly spanId: string;
}

export interface BuiltResponse extends BuiltCall {
  readonly model: string;
  readonly tokens?: Tokens;
  readonly costUsd?: number;
  /** Absent: the main agent's. */
  readonly agentId?: string;
}

export interface BuiltAgent extends BuiltCall {
  /** The call it stands for. */
  readonly callId?: string;
}

export function builtOf(spans: readonly Span[]): Built {
  const of = (operation: string): readonly Span[] => spans.filter((span) => span.attributes[attr.ATTR_GEN_AI_OPERATION_NAME] === operation);
  return {
    responses: of(attr.GEN_AI_OPERATION_NAME_VALUE_CHAT).map(response),
    // The span of an agent that a call started stands for the call, too.
    toolCalls: spans.flatMap((span) => {
      const id = text(span, attr.ATTR_GEN_AI_TOOL_CALL_ID);
      return id === undefined ? [] : [{ id, spanId: span.spanId }];
    }),
    agents: of(attr.GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT).flatMap((span) => {
      const id = text(span, attr.ATTR_GEN_AI_AGENT_ID);
      const callId = text(span, attr.ATTR_GEN_AI_TOOL_CALL_ID);
      return id === undefined ? [] : [{ id, spanId: span.spanId, ...(callId !== undefined && { callId }) }];
    }),
    accounts: spans.filter(isAccount).flatMap((span) => {
      const { spanId, agentId, tokens, costUsd } = response(span);
      if (tokens === undefined) return [];
      return [{ spanId, tokens, ...(agentId !== undefined && { agentId }), ...(costUsd !== undefined && { costUsd }) }];
    }),
  };
}

function response(span: Span): BuiltResponse {
  const input = count(span, attr.ATTR_GEN_AI_USAGE_INPUT_TOKENS);
  const costUsd = count(span, attr.ATTR_COST_USD);
  const agentId = text(span, attr.ATTR_GEN_AI_AGENT_ID);
  const cacheWrite = Object.values(attr.profiles).map(({ cacheWriteTokens }) => count(span, cacheWriteTokens));
  return {
    id: text(span, attr.ATTR_MODEL_CALL_ID) ?? text(span, attr.ATTR_GEN_AI_RESPONSE_ID) ?? `of span ${span.spanId}`,
    spanId: span.spanId,
    model: text(span, attr.ATTR_GEN_AI_RESPONSE_MODEL) ?? 'unknown',
    ...(input !== undefined && {
      tokens: {
        input,
        output: count(span, attr.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS) ?? 0,
        cacheRead: count(span, attr.ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS) ?? 0,
        cacheWrite: cacheWrite.find((tokens) => tokens !== undefined) ?? 0,
      },
    }),
    ...(costUsd !== undefined && { costUsd }),
    ...(agentId !== undefined && { agentId }),
  };
}

function text({ attributes }: Span, name: string): string | undefined {
  const value = attributes[name];
  return typeof value === 'string' ? value : undefined;
}

function count({ attributes }: Span, name: string): number | undefined {
  const value = attributes[name];
  return typeof value === 'number' ? value : undefined;
}
