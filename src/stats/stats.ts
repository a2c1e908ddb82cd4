/**
 * Figures that add up: of a turn, a day, a project, of everything.
 *
 * in:   Stats
 * out:  their sum; pure. In whatever order they are added, the sum is the same, so threads may add as they come
 *
 * Durations are kept one by one, so that percentiles are those of the durations themselves.
 */

/** How often, by name. Names are a stranger's: a Map has no `__proto__`. */
export type Counts = ReadonlyMap<string, number>;

export interface Stats {
  readonly turns: number;
  /** Wall-clock ms of each turn of the main agent. */
  readonly turnMs: readonly number[];
  readonly triggers: Counts;
  /** First and last event of each session. */
  readonly sessions: ReadonlyMap<string, Interval>;
  /** By session, from when to when each turn went on, its agents with it: in the background they outlive it, and turns overlap. */
  readonly work: ReadonlyMap<string, readonly Interval[]>;
  readonly models: ReadonlyMap<string, ModelStats>;
  readonly tools: ReadonlyMap<string, ToolStats>;
  /** Sub-agents by name; one that was begun anew counts once. */
  readonly agents: Counts;
  /** By `error.type`. */
  readonly errors: Counts;
  /** How often each rule hid something. */
  readonly redactions: Counts;
  readonly events: EventCounts;
  readonly interrupted: { readonly turns: number; readonly agents: number };
  /** How often each file was changed, by path. */
  readonly files: Counts;
  /** Of files, those without a path too. */
  readonly changes: number;
  readonly commits: number;
  readonly pullRequests: number;
  /** Lines that could not be used, or only in part. */
  readonly problems: number;
}

export interface Interval {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface ModelStats {
  readonly calls: number;
  readonly durationsMs: readonly number[];
  readonly tokens: TokenCounts;
  /** 1e-12 US dollars, whole: sums of fractions depend on their order. */
  readonly picoUsd: number;
  /** Calls whose cost is not known. */
  readonly unpriced: number;
  /** Calls whose usage is a placeholder, or absent. */
  readonly unreliable: number;
}

/** `input` is as the convention counts: it includes all that was read from or written to the cache. */
export interface TokenCounts {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly output: number;
  /** Part of `output`. */
  readonly reasoning: number;
}

export interface ToolStats {
  readonly calls: number;
  readonly failed: number;
  readonly denied: number;
  readonly interrupted: number;
  /** Of the calls that succeeded or failed; a wait for permission is in it. */
  readonly durationsMs: readonly number[];
}

export interface EventCounts {
  /** Prompts that arrived while an agent was at work. */
  readonly steering: number;
  readonly compactions: number;
  /** Requests to a model that failed and were made again. */
  readonly retries: number;
}

export function sumOf(all: Iterable<Stats>): Stats {
  const sum = new Sum();
  for (const stats of all) sum.add(stats);
  return sum.stats();
}

/** Adds in place: thousands of sessions make hundreds of thousands of turns. */
export class Sum {
  readonly #sum = nothing();

  add(more: Stats): void {
    const sum = this.#sum;
    sum.turns += more.turns;
    append(sum.turnMs, more.turnMs);
    addCounts(sum.triggers, more.triggers);
    for (const [id, { startedAtMs, endedAtMs }] of more.sessions) {
      const known = sum.sessions.get(id);
      sum.sessions.set(id, {
        startedAtMs: Math.min(startedAtMs, known?.startedAtMs ?? startedAtMs),
        endedAtMs: Math.max(endedAtMs, known?.endedAtMs ?? endedAtMs),
      });
    }
    for (const [id, intervals] of more.work) append(entry(sum.work, id, noWork), intervals);
    for (const [name, model] of more.models) addModel(entry(sum.models, name, noModel), model);
    for (const [name, tool] of more.tools) addTool(entry(sum.tools, name, noTool), tool);
    addCounts(sum.agents, more.agents);
    addCounts(sum.errors, more.errors);
    addCounts(sum.redactions, more.redactions);
    addFields(sum.events, more.events);
    addFields(sum.interrupted, more.interrupted);
    addCounts(sum.files, more.files);
    sum.changes += more.changes;
    sum.commits += more.commits;
    sum.pullRequests += more.pullRequests;
    sum.problems += more.problems;
  }

  stats(): Stats {
    return this.#sum;
  }
}

type Writable<T> =
  T extends ReadonlyMap<infer K, infer V>
    ? Map<K, Writable<V>>
    : T extends readonly (infer V)[]
      ? V[]
      : T extends object
        ? { -readonly [K in keyof T]: Writable<T[K]> }
        : T;

/** A sum in the making. */
export type Draft = Writable<Stats>;

export const nothing = (): Draft => ({
  turns: 0,
  turnMs: [],
  triggers: new Map(),
  sessions: new Map(),
  work: new Map(),
  models: new Map(),
  tools: new Map(),
  agents: new Map(),
  errors: new Map(),
  redactions: new Map(),
  events: { steering: 0, compactions: 0, retries: 0 },
  interrupted: { turns: 0, agents: 0 },
  files: new Map(),
  changes: 0,
  commits: 0,
  pullRequests: 0,
  problems: 0,
});

const noWork = (): Interval[] => [];
export const noTokens = (): Writable<TokenCounts> => ({
  input: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  output: 0,
  reasoning: 0,
});
export const noModel = (): Writable<ModelStats> => ({
  calls: 0,
  durationsMs: [],
  tokens: noTokens(),
  picoUsd: 0,
  unpriced: 0,
  unreliable: 0,
});
export const noTool = (): Writable<ToolStats> => ({ calls: 0, failed: 0, denied: 0, interrupted: 0, durationsMs: [] });

export function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

export function addTo(counts: Map<string, number>, name: string, count = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

export function addModel(sum: Writable<ModelStats>, more: ModelStats): void {
  sum.calls += more.calls;
  append(sum.durationsMs, more.durationsMs);
  addFields(sum.tokens, more.tokens);
  sum.picoUsd += more.picoUsd;
  sum.unpriced += more.unpriced;
  sum.unreliable += more.unreliable;
}

export function addTool(sum: Writable<ToolStats>, more: ToolStats): void {
  sum.calls += more.calls;
  sum.failed += more.failed;
  sum.denied += more.denied;
  sum.interrupted += more.interrupted;
  append(sum.durationsMs, more.durationsMs);
}

function addCounts(sum: Map<string, number>, more: Counts): void {
  for (const [name, count] of more) addTo(sum, name, count);
}

function addFields<T extends Record<keyof T, number>>(sum: T, more: Readonly<T>): void {
  for (const name of Object.keys(sum) as (keyof T)[]) sum[name] = (sum[name] + more[name]) as T[keyof T];
}

/** Spread into `push`, a long list would not fit on the stack. */
function append<T>(to: T[], more: readonly T[]): void {
  for (const item of more) to.push(item);
}
