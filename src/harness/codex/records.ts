/**
 * A rollout → what its thread did.
 *
 * in:   lines of `rollout-….jsonl`
 * out:  `ParsedThread`; with `threadFrom` also of a part of a rollout, given what holds before it
 *
 * Nothing is kept of a line but what it told, so that a rollout of many GiB needs the memory of its spans.
 */
import type { Problem } from '../../session/types.ts';
import type { AgentFile, ParseOptions, TranscriptFile } from '../harness.ts';
import { type Entry, entriesOf } from './lines.ts';
import type { ThreadMeta } from './meta.ts';
import type { Carried } from './standing.ts';
import { ThreadReader } from './thread.ts';
import type { ThreadTurn } from './turn.ts';

export interface ParsedThread {
  readonly name: string;
  /** By the name of its file; only of agents. */
  readonly agentId: string | undefined;
  readonly told: ToldThread;
  /** Lines of a part of a file: what they mean depends on what holds before them. */
  readonly entries: readonly Entry[] | undefined;
  readonly problems: readonly Problem[];
  readonly content: boolean;
}

export interface ToldThread {
  readonly meta: ThreadMeta | undefined;
  readonly beganMs: number | undefined;
  readonly turns: readonly ThreadTurn[];
  /** Of each turn what was known just before it; last: what is known at the end. */
  readonly carried: readonly Carried[];
  /** The last one that told anything. */
  readonly lastLine: number;
  readonly problems: readonly Problem[];
  /** Of a part of a file: it tells of what stands above it. */
  readonly reachesBack: boolean;
}

/** A damaged file may have millions of bad lines; the rest is counted in one problem. */
const MAX_PROBLEMS_PER_FILE = 1000;

export function parseFile(file: TranscriptFile | AgentFile, { content }: ParseOptions): ParsedThread {
  const agentId = 'id' in file ? file.id : undefined;
  const problems = new ProblemList(file.name);
  if (file.unreadable !== undefined) problems.add(0, 'unreadable-file', file.unreadable);
  const reader = new ThreadReader(agentId !== undefined, content, problems.add, undefined);
  const isPart = (file.firstLine ?? 1) > 1;
  const own = new ProblemList(file.name);
  const entries: Entry[] = [];
  for (const entry of entriesOf(file.lines, isPart ? own.add : problems.add, { content }, file.firstLine)) {
    if (isPart) entries.push(entry);
    reader.read(entry);
  }
  const told = toldBy(reader, isPart ? [] : problems.list());
  return { name: file.name, agentId, told, entries: isPart ? entries : undefined, problems: isPart ? own.list() : told.problems, content };
}

/** The same lines, now that it is known what holds before them. */
export function threadFrom(parsed: ParsedThread, carried: Carried): ToldThread {
  const problems = new ProblemList(parsed.name);
  const reader = new ThreadReader(parsed.agentId !== undefined, parsed.content, problems.add, carried);
  for (const entry of parsed.entries ?? []) reader.read(entry);
  return toldBy(reader, [...parsed.problems, ...problems.list()]);
}

const toldBy = (reader: ThreadReader, problems: readonly Problem[]): ToldThread => ({
  meta: reader.meta,
  beganMs: reader.beganMs,
  turns: reader.turns.sealed(),
  carried: reader.turns.carried(),
  lastLine: reader.lastLine,
  reachesBack: reader.turns.reachesBack,
  problems,
});

class ProblemList {
  readonly #file: string;
  readonly #kept: Problem[] = [];
  #more = 0;
  #lastLine = 0;

  constructor(file: string) {
    this.#file = file;
  }

  add = (line: number, reason: Problem['reason'], detail: string): void => {
    if (this.#kept.length < MAX_PROBLEMS_PER_FILE) this.#kept.push({ file: this.#file, line, reason, detail: detail.slice(0, 200) });
    else this.#more++;
    this.#lastLine = line;
  };

  list(): readonly Problem[] {
    if (this.#more === 0) return this.#kept;
    const rest: Problem = { file: this.#file, line: this.#lastLine, reason: 'wrong-shape', detail: `and ${this.#more} more problems` };
    return [...this.#kept, rest];
  }
}
