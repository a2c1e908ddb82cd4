/**
 * How did a tool call end, and what does its result tell about it?
 *
 * in:   a tool_use, the result that came for it (or none)
 * out:  `ToolOutcome`, exit code
 *
 * `is_error` says only that something went wrong. What, is told by `toolDenialKind` and
 * `permissionDecision` in recent versions, and by the words of the result in all of them.
 */
import type { ErrorType, ToolOutcome } from '../../session/types.ts';
import type { ToolResult } from './records.ts';

export interface TimedResult {
  readonly result: ToolResult;
  readonly atMs: number;
  readonly line: number;
}

/**
 * @param startMs  when the call began; a result from before that ends it at once
 * @param over     nothing can come any more, so a call without a result was interrupted
 */
export function toolOutcome(found: TimedResult | undefined, startMs: number, over: boolean): ToolOutcome {
  if (found === undefined) return over ? { kind: 'interrupted' } : { kind: 'open' };
  const { result } = found;
  const endedAtMs = Math.max(found.atMs, startMs);
  if (result.details.interrupted || result.stoppedBy === 'interruption') return { kind: 'interrupted', endedAtMs };
  if (!result.isError) return { kind: 'ok', endedAtMs };
  const denial = denialOf(result);
  if (denial === 'user') return { kind: 'denied', endedAtMs };
  const errorType = denial === 'rule' ? 'permission_denied' : errorTypeOf(result.head);
  return { kind: 'error', endedAtMs, errorType, ...(result.message !== undefined && { message: result.message }) };
}

/** Written when a session was resumed: the call was interrupted long before that line. */
export const isLateInterruption = (result: ToolResult): boolean =>
  result.denial === 'interrupted' || (result.isError && result.head.startsWith('[Tool call interrupted: the session ended'));

/** Who let it run, or did not. No line names the user's "no", but what became of the call does. */
export const permissionOf = (result: ToolResult, outcome: ToolOutcome): ToolResult['permission'] =>
  result.permission ?? (outcome.kind === 'denied' ? { decision: 'reject', source: 'user_reject' } : undefined);

/** Could no agent have come of this call? Older versions use the same words for a call denied and an agent stopped at work. */
export const wasRefused = (result: ToolResult): boolean =>
  result.isError &&
  (result.stoppedBy === 'denial' ||
    denialOf(result) === 'rule' ||
    ['unknown_tool', 'invalid_arguments'].includes(errorTypeOf(result.head)));

function denialOf(result: ToolResult): 'user' | 'rule' | undefined {
  if (result.denial !== undefined) {
    const byUser = result.permission === undefined || result.permission.source?.startsWith('user') === true;
    return result.denial === 'user-rejected' && byUser ? 'user' : 'rule';
  }
  if (/^The user doesn't want to (?:proceed with|take) this/.test(result.head)) return 'user';
  return /^(?:Claude requested permissions to |Permission to use .{1,80} has been denied|PreToolUse:\S+ hook error)/.test(result.head)
    ? 'rule'
    : undefined;
}

function errorTypeOf(head: string): ErrorType {
  if (/^<tool_use_error>Error: No such tool available/.test(head)) return 'unknown_tool';
  if (/^<tool_use_error>InputValidationError/.test(head)) return 'invalid_arguments';
  if (/^Agent terminated early due to an API error/.test(head)) return 'agent_error';
  return /\btimed out after\b/.test(head) ? 'timeout' : 'tool_error';
}

/** The exit code, where the tool reports one: it does so only for a failure. */
export function exitCodeOf(result: ToolResult): number | undefined {
  const code = /^Exit code (\d{1,9})\b/.exec(result.head)?.[1];
  return code === undefined ? undefined : Number(code);
}
