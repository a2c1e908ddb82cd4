/**
 * What a harness counted of several calls together, because it keeps no usage per call.
 *
 * in:   Session
 * out:  `Accounts`: each once, by the run that tells of it, and the calls that it holds; pure
 *
 * The account of the main agent is cumulative and stands on its last turn; agents have accounts of their own.
 */
import type { AgentRun, ModelCall, Run, Session, SessionUsage } from '../session/types.ts';
import { runsOf } from './runs.ts';

export interface Account extends SessionUsage {
  /** The model of all these calls; where they have several, `unknown`. */
  readonly model: string;
}

export interface Accounts {
  readonly of: ReadonlyMap<Run, Account>;
  /** Calls whose tokens are in one. */
  readonly counted: ReadonlySet<ModelCall>;
  /** Calls whose cost is in one. */
  readonly priced: ReadonlySet<ModelCall>;
}

/** As a harness calls it that does not tell which of several answered. */
export const UNKNOWN_MODEL = 'unknown';

export function accountsOf(session: Session): Accounts {
  const of = new Map<Run, Account>();
  const counted = new Set<ModelCall>();
  const priced = new Set<ModelCall>();
  const open = (teller: Run, usage: SessionUsage, runs: readonly Run[]): void => {
    const calls = runs.flatMap(({ modelCalls }) => modelCalls);
    const models = new Set(calls.map(({ model }) => model));
    of.set(teller, { ...usage, model: models.size === 1 ? [...models][0]! : UNKNOWN_MODEL });
    for (const call of calls) {
      counted.add(call);
      if (usage.costUsd !== undefined) priced.add(call);
    }
  };
  const last = session.turns.findLast(({ sessionUsage }) => sessionUsage !== undefined);
  if (last?.sessionUsage !== undefined) open(last, last.sessionUsage, session.turns);
  for (const run of runsOf(session)) {
    if (!isAgent(run) || run.sessionUsage === undefined) continue;
    open(run, run.sessionUsage, [run, ...run.respawns]);
  }
  return { of, counted, priced };
}

const isAgent = (run: Run): run is AgentRun => 'respawns' in run;
