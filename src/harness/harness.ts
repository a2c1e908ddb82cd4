/**
 * What a harness adapter is: plain data and pure functions. One folder per harness, and nothing
 * outside that folder knows a vendor's field names or paths.
 *
 * in:   session/types.ts
 * out:  `Harness`, and `Transcript`, the plain data that read/ makes and `buildTrace` takes
 */
import type { Problem, Session } from '../session/types.ts';
import type { ProblemCounts } from './problems.ts';
import type { RawFiles, Recount } from './recount.ts';

/** A transcript as it lies on disk: its lines, and the files of its sub-agents. */
export interface Transcript {
  /** Name of the harness that wrote it, e.g. `claude-code`. */
  readonly harness: string;
  /** The harness's id of the session. */
  readonly sessionId: string;
  readonly main: TranscriptFile;
  readonly agents: readonly AgentFile[];
  /** Files of other sessions this one leans on: the lead's, when this session is a teammate. */
  readonly related?: readonly TranscriptFile[];
  /** True when the session can't go on: then nothing is left open. */
  readonly ended: boolean;
  /** What git said of the directory the session began in. Absent when unknown. */
  readonly repository?: Repository;
}

export interface TranscriptFile {
  /** As shown in problems. */
  readonly name: string;
  /** One line each, without its line feed. Read once, and each line before the next: a generator will do. */
  readonly lines: Iterable<Line>;
  /** Number of the first of them, when the lines above were read before. Default 1. */
  readonly firstLine?: number;
  /** Why it could not be read, if so; it has no lines then. */
  readonly unreadable?: string;
  /** Text beside the lines that describes the session or agent, if there is any: a file, or the row of a table as JSON. */
  readonly meta?: string;
}

/** A line as text or as UTF-8 bytes; bytes are faster, for a line nobody needs is never decoded. */
export type Line = string | Uint8Array;

export interface AgentFile extends TranscriptFile {
  /** The agent's id, from the name of its file. */
  readonly id: string;
  /** The folder it lies in, where the harness groups agents in folders (a workflow's run id). */
  readonly group?: string;
}

/**
 * How a transcript is read on, whatever keeps it: the lines of a file, the rows of a table.
 *
 * @param cursor  of the last time; undefined, or one that fits the source no more: from the start
 */
export type ReadNew<Ref, Row> = (ref: Ref, cursor: Cursor | undefined) => NewRecords<Row>;

export interface NewRecords<Row> {
  /** Read once, each before the next. */
  readonly records: Iterable<Row>;
  /** True when these are all records there are. */
  readonly fromStart: boolean;
  /**
   * Where to go on the next time. To be asked when the records were read.
   *
   * @param after  how many of them need not be read again; default: all that are whole
   */
  cursor(after?: number): Cursor;
}

/** Plain JSON, to be kept between runs; opaque to all but the reader that made it. */
export type Cursor = Readonly<Record<string, unknown>>;

export interface Repository {
  /** Browser address, without credentials and `.git`. */
  readonly url?: string;
}

export interface ParseOptions {
  /** Keep prompts, answers, arguments and results. Without it a long session stays small in memory. */
  readonly content: boolean;
}

/** `Parsed` is the harness's own type of a parsed file; nobody else looks inside. */
export interface Harness<Parsed = unknown> {
  readonly name: string;
  /** Where transcripts live and what names and rows tell, as data and pure functions: read/ does the reading. */
  readonly layouts: readonly Layout[];
  /** Lines → records. Never throws: a line that can't be used becomes a problem. */
  parse(file: TranscriptFile | AgentFile, options: ParseOptions): Parsed;
  /** What else of the disk this session leans on, once its main file is known. */
  wants(main: Parsed, agentIds: ReadonlySet<string>): Wants;
  /** Records → session. Pure and total. */
  normalise(files: ParsedTranscript<Parsed>): Normalised;
  /**
   * The same of what was added to a session since a checkpoint: only its later turns are told, as `normalise` of all
   * the files would tell them. Agents' files that the checkpoint names are left out.
   *
   * @returns undefined on any doubt: then everything has to be read
   */
  resume(added: ParsedTranscript<Parsed>, checkpoint: Checkpoint): Normalised | undefined;
  /** The raw lines counted by code that shares nothing with `parse` and `normalise`: for `verify`. Never throws. */
  recount(files: RawFiles): Recount;
}

export interface Normalised {
  readonly session: Session;
  readonly problems: readonly Problem[];
  /**
   * What has to be remembered in order to go on from just before a turn.
   *
   * @param at  index into `session.turns`; their number for a turn to come
   * @returns   undefined when there is no such place
   */
  checkpointAt(at: number): Checkpoint | undefined;
}

/** All that the turns to come need to know of those before them. Plain JSON, kept between runs. */
export interface Checkpoint {
  /** Lines of the main file up to this one need not be read again; 1-based. */
  readonly line: number;
  /** Ids of agents that have their place: their files need not be read again as long as they stay as they are. */
  readonly agents: readonly string[];
  /** Problems of what need not be read again, counted. */
  readonly problems: ProblemCounts;
  /** The harness's own: nobody else looks inside. */
  readonly before: unknown;
}

export interface ParsedTranscript<Parsed> {
  readonly sessionId: string;
  readonly main: Parsed;
  readonly agents: readonly Parsed[];
  readonly related: readonly Parsed[];
  readonly ended: boolean;
  /** When the agent was last told to have stopped, by a source other than the transcript. Unix ms. */
  readonly stoppedAtMs?: number;
}

export interface Wants {
  /** Ids of agents that are named but whose files lie with another session (the one it was forked from). */
  readonly agents: readonly string[];
  /** Beginnings of ids of other sessions. */
  readonly sessionPrefixes: readonly string[];
  /** Directory the session began in. */
  readonly directory?: string;
}

export type Layout = ProjectsLayout | ThreadsLayout | DatabaseLayout;

type Environment = Readonly<Record<string, string | undefined>>;

/** A folder per project; in it a file per session, and in folders beside it files of its agents. */
export interface ProjectsLayout extends LineFacts {
  readonly kind: 'projects';
  /** Directories that hold one folder per project, most specific first. */
  roots(env: Environment, home: string): readonly string[];
  /** Name of the folder in a root that belongs to a working directory. */
  projectFolder(directory: string): string;
  /** What a file is, by its path relative to the project folder; `undefined`: not a transcript. */
  classify(relativePath: string): FileKind | undefined;
  /** Folders within a session's own folder that hold its agents. */
  readonly agentFolders: readonly string[];
  /** The session an agent file belongs to, by its first line, where its path does not tell. */
  sessionOf(firstLine: string): string | undefined;
}

/** Where an id may name two sessions. */
interface Scoped {
  /** The folder within which an id names one session, by the path of its file or database. Default: an id names one, wherever it lies. */
  scopeOf?(path: string): string;
}

/** What single lines tell without a parser. */
export interface LineFacts {
  /** Time of a line in Unix ms, without parsing the rest of it. */
  timeOf(lineHead: string): number | undefined;
  /** Directory the session began in, by its first lines. */
  directoryOf(head: string): string | undefined;
  /** Whether the end of a turn has reached the disk, by the last lines of the file. */
  hasStop(lastLines: readonly string[], stop: Stop): boolean;
}

/** A file per thread, anywhere below a root: a session and its agents are files of the same kind, and their first lines tell which is which. */
export interface ThreadsLayout extends LineFacts, Scoped {
  readonly kind: 'threads';
  roots(env: Environment, home: string): readonly string[];
  /** Id of the thread that a file holds, by its path; `undefined`: it holds none. */
  threadOf(path: string): string | undefined;
  /** Whether a thread was made before another, by their ids: then it is no agent of that one. */
  isOlder?(threadId: string, than: string): boolean;
  /** The folder below which all threads of its tree lie, by the path of a file outside the roots. Default: its own folder. */
  topOf?(path: string): string;
  /** By its first line, and its path where two files may begin alike. */
  headOf(firstLine: string, path: string): ThreadHead | undefined;
  /** Whether a file is one that belongs to a thread, or was kept of one, and no session. */
  isBeside?(path: string): boolean;
  /** Another file that belongs to a thread, by the path of its own: its lines follow those of the thread. */
  companionOf?(path: string): string | undefined;
}

export interface ThreadHead {
  /** Where the name of the file does not tell. */
  readonly threadId?: string;
  /** The thread that started this one, which is its agent then. */
  readonly parentThreadId?: string;
  /** The thread at the root of its tree of agents, where the line tells. */
  readonly rootThreadId?: string;
}

/** Tables of an SQLite database. A row becomes a line: JSON text. */
export interface DatabaseLayout extends Scoped {
  readonly kind: 'database';
  /** Paths; a `*` stands for any one folder name. */
  files(env: Environment, home: string): readonly string[];
  /** Tables that tell it from another program's database. */
  readonly tables: readonly string[];
  /** What to ask for the list of sessions. Columns differ from version to version: `columns` has those there are, by table. */
  listQueries(columns: TableColumns): readonly Query[];
  /** The answers, in the order of the queries → sessions and their agents. Pure. */
  sessionsOf(answers: readonly (readonly Row[])[]): readonly DatabaseSession[];
  /** What to ask for the lines of a session or agent, in the order they are told. */
  lineQueries(ids: readonly string[], columns: TableColumns): readonly Query[];
  /** A row as JSON text. Blobs of zstd have been unpacked to text. */
  lineOf(row: Row): string;
  /** Whether hooks may have told more than its tables keep, into files of ours (read/spool.ts): lines that follow the rows. */
  readonly hasSpool?: boolean;
}

export type TableColumns = Readonly<Record<string, readonly string[]>>;
export type Row = Readonly<Record<string, string | number | bigint | Uint8Array | null>>;

export interface Query {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

export interface DatabaseSession {
  readonly id: string;
  /** Keys of all that belongs to it, oldest first: a session may go on under another one. */
  readonly ids: readonly string[];
  /** Set for an agent: the session that started it. */
  readonly parentId?: string;
  /** Unix ms. */
  readonly begunMs: number;
  readonly modifiedMs: number;
  readonly directory?: string;
  /** Changes whenever its lines do. */
  readonly version: string;
  /** True when the database says that it can't go on. */
  readonly ended: boolean;
  /** `TranscriptFile.meta`. */
  readonly meta?: string;
  /** Paths of its spools, once read/ has found some. */
  readonly spools?: readonly string[];
}

/** A harness said that its agent has stopped. */
export interface Stop {
  /** Unix ms. */
  readonly atMs: number;
  /** What the agent said last. */
  readonly lastMessage?: string | undefined;
}

export type FileKind =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'agent'; readonly agentId: string; readonly sessionId?: string; readonly group?: string };
