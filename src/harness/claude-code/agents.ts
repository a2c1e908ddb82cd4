/**
 * The sub-agents of a session, each under the call that started it.
 *
 * in:   the pool of agent files, the digests of all turns and agents
 * out:  `AgentTree`: tool calls with their agents attached, agents that nothing leads to, problems
 */
import type { AgentRun, Problem, ToolCall, ToolOutcome, Turn } from '../../session/types.ts';
import { changesOf } from './changes.ts';
import { type AgentCall, type Claims, claim } from './claiming.ts';
import { type Digest, digest, type FileIndex, outcomeOf, type ToolSite } from './digest.ts';
import { exitCodeOf, permissionOf, toolOutcome, wasRefused } from './outcomes.ts';
import { firstPrompt, isWarmup, type Pool, poolFile, typeOf } from './pool.ts';
import type { ParsedFile } from './records.ts';

export function agentDigest(index: FileIndex): Digest {
  const { file } = index;
  const first = firstPrompt(file);
  // A fork's file begins with its parent's last lines; its own begin with its first prompt.
  const own = file.isFork && first !== undefined ? file.records.filter((record) => record.line >= first.line) : file.records;
  return digest(index, own, first?.uuid ?? file.agentId ?? file.name);
}

/** The fields a turn and an agent share. */
export function runOf(digested: Digest, toolCalls: readonly ToolCall[], finished: boolean) {
  const context = digested.first?.context;
  return {
    startId: digested.startId,
    startedAtMs: digested.startedAtMs,
    endedAtMs: digested.endedAtMs,
    modelCalls: digested.modelCalls,
    toolCalls,
    compactions: digested.compactions,
    steering: digested.steering,
    finished,
    ...(context?.version !== undefined && { version: context.version }),
    ...(context?.branch !== undefined && context.branch !== 'HEAD' && { branch: context.branch }),
    ...(digested.answer !== undefined && { answer: digested.answer }),
  };
}

interface CallSite {
  readonly site: ToolSite;
  readonly holder: string | undefined;
}

/** All agents of a session, each built once, under the call that claimed it. */
export class AgentTree {
  readonly #pool: Pool;
  readonly #digests: ReadonlyMap<string, Digest>;
  readonly #files: ReadonlyMap<string, ParsedFile>;
  readonly #sites: ReadonlyMap<string, CallSite>;
  readonly #claims: Claims;
  /** When each task was last told to have ended. */
  readonly #notices: ReadonlyMap<string, number>;
  readonly #ended: boolean;

  constructor(
    pool: Pool,
    turns: readonly Digest[],
    digests: ReadonlyMap<string, Digest>,
    notices: ReadonlyMap<string, number>,
    ended: boolean,
  ) {
    this.#pool = pool;
    this.#digests = digests;
    this.#files = new Map(pool.agents.map((file) => [file.agentId!, file]));
    this.#notices = notices;
    this.#ended = ended;
    this.#sites = new Map<string, CallSite>([
      ...turns.flatMap((turn) => turn.toolSites.map((site) => [site.use.id, { site, holder: undefined }] as const)),
      ...[...digests].flatMap(([holder, agent]) => agent.toolSites.map((site) => [site.use.id, { site, holder }] as const)),
    ]);
    const calls = [...this.#sites.values()].filter(
      ({ site }) => site.use.agentCall !== undefined || site.result?.result.details.runId !== undefined,
    );
    this.#claims = claim(
      calls.map(agentCall),
      pool.agents.map((file) => poolFile(file, pool.aliasesOf.get(file.agentId!) ?? [])),
    );
  }

  /** @param over  the run is finished: what has no result by now was interrupted */
  toolCalls(digested: Digest, over: boolean): readonly ToolCall[] {
    return digested.toolSites.map((site) => this.#toolCall(site, over));
  }

  unclaimed(): readonly AgentRun[] {
    return this.#claims.unclaimed.map((id) => this.#agentRun(id, undefined));
  }

  isWarmup = (agentId: string): boolean => isWarmup(this.#files.get(agentId)!);

  knowsCall = (toolUseId: string): boolean => this.#sites.has(toolUseId);

  /** Main-file problems are told elsewhere. */
  problems(): Problem[] {
    const inFiles = this.#pool.given.flatMap((file) => file.problems);
    const digested = [...this.#digests].flatMap(([id, d]) =>
      d.problems.map((problem) => ({ file: this.#files.get(id)!.name, ...problem })),
    );
    const unclaimed = [...this.#claims.unclaimed, ...[...this.#claims.adoptedBy.values()].flat()]
      .filter((id) => !this.isWarmup(id))
      .map(
        (id): Problem => ({
          file: this.#files.get(id)!.name,
          line: 0,
          reason: 'unclaimed-agent',
          detail: 'no call was found that started this agent',
        }),
      );
    const cycles = this.#claims.cycles.map(
      ({ callId, fileId }): Problem => ({
        file: this.#files.get(fileId)!.name,
        line: 0,
        reason: 'agent-cycle',
        detail: `the call ${callId} that names this agent was made by itself or below it`,
      }),
    );
    return [...inFiles, ...digested, ...unclaimed, ...cycles];
  }

  /** Which turn each agent file came under. */
  turnOfFile(turns: readonly Pick<Turn, 'toolCalls' | 'unclaimedAgents'>[]): ReadonlyMap<string, number> {
    const turnOf = new Map<string, number>();
    const visit = (agent: AgentRun, at: number): void => {
      turnOf.set(this.#files.get(agent.id)!.name, at);
      for (const respawn of agent.respawns) visit(respawn, at);
      for (const child of agent.unclaimedAgents) visit(child, at);
      for (const call of agent.toolCalls) visitCall(call, at);
    };
    const visitCall = (call: ToolCall, at: number): void => {
      for (const agent of [...(call.agent === undefined ? [] : [call.agent]), ...call.agents]) visit(agent, at);
    };
    turns.forEach((turn, at) => {
      for (const call of turn.toolCalls) visitCall(call, at);
      for (const agent of turn.unclaimedAgents) visit(agent, at);
    });
    return turnOf;
  }

  #toolCall(site: ToolSite, over: boolean): ToolCall {
    const { use, result } = site;
    const found = result?.result;
    const agentRunId = this.#claims.fileOf.get(use.id);
    const details = found?.details;
    const outcome = toolOutcome(result, site.atMs, over);
    const { files, commits, pullRequests } = changesOf(use, found, outcome);
    return {
      id: use.id,
      name: use.name,
      startedAtMs: site.atMs,
      outcome,
      mcp: mcpOf(use.name),
      skill: use.skill,
      exitCode: found === undefined ? undefined : exitCodeOf(found),
      permission: found === undefined ? undefined : permissionOf(found, outcome),
      taskId: details?.taskId,
      teammate: details?.splitPane ? details.agentName : undefined,
      agent: agentRunId === undefined ? undefined : afterCall(this.#agentRun(agentRunId, site), outcome),
      agents: (this.#claims.membersOf.get(use.id) ?? NO_AGENTS).map((id) => this.#agentRun(id, site)),
      files,
      commits,
      pullRequests,
      input: use.input,
      output: found?.value,
    };
  }

  /** @param calledMs  when it began, where its own file tells no time: it is empty, or can't be read */
  #agentRun(id: string, site: ToolSite | undefined, calledMs = site?.atMs ?? 0): AgentRun {
    const file = this.#files.get(id)!;
    const digested = this.#digests.get(id)!;
    const finished = this.#ended || this.#isDone(file, digested, site);
    const team = teamName(file, site);
    // The meta of an old version has a teammate's name where its type should be.
    const type =
      team === undefined ? (typeOf(file) ?? site?.use.agentCall?.type) : (file.meta?.spawnedAgentType ?? site?.use.agentCall?.type);
    const description = file.meta?.description ?? site?.use.agentCall?.description;
    const first = firstPrompt(file);
    const startedAtMs = digested.startedAtMs || calledMs;
    const run = {
      ...runOf(digested, this.toolCalls(digested, finished), finished),
      startedAtMs,
      endedAtMs: Math.max(startedAtMs, digested.endedAtMs),
    };
    const respawns = (this.#claims.respawnsOf.get(id) ?? []).map((respawn) => this.#agentRun(respawn, site));
    const runs = [{ ...run, outcome: outcomeOf(digested, finished) }, ...respawns];
    const { outcome, answer } = runs.at(-1)!;
    return {
      ...run,
      id,
      name: team ?? type ?? 'subagent',
      outcome,
      ...(answer !== undefined && { answer }),
      endedAtMs: Math.max(...runs.map(({ endedAtMs }) => endedAtMs)),
      finished: runs.every((each) => each.finished),
      compactions: runs.flatMap(({ compactions }) => compactions),
      steering: runs.flatMap(({ steering }) => steering),
      unclaimedAgents: (this.#claims.adoptedBy.get(id) ?? []).map((child) => this.#agentRun(child, undefined, startedAtMs)),
      respawns,
      ...(type !== undefined && { type }),
      ...(file.content && description != null && { description }),
      ...(file.content && first !== undefined && { prompt: first.parts }),
    };
  }

  /** Told to have ended: by a result that waited for it, by a notification, or by its own meta. */
  #isDone(file: ParsedFile, digested: Digest, site: ToolSite | undefined): boolean {
    const ids = [file.agentId!, ...(this.#pool.aliasesOf.get(file.agentId!) ?? [])];
    const result = site?.result;
    const taskId = result?.result.details.taskId;
    // A finished agent may be given another job: what it did after it was told to have ended is not over yet.
    const isAfter = (atMs: number): boolean => atMs >= digested.endedAtMs;
    if ([...ids, ...(taskId === undefined ? [] : [taskId])].some((id) => isAfter(this.#notices.get(id) ?? 0))) return true;
    if (result === undefined || !isAfter(result.atMs)) return false;
    const { status } = result.result.details;
    return result.result.isError || status === 'completed' || (status === undefined && file.meta?.finished === true);
  }
}

const NO_AGENTS: readonly string[] = [];

/** An agent may have answered and its call have failed all the same. */
function afterCall(agent: AgentRun, call: ToolOutcome): AgentRun {
  if (agent.outcome.kind !== 'completed') return agent;
  if (call.kind === 'error')
    return {
      ...agent,
      outcome: { kind: 'error', errorType: call.errorType, ...(call.message !== undefined && { message: call.message }) },
    };
  return call.kind === 'denied' || call.kind === 'interrupted' ? { ...agent, outcome: { kind: 'interrupted' } } : agent;
}

/** Tools of MCP servers are called `mcp__<server>__<tool>`. */
function mcpOf(name: string): ToolCall['mcp'] {
  const match = name.startsWith('mcp__') ? /^mcp__(.+?)__(.+)$/.exec(name) : null;
  return match === null ? undefined : { server: match[1]!, tool: match[2]! };
}

/** A teammate goes by its name in the team; any other agent by its type. */
function teamName(file: ParsedFile, site: ToolSite | undefined): string | undefined {
  const { meta } = file;
  if (meta?.taskKind === 'in_process_teammate') return meta.name ?? meta.agentType ?? undefined;
  const details = site?.result?.result.details;
  return details?.status === 'teammate_spawned' ? (details.agentName ?? site?.use.agentCall?.name) : undefined;
}

function agentCall({ site, holder }: CallSite): AgentCall {
  const input = site.use.agentCall;
  const result = site.result?.result;
  const agentId = result?.details.agentId?.includes('@') ? undefined : result?.details.agentId;
  return {
    id: site.use.id,
    holder,
    atMs: site.atMs,
    prompt: input?.prompt,
    type: input?.type,
    name: result?.details.agentName ?? (result === undefined ? input?.name : undefined),
    agentId,
    runId: result?.details.runId,
    failedAtMs: result?.isError ? site.result?.atMs : undefined,
    // A result that names its agent leaves nothing to guess: that file is gone, or another call began it.
    mayGuess: input !== undefined && agentId === undefined && !(result !== undefined && (result.details.splitPane || wasRefused(result))),
  };
}
