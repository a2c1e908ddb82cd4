/**
 * What a transcript holds, counted a second time: straight from its raw lines, by code that shares nothing with the parser and
 * the normaliser, so that what both say is so.
 *
 * in:   nothing. Types only
 * out:  written by harness/<name>/recount.ts, compared with the spans by verify/
 */
import type { Transcript } from './harness.ts';

/** The files of one session, as for a build. */
export type RawFiles = Pick<Transcript, 'main' | 'agents' | 'related'> & Partial<Pick<Transcript, 'ended'>>;

/** A line of a file, as an editor finds it. */
export interface Place {
  readonly file: string;
  /** 1-based; 0: the file as a whole. */
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
  /** Ids of the agents whose files hold it. None: the main agent's. */
  readonly agents: readonly string[];
}

export interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

export interface CountedAccount {
  /** Absent: the main agent's. */
  readonly agentId?: string;
  readonly tokens: Tokens;
  readonly costUsd?: number;
  readonly place: Place;
}

export interface CountedAgent extends Counted {
  /** Of all its transcripts: an agent that got a second job may have two. */
  readonly ids: readonly string[];
  /** The calls that are told to have started it. None: no line tells. */
  readonly startedBy: readonly string[];
}

export interface Recount {
  readonly responses: readonly CountedResponse[];
  /** All of them, those too that started an agent. */
  readonly toolCalls: readonly Counted[];
  readonly agents: readonly CountedAgent[];
  /** Lines and files that could not be counted. */
  readonly unusable: readonly Unusable[];
  /** Agents that a call is told to have started, and whose files were not given. */
  readonly missing: readonly Counted[];
  /** What the harness counted of all calls of the session, or of an agent, where it keeps none per call. */
  readonly accounts?: readonly CountedAccount[];
  /** What the harness itself counted, where it writes that down. */
  readonly declared?: Declared;
}

export interface Unusable {
  readonly place: Place;
  readonly why: string;
}

/** The harness's own account, of all the transcript's processes. */
export interface Declared {
  /** What the harness calls it. */
  readonly name: string;
  readonly place: Place;
  readonly byModel: readonly DeclaredModel[];
  /** Why it may hold more or less than the lines do, if so: it is shown and not compared then. */
  readonly incomparable?: string;
}

export interface DeclaredModel {
  readonly model: string;
  readonly tokens: Tokens;
  readonly costUsd?: number;
}
