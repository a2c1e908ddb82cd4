/**
 * How a turn of a thread ended, and what it is called: what turns of the main thread and runs of agents have in common.
 *
 * in:   `ThreadTurn`, whether it is over
 * out:  outcome, trigger, tool calls as they stand at the end
 */
import type { RunOutcome, ToolCall, Trigger } from '../../session/types.ts';
import type { ThreadMeta } from './meta.ts';
import type { ThreadTurn } from './turn.ts';

export function outcomeOf(turn: ThreadTurn, isOver: boolean): RunOutcome {
  switch (turn.end.kind) {
    case 'complete':
      return { kind: 'completed' };
    case 'aborted':
      return { kind: 'interrupted' };
    case 'failed': {
      const { errorType, message } = turn.end;
      return { kind: 'error', errorType, ...(message !== undefined && { message }) };
    }
    case 'none':
      // Where turns have ends, this one was killed.
      return isOver && (turn.isMarked || !turn.isAnswered) ? { kind: 'interrupted' } : { kind: 'completed' };
    default:
      return turn.end satisfies never;
  }
}

/** Whoever runs `codex exec` is a program, mostly. */
export function triggerOf(turn: ThreadTurn, meta: ThreadMeta | undefined): { readonly trigger: Trigger; readonly command?: string } {
  if (turn.isReview) return { trigger: 'command', command: '/review' };
  if (!turn.isPrompted && turn.compactions.length > 0) return { trigger: 'command', command: '/compact' };
  if (!turn.isPrompted && turn.modelCalls.length === 0 && turn.toolCalls.length > 0) return { trigger: 'bash' };
  if (!turn.isPrompted) return { trigger: 'unknown' };
  const source = turn.attributedTo ?? meta?.source;
  return { trigger: source === 'exec' || source === 'mcp' ? 'sdk' : 'human' };
}

/** Of a turn that is over, no call is open. */
export const settled = (calls: readonly ToolCall[], isOver: boolean): readonly ToolCall[] =>
  isOver
    ? calls.map((call) => ({
        ...call,
        ...(call.outcome.kind === 'open' && { outcome: { kind: 'interrupted' } as const }),
        ...(call.toolCalls !== undefined && { toolCalls: settled(call.toolCalls, true) }),
      }))
    : calls;

/** `/root/alpha` is known as alpha; those without a name by their role, else by the name that was drawn for them. */
export const nameOf = (meta: ThreadMeta | undefined): string =>
  meta?.path?.split('/').findLast((part) => part !== '') ??
  meta?.role ??
  meta?.nickname ??
  (meta?.agentKind === undefined || meta.agentKind === 'thread_spawn' ? 'subagent' : meta.agentKind);
