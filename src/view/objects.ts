/**
 * A session's own objects, by the ids of the spans that tell of them: where the whole content of a span is.
 *
 * in:   Session
 * out:  span id → turn, agent, model call or tool call; pure. trace/build.ts makes the same ids of the same objects
 */
import type { AgentRun, ModelCall, Run, Session, ToolCall, Turn } from '../session/types.ts';
import { spanIdOf, traceIdOf } from '../trace/ids.ts';

export type SpanObject =
  | { readonly kind: 'turn'; readonly turn: Turn }
  /** `call`: the one that started it, if there is one. */
  | { readonly kind: 'agent'; readonly agent: AgentRun; readonly call?: ToolCall }
  | { readonly kind: 'chat'; readonly call: ModelCall }
  | { readonly kind: 'tool'; readonly call: ToolCall };

export type SpanObjects = ReadonlyMap<string, SpanObject>;

export function spanObjectsOf(session: Session): SpanObjects {
  const objects = new Map<string, SpanObject>();
  for (const turn of session.turns) {
    const traceId = traceIdOf(turn.startId);
    objects.set(spanIdOf(traceId, 'turn', turn.startId), { kind: 'turn', turn });
    addRun(objects, traceId, turn);
  }
  for (const agent of session.strays) addAgent(objects, traceIdOf(agent.startId), agent);
  return objects;
}

function addRun(to: Map<string, SpanObject>, traceId: string, run: Run): void {
  for (const call of run.modelCalls) to.set(spanIdOf(traceId, 'chat', call.id), { kind: 'chat', call });
  addCalls(to, traceId, run.toolCalls);
  for (const agent of run.unclaimedAgents) addAgent(to, traceId, agent);
}

function addCalls(to: Map<string, SpanObject>, traceId: string, calls: readonly ToolCall[]): void {
  for (const call of calls) {
    if (call.agent !== undefined) addAgent(to, traceId, call.agent, call);
    else {
      to.set(spanIdOf(traceId, 'call', call.id), { kind: 'tool', call });
      addCalls(to, traceId, call.toolCalls ?? []);
      for (const agent of call.agents) addAgent(to, traceId, agent);
    }
  }
}

function addAgent(to: Map<string, SpanObject>, traceId: string, agent: AgentRun, call?: ToolCall): void {
  const id = call === undefined ? spanIdOf(traceId, 'agent', agent.id) : spanIdOf(traceId, 'call', call.id);
  to.set(id, { kind: 'agent', agent, ...(call !== undefined && { call }) });
  addRun(to, traceId, agent);
  for (const respawn of agent.respawns) addRun(to, traceId, respawn);
}
