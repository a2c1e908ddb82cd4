/**
 * What shell hooks told while the session ran → the times, tokens and links that the database lacks.
 *
 * in:   lines of a spool: what Hermes gives a hook on its stdin, of post_api_request, post_tool_call and subagent_start
 * out:  `HookRecord`s; `Exact`, to be asked for a row's own
 *
 * Rows and hooks share ids of tool calls but none of model calls: a row is written 10 to 20 ms after its request ended.
 */
import { isObject } from '../../json.ts';
import type { TokenUsage } from '../../session/types.ts';
import type { Fields } from '../fields.ts';

export type HookRecord = RequestHook | ToolHook | AgentHook;

export interface RequestHook {
  readonly kind: 'request';
  readonly sessionId: string;
  readonly id: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly requestModel: string | undefined;
  readonly model: string | undefined;
  readonly provider: string | undefined;
  readonly finishReason: string | undefined;
  readonly usage: TokenUsage | undefined;
}

export interface ToolHook {
  readonly kind: 'tool';
  readonly sessionId: string;
  readonly callId: string;
  readonly durationMs: number;
  readonly status: string | undefined;
}

export interface AgentHook {
  readonly kind: 'agent';
  readonly sessionId: string;
  readonly childId: string;
}

/** @returns none for a hook that tells nothing of use, or not enough */
export function hookRecord(value: Fields): HookRecord[] {
  const { hook_event_name: event, session_id: sessionId } = value;
  const extra = isObject(value['extra']) ? value['extra'] : undefined;
  if (typeof sessionId !== 'string' || extra === undefined) return [];
  if (event === 'subagent_start') {
    const childId = textOf(extra['child_session_id']);
    return childId === undefined ? [] : [{ kind: 'agent', sessionId, childId }];
  }
  if (event === 'post_tool_call') {
    const [callId, durationMs] = [textOf(extra['tool_call_id']), extra['duration_ms']];
    if (callId === undefined || !isTime(durationMs)) return [];
    return [{ kind: 'tool', sessionId, callId, durationMs: Math.round(durationMs), status: textOf(extra['status']) }];
  }
  const { started_at: startedAt, ended_at: endedAt } = extra;
  if (event !== 'post_api_request' || !isTime(startedAt) || !isTime(endedAt)) return [];
  return [
    {
      kind: 'request',
      sessionId,
      id: textOf(extra['api_request_id']) ?? '',
      startedAtMs: Math.round(startedAt * 1000),
      endedAtMs: Math.round(Math.max(startedAt, endedAt) * 1000),
      requestModel: textOf(extra['model']),
      model: textOf(extra['response_model']),
      provider: textOf(extra['provider']),
      finishReason: textOf(extra['finish_reason']),
      usage: isObject(extra['usage']) ? usageOf(extra['usage']) : undefined,
    },
  ];
}

/** Counts that exclude one another; the convention's input holds both kinds of cache, too. */
export function usageOf(counts: Fields): TokenUsage {
  const count = (name: string): number =>
    Number.isSafeInteger(counts[name]) && (counts[name] as number) > 0 ? (counts[name] as number) : 0;
  const [cacheRead, cacheWrite] = [count('cache_read_tokens'), count('cache_write_tokens')];
  return {
    input: count('input_tokens') + cacheRead + cacheWrite,
    output: count('output_tokens'),
    cacheRead,
    cacheWrite,
    cacheWrite1h: 0,
    reasoning: count('reasoning_tokens'),
    webSearches: 0,
    reliable: true,
  };
}

/** How long after its request a row may have been written, and how much the clocks may differ. */
const ROW_AFTER_MS = 2000;
const SLACK_MS = 5;

export class Exact {
  readonly #requests: RequestHook[];
  readonly #tools: ReadonlyMap<string, ToolHook>;
  readonly #links: ReadonlyMap<string, string>;

  constructor(hooks: readonly HookRecord[]) {
    const seen = new Set<string>();
    this.#requests = hooks
      .flatMap((hook) => (hook.kind === 'request' && !seen.has(hook.id) && seen.add(hook.id) ? [hook] : []))
      .toSorted((a, b) => a.endedAtMs - b.endedAtMs);
    this.#tools = new Map(hooks.flatMap((hook) => (hook.kind === 'tool' ? [[`${hook.sessionId} ${hook.callId}`, hook] as const] : [])));
    this.#links = new Map(hooks.flatMap((hook) => (hook.kind === 'agent' ? [[hook.childId, hook.sessionId] as const] : [])));
  }

  /** Each is given once, to the first row that was written after it. */
  requestBefore(sessionId: string, atMs: number): RequestHook | undefined {
    const at = this.#requests.findLastIndex(
      (request) => request.sessionId === sessionId && request.endedAtMs <= atMs + SLACK_MS && request.endedAtMs >= atMs - ROW_AFTER_MS,
    );
    return at < 0 ? undefined : this.#requests.splice(at, 1)[0];
  }

  tool(sessionId: string, callId: string): ToolHook | undefined {
    return this.#tools.get(`${sessionId} ${callId}`);
  }

  parentOf(childId: string): string | undefined {
    return this.#links.get(childId);
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0 && value < 8.64e12;
