/**
 * A session in one row: what a list of sessions shows.
 *
 * in:   Session; what a model call costs, as a function
 * out:  `SessionSummary`; pure
 */
import type { ModelCall, Session } from '../session/types.ts';
import { agentsOf, errorsOf, livesIn } from './runs.ts';
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
  /** Models that answered, the one with most calls first. */
  readonly models: readonly string[];
  readonly turns: number;
  readonly agents: number;
  readonly modelCalls: number;
  readonly toolCalls: number;
  /** `input` includes what was read from and written to the cache. */
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
  const tools = runs.flatMap(({ toolCalls }) => toolCalls);
  const prices = calls.map(priceOf);
  const title = firstTitle(session);
  const { version, branch } = session.turns.at(-1) ?? session.strays.at(-1) ?? {};
  const sum = (of: (call: ModelCall) => number | undefined): number => calls.reduce((total, call) => total + (of(call) ?? 0), 0);
  return {
    id: session.id,
    harness: session.harness,
    ...(title !== undefined && { title }),
    startedAtMs: runs.reduce((first, { startedAtMs }) => Math.min(first, startedAtMs), runs[0]?.startedAtMs ?? 0),
    endedAtMs: runs.reduce((last, { endedAtMs }) => Math.max(last, endedAtMs), 0),
    ...(version !== undefined && { version }),
    ...(branch !== undefined && { branch }),
    models: byCount(calls.map(({ model }) => model)),
    turns: session.turns.length,
    agents: runs.reduce((total, run) => total + agentsOf(run).length, 0) + session.strays.length,
    modelCalls: calls.length,
    toolCalls: tools.length,
    tokens: {
      input: sum(({ usage }) => usage?.input),
      output: sum(({ usage }) => usage?.output),
      cacheRead: sum(({ usage }) => usage?.cacheRead),
      cacheWrite: sum(({ usage }) => usage?.cacheWrite),
    },
    costUsd: prices.reduce<number>((total, price) => total + (price ?? 0), 0),
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
