/**
 * Entries of one rollout → the turns of its thread.
 *
 * in:   `Entry`s in the order of the file
 * out:  `Turns`
 *
 * Lines name their turn in recent versions; before, they belong to the turn that is open. Lines of other threads and
 * lines copied from the parent of a forked agent are dropped.
 */
import { isObject } from '../../json.ts';
import type { ProblemReason } from '../../session/types.ts';
import type { Fields } from '../fields.ts';
import { eventFacts, itemFacts, msAt } from './items.ts';
import type { Entry } from './lines.ts';
import { type ThreadMeta, word } from './meta.ts';
import { responseItem } from './model-items.ts';
import { partsOf, resultOf } from './parts.ts';
import { isPrompt } from './prompts.ts';
import { type Carried, Standing } from './standing.ts';
import { countsOf } from './tokens.ts';
import type { TurnDraft } from './turn.ts';
import { Turns } from './turns.ts';

/** Up to then a user who typed could not have said anything: these lines are copies. */
const COPYING_MS = 250;
/** Nobody takes back more turns at once. */
const MAX_ROLLBACK = 100;

export class ThreadReader {
  readonly #content: boolean;
  readonly #add: (line: number, reason: ProblemReason, detail: string) => void;
  readonly #now: Standing;
  readonly #turns: Turns;
  readonly #responses = new Set<string>();
  #lastMs = 0;
  #lastLine = 0;
  #lastItemId: string | undefined;
  readonly #isPart: boolean;

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
    this.#turns = new Turns(content, add, this.#now, this.#isPart);
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

  get turns(): Turns {
    return this.#turns;
  }

  read(entry: Entry): void {
    this.#lastLine = entry.line;
    const atMs = entry.atMs ?? this.#lastMs;
    if (entry.atMs !== undefined) {
      this.#lastMs = entry.atMs;
      this.#now.begunMs ??= entry.atMs;
    }
    if (entry.type === 'session_meta') {
      this.#turns.reachesBack ||= this.#isPart;
      this.#readMeta(entry.payload, entry.bare);
      return;
    }
    if (entry.type === 'turn_context') this.#now.readContext(entry.payload);
    const start = this.meta?.historyStart;
    if (start !== undefined && entry.ordinal !== undefined && entry.ordinal < start) return;
    switch (entry.type) {
      case 'turn_context':
      case 'state':
        this.#turns.current?.rounds.boundary(entry.bare);
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
    if (now.isAgent && now.forkedFrom !== undefined && now.meta?.historyStart === undefined && this.#turns.count === 0)
      this.#turns.isCopy = true;
  }

  // -------------------------------------------------------------------------------------------
  // Items of the conversation.

  #readItem(entry: Entry, atMs: number): void {
    const { payload } = entry;
    const turnId = turnIdOf(payload);
    if (this.#turns.isCopy || this.#turns.isForeign(turnId)) return;
    const id = word(payload, 'id');
    if (this.#now.isTwice && entry.bare) return;
    if (payload['type'] === 'message' && payload['role'] === 'user') {
      this.#readUserMessage(entry, turnId, atMs, id);
      return;
    }
    if (turnId !== undefined && !this.#turns.has(turnId) && payload['role'] !== 'developer') this.#turns.implied(entry, turnId, atMs, id);
    const read = responseItem(payload, this.#content);
    if (read === undefined) return;
    const turn = this.#turns.live(turnId) ?? (turnId === undefined && read.kind === 'model' ? this.#unbegun(entry, atMs, id) : undefined);
    if (turn === undefined) {
      if (read.kind === 'output' && turnId === undefined && this.#turns.current === undefined) this.#orphan(entry, read.callId);
      return;
    }
    const at = this.#turns.timeIn(turn, atMs);
    switch (read.kind) {
      case 'model': {
        const round = turn.modelItem(read.item, at, this.#now.model);
        this.#lastItemId = read.item.id ?? this.#lastItemId;
        if (read.call !== undefined) this.#turns.begunCall(turn, { ...read.call, atMs: at, round });
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
    return this.#turns.current === undefined && !this.#now.isMarked ? this.#turns.implied(entry, undefined, atMs, id) : undefined;
  }

  #orphan(entry: Entry, callId: string): void {
    if (!this.#turns.hasCall(callId)) this.#add(entry.line, 'orphan-result', `no call ${callId} was found for this result`);
  }

  #readUserMessage(entry: Entry, turnId: string | undefined, atMs: number, id: string | undefined): void {
    const { payload } = entry;
    if (!isPrompt(payload)) {
      const turn = this.#turns.live(turnId);
      turn?.told('user', this.#content ? partsOf(payload['content']) : [], this.#turns.timeIn(turn, atMs));
      return;
    }
    const now = this.#now;
    // Copies that nothing marks: the original tells of them.
    if (!now.isMarked && now.forkedFrom !== undefined && !entry.bare && atMs - (now.begunMs ?? atMs) < COPYING_MS) return;
    let turn = this.#turns.live(turnId);
    if (this.#begins(turnId, turn))
      turn = this.#turns.implied(entry, turnId, atMs, entry.bare ? (id ?? `after ${this.#lastItemId ?? 'nothing'}`) : undefined);
    if (turn === undefined) return;
    const at = this.#turns.timeIn(turn, atMs);
    turn.prompted(this.#content ? partsOf(payload['content']) : [], at);
    turn.touch(entry.line, at);
    if (!now.prompted.includes(turn.start.startId)) now.prompted = [...now.prompted.slice(-MAX_ROLLBACK), turn.start.startId];
  }

  #begins(turnId: string | undefined, turn: TurnDraft | undefined): boolean {
    if (turnId !== undefined) return !this.#turns.has(turnId);
    if (this.#now.isMarked) return this.#turns.current === undefined || (this.#turns.current.isOver && !this.#turns.current.isToldAgain);
    return turn === undefined || (turn.isPrompted && !turn.isAtWork);
  }

  #compacted(line: number, atMs: number): void {
    const turn = this.#turns.live();
    if (turn === undefined) return;
    turn.compacted(this.#turns.timeIn(turn, atMs), this.#now.tokensBefore(turn.rounds.sinceInput));
    turn.touch(line, this.#turns.timeIn(turn, atMs));
  }

  // -------------------------------------------------------------------------------------------
  // Events, and what calls used.

  #readEvent(entry: Entry, atMs: number): void {
    const { payload } = entry;
    const turnId = word(payload, 'turn_id');
    const threadId = word(payload, 'thread_id');
    if (this.#turns.isForeign(turnId)) return;
    if (threadId !== undefined && this.meta !== undefined && threadId !== this.meta.threadId) return;
    switch (payload['type']) {
      case 'task_started':
      case 'turn_started':
        this.#turns.started(entry, atMs);
        break;
      case 'task_complete':
      case 'turn_complete':
        this.#turns.ended(entry, atMs, false);
        break;
      case 'turn_aborted':
        this.#turns.ended(entry, atMs, true);
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
        const turn = this.#turns.live(turnId);
        const facts = eventFacts(payload, this.#turns.timeIn(turn, atMs), this.#content);
        if (turn !== undefined && facts !== undefined && turn.calls.has(facts.id)) turn.calls.item(facts);
        break;
      }
      case 'entered_review_mode': {
        const turn = this.#turns.live(turnId);
        if (turn !== undefined) turn.isReview = true;
        break;
      }
      case 'thread_rolled_back':
        this.#turns.rolledBack(payload, atMs);
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
    if (!isObject(item) || this.#turns.isCopy) return;
    const isReview = item['type'] === 'EnteredReviewMode';
    if (isReview && turnId !== undefined && !this.#turns.has(turnId)) this.#turns.implied(entry, turnId, atMs, undefined);
    const turn = this.#turns.live(turnId);
    if (turn === undefined) return;
    if (isReview) turn.isReview = true;
    else if (item['type'] === 'ContextCompaction') {
      const [startedAtMs, endedAtMs] = [msAt(payload, 'started_at_ms'), msAt(payload, 'completed_at_ms')];
      if (startedAtMs !== undefined && endedAtMs !== undefined) turn.compactionTook(endedAtMs - startedAtMs);
    } else {
      const facts = itemFacts(payload, this.#turns.timeIn(turn, atMs), this.#content);
      // A call that this file does not have, but for those that programs make, was made elsewhere.
      if (facts === undefined) return;
      if (facts.startedAtMs !== undefined && facts.startedAtMs > facts.endedAtMs)
        this.#add(entry.line, 'end-before-start', `item ${facts.id} ends before it begins`);
      turn.calls.item(facts);
    }
    turn.touch(entry.line, this.#turns.timeIn(turn, atMs));
  }

  /** Of copied lines only the total counts: this thread's begins with it. */
  #counted(payload: Fields, atMs: number): void {
    const turn = this.#turns.live();
    const told = this.#now.count(payload['info'], turn?.rounds.hasUncounted === true);
    if (turn === undefined || told === undefined) return;
    if (told.context !== undefined) turn.context(told.context);
    if (told.call !== undefined) turn.rounds.counted(told.call, told.total.input + told.total.output, this.#turns.timeIn(turn, atMs));
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
    const turn = this.#turns.live(word(payload, 'turn_id'));
    turn?.recorded(responseId, counts, this.#turns.timeIn(turn, atMs), this.#now.model);
    turn?.touch(entry.line, this.#turns.timeIn(turn, atMs));
  }
}

/** The turn an item names. */
function turnIdOf(payload: Fields): string | undefined {
  const marks = payload['internal_chat_message_metadata_passthrough'];
  return isObject(marks) ? word(marks, 'turn_id') : undefined;
}
