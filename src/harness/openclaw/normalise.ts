/**
 * Records of OpenClaw and pi → Session.
 *
 * in:   ParsedFile of the session and of every agent below it
 * out:  Session; pure and total
 *
 * - A call tells when it began and ended. A tool's times are in the trajectory; without one only a duration, or the end of all
 *   the tools that ran together.
 * - A sub-agent runs on after the call that started it: its session key and run are in the call's result. What it said comes
 *   back as a run of its own, without a prompt.
 */
import { grouped } from '../../grouped.ts';
import type { AgentRun, CallRef, Problem, ProblemReason, Run, Session, Trigger, Turn } from '../../session/types.ts';
import type { Normalised, ParsedTranscript } from '../harness.ts';
import { Once } from '../once.ts';
import { countByStart, problemsOfTurns } from '../problems.ts';
import { turnAt } from '../turn-at.ts';
import { modelCallsOf } from './calls.ts';
import { endingOf } from './endings.ts';
import { Names } from './names.ts';
import type { ParsedFile } from './records.ts';
import { announcedBy, type RawRun, runsOf } from './runs.ts';
import { type Claimed, toolCallsOf } from './tools.ts';

export function normaliserFor(harness: string): (files: ParsedTranscript<ParsedFile>) => Normalised {
  return (files) => {
    const session = new Building(files, harness);
    return { session: session.session(), problems: session.problems, checkpointAt: () => undefined };
  };
}

/** A run that was started by a call, by `<session key>:<run>`. */
type Starts = Map<string, CallRef>;

class Building {
  readonly problems: Problem[];
  readonly #files: ParsedTranscript<ParsedFile>;
  readonly #harness: string;
  /** By session key, the oldest first: a session of its own may follow another one, and both are one agent. */
  readonly #unclaimed: Map<string, readonly ParsedFile[]>;
  readonly #starts: Starts = new Map();
  /** `<session key>:<run>` of those whose answers have come back. */
  readonly #announced: readonly string[];
  /** Keys of sessions that have their place: that of the main one has none to be given. */
  readonly #claimed: Set<string>;

  constructor(files: ParsedTranscript<ParsedFile>, harness: string) {
    this.#files = files;
    this.#harness = harness;
    this.#claimed = new Set(files.main.window.sessionKey === undefined ? [] : [files.main.window.sessionKey]);
    const all = [files.main, ...files.agents];
    const runIds = all.flatMap(({ entries, events }) => [...entries, ...events].map((told) => ('runId' in told ? told.runId : undefined)));
    this.#announced = [...new Set(runIds)].flatMap((runId) => announcedBy(runId) ?? []);
    this.problems = all.flatMap(({ problems }) => problems);
    const inTurn = files.agents.toSorted((a, b) => (a.header?.atMs ?? 0) - (b.header?.atMs ?? 0) || (a.name < b.name ? -1 : 1));
    this.#unclaimed = grouped(inTurn, (file) => file.window.sessionKey ?? file.agentId ?? file.name);
  }

  session(): Session {
    const { main, sessionId, ended } = this.#files;
    const raw = runsOf(main);
    const lines = startLines(raw);
    const problemsBy = countByStart(problemsOfTurns(main.problems, ended), lines);
    let version: string | undefined;
    const turns = raw.map((run, at): Turn => {
      const isOver = at < raw.length - 1 || ended;
      const own = this.#run(run, main, isOver, run.startId);
      const notifiedBy = this.#starts.get(announcedBy(run.runId) ?? '');
      const isCompact = run.prompt === undefined && run.calls.length === 0 && run.compactions.length > 0;
      // Nothing is logged of a compaction by itself.
      version = own.version ?? (isCompact ? version : undefined);
      return {
        ...own,
        ...(version !== undefined && { version }),
        number: at + 1,
        trigger: triggerOf(run),
        ...(isCompact && { command: '/compact' }),
        notifiedBy: notifiedBy === undefined ? [] : [notifiedBy],
        ...(run.backTo !== undefined && {
          rewound: { toTurnId: raw[run.backTo]?.startId ?? null, droppedTurnIds: run.dropped.map((dropped) => raw[dropped]!.startId) },
        }),
        ...(run.isCopy && { copiedFrom: { ...(main.header?.forkedFrom !== undefined && { sessionId: main.header.forkedFrom }) } }),
        problems: problemsBy[at]!,
      };
    });
    const strays = this.#leftOver();
    const owned = grouped(strays, ({ startedAtMs }) => turnAt(turns, startedAtMs));
    const names = new Names();
    const named = turns.map((turn, at) => names.named(this.#once({ ...turn, unclaimedAgents: owned.get(at) ?? [] }, lines[at]!)));
    return {
      id: sessionId,
      harness: this.#harness,
      agentName: this.#harness,
      turns: named.map((turn) => ({ ...turn, notifiedBy: turn.notifiedBy.map((ref) => ({ ...ref, id: names.of(ref.id) })) })),
      strays: turns.length === 0 ? strays.map((agent) => names.named(new Once().run(agent))) : [],
    };
  }

  /** Two of one id would be one span. */
  #once(turn: Turn, line: number): Turn {
    const once = new Once();
    const told = once.run(turn);
    if (once.repeated === 0) return told;
    this.#add(this.#files.main)(line, 'duplicate-tool-use', `${once.repeated} calls or agents of this turn are told twice`);
    return { ...told, problems: told.problems + 1 };
  }

  /** @param isOver  whether nothing more can come */
  #run(run: RawRun, file: ParsedFile, isOver: boolean, startId: string): Run {
    const { outcome, finished, isAnswered, endedAtMs } = endingOf(run, file.window.status, isOver);
    const claim = (claimed: Claimed): AgentRun | undefined => this.#claim(claimed, startId);
    const toolCalls = toolCallsOf(run, finished, file.content, claim, this.#add(file));
    const modelCalls = modelCallsOf(run, file.content);
    const version = run.events.find((event) => event.kind === 'version')?.version;
    const answer = run.calls
      .findLast(({ parts }) => parts?.some(({ kind }) => kind === 'text'))
      ?.parts?.filter(({ kind }) => kind === 'text');
    return {
      startId,
      startedAtMs: run.startedAtMs,
      endedAtMs,
      modelCalls,
      toolCalls,
      unclaimedAgents: [],
      compactions: run.compactions.map(({ atMs, tokensBefore, tokensAfter }) => ({ atMs, tokensBefore, tokensAfter })),
      steering: run.steering.map(({ sentMs, parts }) => ({ atMs: sentMs, ...(parts && { prompt: parts }) })),
      outcome,
      finished,
      ...(version !== undefined && { version }),
      ...(run.prompt?.parts !== undefined && { prompt: run.prompt.parts }),
      ...(answer !== undefined && isAnswered && { answer }),
    };
  }

  #add =
    (file: ParsedFile) =>
    (line: number, reason: ProblemReason, detail: string): void =>
      void this.problems.push({ file: file.name, line, reason, detail });

  /** Each agent once, whoever asks first. */
  #claim({ sessionKey, runId, callId, label, startedAtMs }: Claimed, startId: string): AgentRun | undefined {
    this.#starts.set(`${sessionKey}:${runId}`, { startId, id: callId, kind: 'call' });
    if (this.#claimed.has(sessionKey)) return undefined;
    this.#claimed.add(sessionKey);
    const files = this.#unclaimed.get(sessionKey);
    if (files === undefined)
      return this.#files.ended || this.#isElsewhere(sessionKey) ? undefined : unbegun(sessionKey, label, startedAtMs);
    this.#unclaimed.delete(sessionKey);
    return this.#agent(files, label);
  }

  /** One that has done its work, or is another agent's whom the user configured, would be here if it were kept here; no file tells. */
  #isElsewhere(sessionKey: string): boolean {
    const { sessionKey: own } = this.#files.main.window;
    if (own === undefined || this.#announced.some((told) => told.startsWith(`${sessionKey}:`))) return true;
    const [mine, its] = [own, sessionKey].map(agentIn);
    return mine !== undefined && its !== undefined && mine !== its;
  }

  /** However many runs and sessions it had: one agent, from the first to the last. */
  #agent(files: readonly ParsedFile[], label: string | undefined): AgentRun {
    const raw = files.flatMap((file) => runsOf(file).map((run) => ({ run, file })));
    const file = files[0]!;
    const first = raw[0]?.run.startId ?? `${file.agentId ?? file.name}`;
    const runs = raw.map(({ run, file }, at) => this.#run(run, file, at < raw.length - 1 || this.#files.ended, first));
    const last = runs.at(-1);
    const { status } = files.at(-1)!.window;
    const title = file.window.label ?? label;
    const isBroken = status === 'failed' || status === 'killed' || status === 'timeout';
    return {
      id: file.header?.id ?? file.agentId ?? file.name,
      name: nameIn(title),
      type: 'subagent',
      ...(file.content && title !== undefined && title !== nameIn(title) && { description: title }),
      startId: first,
      startedAtMs: runs.reduce((start, run) => Math.min(start, run.startedAtMs), runs[0]?.startedAtMs ?? file.header?.atMs ?? 0),
      endedAtMs: runs.reduce((end, run) => Math.max(end, run.endedAtMs), runs[0]?.endedAtMs ?? file.header?.atMs ?? 0),
      modelCalls: runs.flatMap(({ modelCalls }) => modelCalls),
      toolCalls: runs.flatMap(({ toolCalls }) => toolCalls),
      unclaimedAgents: [],
      compactions: runs.flatMap(({ compactions }) => compactions),
      steering: runs.flatMap(({ steering }) => steering),
      outcome: last?.outcome ?? { kind: 'interrupted' },
      finished: this.#files.ended || isBroken || (last?.finished === true && status !== 'running'),
      respawns: [],
      ...(last?.version !== undefined && { version: last.version }),
      ...(runs[0]?.prompt !== undefined && { prompt: runs[0].prompt }),
      ...(last?.answer !== undefined && { answer: last.answer }),
    };
  }

  /** Agents that no call told of. */
  #leftOver(): readonly AgentRun[] {
    const agents: AgentRun[] = [];
    for (const [key, files] of [...this.#unclaimed]) {
      if (!this.#unclaimed.delete(key)) continue;
      this.#add(files[0]!)(0, 'unclaimed-agent', 'no call is known that started this agent');
      agents.push(this.#agent(files, undefined));
    }
    return agents;
  }
}

/** `agent:<id>:…`: each has a database of its own. */
const agentIn = (sessionKey: string): string | undefined => /^agent:([^:]+):/.exec(sessionKey)?.[1];

/** A label of one word is a name; a sentence is content. */
const nameIn = (label: string | undefined): string => (label !== undefined && /^[\w.-]{1,64}$/.test(label) ? label : 'subagent');

/** An agent that was started and has written nothing yet. */
const unbegun = (sessionKey: string, label: string | undefined, atMs: number): AgentRun => ({
  id: sessionKey,
  name: nameIn(label),
  type: 'subagent',
  startId: sessionKey,
  startedAtMs: atMs,
  endedAtMs: atMs,
  modelCalls: [],
  toolCalls: [],
  unclaimedAgents: [],
  compactions: [],
  steering: [],
  outcome: { kind: 'completed' },
  finished: false,
  respawns: [],
});

function triggerOf(run: RawRun): Trigger {
  if (announcedBy(run.runId) !== undefined) return 'task_notification';
  if (run.prompt === undefined) return run.compactions.length > 0 && run.calls.length === 0 ? 'command' : 'unknown';
  const started = run.events.find((event) => event.kind === 'attempt');
  return started?.trigger === undefined || started.trigger === 'user' ? 'human' : 'unknown';
}

const startLines = (runs: readonly RawRun[]): readonly number[] =>
  runs.map((run) => (run.prompt ?? run.calls[0] ?? run.results[0] ?? run.compactions[0])?.line ?? 0);
