/**
 * All runs of a session: its turns, the agents they started, and theirs.
 *
 * in:   Session, or one of its runs
 * out:  runs, each once, a run before the agents it started; pure
 */
import type { AgentRun, ErrorType, Run, Session, ToolCall } from '../session/types.ts';

export function* runsOf(session: Session): Generator<Run> {
  for (const run of [...session.turns, ...session.strays]) yield* runsIn(run);
}

/** A run, and all agents below it. */
export function* runsIn(run: Run): Generator<Run> {
  for (const { run: each } of livesIn(run)) yield each;
}

export interface Life {
  readonly run: Run;
  /** A later transcript of an agent: its calls are its own, but how it ended, and its compactions, the agent tells. */
  readonly again: boolean;
}

export function* livesIn(run: Run, again = false): Generator<Life> {
  yield { run, again };
  if ('respawns' in run) for (const respawn of (run as AgentRun).respawns) yield* livesIn(respawn, true);
  for (const agent of agentsOf(run)) yield* livesIn(agent);
}

/** The calls of a run, each before those that it made itself. */
export const callsOf = ({ toolCalls }: Pick<Run, 'toolCalls'>): readonly ToolCall[] =>
  toolCalls.flatMap((call) => (call.toolCalls === undefined ? [call] : [call, ...callsOf({ toolCalls: call.toolCalls })]));

/** The agents that a run started itself; later transcripts of an agent are no agents of their own. */
export const agentsOf = (run: Run): readonly AgentRun[] => [
  ...callsOf(run).flatMap(({ agent, agents }) => (agent === undefined ? agents : [agent, ...agents])),
  ...run.unclaimedAgents,
];

/** What went wrong in a run, each once: a call whose agent failed is that agent's failure. */
export function errorsOf({ run, again }: Life): readonly ErrorType[] {
  const ofCalls = callsOf(run).flatMap(({ outcome, agent }) =>
    outcome.kind === 'error' && agent?.outcome.kind !== 'error' ? [outcome.errorType] : [],
  );
  return run.outcome.kind === 'error' && !again ? [...ofCalls, run.outcome.errorType] : ofCalls;
}
