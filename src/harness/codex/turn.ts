/**
 * One turn of a thread in the making.
 *
 * in:   what its lines tell, in their order
 * out:  `ThreadTurn`
 */
import type { Compaction, ErrorType, Message, ModelCall, Part, Steering, ToolCall } from '../../session/types.ts';
import { Calls } from './calls.ts';
import { type Model, type ModelItem, type Round, Rounds } from './rounds.ts';
import type { Counts } from './tokens.ts';

export interface ThreadTurn {
  /** The harness's id, where there is one. */
  readonly turnId: string | undefined;
  readonly startId: string;
  readonly firstLine: number;
  /** Of the line that ended it, or the last of its lines. */
  readonly lastLine: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Whether a line says that it began: then another says that it ended. */
  readonly isMarked: boolean;
  readonly end: TurnEnd;
  /** The turn of the parent's thread that made it. */
  readonly parentTurnId: string | undefined;
  readonly attributedTo: string | undefined;
  readonly isPrompted: boolean;
  readonly isReview: boolean;
  /** It ended with words of the model, and no call is without an answer. */
  readonly isAnswered: boolean;
  readonly rewound: { readonly toTurnId: string | null; readonly droppedTurnIds: readonly string[] } | undefined;
  readonly isCopied: boolean;
  readonly modelCalls: readonly ModelCall[];
  readonly toolCalls: readonly ToolCall[];
  /** Threads that calls of this turn started: the call's id by the thread's. */
  readonly spawned: ReadonlyMap<string, string>;
  readonly compactions: readonly Compaction[];
  readonly steering: readonly Steering[];
  readonly version: string | undefined;
  readonly branch: string | undefined;
  readonly prompt: readonly Part[] | undefined;
  readonly answer: readonly Part[] | undefined;
}

export type TurnEnd =
  | { readonly kind: 'none' }
  | { readonly kind: 'complete' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'failed'; readonly errorType: ErrorType; readonly message: string | undefined };

interface TurnStart {
  readonly turnId: string | undefined;
  readonly startId: string;
  readonly line: number;
  readonly atMs: number;
  readonly isMarked: boolean;
  readonly parentTurnId: string | undefined;
  readonly attributedTo: string | undefined;
  readonly rewound: ThreadTurn['rewound'];
  readonly isCopied: boolean;
  /** No line has a time. */
  readonly isTimeless: boolean;
  readonly version: string | undefined;
  readonly branch: string | undefined;
  readonly content: boolean;
}

export class TurnDraft {
  readonly start: TurnStart;
  readonly rounds: Rounds;
  readonly calls: Calls;
  end: TurnEnd = { kind: 'none' };
  isPrompted = false;
  isReview = false;
  /** Its lines came a second time: what follows was told. */
  isToldAgain = false;
  #endedAtMs: number;
  #lastLine: number;
  #hasItems = false;
  #endsWithWords = false;
  readonly #prompt: Part[] = [];
  #answer: readonly Part[] = [];
  readonly #steering: Steering[] = [];
  readonly #compactions: { atMs: number; tokensBefore?: number; tokensAfter?: number; durationMs?: number }[] = [];

  constructor(start: TurnStart) {
    this.start = start;
    this.rounds = new Rounds(start.atMs);
    this.calls = new Calls(start.content);
    this.#endedAtMs = start.atMs;
    this.#lastLine = start.line;
  }

  get isOver(): boolean {
    return this.end.kind !== 'none';
  }

  /** The model was at work and is not done: what the user says now, they say in between. */
  get isAtWork(): boolean {
    return !this.isOver && this.#hasItems && !this.#endsWithWords;
  }

  touch(line: number, atMs: number): void {
    this.#endedAtMs = Math.max(this.#endedAtMs, atMs);
    this.#lastLine = line;
  }

  prompted(parts: readonly Part[], atMs: number): void {
    if (this.isPrompted && this.#hasItems) this.#steering.push({ atMs, ...(this.start.content && { prompt: parts }) });
    else if (this.start.content) this.#prompt.push(...parts);
    this.isPrompted = true;
    this.told('user', parts, atMs);
  }

  /** Anything else that the model is told. */
  told(role: Message['role'], parts: readonly Part[], atMs: number): void {
    this.rounds.input(atMs, this.start.content ? { role, parts } : undefined);
  }

  modelItem(item: ModelItem, atMs: number, model: Model): Round {
    this.#hasItems = true;
    this.#endsWithWords = item.kind === 'other' && item.callId === undefined;
    const words = item.parts.filter(({ kind }) => kind === 'text');
    if (words.length > 0) this.#answer = words;
    return this.rounds.item(item, atMs, model);
  }

  answered(callId: string, output: unknown, atMs: number, part: Part | undefined): void {
    this.#endsWithWords = false;
    this.calls.answer(callId, output, atMs);
    this.rounds.output(atMs, part === undefined ? undefined : { role: 'tool', parts: [part] });
  }

  compacted(atMs: number, tokensBefore: number | undefined): void {
    this.#compactions.push({ atMs, ...(tokensBefore !== undefined && { tokensBefore }) });
    this.rounds.compacted(atMs);
  }

  /** The harness's estimate of what is left. */
  context(tokens: number): void {
    const last = this.#compactions.at(-1);
    if (last !== undefined) last.tokensAfter ??= tokens;
  }

  compactionTook(durationMs: number): void {
    const last = this.#compactions.at(-1);
    if (last !== undefined) last.durationMs ??= Math.max(0, durationMs);
  }

  recorded(responseId: string, counts: Counts, atMs: number, model: Model): void {
    this.#hasItems = true;
    this.rounds.recorded(responseId, counts, atMs, model);
  }

  sealed(later: Model): ThreadTurn {
    const { start } = this;
    const { content } = start;
    const trigger = this.isPrompted ? 'auto' : 'manual';
    const estimated = start.isCopied || start.isTimeless;
    return {
      turnId: start.turnId,
      startId: start.startId,
      firstLine: start.line,
      lastLine: this.#lastLine,
      startedAtMs: start.atMs,
      endedAtMs: this.#endedAtMs,
      isMarked: start.isMarked,
      end: this.end,
      parentTurnId: start.parentTurnId,
      attributedTo: start.attributedTo,
      isPrompted: this.isPrompted,
      isReview: this.isReview,
      isAnswered: this.#endsWithWords && this.calls.allAnswered,
      rewound: start.rewound,
      isCopied: start.isCopied,
      modelCalls: this.rounds.modelCalls(start.startId, later, { content, estimated, reviewed: this.isReview }),
      toolCalls: this.calls.toolCalls(estimated),
      spawned: this.calls.spawned,
      compactions: this.#compactions.map((compaction) => ({ trigger, ...compaction })),
      steering: this.#steering,
      version: start.version,
      branch: start.branch,
      prompt: content ? this.#prompt : undefined,
      answer: content ? this.#answer : undefined,
    };
  }
}
