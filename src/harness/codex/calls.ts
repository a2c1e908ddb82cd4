/**
 * The tool calls of one turn.
 *
 * in:   calls, outputs and items, in the order of the lines
 * out:  `ToolCall[]`, and which of them started which thread
 *
 * When a call began and ended, its item tells; without one the lines of call and output have to do. Outputs of calls made
 * at a time are written together, when all are done.
 */
import type { FileChange, ToolCall, ToolOutcome } from '../../session/types.ts';
import type { ItemFacts } from './items.ts';
import { madeIn } from './made.ts';
import { parentsOf } from './nested.ts';
import { type Ending, endingOf } from './outcomes.ts';
import { resultOf } from './parts.ts';
import type { Round } from './rounds.ts';

export interface CallStart {
  readonly id: string;
  readonly name: string;
  readonly mcp: { readonly server: string; readonly tool: string } | undefined;
  readonly atMs: number;
  readonly round: Round;
  readonly input: unknown;
  /** Of a patch: the files it would change. */
  readonly files: readonly FileChange[] | undefined;
  /** It runs a program that makes calls itself. */
  readonly isProgram: boolean;
  /** It looks after a process or program that an earlier call started. */
  readonly after: string | undefined;
}

export interface CallDraft extends CallStart {
  outputAtMs: number | undefined;
  ending: Ending | undefined;
  output: unknown;
  item: ItemFacts | undefined;
  /** When a later call found it ended, and how. */
  found: { readonly atMs: number; readonly ending: Ending } | undefined;
}

/** An item of no known call: a program made it, or the user. */
export interface LooseItem {
  readonly facts: ItemFacts;
  /** Calls that were at work when its line was written. */
  readonly candidates: readonly CallDraft[];
}

export class Calls {
  readonly #drafts = new Map<string, CallDraft>();
  readonly #loose = new Map<string, LooseItem>();
  /** Programs without an output; those that said they go on; calls that wait for what an earlier one started. */
  readonly #open = new Set<CallDraft>();
  readonly #goingOn = new Set<CallDraft>();
  readonly #looking = new Set<CallDraft>();
  /** By the name of what goes on: the call that started it. */
  readonly #wentOn = new Map<string, CallDraft>();
  readonly spawned = new Map<string, string>();
  readonly #content: boolean;

  constructor(content: boolean) {
    this.#content = content;
  }

  get allAnswered(): boolean {
    return [...this.#drafts.values()].every(({ outputAtMs }) => outputAtMs !== undefined);
  }

  has = (id: string): boolean => this.#drafts.has(id);

  start(call: CallStart): void {
    if (this.#drafts.has(call.id)) return;
    const draft = { ...call, outputAtMs: undefined, ending: undefined, output: undefined, item: undefined, found: undefined };
    this.#drafts.set(call.id, draft);
    if (draft.isProgram) this.#open.add(draft);
    if (draft.after !== undefined) this.#looking.add(draft);
  }

  answer(id: string, output: unknown, atMs: number): void {
    const draft = this.#drafts.get(id);
    if (draft === undefined || draft.outputAtMs !== undefined) return;
    const ending = this.#kept(endingOf(output));
    draft.outputAtMs = atMs;
    draft.ending = ending;
    if (this.#content) draft.output = resultOf(output);
    const spawned = draft.name === 'spawn_agent' && typeof output === 'string' ? /"agent_id":\s*"([^"]+)"/.exec(output)?.[1] : undefined;
    if (spawned !== undefined) this.#spawn(spawned, id);
    if (draft.isProgram) {
      this.#open.delete(draft);
      if (ending.cell !== undefined) this.#goingOn.add(draft);
    }
    for (const name of [ending.session, ending.cell]) if (name !== undefined && !this.#wentOn.has(name)) this.#wentOn.set(name, draft);
    this.#looking.delete(draft);
    if (draft.after === undefined) return;
    const earlier = this.#wentOn.get(draft.after);
    if (earlier === undefined || earlier === draft) return;
    earlier.found = { atMs, ending };
    if (ending.cell === undefined) this.#goingOn.delete(earlier);
    else if (earlier.isProgram && earlier.ending?.cell !== undefined) this.#goingOn.add(earlier);
    // What became of the process is no outcome of looking after it.
    if (ending.exitCode !== undefined || earlier.isProgram) draft.ending = { kind: ending.kind === 'interrupted' ? 'interrupted' : 'ok' };
  }

  item(told: ItemFacts): void {
    const facts = { ...told, ending: this.#kept(told.ending) };
    const draft = this.#drafts.get(facts.id);
    for (const threadId of facts.spawned) this.#spawn(threadId, facts.id);
    if (draft !== undefined) draft.item ??= facts;
    else if (!this.#loose.has(facts.id)) this.#loose.set(facts.id, { facts, candidates: facts.byUser ? [] : this.#programsAtWork() });
  }

  /** What an error says is content. */
  #kept({ message, ...ending }: Ending): Ending {
    return this.#content && message !== undefined ? { ...ending, message } : ending;
  }

  /** @returns those whose output is not there yet; else those that said they go on */
  #programsAtWork(): readonly CallDraft[] {
    if (this.#open.size > 0) return [...this.#open];
    const waited = new Set([...this.#looking].map(({ after }) => after));
    const goingOn = [...this.#goingOn];
    const named = goingOn.filter(({ ending }) => waited.has(ending?.cell));
    return named.length > 0 ? named : goingOn;
  }

  #spawn(threadId: string, callId: string): void {
    if (!this.spawned.has(threadId)) this.spawned.set(threadId, callId);
  }

  /** @param estimated  no line of this turn has the time it was made at */
  toolCalls(estimated: boolean): readonly ToolCall[] {
    const parents = parentsOf([...this.#loose.values()]);
    const inside = new Map<string, ToolCall[]>();
    const outside: ToolCall[] = [];
    for (const { facts } of this.#loose.values()) {
      const call = looseCall(facts, estimated);
      const parent = parents.get(facts.id);
      if (parent === undefined) outside.push(call);
      else {
        const siblings = inside.get(parent);
        if (siblings === undefined) inside.set(parent, [call]);
        else siblings.push(call);
      }
    }
    return [...[...this.#drafts.values()].map((draft) => toolCall(draft, inside.get(draft.id), estimated)), ...outside];
  }
}

function toolCall(draft: CallDraft, inside: readonly ToolCall[] | undefined, estimated: boolean): ToolCall {
  const { item, round } = draft;
  const ending = endOf(draft);
  const outcome = outcomeOf(draft, ending);
  const endedAtMs = 'endedAtMs' in outcome ? outcome.endedAtMs : undefined;
  const wallMs = draft.ending?.wallMs;
  const isLate = round.early && endedAtMs !== undefined;
  const startedAtMs = isLate ? endedAtMs - (wallMs ?? 0) : (item?.startedAtMs ?? draft.atMs);
  const files = item?.files ?? draft.files;
  const mcp = ending?.errorType === 'unknown_tool' ? undefined : (item?.mcp ?? draft.mcp);
  return {
    id: draft.id,
    name: draft.name,
    startedAtMs: Math.min(startedAtMs, endedAtMs ?? startedAtMs),
    outcome,
    ...(mcp !== undefined && { mcp }),
    ...(ending?.exitCode !== undefined && { exitCode: ending.exitCode }),
    ...((estimated || round.early || (item === undefined && round.calls > 1)) && { timeEstimated: true }),
    ...(inside !== undefined && { toolCalls: inside }),
    agents: [],
    ...(files !== undefined && files.length > 0 && outcome.kind === 'ok' && { files }),
    ...(outcome.kind === 'ok' && madeIn(draft.input, item?.output ?? draft.output)),
    ...(draft.input !== undefined && { input: draft.input }),
    ...(draft.output !== undefined && { output: draft.output }),
  };
}

/** Items first, for only they have a status; but what never ran has no true item, and what was stopped is told as failed there. */
function endOf({ ending, item, found }: CallDraft): Ending | undefined {
  if (ending === undefined) return item?.ending;
  const isFinal =
    ending.kind === 'interrupted' || ending.kind === 'denied' || (ending.errorType !== undefined && ending.errorType !== 'tool_error');
  if (isFinal) return ending;
  if (item !== undefined)
    return item.ending.kind === 'ok' && ending.kind === 'error' ? { ...ending, ...item.ending, kind: 'error' } : item.ending;
  return found?.ending ?? ending;
}

function outcomeOf({ outputAtMs, item, found, ending: told }: CallDraft, ending: Ending | undefined): ToolOutcome {
  const stopped = told?.kind === 'interrupted' || told?.kind === 'denied';
  const endedAtMs = stopped ? outputAtMs : (item?.endedAtMs ?? found?.atMs ?? outputAtMs);
  return endedAtMs === undefined || ending === undefined ? { kind: 'open' } : outcome(ending, endedAtMs);
}

function outcome({ kind, errorType, message }: Ending, endedAtMs: number): ToolOutcome {
  if (kind !== 'error') return { kind, endedAtMs };
  return { kind, endedAtMs, errorType: errorType ?? 'tool_error', ...(message !== undefined && message !== '' && { message }) };
}

function looseCall(facts: ItemFacts, estimated: boolean): ToolCall {
  const { ending, startedAtMs = facts.endedAtMs, endedAtMs } = facts;
  const ended = Math.max(startedAtMs, endedAtMs);
  return {
    id: facts.id,
    name: facts.name,
    startedAtMs,
    outcome: outcome(ending, ended),
    ...(facts.mcp !== undefined && { mcp: facts.mcp }),
    ...(ending.exitCode !== undefined && { exitCode: ending.exitCode }),
    ...(estimated && { timeEstimated: true }),
    agents: [],
    ...(facts.files !== undefined && facts.files.length > 0 && ending.kind === 'ok' && { files: facts.files }),
    ...(ending.kind === 'ok' && madeIn(facts.input, facts.output)),
    ...(facts.input !== undefined && { input: facts.input }),
    ...(facts.output !== undefined && { output: facts.output }),
  };
}
