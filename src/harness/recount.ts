/**
 * What a transcript holds, counted a second time: straight from its raw lines, by code that shares nothing with the parser and
 * the normaliser, so that what both say is so.
 *
 * in:   nothing. Types only
 * out:  written by harness/<name>/recount.ts, compared with the spans by verify/
 */

/** A line of a file, as an editor finds it. */
export interface Place {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

/** Something that happened once, however many lines tell of it. */
export interface Counted {
  readonly id: string;
  readonly places: readonly Place[];
}

export interface CountedResponse extends Counted {
  readonly model: string;
  /** Absent where the harness keeps no usage per response. `input` includes both cache counts. */
  readonly tokens?: Tokens;
}

export interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

export interface Recount {
  readonly responses: readonly CountedResponse[];
  /** But for those that started an agent: these are `agents`. */
  readonly toolCalls: readonly Counted[];
  /** Sub-agents, by the id of the call that started them, else by their own. */
  readonly agents: readonly Counted[];
  /** What the harness itself counted, where it writes that down. */
  readonly declared?: Declared;
}

/** The harness's own account, of all the transcript's processes. */
export interface Declared {
  readonly place: Place;
  readonly byModel: readonly { readonly model: string; readonly tokens: Tokens; readonly costUsd?: number }[];
  /** Why it may hold more or less than the lines do, if so: it is shown and not compared then. */
  readonly incomparable?: string;
}
