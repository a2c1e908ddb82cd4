/**
 * Threads → session: the turns of the main thread, with its agents where they belong.
 *
 * in:   the parsed rollouts of one session
 * out:  `Normalised`: the session, the problems, checkpoints
 */
import type { Problem, Turn } from '../../session/types.ts';
import type { Checkpoint, Normalised, ParsedTranscript } from '../harness.ts';
import { Once } from '../once.ts';
import { countByReason, problemsOfTurns } from '../problems.ts';
import { AgentTree, threadOf } from './agents.ts';
import { type ParsedThread, type ToldThread, threadFrom } from './records.ts';
import { outcomeOf, triggerOf } from './runs.ts';
import type { Carried } from './standing.ts';
import type { ThreadTurn } from './turn.ts';

const NAME = 'codex';

/** What the turns after a checkpoint need to know of those before it. */
interface Before {
  readonly turns: number;
  readonly previousTurnId: string;
  readonly endedAtMs: number;
  readonly carried: Carried;
}

export const normalise = (parsed: ParsedTranscript<ParsedThread>): Normalised => told(parsed, undefined) as Normalised;

export function resume(added: ParsedTranscript<ParsedThread>, checkpoint: Checkpoint): Normalised | undefined {
  return added.main.entries === undefined ? undefined : told(added, checkpoint);
}

/** @returns undefined when the turns before are needed after all */
function told(parsed: ParsedTranscript<ParsedThread>, checkpoint: Checkpoint | undefined): Normalised | undefined {
  const { ended, stoppedAtMs = 0 } = parsed;
  const before = checkpoint?.before as Before | undefined;
  const main = threadOf(parsed.main, before === undefined ? undefined : threadFrom(parsed.main, before.carried));
  const { meta, turns: own, carried } = main.told;
  const agents = new AgentTree(
    main,
    parsed.agents.map((agent) => threadOf(agent)),
    ended,
  );
  const problems = [...main.told.problems, ...parsed.agents.flatMap((agent) => agent.told.problems), ...agents.problems];
  if (before !== undefined && isDoubtful(main.told, agents)) return undefined;

  const countOf = problemCounter(problemsOfTurns(problems, ended), main.file, own, parsed.agents, agents);
  const turns = own.map((turn, at): Turn => {
    const isOver =
      ended || at < own.length - 1 || turn.end.kind !== 'none' || (!turn.isMarked && turn.isAnswered && turn.endedAtMs <= stoppedAtMs);
    const once = new Once();
    const told = once.run<Turn>({
      startId: turn.startId,
      startedAtMs: turn.startedAtMs,
      endedAtMs: Math.max(turn.startedAtMs, turn.endedAtMs),
      modelCalls: turn.modelCalls,
      toolCalls: agents.toolCalls(main, at, isOver),
      unclaimedAgents: agents.unclaimed(main, at, isOver),
      compactions: turn.compactions,
      steering: turn.steering,
      outcome: isOver ? outcomeOf(turn, true) : { kind: 'completed' },
      finished: isOver,
      version: turn.version,
      branch: turn.branch,
      ...(turn.prompt !== undefined && { prompt: turn.prompt }),
      ...(turn.answer !== undefined && { answer: turn.answer }),
      number: (before?.turns ?? 0) + at + 1,
      ...triggerOf(turn, meta),
      notifiedBy: [],
      ...(turn.rewound !== undefined && { rewound: turn.rewound }),
      ...(turn.isCopied && { copiedFrom: meta?.forkedFromId === undefined ? {} : { sessionId: meta.forkedFromId } }),
      problems: 0,
    });
    if (once.repeated > 0)
      problems.push({
        file: main.file,
        line: turn.firstLine,
        reason: 'duplicate-tool-use',
        detail: `${once.repeated} calls or agents of this turn are told twice`,
      });
    return { ...told, problems: countOf(at) + (once.repeated > 0 ? 1 : 0) };
  });

  const checkpointAt = (wanted: number): Checkpoint | undefined => {
    const at = Math.min(wanted, own.length);
    const last = own[at - 1];
    if (last === undefined) return at === wanted ? checkpoint : undefined;
    const line = own[at] === undefined ? Math.max(main.told.lastLine, last.lastLine) : own[at].firstLine - 1;
    const known = own[at] === undefined ? atEndOf(last, carried[at]!) : carried[at]!;
    if (known === undefined) return undefined;
    const placed = new Set(agents.ids.filter((id) => (agents.turnOf(id) ?? at) < at));
    const files = new Set(parsed.agents.flatMap((agent) => (placed.has(agent.agentId!) ? [agent.name] : [])));
    return {
      line,
      agents: [...new Set([...(checkpoint?.agents ?? []), ...placed])],
      problems: countByReason(
        problems.filter((problem) => (problem.file === main.file ? problem.line <= line : files.has(problem.file))),
        checkpoint?.problems,
      ),
      before: {
        turns: (before?.turns ?? 0) + at,
        previousTurnId: last.startId,
        endedAtMs: last.endedAtMs,
        carried: known,
      } satisfies Before,
    };
  };

  return {
    session: {
      id: parsed.sessionId,
      harness: NAME,
      agentName: NAME,
      turns,
      previousTurnId: before?.previousTurnId,
      strays: agents.strays().map((agent) => new Once().run(agent)),
    },
    problems,
    checkpointAt,
  };
}

/** What was added is about turns above it, or an agent belongs there. */
const isDoubtful = (added: ToldThread, agents: AgentTree): boolean =>
  added.reachesBack || agents.problems.length > 0 || added.problems.some(({ reason }) => reason === 'orphan-result');

/** What is known at the end of the lines holds at the end of a turn as well, for nothing that counts stands between them. */
const atEndOf = (turn: ThreadTurn, carried: Carried): Carried | undefined => (turn.end.kind === 'none' ? undefined : carried);

/** @returns how many problems there are of a turn, by its place */
function problemCounter(
  problems: readonly Problem[],
  mainFile: string,
  turns: readonly ThreadTurn[],
  files: readonly ParsedThread[],
  agents: AgentTree,
): (at: number) => number {
  const counts = new Map<number, number>();
  const turnOfFile = new Map(files.map((file) => [file.name, agents.turnOf(file.agentId!)]));
  for (const { file, line } of problems) {
    const turn = turns.findLastIndex(({ firstLine }) => firstLine <= line);
    const at = file === mainFile ? (turns.length === 0 ? -1 : Math.max(0, turn)) : turnOfFile.get(file);
    if (at !== undefined) counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  return (at) => counts.get(at) ?? 0;
}
