/**
 * Session → figures, a turn at a time: so that a turn that a fork copied can be counted once, and each on its day.
 *
 * in:   Session; what a model call costs, as a function
 * out:  `CountedTurn[]`: the turns, then agents that belong to none; plain data that can be sent between threads
 */
import type { ModelCall, Run, Session, TokenUsage, ToolCall, Turn } from '../session/types.ts';
import { type Account, type Accounts, accountsOf } from './accounts.ts';
import { agentsOf, callsOf, errorsOf, livesIn } from './runs.ts';
import { addTo, type Draft, entry, type Interval, noModel, type noTokens, noTool, nothing, type Stats } from './stats.ts';
import type { PriceOf } from './summary.ts';

export interface CountedTurn {
  /** Stable across forks and resumes: of two with the same id, one is a copy. */
  readonly startId: string;
  readonly startedAtMs: number;
  /** Whether its lines say that another session ran it. */
  readonly copied: boolean;
  readonly stats: Stats;
}

const PICO = 1e12;

export function countedTurns(session: Session, priceOf: PriceOf): readonly CountedTurn[] {
  const accounts = accountsOf(session);
  const turns = session.turns.map((turn) => {
    const stats = statsOf(turn, session.id, priceOf, accounts);
    addTurn(stats, turn);
    return { startId: turn.startId, startedAtMs: turn.startedAtMs, copied: turn.copiedFrom !== undefined, stats };
  });
  const strays = session.strays.map((agent) => {
    const stats = statsOf(agent, session.id, priceOf, accounts);
    addTo(stats.agents, agent.name);
    return { startId: agent.startId, startedAtMs: agent.startedAtMs, copied: false, stats };
  });
  return [...turns, ...strays];
}

function addTurn(to: Draft, turn: Turn): void {
  to.turns = 1;
  to.turnMs.push(turn.endedAtMs - turn.startedAtMs);
  addTo(to.triggers, turn.trigger);
  to.problems = turn.problems;
  for (const [rule, count] of Object.entries(turn.redactions ?? {})) addTo(to.redactions, rule, count);
}

/** Of a run and all agents below it. */
function statsOf(top: Run, sessionId: string, priceOf: PriceOf, accounts: Accounts): Draft {
  const to = nothing();
  let endedAtMs = top.endedAtMs;
  for (const life of livesIn(top)) {
    const { run, again } = life;
    endedAtMs = Math.max(endedAtMs, run.endedAtMs);
    for (const call of run.modelCalls) addModelCall(to, call, priceOf, accounts);
    const account = accounts.of.get(run);
    if (account !== undefined) addAccount(to, account);
    for (const call of callsOf(run)) addToolCall(to, call);
    for (const agent of agentsOf(run)) addTo(to.agents, agent.name);
    for (const error of errorsOf(life)) addTo(to.errors, error);
    if (again) continue;
    to.events.steering += run.steering.length;
    to.events.compactions += run.compactions.length;
    if (run.outcome.kind === 'interrupted') to.interrupted['trigger' in run ? 'turns' : 'agents']++;
  }
  to.sessions.set(sessionId, { startedAtMs: top.startedAtMs, endedAtMs });
  to.work.set(sessionId, [extentOf(top)]);
  return to;
}

/** From the first to the last thing that it or an agent below it did. */
function extentOf(top: Run): Interval {
  let { startedAtMs, endedAtMs } = top;
  const stretch = (from: number, to: number): void => {
    startedAtMs = Math.min(startedAtMs, from);
    endedAtMs = Math.max(endedAtMs, to);
  };
  for (const { run, again } of livesIn(top)) {
    if (!again) stretch(run.startedAtMs, run.endedAtMs);
    for (const call of run.modelCalls) stretch(call.startedAtMs, call.endedAtMs);
    // Where a call started an agent, that one tells when it ended.
    for (const { startedAtMs: from, outcome, agent } of callsOf(run))
      stretch(from, agent === undefined && outcome.kind !== 'open' ? (outcome.endedAtMs ?? from) : from);
  }
  return { startedAtMs, endedAtMs };
}

function addModelCall(to: Draft, call: ModelCall, priceOf: PriceOf, { counted, priced }: Accounts): void {
  const model = entry(to.models, call.model, noModel);
  const { usage } = call;
  const usd = priceOf(call);
  model.calls++;
  model.durationsMs.push(call.endedAtMs - call.startedAtMs);
  if (usd !== undefined) model.picoUsd += Math.round(usd * PICO);
  else if (!priced.has(call)) model.unpriced++;
  if (usage?.reliable !== true && !counted.has(call)) model.unreliable++;
  to.events.retries += call.retries;
  if (usage !== undefined) addUsage(model.tokens, usage);
}

/** Of calls that may have been made in earlier turns: they have no tokens of their own. */
function addAccount(to: Draft, { model: name, usage, costUsd = 0 }: Account): void {
  const model = entry(to.models, name, noModel);
  model.picoUsd += Math.round(costUsd * PICO);
  addUsage(model.tokens, usage);
}

function addUsage(tokens: ReturnType<typeof noTokens>, usage: TokenUsage): void {
  tokens.input += usage.input;
  tokens.cacheRead += usage.cacheRead;
  tokens.cacheWrite5m += usage.cacheWrite - usage.cacheWrite1h;
  tokens.cacheWrite1h += usage.cacheWrite1h;
  tokens.output += usage.output;
  tokens.reasoning += usage.reasoning ?? 0;
}

function addToolCall(to: Draft, { name, outcome, startedAtMs, files = [], commits = 0, pullRequests = 0 }: ToolCall): void {
  const tool = entry(to.tools, name, noTool);
  tool.calls++;
  switch (outcome.kind) {
    case 'ok':
      tool.durationsMs.push(outcome.endedAtMs - startedAtMs);
      break;
    case 'error':
      tool.failed++;
      tool.durationsMs.push(outcome.endedAtMs - startedAtMs);
      break;
    case 'denied':
      tool.denied++;
      break;
    case 'interrupted':
      tool.interrupted++;
      break;
    case 'open':
      break;
    default:
      outcome satisfies never;
  }
  to.changes += files.length;
  for (const { path } of files) if (path !== undefined) addTo(to.files, path);
  to.commits += commits;
  to.pullRequests += pullRequests;
}
