/**
 * What is told of a call once it is over: the item of recent versions, the events of older ones.
 *
 * in:   payload of `item_completed`, `exec_command_end`, `mcp_tool_call_end`, `patch_apply_end` …
 * out:  `ItemFacts`: when it began and ended, how, and what it was
 */
import { isObject } from '../../json.ts';
import type { FileChange } from '../../session/types.ts';
import type { Fields } from '../fields.ts';
import { word } from './meta.ts';
import type { Ending } from './outcomes.ts';
import { textOf } from './parts.ts';
import { filesOfChanges } from './patch.ts';

export interface ItemFacts {
  /** The call's id; or its own, where a program made the call. */
  readonly id: string;
  readonly name: string;
  /** Unix ms. */
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number;
  readonly ending: Ending;
  readonly mcp: { readonly server: string; readonly tool: string } | undefined;
  readonly files: readonly FileChange[] | undefined;
  /** Threads that it started. */
  readonly spawned: readonly string[];
  /** The user's own command, not one of the model. */
  readonly byUser: boolean;
  readonly input: unknown;
  readonly output: unknown;
}

/** @returns undefined for an item that tells of no call */
export function itemFacts(payload: Fields, atMs: number, content: boolean): ItemFacts | undefined {
  const { item } = payload;
  if (!isObject(item)) return undefined;
  const id = word(item, 'id');
  const type = word(item, 'type');
  if (id === undefined || type === undefined) return undefined;
  const told = toldOf(type, item, content);
  if (told === undefined) return undefined;
  const endedAtMs = msAt(payload, 'completed_at_ms') ?? atMs;
  return { ...BLANK, id, startedAtMs: msAt(payload, 'started_at_ms'), endedAtMs, ending: statusEnding(item), ...told };
}

const BLANK = { mcp: undefined, files: undefined, spawned: [], byUser: false, input: undefined, output: undefined };

type Told = Partial<ItemFacts> & { readonly name: string };

function toldOf(type: string, item: Fields, content: boolean): Told | undefined {
  switch (type) {
    case 'CommandExecution':
      return {
        name: 'exec_command',
        ending: exitEnding(item),
        byUser: item['source'] === 'user_shell',
        ...(content && { input: { command: item['command'] }, output: item['aggregated_output'] }),
      };
    case 'FileChange':
      return {
        name: 'apply_patch',
        files: filesOfChanges(item['changes'], content),
        ...(content && { output: [item['stdout'], item['stderr']].filter((text) => typeof text === 'string' && text !== '').join('\n') }),
      };
    case 'McpToolCall':
      return mcpTold(item, item['result'], content);
    case 'CollabAgentToolCall': {
      const name = word(item, 'tool') ?? 'unknown';
      return {
        name,
        spawned: name === 'spawn_agent' ? words(item['receiver_thread_ids']) : [],
        ...(content && { input: { prompt: item['prompt'] } }),
      };
    }
    case 'SubAgentActivity':
      return item['kind'] === 'started' ? { name: 'spawn_agent', spawned: words([item['agent_thread_id']]) } : undefined;
    case 'DynamicToolCall':
      return { name: word(item, 'tool') ?? word(item, 'name') ?? 'unknown', ...(content && { input: item['arguments'] }) };
    case 'ImageView':
      return { name: 'view_image' };
    case 'Sleep':
      return { name: 'sleep' };
    default:
      return undefined;
  }
}

/** Up to 0.14x, and only where more than the minimum is kept. */
export function eventFacts(payload: Fields, atMs: number, content: boolean): ItemFacts | undefined {
  const id = word(payload, 'call_id');
  const told = id === undefined ? undefined : toldByEvent(payload, content);
  if (id === undefined || told === undefined) return undefined;
  const durationMs = durationOf(payload['duration']);
  return {
    ...BLANK,
    id,
    startedAtMs: durationMs === undefined ? undefined : atMs - durationMs,
    endedAtMs: atMs,
    ending: statusEnding(payload),
    ...told,
  };
}

function toldByEvent(payload: Fields, content: boolean): Told | undefined {
  switch (payload['type']) {
    case 'exec_command_end':
      return { name: 'exec_command', ending: exitEnding(payload), ...(content && { output: payload['aggregated_output'] }) };
    case 'patch_apply_end':
      return { name: 'apply_patch', files: filesOfChanges(payload['changes'], content) };
    case 'mcp_tool_call_end': {
      const { invocation, result } = payload;
      const inner = isObject(result) ? (result['Ok'] ?? result) : result;
      const failed = isObject(result) && 'Err' in result;
      return mcpTold({ ...(isObject(invocation) ? invocation : {}), ...(failed && { status: 'failed' }) }, inner, content);
    }
    default:
      return undefined;
  }
}

function mcpTold(call: Fields, result: unknown, content: boolean): Told {
  const server = word(call, 'server') ?? 'unknown';
  const tool = word(call, 'tool') ?? 'unknown';
  const isError = isObject(result) && (result['isError'] === true || result['is_error'] === true);
  const ending = isError || call['error'] ? failed(textOf(isObject(result) ? result['content'] : call['error'])) : statusEnding(call);
  return {
    name: `mcp__${server}__${tool}`,
    mcp: { server, tool },
    ending,
    ...(content && {
      input: call['arguments'],
      output: isObject(result) ? (result['structuredContent'] ?? result['content']) : call['error'],
    }),
  };
}

const failed = (message: string): Ending => ({ kind: 'error', errorType: 'tool_error', message });

function statusEnding(item: Fields): Ending {
  const status = item['status'];
  if (status === 'declined') return { kind: 'denied' };
  return status === 'failed' || item['success'] === false ? failed(textOf(item['stderr'])) : { kind: 'ok' };
}

/** A process that was killed has -1. */
function exitEnding(item: Fields): Ending {
  const code = item['exit_code'];
  const exitCode = Number.isSafeInteger(code) ? (code as number) : undefined;
  const ending = exitCode !== undefined && exitCode !== 0 ? failed(textOf(item['aggregated_output'])) : statusEnding(item);
  return { ...ending, ...(exitCode !== undefined && { exitCode }) };
}

function durationOf(value: unknown): number | undefined {
  if (!isObject(value)) return undefined;
  const { secs, nanos } = value;
  return typeof secs === 'number' && typeof nanos === 'number' ? Math.round(secs * 1000 + nanos / 1e6) : undefined;
}

/** Whole milliseconds of this century. */
export function msAt(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  return Number.isSafeInteger(value) && (value as number) > 946_684_800_000 && (value as number) < 4_102_444_800_000
    ? (value as number)
    : undefined;
}

const words = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string' && each !== '') : [];
