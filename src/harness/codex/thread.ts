/**
 * Entries of one rollout → the turns of its thread.
 *
 * in:   `Entry`s in the order of the file
 * out:  `ThreadTurn[]`, and what a checkpoint has to remember of each moment between two turns
 *
 * Lines name their turn in recent versions; before, they belong to the turn that is open. Lines of other threads and
 * lines copied from the parent of a forked agent are dropped; late lines of a turn that is over change it no more: what
 * is over may have been sent.
 */
import type { ProblemReason } from '../../session/types.ts';
import { type Fields, isObject } from '../fields.ts';
import { eventFacts, itemFacts, msAt } from './items.ts';
import type { Entry } from './lines.ts';
import { madeAtMs, type ThreadMeta, word } from './meta.ts';
import { responseItem } from './model-items.ts';
import { turnErrorType } from './outcomes.ts';
import { partsOf, resultOf } from './parts.ts';
import { isPrompt } from './prompts.ts';
import { type Carried, Standing } from './standing.ts';
import { countsOf } from './tokens.ts';
import { type ThreadTurn, TurnDraft } from './turn.ts';

/** Up to then a user who typed could not have said anything: these lines are copies. */
const COPYING_MS = 250;

export class ThreadReader {
  readonly #content: boolean;
  readonly #add: (line: number, reason: ProblemReason, detail: string) => void;
  readonly #now: Standing;
  readonly #drafts: TurnDraft[] = [];
  readonly #byId = new Map<string, TurnDraft>();
  readonly #carried: Carried[] = [];
  /** Turns of other threads, told here as well. */
  readonly #foreign = new Set<string>();
  readonly #rollbacks = new Set<number>();
  readonly #responses = new Set<string>();
  #current: TurnDraft | undefined;
  /** In lines of an agent that were copied from its parent. */
  #isCopy = false;
  #lastMs = 0;
  #lastLine = 0;
  #lastItemId: string | undefined;
  readonly #isPart: boolean;
  /** In a part of a file, lines that tell of what stands above it. */
  reachesBack = false;

  constructor(
    isAgent: boolean,
    content: boolean,
    add: (line: number, reason: ProblemReason, detail: string) => void,
    carried: Carried | undefined,
  ) {
    this.#content = content;
    this.#add = add;
    this.#now = new Standing(isAgent, carried);
    this.#isPart = carried !== undefined;
  }

  get meta(): ThreadMeta | undefined {
    return this.#now.meta;
  }

  get beganMs(): number | undefined {
    return this.#now.begunMs ?? this.#now.meta?.atMs;
  }

  get lastLine(): number {
    return this.#lastLine;
  }

  /** @returns of each turn what was known just before it; last: what is known now */
  carried(): readonly Carried[] {
    return [...this.#carried, this.#now.carry()];
  }

  turns(): readonly ThreadTurn[] {
    return this.#drafts.map((draft) => draft.sealed(this.#now.model));
  }

  read(entry: Entry): void {
    this.#lastLine = entry.line;
    const atMs = entry.atMs ?? this.#lastMs;
    if (entry.atMs !== undefined) {
      this.#lastMs = entry.atMs;
      this.#now.begunMs ??= entry.atMs;
    }
    if (entry.type === 'session_meta') {
      this.reachesBack ||= this.#isPart;
      this.#readMeta(entry.payload, entry.bare);
      return;
    }
    if (entry.type === 'turn_context') this.#now.readContext(entry.payload);
    const start = this.meta?.historyStart;
    if (start !== undefined && entry.ordinal !== undefined && entry.ordinal < start) return;
    switch (entry.type) {
      case 'turn_context':
      case 'state':
        this.#current?.rounds.boundary(entry.bare);
        break;
      case 'response_item':
        this.#readItem(entry, atMs);
        break;
      case 'event_msg':
        this.#readEvent(entry, atMs);
        break;
      case 'token_usage_record':
        this.#readUsage(entry, atMs);
        break;
      case 'compacted':
        this.#compacted(entry.line, atMs);
        break;
      case 'inter_agent_communication_metadata':
        break;
      default:
        entry.type satisfies never;
    }
  }

  #readMeta(payload: Fields, isBare: boolean): void {
    const now = this.#now;
    now.readMeta(payload, isBare);
    if (isBare && now.meta?.atMs !== undefined && this.#lastMs === 0) this.#lastMs = now.meta.atMs;
    // Up to the first turn of its own.
    if (now.isAgent && now.forkedFrom !== undefined && now.meta?.historyStart === undefined && this.#drafts.length === 0)
      this.#isCopy = true;
  }

  // -------------------------------------------------------------------------------------------
  // Turns.

  /** The turn a line belongs to, if it may still change. */
  #liveTurn(turnId?: string): TurnDraft | undefined {
    if (this.#isCopy) return undefined;
    const turn = turnId === undefined ? this.#current : this.#byId.get(turnId);
    return turn === undefined || turn.isOver || turn.isToldAgain ? undefined : turn;
  }

  /** Lines of a copied turn have the time of the copying; their own is told by the turn's id. */
  #time(atMs: number, turn = this.#current): number {
    return turn?.start.isCopied === true ? turn.start.atMs : atMs;
  }

  #begin(entry: Entry, turnId: string | undefined, startId: string, atMs: number, isMarked: boolean, fields: Fields = {}): TurnDraft {
    this.#carried.push(this.#now.carry());
    const attribution = isObject(fields['turn_attribution']) ? fields['turn_attribution'] : {};
    const madeMs = turnId === undefined ? undefined : madeAtMs(turnId);
    const isCopied = !this.#now.isAgent && turnId !== undefined && this.#isOlder(turnId, fields);
    const { dropped, prompted } = this.#now;
    const rewound = dropped.length > 0 ? { toTurnId: prompted.at(-1) ?? null, droppedTurnIds: dropped } : undefined;
    const turn = new TurnDraft({
      turnId,
      startId,
      line: entry.line,
      atMs: isCopied ? (madeMs ?? secondsAt(fields, 'started_at') ?? atMs) : atMs,
      isMarked,
      parentTurnId: word(attribution, 'parent_turn_id'),
      attributedTo: word(attribution, 'turn_trigger'),
      rewound,
      isCopied,
      isTimeless: entry.bare,
      version: this.meta?.version,
      branch: this.meta?.branch,
      content: this.#content,
    });
    this.#now.dropped = [];
    this.#now.turnId = turnId ?? this.#now.turnId;
    this.#drafts.push(turn);
    this.#byId.set(turnId ?? startId, turn);
    this.#current = turn;
    return turn;
  }

  /** Made before this thread was: then it was copied from the one it was forked from. */
  #isOlder(turnId: string, fields: Fields): boolean {
    const atMs = this.meta?.atMs;
    if (this.#now.forkedFrom === undefined || atMs === undefined) return false;
    const madeMs = madeAtMs(turnId);
    return madeMs !== undefined ? madeMs < atMs : (secondsAt(fields, 'started_at') ?? atMs) + 999 < atMs;
  }

  #started(entry: Entry, atMs: number): void {
    const { payload } = entry;
    const turnId = word(payload, 'turn_id');
    this.#now.isMarked = true;
    if (turnId === undefined) {
      this.#add(entry.line, 'wrong-shape', 'turn_id: a turn that begins needs one');
      return;
    }
    const attribution = payload['turn_attribution'];
    const parentTurnId = isObject(attribution) ? word(attribution, 'parent_turn_id') : undefined;
    // An inline review is told here and in a rollout of its own.
    if (parentTurnId !== undefined && this.#byId.has(parentTurnId)) {
      this.#foreign.add(turnId);
      return;
    }
    if (this.#now.isAgent && this.meta?.historyStart === undefined) {
      this.#isCopy = this.#isOlder(turnId, payload);
      if (this.#isCopy) return;
    }
    const known = this.#byId.get(turnId);
    this.reachesBack ||= this.#isPart && known === undefined && this.#now.turnId !== undefined && turnId <= this.#now.turnId;
    if (known === undefined) this.#begin(entry, turnId, turnId, atMs, true, payload);
    else {
      known.isToldAgain = true;
      this.#current = known;
    }
  }

  /** A turn whose beginning no line tells: its first words do. */
  #implied(entry: Entry, turnId: string | undefined, atMs: number, id: string | undefined): TurnDraft | undefined {
    if (turnId !== undefined) {
      // A late line of a turn that was not read is no turn.
      const last = this.#now.turnId;
      return last !== undefined && turnId < last ? undefined : this.#begin(entry, turnId, turnId, atMs, true);
    }
    const thread = this.meta?.threadId ?? '';
    const startId = `${thread}${id !== undefined ? `/${id}` : `@${atMs}`}`;
    const known = this.#byId.get(startId);
    this.reachesBack ||= this.#isPart && this.#now.prompted.includes(startId) && known === undefined;
    if (known === undefined) return this.#begin(entry, undefined, startId, atMs, false);
    known.isToldAgain = true;
    this.#current = known;
    return undefined;
  }

  #ended(entry: Entry, atMs: number, isAborted: boolean): void {
    const { payload } = entry;
    const turn = this.#liveTurn(word(payload, 'turn_id'));
    if (turn === undefined) return;
    const durationMs = payload['duration_ms'];
    const copiedMs = turn.start.atMs + (typeof durationMs === 'number' && durationMs > 0 ? Math.round(durationMs) : 0);
    turn.touch(entry.line, turn.start.isCopied ? copiedMs : atMs);
    const { error } = payload;
    if (isAborted) turn.end = { kind: 'aborted' };
    else if (isObject(error))
      turn.end = { kind: 'failed', errorType: turnErrorType(error), message: this.#content ? word(error, 'message') : undefined };
    else turn.end = { kind: 'complete' };
  }

  #rolledBack(payload: Fields, atMs: number): void {
    const count = payload['num_turns'];
    if (this.#isCopy || this.#rollbacks.has(atMs) || !Number.isSafeInteger(count) || (count as number) <= 0) return;
    this.#rollbacks.add(atMs);
    const kept = this.#now.prompted.slice(0, -(count as number));
    this.#now.dropped = [...this.#now.prompted.slice(kept.length), ...this.#now.dropped];
    this.#now.prompted = kept;
  }

  // -------------------------------------------------------------------------------------------
  // Items of the conversation.

  #readItem(entry: Entry, atMs: number): void {
    const { payload } = entry;
    const turnId = turnIdOf(payload);
    if (this.#isCopy || (turnId !== undefined && this.#foreign.has(turnId))) return;
    const id = word(payload, 'id');
    if (this.#now.isTwice && entry.bare) return;
    if (payload['type'] === 'message' && payload['role'] === 'user') {
      this.#readUserMessage(entry, turnId, atMs, id);
      return;
    }
    if (turnId !== undefined && !this.#byId.has(turnId) && payload['role'] !== 'developer') this.#implied(entry, turnId, atMs, id);
    const read = responseItem(payload, this.#content);
    if (read === undefined) return;
    const turn = this.#liveTurn(turnId) ?? (turnId === undefined && read.kind === 'model' ? this.#unbegun(entry, atMs, id) : undefined);
    if (turn === undefined) {
      if (read.kind === 'output' && turnId === undefined && this.#current === undefined) this.#orphan(entry, read.callId);
      return;
    }
    const at = this.#time(atMs, turn);
    switch (read.kind) {
      case 'model': {
        const round = turn.modelItem(read.item, at, this.#now.model);
        this.#lastItemId = read.item.id ?? this.#lastItemId;
        if (read.call !== undefined) turn.calls.start({ ...read.call, atMs: at, round });
        break;
      }
      case 'output':
        if (!turn.calls.has(read.callId)) this.#orphan(entry, read.callId);
        else
          turn.answered(
            read.callId,
            payload['output'],
            at,
            this.#content ? { kind: 'tool_result', id: read.callId, result: resultOf(payload['output']) } : undefined,
          );
        break;
      case 'mail': {
        const parts = this.#content ? partsOf(payload['content']) : [];
        if (this.#now.isAgent && !turn.isPrompted) turn.prompted(parts, at);
        else turn.told('user', parts, at);
        break;
      }
      default:
        read satisfies never;
    }
    turn.touch(entry.line, at);
  }

  /** The model speaks though nobody began a turn; not so where turns are marked and this one is over. */
  #unbegun(entry: Entry, atMs: number, id: string | undefined): TurnDraft | undefined {
    return this.#current === undefined && !this.#now.isMarked ? this.#implied(entry, undefined, atMs, id) : undefined;
  }

  #orphan(entry: Entry, callId: string): void {
    const isKnown = this.#drafts.some(({ calls }) => calls.has(callId));
    if (!isKnown) this.#add(entry.line, 'orphan-result', `no call ${callId} was found for this result`);
  }

  #readUserMessage(entry: Entry, turnId: string | undefined, atMs: number, id: string | undefined): void {
    const { payload } = entry;
    if (!isPrompt(payload)) {
      const turn = this.#liveTurn(turnId);
      turn?.told('user', this.#content ? partsOf(payload['content']) : [], this.#time(atMs, turn));
      return;
    }
    const now = this.#now;
    // Copies that nothing marks: the original tells of them.
    if (!now.isMarked && now.forkedFrom !== undefined && !entry.bare && atMs - (now.begunMs ?? atMs) < COPYING_MS) return;
    let turn = this.#liveTurn(turnId);
    if (this.#begins(turnId, turn))
      turn = this.#implied(entry, turnId, atMs, entry.bare ? (id ?? `after ${this.#lastItemId ?? 'nothing'}`) : undefined);
    if (turn === undefined) return;
    const at = this.#time(atMs, turn);
    turn.prompted(this.#content ? partsOf(payload['content']) : [], at);
    turn.touch(entry.line, at);
    if (!now.prompted.includes(turn.start.startId)) now.prompted = [...now.prompted, turn.start.startId];
  }

  #begins(turnId: string | undefined, turn: TurnDraft | undefined): boolean {
    if (turnId !== undefined) return !this.#byId.has(turnId);
    if (this.#now.isMarked) return this.#current === undefined || (this.#current.isOver && !this.#current.isToldAgain);
    return turn === undefined || (turn.isPrompted && !turn.isAtWork);
  }

  #compacted(line: number, atMs: number): void {
    const turn = this.#liveTurn();
    if (turn === undefined) return;
    turn.compacted(this.#time(atMs, turn), this.#now.tokensBefore(turn.rounds.sinceInput));
    turn.touch(line, this.#time(atMs, turn));
  }

  // -------------------------------------------------------------------------------------------
  // Events, and what calls used.

  #readEvent(entry: Entry, atMs: number): void {
    const { payload } = entry;
    const turnId = word(payload, 'turn_id');
    const threadId = word(payload, 'thread_id');
    if (turnId !== undefined && this.#foreign.has(turnId)) return;
    if (threadId !== undefined && this.meta !== undefined && threadId !== this.meta.threadId) return;
    switch (payload['type']) {
      case 'task_started':
      case 'turn_started':
        this.#started(entry, atMs);
        break;
      case 'task_complete':
      case 'turn_complete':
        this.#ended(entry, atMs, false);
        break;
      case 'turn_aborted':
        this.#ended(entry, atMs, true);
        break;
      case 'token_count':
        this.#counted(payload, atMs);
        break;
      case 'item_completed':
        this.#itemCompleted(entry, turnId, atMs);
        break;
      case 'exec_command_end':
      case 'patch_apply_end':
      case 'mcp_tool_call_end': {
        const turn = this.#liveTurn(turnId);
        const facts = eventFacts(payload, this.#time(atMs, turn), this.#content);
        if (turn !== undefined && facts !== undefined && turn.calls.has(facts.id)) turn.calls.item(facts);
        break;
      }
      case 'entered_review_mode': {
        const turn = this.#liveTurn(turnId);
        if (turn !== undefined) turn.isReview = true;
        break;
      }
      case 'thread_rolled_back':
        this.#rolledBack(payload, atMs);
        break;
      case 'thread_settings_applied':
        this.#now.readSettings(payload);
        break;
      default: // Bookkeeping, or of a version to come.
    }
  }

  #itemCompleted(entry: Entry, turnId: string | undefined, atMs: number): void {
    const { payload } = entry;
    const { item } = payload;
    if (!isObject(item) || this.#isCopy) return;
    const isReview = item['type'] === 'EnteredReviewMode';
    if (isReview && turnId !== undefined && !this.#byId.has(turnId)) this.#implied(entry, turnId, atMs, undefined);
    const turn = this.#liveTurn(turnId);
    if (turn === undefined) return;
    if (isReview) turn.isReview = true;
    else if (item['type'] === 'ContextCompaction') {
      const [startedAtMs, endedAtMs] = [msAt(payload, 'started_at_ms'), msAt(payload, 'completed_at_ms')];
      if (startedAtMs !== undefined && endedAtMs !== undefined) turn.compactionTook(endedAtMs - startedAtMs);
    } else {
      const facts = itemFacts(payload, this.#time(atMs, turn), this.#content);
      // A call that this file does not have, but for those that programs make, was made elsewhere.
      if (facts === undefined) return;
      if (facts.startedAtMs !== undefined && facts.startedAtMs > facts.endedAtMs)
        this.#add(entry.line, 'end-before-start', `item ${facts.id} ends before it begins`);
      turn.calls.item(facts);
    }
    turn.touch(entry.line, this.#time(atMs, turn));
  }

  /** Of copied lines only the total counts: this thread's begins with it. */
  #counted(payload: Fields, atMs: number): void {
    const told = this.#now.count(payload['info']);
    const turn = this.#liveTurn();
    if (turn === undefined || told === undefined) return;
    if (told.context !== undefined) turn.context(told.context);
    if (told.call !== undefined) turn.rounds.counted(told.call, told.total.input + told.total.output, this.#time(atMs, turn));
  }

  #readUsage(entry: Entry, atMs: number): void {
    const { payload } = entry;
    const threadId = word(payload, 'thread_id');
    if (threadId !== undefined && this.meta !== undefined && threadId !== this.meta.threadId) return;
    const responseId = word(payload, 'response_id');
    const counts = countsOf(payload['usage']);
    if (responseId === undefined || counts === undefined) {
      this.#add(entry.line, 'wrong-shape', `${responseId === undefined ? 'response_id' : 'usage'}: a record of used tokens needs one`);
      return;
    }
    if (this.#responses.has(responseId)) return;
    this.#responses.add(responseId);
    this.#now.record(counts, countsOf(payload['thread_token_usage']));
    const turn = this.#liveTurn(word(payload, 'turn_id'));
    turn?.recorded(responseId, counts, this.#time(atMs, turn), this.#now.model);
    turn?.touch(entry.line, this.#time(atMs, turn));
  }
}

/** Seconds since 1970 → ms. */
function secondsAt(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  return Number.isSafeInteger(value) && (value as number) > 946_684_800 && (value as number) < 4_102_444_800
    ? (value as number) * 1000
    : undefined;
}

/** The turn an item names. */
function turnIdOf(payload: Fields): string | undefined {
  const marks = payload['internal_chat_message_metadata_passthrough'];
  return isObject(marks) ? word(marks, 'turn_id') : undefined;
}
