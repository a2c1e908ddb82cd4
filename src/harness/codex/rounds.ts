/**
 * Items of a turn → its model calls: one per response, however many items it had.
 *
 * in:   items the model wrote, outputs, token counts, in the order of the lines
 * out:  `ModelCall[]`
 *
 * Three ways to tell where a response ends:
 * - `token_usage_record`, right after its last item (0.169)
 * - a `token_count` whose total grew: after the items, in 0.150 only after the tools ran too; up to 0.9x, where all items
 *   of a response are written when its tools have run, before them
 * - none at all in the first versions: there a line of state stands between two responses
 */
import type { Message, ModelCall, Part } from '../../session/types.ts';
import { type Counts, usageOf } from './tokens.ts';

/** Whose model answers, as told at that time. */
export interface Model {
  readonly model: string | undefined;
  readonly provider: string;
  readonly effort: string | undefined;
}

interface Draft {
  readonly model: Model;
  readonly startedAtMs: number;
  endedAtMs: number;
  readonly firstItemMs: number;
  responseId: string | undefined;
  itemId: string | undefined;
  callId: string | undefined;
  /** Where nothing has an id: what all calls up to this one have used. */
  total: number | undefined;
  counts: Counts | undefined;
  /** Its counts were written before its items. */
  readonly early: boolean;
  hasOutput: boolean;
  calls: number;
  serverToolCalls: number;
  webSearches: number;
  minted: boolean;
  readonly afterCompaction: boolean;
  readonly input: readonly Message[];
  readonly parts: Part[];
}

/** A response, as its calls see it. */
export interface Round {
  readonly calls: number;
  readonly early: boolean;
}

export interface ModelItem {
  readonly id: string | undefined;
  readonly callId: string | undefined;
  readonly kind: 'call' | 'server_call' | 'other';
  readonly isWebSearch: boolean;
  readonly parts: readonly Part[];
}

/** Ids that the harness makes itself: no model wrote that item. */
const MINTED = /^msg_[0-9a-f]{8}-[0-9a-f]{4}-/;

export class Rounds {
  readonly #drafts: Draft[] = [];
  #open: Draft | undefined;
  #held: { readonly counts: Counts; readonly total: number; readonly startedAtMs: number; readonly atMs: number } | undefined;
  #lastInputMs: number;
  #compacted = false;
  #pending: Message[] = [];
  /** Responses since anything was said to the model. */
  sinceInput = 0;

  constructor(startedAtMs: number) {
    this.#lastInputMs = startedAtMs;
  }

  get hasUncounted(): boolean {
    return this.#open !== undefined && this.#open.counts === undefined;
  }

  /** The model is told something: the next response answers that. */
  input(atMs: number, message: Message | undefined): void {
    this.#release();
    this.#lastInputMs = atMs;
    this.sinceInput = 0;
    if (message !== undefined) this.#pending.push(message);
  }

  output(atMs: number, message: Message | undefined): void {
    this.input(atMs, message);
    if (this.#open !== undefined) this.#open.hasOutput = true;
  }

  compacted(atMs: number): void {
    // The call that made the summary may have left nothing but its count.
    this.#release();
    this.#open = undefined;
    this.#lastInputMs = atMs;
    this.#compacted = true;
  }

  item(item: ModelItem, atMs: number, model: Model): Round {
    if (this.#open !== undefined && this.#isOver(this.#open, atMs)) this.#open = undefined;
    if (this.#open === undefined) this.#open = this.#begin(atMs, model);
    const open = this.#open;
    if (!open.early) open.endedAtMs = Math.max(open.endedAtMs, atMs);
    open.itemId ??= item.id;
    open.callId ??= item.callId;
    if (item.kind === 'call') open.calls++;
    if (item.kind === 'server_call') open.serverToolCalls++;
    if (item.isWebSearch) open.webSearches++;
    if (item.id !== undefined && MINTED.test(item.id)) open.minted = true;
    open.parts.push(...item.parts);
    return open;
  }

  #isOver(open: Draft, atMs: number): boolean {
    if (open.counts !== undefined) return !open.early;
    // Written at one time, they were written after the tools of their response had run.
    return open.hasOutput && atMs !== open.firstItemMs;
  }

  /** A line that stands between two responses, where it stands at all. */
  boundary(always: boolean): void {
    if (this.#open !== undefined && (always || this.#open.counts !== undefined)) this.#open = undefined;
  }

  recorded(responseId: string, counts: Counts, atMs: number, model: Model): void {
    const draft = this.#open?.counts === undefined && this.#open !== undefined ? this.#open : this.#begin(atMs, model);
    draft.responseId = responseId;
    draft.counts = counts;
    draft.endedAtMs = Math.max(draft.endedAtMs, atMs);
    this.#open = undefined;
    this.sinceInput++;
  }

  /** @param total  of all calls so far */
  counted(counts: Counts, total: number, atMs: number): void {
    const open = this.#open;
    if (open !== undefined && open.counts === undefined) {
      open.counts = counts;
      open.total = total;
      if (!open.hasOutput) open.endedAtMs = Math.max(open.endedAtMs, atMs);
    } else {
      this.#release();
      this.#open = undefined;
      this.#held = { counts, total, startedAtMs: Math.min(this.#lastInputMs, atMs), atMs };
    }
    this.sinceInput++;
  }

  /** Counts without items: a response that left nothing else. */
  #release(): void {
    const held = this.#held;
    if (held !== undefined) this.#begin(held.atMs, NO_MODEL);
  }

  #begin(atMs: number, model: Model): Draft {
    const held = this.#held;
    this.#held = undefined;
    const draft: Draft = {
      model,
      startedAtMs: held?.startedAtMs ?? Math.min(this.#lastInputMs, atMs),
      endedAtMs: held?.atMs ?? atMs,
      firstItemMs: atMs,
      responseId: undefined,
      itemId: undefined,
      callId: undefined,
      total: held?.total,
      counts: held?.counts,
      early: held !== undefined,
      hasOutput: false,
      calls: 0,
      serverToolCalls: 0,
      webSearches: 0,
      minted: false,
      afterCompaction: this.#compacted,
      input: this.#pending,
      parts: [],
    };
    this.#pending = [];
    this.#compacted = false;
    this.#drafts.push(draft);
    return draft;
  }

  /**
   * @param turnId   for the id of a response that has none
   * @param reviewed another agent answered in this turn, and its words stand here as if they were the model's
   */
  modelCalls(turnId: string, later: Model, options: { content: boolean; estimated: boolean; reviewed: boolean }): readonly ModelCall[] {
    this.#release();
    return this.#drafts.flatMap((draft): ModelCall[] => {
      const { counts, responseId, itemId, callId, total } = draft;
      if (counts === undefined && (draft.minted || options.reviewed)) return [];
      const estimated = options.estimated || draft.early;
      // In old versions the context is written after the first response.
      const { model, provider, effort } = draft.model.model === undefined ? later : draft.model;
      return [
        {
          id: responseId ?? itemId ?? callId ?? `${turnId}@${total ?? draft.startedAtMs}`,
          ...(responseId === undefined && { idIsOurs: true }),
          provider,
          model: model ?? 'unknown',
          startedAtMs: draft.startedAtMs,
          endedAtMs: Math.max(draft.startedAtMs, draft.endedAtMs),
          ...(counts !== undefined && { usage: usageOf(counts, draft.webSearches) }),
          ...(effort !== undefined && { effort }),
          ...(estimated && { timeEstimated: true }),
          retries: 0,
          afterCompaction: draft.afterCompaction,
          serverToolCalls: draft.serverToolCalls,
          ...(options.content && { input: draft.input, output: { role: 'assistant', parts: draft.parts } }),
        },
      ];
    });
  }
}

const NO_MODEL: Model = { model: undefined, provider: 'openai', effort: undefined };
