/**
 * A session in one row: what a list of sessions shows.
 *
 * in:   Session; what a model call costs, as a function
 * out:  `SessionSummary`; pure
 */
import type { ModelCall, Session, TokenUsage } from '../session/types.ts';
import { accountsOf, UNKNOWN_MODEL } from './accounts.ts';
import { agentsOf, callsOf, errorsOf, livesIn } from './runs.ts';
import { turnTitle } from './title.ts';

/** US dollars; undefined when no price is known. */
export type PriceOf = (call: ModelCall) => number | undefined;

export interface SessionSummary {
  readonly id: string;
  readonly harness: string;
  /** The beginning of its first prompt, on one line. Absent where content was not kept, but for the name of a slash command. */
  readonly title?: string;
  /** Unix ms; 0 for a session without a turn. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly version?: string;
  readonly branch?: string;
  /** Models that answered, as far as they are known, the one with most calls first. */
  readonly models: readonly string[];
  readonly turns: number;
  readonly agents: number;
  readonly modelCalls: number;
  readonly toolCalls: number;
  /** `input` includes what was read from and written to the cache. Of calls, or of the session where that is all there is. */
  readonly tokens: { readonly input: number; readonly output: number; readonly cacheRead: number; readonly cacheWrite: number };
  readonly costUsd: number;
  /** Model calls whose model has no known price. */
  readonly unpriced: number;
  /** Tool calls that failed, and runs that ended in an error. */
  readonly errors: number;
  readonly compactions: number;
}

export function summaryOf(session: Session, priceOf: PriceOf): SessionSummary {
  const lives = [...session.turns, ...session.strays].flatMap((run) => [...livesIn(run)]);
  const runs = lives.map(({ run }) => run);
  const calls = runs.flatMap(({ modelCalls }) => modelCalls);
  const tools = runs.flatMap(callsOf);
  const accounts = accountsOf(session);
  const shared = [...accounts.of.values()];
  const prices = calls.map((call) => priceOf(call) ?? (accounts.priced.has(call) ? 0 : undefined));
  const title = firstTitle(session);
  const { version, branch } = session.turns.at(-1) ?? session.strays.at(-1) ?? {};
  const usages = [...calls, ...shared].flatMap(({ usage }) => usage ?? []);
  const sum = (of: (usage: TokenUsage) => number): number => usages.reduce((total, usage) => total + of(usage), 0);
  return {
    id: session.id,
    harness: session.harness,
    ...(title !== undefined && { title }),
    startedAtMs: runs.reduce((first, { startedAtMs }) => Math.min(first, startedAtMs), runs[0]?.startedAtMs ?? 0),
    endedAtMs: runs.reduce((last, { endedAtMs }) => Math.max(last, endedAtMs), 0),
    ...(version !== undefined && { version }),
    ...(branch !== undefined && { branch }),
    models: byCount(calls.flatMap(({ model }) => (model === UNKNOWN_MODEL ? [] : [model]))),
    turns: session.turns.length,
    agents: runs.reduce((total, run) => total + agentsOf(run).length, 0) + session.strays.length,
    modelCalls: calls.length,
    toolCalls: tools.length,
    tokens: {
      input: sum(({ input }) => input),
      output: sum(({ output }) => output),
      cacheRead: sum(({ cacheRead }) => cacheRead),
      cacheWrite: sum(({ cacheWrite }) => cacheWrite),
    },
    costUsd: [...prices, ...shared.map(({ costUsd }) => costUsd)].reduce<number>((total, usd) => total + (usd ?? 0), 0),
    unpriced: prices.filter((price) => price === undefined).length,
    errors: lives.reduce((total, life) => total + errorsOf(life).length, 0),
    compactions: lives.reduce((total, { run, again }) => total + (again ? 0 : run.compactions.length), 0),
  };
}

function firstTitle({ turns }: Session): string | undefined {
  for (const turn of turns) {
    const title = turnTitle(turn);
    if (title !== undefined) return title;
  }
  return undefined;
}

function byCount(names: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([name]) => name);
}
