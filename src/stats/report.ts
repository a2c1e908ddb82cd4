/**
 * Stats → figures for people and programs: sums, rates and percentiles. What `stats --json` writes.
 *
 * in:   Stats
 * out:  `StatsReport`, plain JSON; lists with the most frequent first; pure
 */
import { addModel, type Counts, type Interval, type ModelStats, noModel, type Stats, type ToolStats } from './stats.ts';

export interface StatsReport {
  readonly sessions: number;
  readonly turns: number;
  readonly turnsByTrigger: Readonly<Record<string, number>>;
  /** Ms in which turns or their agents went on, in each session each moment once. */
  readonly workMs: number;
  /** Ms of the main agent's turns; what they left in the background is not in it. */
  readonly turnDurations: Durations;
  /** From the first event of each session to its last, ms, added up. */
  readonly sessionMs: number;
  readonly modelCalls: number;
  readonly tokens: TokenReport;
  readonly costUsd: number;
  /** Model calls whose cost is not known, and is not in `costUsd`. */
  readonly unpricedCalls: number;
  /** Model calls that tell no usage or only a placeholder: more was used than is told. */
  readonly unreliableCalls: number;
  readonly models: readonly ModelReport[];
  readonly toolCalls: number;
  readonly tools: readonly ToolReport[];
  readonly agents: number;
  readonly agentsByName: Readonly<Record<string, number>>;
  readonly errors: number;
  readonly errorsByType: Readonly<Record<string, number>>;
  /** What happened beside prompts and calls. */
  readonly events: Stats['events'];
  readonly interrupted: { readonly turns: number; readonly agents: number; readonly tools: number };
  /** Places of the content that a rule hides something in: a prompt stands in its turn and in the call it was sent with. */
  readonly redactions: number;
  readonly redactionsByRule: Readonly<Record<string, number>>;
  /** Files changed, each once; and how many changes were made to them. */
  readonly files: { readonly touched: number; readonly changes: number };
  readonly commits: number;
  readonly pullRequests: number;
  readonly problems: number;
}

/** Percentiles by nearest rank: the smallest duration that so many percent of all do not exceed. Absent: there is none. */
export interface Durations {
  readonly count: number;
  readonly sumMs: number;
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly maxMs?: number;
}

/** `input` = `uncached` + `cacheRead` + `cacheWrite5m` + `cacheWrite1h`, as the GenAI convention counts it. */
export interface TokenReport {
  readonly input: number;
  readonly uncached: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly output: number;
  /** Part of `output`, where it is told. */
  readonly reasoning: number;
  /** `cacheRead` of `input`. Absent without input. */
  readonly cacheHitRatio?: number;
}

export interface ModelReport {
  readonly model: string;
  readonly calls: number;
  readonly tokens: TokenReport;
  readonly costUsd: number;
  readonly unpricedCalls: number;
  readonly unreliableCalls: number;
  readonly durations: Durations;
}

export interface ToolReport {
  readonly tool: string;
  readonly calls: number;
  readonly failed: number;
  /** `failed` of `calls`; a call that somebody denied or stopped did not fail. */
  readonly failureRate: number;
  readonly denied: number;
  readonly interrupted: number;
  /** Of the calls that succeeded or failed. */
  readonly durations: Durations;
}

const PICO = 1e12;

export function reportOf(stats: Stats): StatsReport {
  const all = noModel();
  for (const model of stats.models.values()) addModel(all, { ...model, durationsMs: [] });
  const tools = [...stats.tools].map(([tool, figures]) => toolReport(tool, figures)).toSorted(byCalls);
  const sum = (of: (tool: ToolReport) => number): number => tools.reduce((total, tool) => total + of(tool), 0);
  return {
    sessions: stats.sessions.size,
    turns: stats.turns,
    turnsByTrigger: ranked(stats.triggers),
    workMs: [...stats.work.values()].reduce((total, intervals) => total + coveredMs(intervals), 0),
    turnDurations: durationsOf(stats.turnMs),
    sessionMs: [...stats.sessions.values()].reduce((total, { startedAtMs, endedAtMs }) => total + endedAtMs - startedAtMs, 0),
    modelCalls: all.calls,
    tokens: tokensOf(all),
    costUsd: all.picoUsd / PICO,
    unpricedCalls: all.unpriced,
    unreliableCalls: all.unreliable,
    models: [...stats.models].map(([model, figures]) => modelReport(model, figures)).toSorted(byCalls),
    toolCalls: sum(({ calls }) => calls),
    tools,
    agents: total(stats.agents),
    agentsByName: ranked(stats.agents),
    errors: total(stats.errors),
    errorsByType: ranked(stats.errors),
    events: stats.events,
    interrupted: { ...stats.interrupted, tools: sum(({ interrupted }) => interrupted) },
    redactions: total(stats.redactions),
    redactionsByRule: ranked(stats.redactions),
    files: { touched: stats.files.size, changes: stats.changes },
    commits: stats.commits,
    pullRequests: stats.pullRequests,
    problems: stats.problems,
  };
}

export function durationsOf(all: readonly number[]): Durations {
  if (all.length === 0) return { count: 0, sumMs: 0 };
  const sorted = Float64Array.from(all).sort();
  const at = (percent: number): number => sorted[Math.ceil((percent / 100) * sorted.length) - 1]!;
  return { count: all.length, sumMs: sorted.reduce((sum, ms) => sum + ms, 0), p50Ms: at(50), p95Ms: at(95), maxMs: sorted.at(-1)! };
}

/** Each moment once. */
function coveredMs(intervals: readonly Interval[]): number {
  let [covered, reached] = [0, Number.NEGATIVE_INFINITY];
  for (const { startedAtMs, endedAtMs } of intervals.toSorted((a, b) => a.startedAtMs - b.startedAtMs)) {
    covered += Math.max(0, endedAtMs - Math.max(startedAtMs, reached));
    reached = Math.max(reached, endedAtMs);
  }
  return covered;
}

const modelReport = (model: string, figures: ModelStats): ModelReport => ({
  model,
  calls: figures.calls,
  tokens: tokensOf(figures),
  costUsd: figures.picoUsd / PICO,
  unpricedCalls: figures.unpriced,
  unreliableCalls: figures.unreliable,
  durations: durationsOf(figures.durationsMs),
});

const toolReport = (tool: string, { calls, failed, denied, interrupted, durationsMs }: ToolStats): ToolReport => ({
  tool,
  calls,
  failed,
  failureRate: failed / calls,
  denied,
  interrupted,
  durations: durationsOf(durationsMs),
});

function tokensOf({ tokens }: ModelStats): TokenReport {
  const { input, cacheRead, cacheWrite5m, cacheWrite1h, output, reasoning } = tokens;
  const uncached = input - cacheRead - cacheWrite5m - cacheWrite1h;
  return {
    input,
    uncached,
    cacheRead,
    cacheWrite5m,
    cacheWrite1h,
    output,
    reasoning,
    ...(input > 0 && { cacheHitRatio: cacheRead / input }),
  };
}

const total = (counts: Counts): number => [...counts.values()].reduce((sum, count) => sum + count, 0);

/** Names decide between equals: the order in which sessions came must not. */
const byCalls = <T extends { readonly calls: number }>(a: T, b: T): number => b.calls - a.calls || (nameOf(a) < nameOf(b) ? -1 : 1);
const nameOf = (row: object): string => ('model' in row ? String(row.model) : 'tool' in row ? String(row.tool) : '');

const ranked = (counts: Counts): Readonly<Record<string, number>> =>
  Object.fromEntries([...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
