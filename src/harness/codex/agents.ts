/**
 * Threads of agents → where each of them belongs.
 *
 * in:   the main thread and those of its agents, at any depth
 * out:  `AgentTree`: the agent of a call, the agents of a turn that no call started
 *
 * An agent belongs to the call that names its thread; else to the turn that its own turns are attributed to, as a review
 * is; else to the thread that is its parent, during whose turn it began. Each agent has one place, and is one run
 * however often it was called again.
 */
import type { AgentRun, ModelCall, Problem, ToolCall } from '../../session/types.ts';
import { turnAt } from '../turn-at.ts';
import type { ThreadMeta } from './meta.ts';
import type { ParsedThread, ToldThread } from './records.ts';
import { nameOf, outcomeOf, settled } from './runs.ts';
import type { ThreadTurn } from './turn.ts';

export interface Thread {
  /** Undefined: the main thread. */
  readonly agentId: string | undefined;
  readonly file: string;
  readonly told: ToldThread;
}

/** A turn of a thread, by its place among them. */
interface Site {
  readonly thread: Thread;
  readonly at: number;
  readonly callId: string | undefined;
  readonly isSure: boolean;
  /** Its own turn names that one. */
  readonly isTold?: true;
}

export class AgentTree {
  readonly #main: Thread;
  readonly #threads = new Map<string, Thread>();
  readonly #sites = new Map<string, Site>();
  /** Ids of the agents of each turn. */
  readonly #placed = new Map<Thread, Map<number, string[]>>();
  readonly #ended: boolean;
  readonly problems: Problem[] = [];

  constructor(main: Thread, agents: readonly Thread[], ended: boolean) {
    this.#main = main;
    this.#ended = ended;
    for (const agent of agents) {
      const known = this.#threads.get(agent.agentId!);
      // A rollout may lie in two places; the longer one tells all.
      if (known === undefined || known.told.turns.length < agent.told.turns.length) this.#threads.set(agent.agentId!, agent);
    }
    const callers = this.#callers();
    const ownersOfTurns = this.#ownersOfTurns();
    for (const [id, agent] of this.#threads) this.#sites.set(id, this.#siteOf(agent, callers, ownersOfTurns));
    for (const [id, agent] of this.#threads) if (this.#isCyclic(id)) this.#moveToMain(id, agent);
    for (const [id, { thread, at }] of this.#sites) this.#place(id, thread, at);
    for (const [id, agent] of this.#threads)
      if (!this.#sites.get(id)!.isSure) this.#tell(agent, 'unclaimed-agent', `no call and no turn was found that started agent ${id}`);
  }

  /** Where each thread was called, by its id. */
  #callers(): ReadonlyMap<string, readonly Site[]> {
    const callers = new Map<string, Site[]>();
    for (const thread of [this.#main, ...this.#threads.values()])
      for (const [at, turn] of thread.told.turns.entries()) {
        const ids = turn.spawned.size === 0 ? undefined : new Set(idsIn(turn.toolCalls));
        for (const [threadId, callId] of turn.spawned)
          if (threadId !== thread.agentId && ids?.has(callId) === true) {
            const known = callers.get(threadId);
            const site: Site = { thread, at, callId, isSure: true };
            if (known === undefined) callers.set(threadId, [site]);
            else known.push(site);
          }
      }
    return callers;
  }

  #ownersOfTurns(): ReadonlyMap<string, Site> {
    const owners = new Map<string, Site>();
    for (const thread of [...this.#threads.values(), this.#main])
      for (const [at, { startId }] of thread.told.turns.entries())
        owners.set(startId, { thread, at, callId: undefined, isSure: true, isTold: true });
    return owners;
  }

  #siteOf(agent: Thread, callers: ReadonlyMap<string, readonly Site[]>, ownersOfTurns: ReadonlyMap<string, Site>): Site {
    const { meta, turns } = agent.told;
    const calls = callers.get(agent.agentId!) ?? [];
    const parent = meta?.parentThreadId;
    const called = calls.find(({ thread }) => (thread.agentId ?? this.#main.told.meta?.threadId) === parent) ?? calls[0];
    if (called !== undefined) return called;
    const attributed = turns
      .flatMap(({ parentTurnId }) => ownersOfTurns.get(parentTurnId ?? '') ?? [])
      .find(({ thread }) => thread !== agent);
    if (attributed !== undefined) return attributed;
    const owner = this.#threads.get(parent ?? '') ?? this.#main;
    const thread = owner === agent || owner.told.turns.length === 0 ? this.#main : owner;
    return { thread, at: turnAt(thread.told.turns, beganMs(agent)), callId: undefined, isSure: false };
  }

  #isCyclic(id: string): boolean {
    const seen = new Set<string>();
    for (let at: string | undefined = id; at !== undefined; at = this.#sites.get(at)?.thread.agentId) {
      if (seen.has(at)) return true;
      seen.add(at);
    }
    return false;
  }

  #moveToMain(id: string, agent: Thread): void {
    this.#sites.set(id, { thread: this.#main, at: turnAt(this.#main.told.turns, beganMs(agent)), callId: undefined, isSure: true });
    this.#tell(agent, 'agent-cycle', `agent ${id} is among the agents that it started`);
  }

  #tell(agent: Thread, reason: Problem['reason'], detail: string): void {
    this.problems.push({ file: agent.file, line: 0, reason, detail });
  }

  /** With the agents they started. */
  toolCalls(thread: Thread, at: number, isOver: boolean): readonly ToolCall[] {
    const agents = this.#agentsAt(thread, at).toReversed();
    // The first one of a call stands in its place.
    const ofCall = new Map(agents.map((id) => [this.#sites.get(id)!.callId, id]));
    const withAgents = (call: ToolCall): ToolCall => {
      const id = ofCall.get(call.id);
      return {
        ...call,
        ...(id !== undefined && { agent: this.#run(this.#threads.get(id)!, isOver) }),
        ...(call.toolCalls !== undefined && { toolCalls: call.toolCalls.map(withAgents) }),
      };
    };
    return settled(thread.told.turns[at]!.toolCalls, isOver).map(withAgents);
  }

  /** Of a turn: those that no call started. */
  unclaimed(thread: Thread, at: number, isOver: boolean): readonly AgentRun[] {
    const claimed = new Set<string>();
    return this.#agentsAt(thread, at).flatMap((id) => {
      const { callId } = this.#sites.get(id)!;
      // One agent stands in place of a call.
      const isClaimed = callId !== undefined && !claimed.has(callId);
      if (callId !== undefined) claimed.add(callId);
      return isClaimed ? [] : [this.#run(this.#threads.get(id)!, isOver)];
    });
  }

  /** Where the main thread has no turn to hold them. */
  strays(): readonly AgentRun[] {
    return this.#main.told.turns.length > 0
      ? []
      : this.#agentsAt(this.#main, -1).map((id) => this.#run(this.#threads.get(id)!, this.#ended));
  }

  /** The turn of the main thread that an agent's file is told with. */
  turnOf(id: string): number | undefined {
    let site = this.#sites.get(id);
    while (site !== undefined && site.thread !== this.#main) site = this.#sites.get(site.thread.agentId!);
    return site === undefined || site.at < 0 ? undefined : site.at;
  }

  get ids(): readonly string[] {
    return [...this.#threads.keys()];
  }

  #agentsAt(thread: Thread, at: number): readonly string[] {
    return this.#placed.get(thread)?.get(at) ?? [];
  }

  #place(id: string, thread: Thread, at: number): void {
    const turns = this.#placed.get(thread) ?? new Map<number, string[]>();
    this.#placed.set(thread, turns);
    const known = turns.get(at);
    if (known === undefined) turns.set(at, [id]);
    else known.push(id);
  }

  /** @param isOuterOver  whether the run that it belongs to is over: until then it may be called again */
  #run(agent: Thread, isOuterOver: boolean): AgentRun {
    const { told } = agent;
    const { turns, meta } = told;
    const first = turns[0];
    const last = turns.at(-1);
    const isOver = (turn: ThreadTurn): boolean => this.#ended || turn.end.kind !== 'none' || turn !== last;
    const finished = this.#ended || (isOuterOver && last !== undefined && last.end.kind !== 'none');
    const startedAtMs = Math.min(
      first?.startedAtMs ?? Number.POSITIVE_INFINITY,
      told.beganMs ?? first?.startedAtMs ?? this.#main.told.beganMs ?? 0,
    );
    return {
      id: agent.agentId!,
      name: nameOf(meta),
      ...(meta?.role !== undefined && { type: meta.role }),
      startId: first?.startId ?? agent.agentId!,
      // What Codex starts itself, as for a review, no call does.
      ...(this.#sites.get(agent.agentId!)?.isTold === true && isCodexsOwn(meta) && { ofTurn: true as const }),
      startedAtMs,
      endedAtMs: turns.reduce((latest, turn) => Math.max(latest, turn.endedAtMs), startedAtMs),
      modelCalls: turns.flatMap(({ modelCalls }): readonly ModelCall[] => modelCalls),
      toolCalls: turns.flatMap((turn, at) => this.toolCalls(agent, at, isOver(turn))),
      unclaimedAgents: turns.flatMap((turn, at) => this.unclaimed(agent, at, isOver(turn))),
      compactions: turns.flatMap(({ compactions }) => compactions),
      steering: turns.flatMap(({ steering }) => steering),
      outcome: last === undefined ? { kind: finished ? 'interrupted' : 'completed' } : outcomeOf(last, finished),
      finished,
      version: meta?.version,
      branch: meta?.branch,
      ...(first?.prompt !== undefined && { prompt: first.prompt }),
      ...(last?.answer !== undefined && { answer: last.answer }),
      respawns: [],
    };
  }
}

export const threadOf = (parsed: ParsedThread, told: ToldThread = parsed.told): Thread => ({
  agentId: parsed.agentId,
  file: parsed.name,
  told,
});

const beganMs = ({ told }: Thread): number => told.turns[0]?.startedAtMs ?? told.beganMs ?? 0;

const idsIn = (calls: readonly ToolCall[]): readonly string[] =>
  calls.flatMap(({ id, toolCalls }) => (toolCalls === undefined ? id : [id, ...idsIn(toolCalls)]));

const isCodexsOwn = (meta: ThreadMeta | undefined): boolean => meta?.agentKind !== undefined && meta.agentKind !== 'thread_spawn';
