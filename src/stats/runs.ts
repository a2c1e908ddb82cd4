/**
 * All runs of a session: its turns, the agents they started, and theirs.
 *
 * in:   Session, or one of its runs
 * out:  runs, each once, a run before the agents it started; pure
 */
import type { AgentRun, Run, Session } from '../session/types.ts';

export function* runsOf(session: Session): Generator<Run> {
  for (const run of [...session.turns, ...session.strays]) yield* runsIn(run);
}

/** A run, and all agents below it. */
export function* runsIn(run: Run): Generator<Run> {
  yield run;
  for (const agent of agentsOf(run)) {
    yield* runsIn(agent);
    for (const respawn of agent.respawns) yield* runsIn(respawn);
  }
}

/** The agents that a run started itself; later transcripts of an agent are no agents of their own. */
export const agentsOf = (run: Run): readonly AgentRun[] => [
  ...run.toolCalls.flatMap(({ agent, agents }) => (agent === undefined ? agents : [agent, ...agents])),
  ...run.unclaimedAgents,
];
