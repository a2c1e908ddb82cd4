/**
 * What the contract tests have to know of a harness's lines in order to take a transcript apart.
 *
 * in:   a transcript
 * out:  `Dialect`: when a line was written, what had been written by some moment, which lines one of each kind are
 */
import type { PlainTranscript } from './stories.ts';

export interface Dialect {
  /** Unix ms; 0 for a line without a time. */
  timeOf(line: string): number;
  /** The lines that a file had at some moment. */
  upTo(lines: readonly string[], atMs: number): readonly string[];
  /** Enough of them to be cut at every byte. */
  shortened(lines: readonly string[]): readonly string[];
}

export const dialectOf = ({ harness }: Pick<PlainTranscript, 'harness'>): Dialect => DIALECTS[harness]!;

const stamped = (line: string): number => {
  const { timestamp, ts } = JSON.parse(line);
  const text = timestamp ?? ts ?? 0;
  // Rows have seconds.
  return typeof text === 'number' ? Math.floor(text * 1000) : Date.parse(text);
};

/** A file: lines come one after another, and times may go back a little. */
const asFile = (lines: readonly string[], atMs: number): readonly string[] => {
  const end = lines.findIndex((line) => stamped(line) > atMs);
  return end < 0 ? lines : lines.slice(0, end);
};

/** Two sources, one told after the other. */
const asRows = (lines: readonly string[], atMs: number): readonly string[] => lines.filter((line) => stamped(line) <= atMs);

function oneOfEachKind(lines: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return lines.filter((line) => {
    const { type, attachment } = JSON.parse(line);
    const kind = `${type} ${attachment?.type}`;
    const isNew = !seen.has(kind);
    seen.add(kind);
    return isNew || ['user', 'assistant', 'system', 'api-request'].includes(type);
  });
}

const whole = (lines: readonly string[]): readonly string[] => lines;

/** Prompts and what the runtime logged of them are long, and all alike. */
const withoutLong = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.length < 3000);

const DIALECTS: Readonly<Record<string, Dialect>> = {
  'claude-code': { timeOf: stamped, upTo: asFile, shortened: oneOfEachKind },
  codex: { timeOf: stamped, upTo: asFile, shortened: withoutLong },
  openclaw: { timeOf: stamped, upTo: asRows, shortened: withoutLong },
  pi: { timeOf: stamped, upTo: asFile, shortened: whole },
  hermes: { timeOf: stamped, upTo: asRows, shortened: whole },
};
