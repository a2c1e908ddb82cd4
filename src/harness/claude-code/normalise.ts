/**
 * Parsed files of a session → Session. Pure and total.
 *
 * in:   the main file, the sub-agent files, files of related sessions
 * out:  Session, and the problems of all files
 *
 *   segments.ts  the main file cut into turns
 *   pool.ts      the agent files, copies dropped
 *   digest.ts    what happened in a turn, or in an agent's file
 *   claiming.ts  which call started which agent
 *   agents.ts    agents attached to their calls
 *   here         what is left placed, turns linked
 */
import type { AgentRun, CallRef, ModelCall, Problem, ToolCall, Turn } from '../../session/types.ts';
import type { Checkpoint, Normalised, ParsedTranscript } from '../harness.ts';
import { countByReason, problemsOfTurns } from '../problems.ts';
import { turnAt } from '../turn-at.ts';
import { AgentTree, agentDigest, runOf } from './agents.ts';
import { type Before, isDoubtful, lastEventMs, lastIdsOf, lineBefore, reachesBack } from './before.ts';
import { type Digest, digest, type FileIndex, indexFile, outcomeOf } from './digest.ts';
import { type Owners, type Pool, poolOf } from './pool.ts';
import type { ParsedFile } from './records.ts';
import { lowerBound } from './search.ts';
import { begunMs, copyMark, type Segment, segmentsOf, sessionIdOf, turnsKept } from './segments.ts';
import { commandOf, markingVersions, notificationsIn, triggerOf } from './triggers.ts';

const AGENT_NAME = 'claude-code';
const NO_OWNERS: Owners = { ofResponse: new Map(), ofCall: new Map() };

export const normalise = (parsed: ParsedTranscript<ParsedFile>): Normalised =>
  told(parsed, segmentsOf(parsed.main, parsed.ended), undefined) as Normalised;

export function resume(added: ParsedTranscript<ParsedFile>, checkpoint: Checkpoint): Normalised | undefined {
  const before = checkpoint.before as Before;
  const segments = segmentsOf(added.main, added.ended, before);
  return isDoubtful(added.main, segments, before) ? undefined : told(added, segments, { ...checkpoint, before });
}

/**
 * @param resumed  where reading went on, if these are only the later turns
 * @returns        undefined when the turns before are needed after all
 */
function told(
  parsed: ParsedTranscript<ParsedFile>,
  segments: readonly Segment[],
  resumed: (Checkpoint & { readonly before: Before }) | undefined,
): Normalised | undefined {
  const { main, ended, stoppedAtMs = 0 } = parsed;
  const before = resumed?.before;
  const sessionId = before?.sessionId ?? sessionIdOf(main, parsed.sessionId);
  const pool = poolOf(main, parsed.agents, segments.length > 0);
  const indexOf = (file: ParsedFile): FileIndex => indexFile(file, pool.owners);
  const mainIndex = indexOf(main);
  const startIds = startIdsOf(segments, sessionId);
  const turnDigests = segments.map((segment, at) => digest(mainIndex, segment.records, startIds[at]!));
  const agentIndexes = pool.agents.map(indexOf);
  const agentDigests = new Map(agentIndexes.map((index) => [index.file.agentId!, agentDigest(index)] as const));
  const notices = new Map([main, ...pool.agents].flatMap(noticesIn));
  const agents = new AgentTree(pool, turnDigests, agentDigests, notices, ended);

  const placed = placeUnclaimed(agents, segments, turnDigests);
  const summaries = compactionCalls(pool, indexOf, turnDigests);
  const begun = before?.begunMs ?? begunMs(main, segments);
  if (resumed !== undefined && (agents.unclaimed().length > 0 || pool.compactions.length > 0)) return undefined;
  const drafts = segments.map((segment, at): Omit<Turn, 'notifiedBy' | 'problems'> => {
    const digested = turnDigests[at]!;
    const stopped = digested.end === 'answered' && digested.endedAtMs <= stoppedAtMs;
    const finished = ended || at < segments.length - 1 || digested.closed || stopped;
    const kept = turnsKept(main, segments, at, before);
    const copiedFrom = copyMark(segment, sessionId, begun);
    const outcome = outcomeOf(digested, finished);
    const trigger = segment.start === undefined ? 'unknown' : triggerOf(segment.start);
    // Any other prompt may speak of a command.
    const command = segment.start === undefined || trigger !== 'command' ? undefined : commandOf(segment.start);
    // A local command has nothing to wait for.
    const silent = trigger === 'command' && digested.modelCalls.length === 0 && outcome.kind === 'interrupted';
    return {
      ...runOf(digested, agents.toolCalls(digested, finished), finished),
      modelCalls: [...digested.modelCalls, ...(summaries.get(at) ?? [])],
      unclaimedAgents: placed.byTurn.get(at) ?? [],
      outcome: silent ? { kind: 'completed' } : outcome,
      number: (before?.turns ?? 0) + at + 1,
      trigger,
      ...(command !== undefined && { command }),
      ...(copiedFrom !== undefined && { copiedFrom }),
      ...(kept < at && {
        rewound: {
          toTurnId: turnDigests[kept - 1]?.startId ?? before?.previousTurnId ?? null,
          droppedTurnIds: turnDigests.slice(kept, at).map((d) => d.startId),
        },
      }),
      ...(main.content && segment.start !== undefined && { prompt: [...segment.lead, segment.start].flatMap((record) => record.parts) }),
    };
  });
  const refs = new Map([...Object.entries(before?.tasks ?? {}), ...taskRefs(drafts, placed.strays)]);
  if (resumed !== undefined && reachesBack(mainIndex, agents.knowsCall, (id) => refs.has(id))) return undefined;
  const turnOfFile = agents.turnOfFile(drafts);
  const problems = [...problemsOf(main, segments, turnDigests, [mainIndex, ...agentIndexes], agents), ...agents.problems()];
  const turnOfLine = (line: number): number => lowerBound(segments, ({ lastLine }) => lastLine >= line);
  const problemCounts = countByTurn(problemsOfTurns(problems, ended), main.name, turnOfLine, turnOfFile);
  const turns = drafts.map(
    (draft, at): Turn => ({
      ...draft,
      notifiedBy: notifiers(segments[at]!, refs),
      problems: problemCounts.get(at) ?? 0,
    }),
  );
  const startedBy = before?.startedBy ?? leadCall(main, parsed.related);
  const agentName =
    before?.agentName ??
    main.records.find((r) => r.context.team !== undefined && r.context.teammate !== undefined)?.context.teammate ??
    AGENT_NAME;
  const checkpointAt = (wanted: number): Checkpoint | undefined => {
    // A fork that has only its copies yet does not know its own id.
    if (sessionId !== parsed.sessionId) return undefined;
    const line = lineBefore(segments.slice(0, wanted));
    if (line === undefined) return resumed;
    // A prompt that nobody answered lies behind that line: it is read again.
    const earlier = segments.filter(({ firstLine }) => firstLine <= line);
    const at = earlier.length;
    const placedIn = new Set(pool.given.flatMap(({ name, agentId }) => ((turnOfFile.get(name) ?? at) < at ? [agentId!] : [])));
    const copies = [...placedIn].flatMap((id) => pool.aliasesOf.get(id) ?? []);
    return {
      line,
      agents: [...new Set([...(resumed?.agents ?? []), ...placedIn, ...copies, ...pool.compactions.map(({ agentId }) => agentId!)])],
      problems: countByReason(
        problems.filter((problem) => (problem.file === main.name ? problem.line <= line : (turnOfFile.get(problem.file) ?? at) < at)),
        resumed?.problems,
      ),
      before: {
        sessionId,
        agentName,
        begunMs: begun,
        turns: (before?.turns ?? 0) + at,
        previousTurnId: startIds[at - 1]!,
        endedAtMs: Math.max(before?.endedAtMs ?? 0, ...earlier.map(({ records }) => lastEventMs(records))),
        markingVersions: [...new Set([...(before?.markingVersions ?? []), ...markingVersions(main.records)])].map((v) => v ?? null),
        lastIds: lastIdsOf(main, earlier.at(-1)!, line),
        tasks: { ...before?.tasks, ...Object.fromEntries(tasksIn(taskRefs(drafts.slice(0, at), []))) },
        startedBy,
      } satisfies Before,
    };
  };
  return {
    checkpointAt,
    session: {
      id: sessionId,
      harness: AGENT_NAME,
      agentName,
      turns,
      previousTurnId: before?.previousTurnId,
      strays: placed.strays,
      ...(startedBy !== undefined && { startedBy }),
    },
    problems,
  };
}

/** Forks and resumes keep the uuid of a turn's first line; without one the time has to do, and of several at one time their order. */
function startIdsOf(segments: readonly Segment[], sessionId: string): readonly string[] {
  const given = new Map<string, number>();
  return segments.map((segment) => {
    const first = segment.start ?? segment.records[0];
    const id = first?.uuid ?? `${sessionId}@${first?.atMs ?? 0}`;
    const before = given.get(id) ?? 0;
    given.set(id, before + 1);
    return before === 0 ? id : `${id}#${before + 1}`;
  });
}

// ---------------------------------------------------------------------------------------------
// What is left over, and links between turns.

interface Placed {
  readonly byTurn: ReadonlyMap<number, readonly AgentRun[]>;
  readonly strays: readonly AgentRun[];
}

/** Under the turn during which it ran, else the next, else the last. */
function placeUnclaimed(agents: AgentTree, segments: readonly Segment[], turns: readonly Digest[]): Placed {
  const byTurn = new Map<number, AgentRun[]>();
  const strays: AgentRun[] = [];
  for (const agent of agents.unclaimed()) {
    if (segments.length === 0) {
      strays.push(agent);
      continue;
    }
    const at = turnAt(turns, agent.startedAtMs);
    const begunMs = agent.startedAtMs || turns[at]!.startedAtMs;
    byTurn.set(at, [...(byTurn.get(at) ?? []), { ...agent, startedAtMs: begunMs, endedAtMs: Math.max(begunMs, agent.endedAtMs) }]);
  }
  return { byTurn, strays };
}

/** Some versions keep a file of the call that made a summary: a call of the turn that compacted. */
function compactionCalls(
  pool: Pool,
  indexOf: (file: ParsedFile) => FileIndex,
  turns: readonly Digest[],
): ReadonlyMap<number, readonly ModelCall[]> {
  const byTurn = new Map<number, ModelCall[]>();
  for (const file of pool.compactions) {
    for (const call of digest(indexOf(file), file.records, file.agentId!).modelCalls) {
      const compacting = turns.findIndex((turn) => turn.compactions.some((compaction) => compaction.atMs >= call.startedAtMs));
      const at = compacting >= 0 ? compacting : turnAt(turns, call.startedAtMs);
      byTurn.set(at, [...(byTurn.get(at) ?? []), call]);
    }
  }
  return byTurn;
}

/** The notifications of a file, in order: which task has ended, and when that was told. */
function noticesIn(file: ParsedFile): (readonly [string, number])[] {
  return file.records.flatMap((record) =>
    (record.kind === 'user' && record.results.length === 0) || record.kind === 'steering'
      ? notificationsIn(record.text ?? '').flatMap((notice) => (notice.taskId === undefined ? [] : [[notice.taskId, record.atMs] as const]))
      : [],
  );
}

/** Where the span of each task and call is. */
function taskRefs(
  turns: readonly Pick<Turn, 'startId' | 'toolCalls' | 'unclaimedAgents'>[],
  strays: readonly AgentRun[],
): ReadonlyMap<string, CallRef> {
  const refs = new Map<string, CallRef>();
  const visitAgent = (agent: AgentRun, ref: CallRef): void => {
    refs.set(agent.id, ref);
    for (const respawn of agent.respawns) visitAgent(respawn, ref);
    for (const child of agent.unclaimedAgents) visitAgent(child, { startId: ref.startId, id: child.id, kind: 'agent' });
    for (const call of agent.toolCalls) visitCall(call, ref.startId);
  };
  const visitCall = (call: ToolCall, startId: string): void => {
    const ref: CallRef = { startId, id: call.id, kind: 'call' };
    refs.set(call.id, ref);
    if (call.taskId !== undefined) refs.set(call.taskId, ref);
    if (call.agent !== undefined) visitAgent(call.agent, ref);
    for (const agent of call.agents) visitAgent(agent, { startId, id: agent.id, kind: 'agent' });
  };
  for (const turn of turns) {
    for (const call of turn.toolCalls) visitCall(call, turn.startId);
    for (const agent of turn.unclaimedAgents) visitAgent(agent, { startId: turn.startId, id: agent.id, kind: 'agent' });
  }
  for (const agent of strays) visitAgent(agent, { startId: agent.startId, id: agent.id, kind: 'agent' });
  return refs;
}

/** Those whose end may be told later: an ordinary call's result stands in its own turn. */
const tasksIn = (refs: ReadonlyMap<string, CallRef>): (readonly [string, CallRef])[] =>
  [...refs].filter(([id, ref]) => ref.kind === 'agent' || ref.id !== id);

/** Told by the lines that started the turn, or amid it. By task id first: a resumed agent's notification names the call that resumed it. */
function notifiers(segment: Segment, refs: ReadonlyMap<string, CallRef>): readonly CallRef[] {
  const steering = segment.records.filter((record) => record.kind === 'steering');
  const texts = [...segment.lead, segment.start, ...steering].flatMap((record) => record?.text ?? []);
  const found = texts.flatMap(notificationsIn).flatMap((notice) => refs.get(notice.taskId ?? '') ?? refs.get(notice.toolUseId ?? '') ?? []);
  return [...new Set(found)];
}

function problemsOf(
  main: ParsedFile,
  segments: readonly Segment[],
  turns: readonly Digest[],
  indexes: readonly FileIndex[],
  agents: AgentTree,
): Problem[] {
  const orphans = indexes.flatMap(({ file, results }) =>
    [...results]
      .filter(([id]) => !agents.knowsCall(id))
      .map(
        ([id, { line }]): Problem => ({
          file: file.name,
          line,
          reason: 'orphan-result',
          detail: `no call ${id} was found for this result`,
        }),
      ),
  );
  const nameless = segments
    .filter(({ start, records }) => (start ?? records[0])?.uuid === undefined)
    .map(
      ({ firstLine, start }): Problem => ({
        file: main.name,
        line: start?.line ?? firstLine,
        reason: 'missing-uuid',
        detail: 'the line that starts the turn has none: its trace has an id of the session and the time instead',
      }),
    );
  return [
    ...main.problems,
    ...nameless,
    ...turns.flatMap((turn) => turn.problems.map((problem) => ({ file: main.name, ...problem }))),
    ...orphans,
  ];
}

function countByTurn(
  problems: readonly Problem[],
  mainName: string,
  turnOfLine: (line: number) => number,
  turnOfFile: ReadonlyMap<string, number>,
): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const problem of problems) {
    const at = problem.file === mainName ? turnOfLine(problem.line) : turnOfFile.get(problem.file);
    if (at !== undefined) counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  return counts;
}

/** A teammate in a pane of its own is a session of its own: the lead's file has the call that started it. */
function leadCall(main: ParsedFile, related: readonly ParsedFile[]): CallRef | undefined {
  const name = main.records.find((record) => record.context.team !== undefined)?.context.teammate;
  if (name === undefined) return undefined;
  for (const lead of related) {
    const index = indexFile(lead, NO_OWNERS);
    const segments = segmentsOf(lead, true);
    const startIds = startIdsOf(segments, lead.name);
    for (const [at, segment] of segments.entries()) {
      const digested = digest(index, segment.records, startIds[at]!);
      const site = digested.toolSites.find(({ result }) => result?.result.details.splitPane && result.result.details.agentName === name);
      if (site !== undefined) return { startId: digested.startId, id: site.use.id, kind: 'call' };
    }
  }
  return undefined;
}
