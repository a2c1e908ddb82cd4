/**
 * A session → what happened in it, event by event, agents included.
 *
 * in:   Session
 * out:  `SessionEvent[]`: plain data, in order of time, at the same millisecond a cause before its effect; pure
 *
 * A model call and a tool call are two events each, and so is an agent: what has not ended has no second one.
 */
import { grouped } from '../grouped.ts';
import type { AgentRun, Compaction, ModelCall, Run, Session, ToolCall, ToolOutcome, Turn } from '../session/types.ts';
import { agentsOf } from '../stats/runs.ts';
import { labelOf, wordsOf } from '../view/labels.ts';
import { History } from './history.ts';

export type SessionEvent = {
  readonly atMs: number;
  /** Whose: agents of one name are numbered. */
  readonly agent: string;
} & What;

type What =
  | { readonly kind: 'turn_started'; readonly turn: number; readonly trigger: string; readonly text?: string }
  /** A prompt that arrived while the agent was at work. */
  | { readonly kind: 'steering'; readonly text?: string }
  | {
      readonly kind: 'model_called';
      readonly id: string;
      readonly model: string;
      /** What it was given: prompts, answers and results of tools, since a compaction. As far as the transcript tells. */
      readonly messages: number;
      /** Size of that, and how much of it was cached. */
      readonly inputTokens?: number;
      readonly cachedTokens?: number;
      /** Of these messages the results of tools that were given for the first time. */
      readonly results: number;
    }
  | {
      readonly kind: 'model_answered';
      readonly id: string;
      readonly model: string;
      readonly outputTokens?: number;
      readonly finishReason?: string;
      readonly durationMs: number;
      readonly text?: string;
    }
  | { readonly kind: 'tool_called'; readonly id: string; readonly name: string; readonly text?: string }
  | ({ readonly kind: 'tool_ended'; readonly id: string; readonly name: string } & End)
  | { readonly kind: 'agent_started'; readonly id: string; readonly name: string; readonly text?: string }
  | ({ readonly kind: 'agent_ended'; readonly id: string; readonly name: string } & End)
  | { readonly kind: 'compacted'; readonly trigger?: string; readonly tokensBefore?: number; readonly tokensAfter?: number }
  | ({ readonly kind: 'turn_ended'; readonly turn: number } & End)
  | { readonly kind: 'session_ended'; readonly durationMs: number };

interface End {
  /** `ok`, `completed`, `error`, `denied`, `interrupted`. */
  readonly outcome: string;
  readonly errorType?: string;
  readonly durationMs: number;
  /** Why it failed. */
  readonly text?: string;
}

/** @param ended  whether it is over: else it has no end */
export function eventsOf(session: Session, ended = true): readonly SessionEvent[] {
  const nameOf = agentNames(session);
  const history = new History();
  // A cause is told before its effects: a stable sort keeps that where the clock does not tell.
  const told = [
    ...session.turns.flatMap((turn) => [...turnEvents(turn, session.agentName, nameOf, history)]),
    ...session.strays.flatMap((agent) => [...agentEvents(agent, nameOf)]),
  ].toSorted((a, b) => a.atMs - b.atMs);
  const [first, last] = [told[0], told.at(-1)];
  if (first === undefined || last === undefined) return [];
  if (!ended) return told;
  return [...told, { atMs: last.atMs, agent: session.agentName, kind: 'session_ended', durationMs: last.atMs - first.atMs }];
}

type NameOf = (agent: AgentRun) => string;

function* turnEvents(turn: Turn, agent: string, nameOf: NameOf, history: History): Generator<SessionEvent> {
  const { number, trigger, startedAtMs } = turn;
  yield { atMs: startedAtMs, agent, kind: 'turn_started', turn: number, trigger, ...textOf(labelOf({ kind: 'turn', turn })) };
  history.begin(turn);
  yield* runEvents(turn, agent, nameOf, history);
  if (turn.finished) yield { atMs: endOf(turn), agent, kind: 'turn_ended', turn: number, ...runEnd(turn) };
}

function* agentEvents(agent: AgentRun, nameOf: NameOf, call?: ToolCall): Generator<SessionEvent> {
  const name = nameOf(agent);
  const { id, startedAtMs } = agent;
  yield {
    atMs: startedAtMs,
    agent: name,
    kind: 'agent_started',
    id,
    name,
    ...textOf(labelOf({ kind: 'agent', agent, ...(call !== undefined && { call }) })),
  };
  yield* runEvents(agent, name, nameOf, new History(1));
  if (agent.finished) yield { atMs: endOf(agent), agent: name, kind: 'agent_ended', id, name, ...runEnd(agent) };
  for (const respawn of agent.respawns) yield* agentEvents(respawn, nameOf);
}

function* runEvents(run: Run, agent: string, nameOf: NameOf, history: History): Generator<SessionEvent> {
  for (const { atMs, prompt } of run.steering) yield { atMs, agent, kind: 'steering', ...textOf(wordsOf(prompt)) };
  for (const compaction of run.compactions) yield compacted(compaction, agent);
  const askedBy = callersOf(run);
  const waiting: number[] = [];
  // A call that sums up the history stands behind those it sums up.
  for (const call of run.modelCalls.toSorted((a, b) => a.startedAtMs - b.startedAtMs)) {
    const given = waiting.filter((endMs) => endMs <= call.startedAtMs);
    waiting.splice(0, waiting.length, ...waiting.filter((endMs) => endMs > call.startedAtMs));
    yield modelCalled(call, history.before(call, run, given.length), given.length, agent);
    yield modelAnswered(call, agent);
    history.add(1);
    for (const tool of askedBy.get(call) ?? []) {
      yield* toolEvents(tool, agent, nameOf);
      if (tool.outcome.kind !== 'open') waiting.push(toolEnd(tool, tool.outcome));
    }
  }
  history.add(waiting.length);
  history.reach(run, Number.POSITIVE_INFINITY);
  for (const tool of askedBy.get(undefined) ?? []) yield* toolEvents(tool, agent, nameOf);
  for (const unclaimed of run.unclaimedAgents) yield* agentEvents(unclaimed, nameOf);
}

/** Which model call a tool call came out of: by its answer where that is kept, else by time. */
function callersOf({ modelCalls, toolCalls }: Run): ReadonlyMap<ModelCall | undefined, readonly ToolCall[]> {
  const told = new Map(
    modelCalls.flatMap((call) =>
      (call.output?.parts ?? []).flatMap((part) => (part.kind === 'tool_call' ? [[part.id, call] as const] : [])),
    ),
  );
  const began =
    (tool: ToolCall) =>
    (call: ModelCall): boolean =>
      call.startedAtMs < tool.startedAtMs || (call.startedAtMs === tool.startedAtMs && call.endedAtMs <= tool.startedAtMs);
  return grouped(toolCalls, (tool) => told.get(tool.id) ?? modelCalls.findLast(began(tool)));
}

function* toolEvents(call: ToolCall, agent: string, nameOf: NameOf): Generator<SessionEvent> {
  const { id, name, startedAtMs, outcome } = call;
  // Of calls that were made at once, the agent of one may begin before it is its turn.
  const calledAtMs = Math.min(startedAtMs, call.agent?.startedAtMs ?? startedAtMs);
  yield { atMs: calledAtMs, agent, kind: 'tool_called', id, name, ...textOf(labelOf({ kind: 'tool', call })) };
  for (const inside of call.toolCalls ?? []) yield* toolEvents(inside, agent, nameOf);
  if (call.agent !== undefined) yield* agentEvents(call.agent, nameOf, call);
  for (const started of call.agents) yield* agentEvents(started, nameOf);
  if (outcome.kind === 'open') return;
  const atMs = toolEnd(call, outcome);
  const error = outcome.kind === 'error' ? { errorType: outcome.errorType, ...textOf(outcome.message) } : {};
  yield { atMs, agent, kind: 'tool_ended', id, name, outcome: outcome.kind, ...error, durationMs: atMs - startedAtMs };
}

// ---------------------------------------------------------------------------------------------

const modelCalled = ({ id, model, startedAtMs, usage }: ModelCall, messages: number, results: number, agent: string): SessionEvent => ({
  atMs: startedAtMs,
  agent,
  kind: 'model_called',
  id,
  model,
  messages,
  ...(usage !== undefined && { inputTokens: usage.input, cachedTokens: usage.cacheRead }),
  results,
});

function modelAnswered(call: ModelCall, agent: string): SessionEvent {
  const { id, model, startedAtMs, finishReason, usage } = call;
  const atMs = Math.max(startedAtMs, call.endedAtMs);
  return {
    atMs,
    agent,
    kind: 'model_answered',
    id,
    model,
    ...(usage !== undefined && { outputTokens: usage.output }),
    ...(finishReason !== undefined && { finishReason }),
    durationMs: atMs - startedAtMs,
    ...textOf(labelOf({ kind: 'chat', call })),
  };
}

const compacted = ({ atMs, trigger, tokensBefore, tokensAfter }: Compaction, agent: string): SessionEvent => ({
  atMs,
  agent,
  kind: 'compacted',
  ...(trigger !== undefined && { trigger }),
  ...(tokensBefore !== undefined && { tokensBefore }),
  ...(tokensAfter !== undefined && { tokensAfter }),
});

const toolEnd = ({ startedAtMs }: ToolCall, outcome: Exclude<ToolOutcome, { kind: 'open' }>): number =>
  Math.max(startedAtMs, outcome.endedAtMs ?? startedAtMs);

const endOf = ({ startedAtMs, endedAtMs }: Run): number => Math.max(startedAtMs, endedAtMs);

function runEnd(run: Run): End {
  const { outcome } = run;
  const error = outcome.kind === 'error' ? { errorType: outcome.errorType, ...textOf(outcome.message) } : {};
  return { outcome: outcome.kind, ...error, durationMs: endOf(run) - run.startedAtMs };
}

const textOf = (text: string | undefined): { text?: string } => (text === undefined ? {} : { text });

/** Three of one name are `Explore`, `Explore 2` and `Explore 3`, in the order they began. */
function agentNames(session: Session): NameOf {
  const agents = [...session.turns, ...session.strays].flatMap((run) => [...agentsBelow(run)]);
  for (const stray of session.strays) agents.push(stray);
  const counts = new Map<string, number>([[session.agentName, 1]]);
  const names = new Map<AgentRun, string>();
  for (const agent of agents.toSorted((a, b) => a.startedAtMs - b.startedAtMs)) {
    const count = (counts.get(agent.name) ?? 0) + 1;
    counts.set(agent.name, count);
    names.set(agent, count === 1 ? agent.name : `${agent.name} ${count}`);
  }
  return (agent) => names.get(agent) ?? agent.name;
}

function* agentsBelow(run: Run): Generator<AgentRun> {
  for (const agent of agentsOf(run)) {
    yield agent;
    yield* agentsBelow(agent);
    for (const respawn of agent.respawns) {
      yield respawn;
      yield* agentsBelow(respawn);
    }
  }
}
