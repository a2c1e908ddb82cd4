/**
 * What holds at some line of a thread, whatever turn it is in: whose model answers, what was used so far.
 *
 * in:   `session_meta`, `turn_context`, settings, counts
 * out:  `Standing`, and as plain JSON `Carried`
 */
import { isObject } from '../../json.ts';
import type { Fields } from '../fields.ts';
import { metaOf, type ThreadMeta, word } from './meta.ts';
import type { Model } from './rounds.ts';
import { type Counts, NOTHING, type Told, type Total, toldBy } from './tokens.ts';

/** What later lines need to know of earlier ones. Plain JSON. */
export interface Carried {
  readonly meta: ThreadMeta | null;
  readonly forkedFrom: string | null;
  readonly begunMs: number | null;
  readonly model: string | null;
  readonly provider: string | null;
  readonly effort: string | null;
  readonly total: Total | null;
  /** Tokens in the context at the last response, and at the one before it. */
  readonly context: readonly [number | null, number | null];
  readonly isMarked: boolean;
  /** Start ids of turns that a user began and that were not rolled back. */
  readonly prompted: readonly string[];
  readonly dropped: readonly string[];
  /** Of the last turn that had one. */
  readonly turnId: string | null;
}

export class Standing {
  isAgent: boolean;
  meta: ThreadMeta | undefined;
  forkedFrom: string | undefined;
  /** Time of the first line. */
  begunMs: number | undefined;
  /** Whether turns have lines that begin and end them. */
  isMarked = false;
  /** The file begins anew: what follows was told. */
  isTwice = false;
  prompted: string[] = [];
  dropped: string[] = [];
  turnId: string | undefined;
  #model: string | undefined;
  #provider: string | undefined;
  #effort: string | undefined;
  #total: Total | null = null;
  #context: readonly [number | null, number | null] = [null, null];

  constructor(isAgent: boolean, carried: Carried | undefined) {
    this.isAgent = isAgent;
    if (carried === undefined) return;
    this.meta = carried.meta ?? undefined;
    this.forkedFrom = carried.forkedFrom ?? undefined;
    this.begunMs = carried.begunMs ?? undefined;
    this.isMarked = carried.isMarked;
    this.prompted = [...carried.prompted];
    this.dropped = [...carried.dropped];
    this.turnId = carried.turnId ?? undefined;
    this.#model = carried.model ?? undefined;
    this.#provider = carried.provider ?? undefined;
    this.#effort = carried.effort ?? undefined;
    this.#total = carried.total;
    this.#context = carried.context;
  }

  carry(): Carried {
    return {
      meta: this.meta ?? null,
      forkedFrom: this.forkedFrom ?? null,
      begunMs: this.begunMs ?? null,
      model: this.#model ?? null,
      provider: this.#provider ?? null,
      effort: this.#effort ?? null,
      total: this.#total,
      context: this.#context,
      isMarked: this.isMarked,
      prompted: this.prompted,
      dropped: this.dropped,
      turnId: this.turnId ?? null,
    };
  }

  get model(): Model {
    return { model: this.#model, provider: providerOf(this.#provider ?? this.meta?.provider), effort: this.#effort };
  }

  readMeta(payload: Fields, isBare: boolean): void {
    const meta = metaOf(payload);
    if (meta === undefined) return;
    if (this.meta === undefined) {
      this.meta = meta;
      this.forkedFrom = meta.forkedFromId;
      this.isAgent ||= meta.isAgent;
    } // The copied history begins with the line that began it.
    else if (meta.threadId !== this.meta.threadId) this.forkedFrom ??= meta.threadId;
    else if (isBare) this.isTwice = true;
  }

  readContext(payload: Fields): void {
    this.#model = word(payload, 'model') ?? this.#model;
    this.#effort = word(payload, 'effort');
  }

  /** Settings hold from the next turn on, and that one has a context of its own. */
  readSettings(payload: Fields): void {
    const settings = payload['thread_settings'];
    if (!isObject(settings)) return;
    this.#provider = word(settings, 'model_provider_id') ?? this.#provider;
    this.#model ??= word(settings, 'model');
  }

  /**
   * @param hasItems  a response is not counted yet
   * @returns         what a `token_count` tells that was not told
   */
  count(info: unknown, hasItems: boolean): Told | undefined {
    // A fork without a copy goes on from a total that its file does not have.
    const isFirst = this.#total === null && this.forkedFrom !== undefined && hasItems;
    const told = toldBy(info, isFirst ? undefined : (this.#total ?? NOTHING));
    if (told === undefined) return undefined;
    this.#total = { input: told.total.input, output: told.total.output };
    if (told.call !== undefined) this.#answered(told.call);
    return told;
  }

  /** @param thread  counts of all calls of the thread, as the record has them */
  record(call: Counts, thread: Total | undefined): void {
    const { input, output } = this.#total ?? NOTHING;
    const sum = { input: input + call.input, output: output + call.output };
    this.#total = thread === undefined ? sum : { input: thread.input, output: thread.output };
    this.#answered(call);
  }

  #answered(call: Counts): void {
    this.#context = [call.total, this.#context[0]];
  }

  /** @param summaries  responses since the model was told anything: the last one may be the summary itself */
  tokensBefore(summaries: number): number | undefined {
    return this.#context[summaries > 0 ? 1 : 0] ?? undefined;
  }
}

const PROVIDERS: Readonly<Record<string, string>> = {
  azure: 'azure.ai.openai',
  'amazon-bedrock': 'aws.bedrock',
  gemini: 'gcp.gemini',
  mistral: 'mistral_ai',
  xai: 'x_ai',
};

/** Nothing said is the default. */
const providerOf = (name = 'openai'): string => PROVIDERS[name.toLowerCase()] ?? name;
