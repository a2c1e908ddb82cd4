/**
 * The turns of one thread in the making: which there are, which is open, which are copies.
 *
 * in:   lines that begin and end turns
 * out:  `TurnDraft`s, and what a checkpoint has to remember of each moment between two of them
 *
 * A turn that is over changes no more, whatever late lines say: it may have been sent.
 */
import { isObject } from '../../json.ts';
import type { ProblemReason } from '../../session/types.ts';
import type { Fields } from '../fields.ts';
import type { CallStart } from './calls.ts';
import type { Entry } from './lines.ts';
import { madeAtMs, word } from './meta.ts';
import { turnErrorType } from './outcomes.ts';
import type { Carried, Standing } from './standing.ts';
import { type ThreadTurn, TurnDraft } from './turn.ts';

export class Turns {
  readonly #content: boolean;
  readonly #add: (line: number, reason: ProblemReason, detail: string) => void;
  readonly #now: Standing;
  readonly #isPart: boolean;
  readonly #drafts: TurnDraft[] = [];
  readonly #byId = new Map<string, TurnDraft>();
  readonly #carried: Carried[] = [];
  /** Turns of other threads, told here as well. */
  readonly #foreign = new Set<string>();
  readonly #rollbacks = new Set<number>();
  /** Of all turns. */
  readonly #callIds = new Set<string>();
  current: TurnDraft | undefined;
  /** In lines of an agent that were copied from its parent. */
  isCopy = false;
  /** In a part of a file, lines that tell of what stands above it. */
  reachesBack = false;

  constructor(content: boolean, add: (line: number, reason: ProblemReason, detail: string) => void, now: Standing, isPart: boolean) {
    this.#content = content;
    this.#add = add;
    this.#now = now;
    this.#isPart = isPart;
  }

  get count(): number {
    return this.#drafts.length;
  }

  /** @returns of each turn what was known just before it; last: what is known now */
  carried(): readonly Carried[] {
    return [...this.#carried, this.#now.carry()];
  }

  sealed(): readonly ThreadTurn[] {
    return this.#drafts.map((draft) => draft.sealed(this.#now.model));
  }

  has = (turnId: string): boolean => this.#byId.has(turnId);

  isForeign = (turnId: string | undefined): boolean => turnId !== undefined && this.#foreign.has(turnId);

  hasCall = (callId: string): boolean => this.#callIds.has(callId);

  begunCall(turn: TurnDraft, call: CallStart): void {
    this.#callIds.add(call.id);
    turn.calls.start(call);
  }

  /** The turn a line belongs to, if it may still change. */
  live(turnId?: string): TurnDraft | undefined {
    if (this.isCopy) return undefined;
    const turn = this.current;
    if (turnId !== undefined && turn !== this.#byId.get(turnId)) return undefined;
    return turn === undefined || turn.isOver || turn.isToldAgain ? undefined : turn;
  }

  /** Lines of a copied turn have the time of the copying; their own is told by the turn's id. */
  timeIn(turn: TurnDraft | undefined, atMs: number): number {
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
      version: this.#now.meta?.version,
      branch: this.#now.meta?.branch,
      content: this.#content,
    });
    this.#now.dropped = [];
    this.#now.turnId = turnId ?? this.#now.turnId;
    this.#drafts.push(turn);
    this.#byId.set(turnId ?? startId, turn);
    this.current = turn;
    return turn;
  }

  /** Made before this thread was: then it was copied from the one it was forked from. */
  #isOlder(turnId: string, fields: Fields): boolean {
    const atMs = this.#now.meta?.atMs;
    if (this.#now.forkedFrom === undefined || atMs === undefined) return false;
    const madeMs = madeAtMs(turnId);
    return madeMs !== undefined ? madeMs < atMs : (secondsAt(fields, 'started_at') ?? atMs) + 999 < atMs;
  }

  started(entry: Entry, atMs: number): void {
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
    if (this.#now.isAgent && this.#now.meta?.historyStart === undefined) {
      this.isCopy = this.#isOlder(turnId, payload);
      if (this.isCopy) return;
    }
    const known = this.#byId.get(turnId);
    this.reachesBack ||= this.#isPart && known === undefined && this.#now.turnId !== undefined && turnId <= this.#now.turnId;
    if (known === undefined) this.#begin(entry, turnId, turnId, atMs, true, payload);
    else {
      known.isToldAgain = true;
      this.current = known;
    }
  }

  /** A turn whose beginning no line tells: its first words do. */
  implied(entry: Entry, turnId: string | undefined, atMs: number, id: string | undefined): TurnDraft | undefined {
    if (turnId !== undefined) {
      // A late line of a turn that was not read is no turn.
      const last = this.#now.turnId;
      return last !== undefined && turnId < last ? undefined : this.#begin(entry, turnId, turnId, atMs, true);
    }
    const thread = this.#now.meta?.threadId ?? '';
    const startId = `${thread}${id !== undefined ? `/${id}` : `@${atMs}`}`;
    const known = this.#byId.get(startId);
    this.reachesBack ||= this.#isPart && this.#now.prompted.includes(startId) && known === undefined;
    if (known === undefined) return this.#begin(entry, undefined, startId, atMs, false);
    known.isToldAgain = true;
    this.current = known;
    return undefined;
  }

  ended(entry: Entry, atMs: number, isAborted: boolean): void {
    const { payload } = entry;
    const turn = this.live(word(payload, 'turn_id'));
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

  rolledBack(payload: Fields, atMs: number): void {
    const count = payload['num_turns'];
    if (this.isCopy || this.#rollbacks.has(atMs) || !Number.isSafeInteger(count) || (count as number) <= 0) return;
    this.#rollbacks.add(atMs);
    const kept = this.#now.prompted.slice(0, -(count as number));
    this.#now.dropped = [...this.#now.prompted.slice(kept.length), ...this.#now.dropped];
    this.#now.prompted = kept;
  }
}

/** Seconds since 1970 → ms. */
function secondsAt(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  return Number.isSafeInteger(value) && (value as number) > 946_684_800 && (value as number) < 4_102_444_800
    ? (value as number) * 1000
    : undefined;
}
