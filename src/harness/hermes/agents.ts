/**
 * Agents that `delegate_task` started: sessions of their own, each given to the call that started it.
 *
 * in:   the agents' files, calls as they are told
 * out:  `Delegates`: the runs of a call, and those that no call was found for
 *
 * A call and its agent share no id: an agent is of the session that its row names, began after the call, and was told first what
 * the call asks for.
 */
import type { AgentRun, Problem, RunOutcome } from '../../session/types.ts';
import { withoutCopies } from './copies.ts';
import type { Exact } from './exact.ts';
import { type AgentReport, MAX_SECONDS, type Message, type ParsedFile, type RequestedTool } from './records.ts';
import { type Context, digest } from './runs.ts';
import { isAnswered } from './segments.ts';
import { modelOf, totalsOf } from './usage.ts';

/** Where a call stands, and its result. */
interface Told {
  readonly row: Message;
  readonly result: Message | undefined;
}

/** A call's row is written before its tools run; clocks of two threads may differ by a tick. */
const SLACK_MS = 50;

interface Delegate {
  readonly file: ParsedFile;
  readonly id: string;
  readonly parentId: string | undefined;
  readonly rows: readonly Message[];
  readonly startedAtMs: number;
  readonly goal: string | undefined;
}

export class Delegates {
  readonly #free: Delegate[];
  readonly #exact: Exact;
  readonly #ended: boolean;
  readonly #unclaimed: Delegate[] = [];
  readonly #orphans: Problem[] = [];

  constructor(files: readonly ParsedFile[], exact: Exact, ended: boolean) {
    this.#exact = exact;
    this.#ended = ended;
    this.#free = files.map((file) => delegateOf(file, exact)).toSorted((a, b) => a.startedAtMs - b.startedAtMs);
  }

  /**
   * @param session  the one the call was made in, by the id it goes by here
   * @param used     ids of calls in this trace, to be added to
   */
  startedBy(session: string, call: RequestedTool, { row, result }: Told, used: Set<string>): readonly AgentRun[] {
    const found: (readonly [Delegate, AgentReport | undefined])[] = [];
    for (const [place, goal] of call.goals.entries()) {
      const at = this.#free.findIndex(
        (agent) =>
          (agent.parentId === session || agent.parentId === row.sessionId) &&
          agent.startedAtMs >= row.atMs - SLACK_MS &&
          agent.goal === goal,
      );
      const report = result?.result?.reports.get(place);
      for (const agent of at >= 0 ? this.#free.splice(at, 1) : []) found.push([agent, report]);
    }
    return found.map(([agent, report]) => {
      const run = this.#run(agent, used);
      return { ...run, outcome: outcomeOf(report, agent.file.content) ?? run.outcome };
    });
  }

  /** To be asked when all calls have had theirs. */
  unclaimed(idsAt: (atMs: number) => Set<string>): AgentRun[] {
    const runs: AgentRun[] = [];
    for (let agent = this.#free.shift(); agent !== undefined; agent = this.#free.shift()) {
      if (agent.rows.length === 0) continue;
      this.#unclaimed.push(agent);
      runs.push(this.#run(agent, idsAt(agent.startedAtMs)));
    }
    return runs;
  }

  problems(): readonly Problem[] {
    const unclaimed = this.#unclaimed.map(
      ({ file }): Problem => ({ file: file.name, line: 0, reason: 'unclaimed-agent', detail: 'no call was found that started it' }),
    );
    return [...unclaimed, ...this.#orphans];
  }

  #run({ file, id, rows, startedAtMs }: Delegate, used: Set<string>): AgentRun {
    const own = file.meta.sessions;
    const endedAt = own.at(-1)?.['ended_at'];
    // One that waits has had its last word until it is told otherwise, and nobody ever does.
    const isOver = this.#ended || typeof endedAt === 'number';
    const finished = isOver || isAnswered(rows);
    const context: Context = {
      exact: this.#exact,
      content: file.content,
      prefix: `${id}/`,
      times: new Map(),
      modelOf: (sessionId) => modelOf(file.meta, sessionId),
      agentsOf: (call, row, result) => this.startedBy(id, call, { row, result }, used),
      isNew: (callId) => !used.has(callId) && Boolean(used.add(callId)),
    };
    const common = { id, name: 'subagent', startId: id, respawns: [], unclaimedAgents: [], steering: [] };
    const told = rows.filter(({ isSummary, isHidden, role }) => !isSummary && !isHidden && role !== 'system');
    if (told.length === 0)
      return {
        ...common,
        startedAtMs,
        endedAtMs: startedAtMs,
        modelCalls: [],
        toolCalls: [],
        compactions: [],
        outcome: { kind: 'interrupted' },
        finished: isOver,
      };
    const summaries = rows.filter(({ isSummary }) => isSummary).map(({ atMs }) => atMs);
    const { orphans, ...run } = digest(told, isOver, summaries, context);
    for (const { line, id: callId } of orphans)
      this.#orphans.push({ file: file.name, line, reason: 'orphan-result', detail: `no call ${callId} was found for this result` });
    return {
      ...common,
      ...run,
      compactions: summaries.map((atMs) => ({ atMs: Math.round(atMs) })),
      finished,
      ...usageOf(file, run.modelCalls, finished),
    };
  }
}

/** @returns undefined for one that is not told of, or in words we don't know: its rows tell, then */
function outcomeOf(report: AgentReport | undefined, content: boolean): RunOutcome | undefined {
  const message = content && report?.error !== undefined ? { message: report.error } : {};
  switch (report?.status) {
    case 'failed':
    case 'error':
      return { kind: 'error', errorType: 'agent_error', ...message };
    case 'timeout':
      return { kind: 'error', errorType: 'timeout', ...message };
    case 'interrupted':
      return { kind: 'interrupted' };
    default:
      return undefined;
  }
}

/** Of a single call all that was counted is its own; of several, only the sum is known. */
function usageOf(file: ParsedFile, calls: AgentRun['modelCalls'], finished: boolean): Partial<AgentRun> {
  const totals = totalsOf(file.meta, file.messages.length);
  if (totals === undefined || !finished || calls.some(({ usage }) => usage !== undefined)) return {};
  if (calls.length === 1 && totals.modelCalls === 1)
    return { modelCalls: [{ ...calls[0]!, usage: totals.usage, ...(totals.costUsd !== undefined && { costUsd: totals.costUsd }) }] };
  return { sessionUsage: totals };
}

function delegateOf(file: ParsedFile, exact: Exact): Delegate {
  const own = file.meta.sessions[0];
  const id = file.agentId ?? file.name;
  const parent = exact.parentOf(id) ?? own?.['parent_session_id'];
  const rows = withoutCopies(file.messages);
  const begun = own?.['started_at'];
  const startedAtMs =
    typeof begun === 'number' && begun > 0 && begun <= MAX_SECONDS ? Math.round(begun * 1000) : Math.round(rows[0]?.atMs ?? 0);
  return {
    file,
    id,
    parentId: typeof parent === 'string' ? parent : undefined,
    rows,
    startedAtMs,
    goal: rows.find(({ role }) => role === 'user')?.hash,
  };
}
