/**
 * What a transcript holds, counted a second time: straight from its raw lines, by code that shares nothing with the parser and
 * the normaliser, so that what both say is so.
 *
 * in:   the raw lines of a file, for harness/<name>/recount.ts
 * out:  `Recount`, compared with the spans by verify/; the lines' objects and their fields, read without the normalisers' readers
 */
import type { Line, Transcript, TranscriptFile } from './harness.ts';

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

// ---------------------------------------------------------------------------------------------
// How the recounts read, whatever the harness.

export type Raw = Readonly<Record<string, unknown>>;

export interface RawLine {
  readonly place: Place;
  readonly text: string;
  readonly value: Raw;
}

/** The lines that hold an object. What else is no empty line, or a file that can't be read, is added to `unusable`. */
export function* rawLinesOf(file: TranscriptFile, unusable: Unusable[]): Generator<RawLine> {
  if (file.unreadable !== undefined) unusable.push({ place: { file: file.name, line: 0 }, why: file.unreadable });
  let line = (file.firstLine ?? 1) - 1;
  for (const raw of file.lines) {
    line++;
    const text = textOf(raw);
    if (text === '') continue;
    const place = { file: file.name, line };
    const value = jsonOf(text);
    if (isRaw(value)) yield { place, text, value };
    else unusable.push({ place, why: 'it is no JSON object' });
  }
}

const decoder = new TextDecoder();
/** Without the mark and the NULs that may stand before a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must go
const textOf = (line: Line): string => (typeof line === 'string' ? line : decoder.decode(line)).replace(/^[\u0000\ufeff]+/, '').trim();

/** @returns undefined for what is no JSON */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isRaw = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);

export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (isRaw(inner) ? inner[key] : undefined), value);

/** An empty text is none. */
export function textAt(value: unknown, key: string): string | undefined {
  const text = at(value, key);
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/** A whole number from zero on; anything else is zero. */
export function numberAt(value: unknown, key: string): number {
  const number = at(value, key);
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : 0;
}

export const NO_TOKENS: Tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

export const sumOf = (a: Tokens, b: Tokens): Tokens => ({
  input: a.input + b.input,
  output: a.output + b.output,
  cacheRead: a.cacheRead + b.cacheRead,
  cacheWrite: a.cacheWrite + b.cacheWrite,
});
