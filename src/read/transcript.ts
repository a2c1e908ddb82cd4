/**
 * Sessions on disk → the files of a transcript, opened as they are read.
 *
 * in:   SessionRef
 * out:  `TranscriptFile`s; what can't be opened has no lines and says why
 */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { UserError } from '../errors.ts';
import type { AgentFile, Cursor, DatabaseSession, Layout, TranscriptFile } from '../harness/harness.ts';
import { rowLines } from './databases.ts';
import { linesOf } from './lines.ts';
import { readNewLines } from './new-lines.ts';
import type { AgentRef, SessionRef } from './refs.ts';
import { isCutOff, linesOfZstd } from './zstd.ts';

/** A session of which only agents are left has an empty main file. */
export function mainFile({ path, rows, sessionId, layout }: SessionRef): TranscriptFile {
  if (path === undefined) return { name: `${sessionId} (gone)`, lines: [] };
  return rows === undefined ? openThread(path, layout) : rowsFile(path, rows, layout);
}

export function openFile(path: string): TranscriptFile {
  const unreadable = reasonAgainst(path);
  return unreadable === undefined ? { name: path, lines: readableLines(path, allLines(path)) } : { name: path, lines: [], unreadable };
}

/** With what belongs to it and lies in a file of its own. */
function openThread(path: string, layout: Layout): TranscriptFile {
  const file = openFile(path);
  const companion = layout.kind === 'threads' ? layout.companionOf?.(path) : undefined;
  if (companion === undefined || reasonAgainst(companion) !== undefined) return file;
  return { ...file, lines: inTurn(file.lines, readableLines(companion, allLines(companion))) };
}

function* inTurn<T>(...sources: readonly Iterable<T>[]): Generator<T> {
  for (const source of sources) yield* source;
}

const allLines = (path: string): Iterable<Buffer> => (isPacked(path) ? linesToCut(path) : linesOf(path));

/** Of a packed file that was cut off, what lies before the cut, and a line that is torn: as of one that is not packed. */
function* linesToCut(path: string): Generator<Buffer> {
  let isFirst = true;
  try {
    for (const line of linesOfZstd(path)) {
      yield line;
      isFirst = false;
    }
  } catch (error) {
    if (isFirst || !isCutOff(error)) throw error;
    yield TORN;
  }
}

const TORN = Buffer.from('{');

export const isPacked = (path: string): boolean => path.endsWith('.zst');

/** @throws UserError when the database can't be read: part of a session is no session */
function rowsFile(path: string, rows: DatabaseSession, layout: Layout): TranscriptFile {
  if (layout.kind !== 'database') throw new Error(`${path} is no database to ${layout.kind}`);
  return { name: `${path}#${rows.id}`, lines: rowLines(path, rows, layout), ...(rows.meta !== undefined && { meta: rows.meta }) };
}

/** The first line of a file, without the rest of it. Undefined: there is none, or it can't be read. */
export function firstLineOf(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return undefined;
    for (const line of isPacked(path) ? linesOfZstd(path, FIRST_LINE_BYTES) : linesOf(path, 0, [], FIRST_LINE_BYTES))
      return line.toString();
  } catch {
    // Who opens it for good tells why.
  }
  return undefined;
}

/** Why nothing of a file can be read; undefined: something can, or it is empty. */
export function reasonAgainstAll(path: string): string | undefined {
  const reason = reasonAgainst(path);
  if (reason !== undefined || !isPacked(path)) return reason;
  try {
    linesOfZstd(path, 1).next();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A first line may hold a system prompt. */
const FIRST_LINE_BYTES = 4 * 1024 * 1024;

/** A main file, from where reading stopped the last time if it is still the same file. */
export interface OpenedMain {
  readonly file: TranscriptFile;
  readonly fromStart: boolean;
  /**
   * To be asked when the file was read.
   *
   * @param line  the last one that need not be read again
   */
  readonly cursorAfter: (line: number) => Cursor | undefined;
}

/** @param lines  how many lines lie before the cursor */
export function openMain(ref: SessionRef, cursor?: Cursor, lines = 0): OpenedMain {
  const { path } = ref;
  const file = mainFile(ref);
  if (path === undefined || file.unreadable !== undefined || !isReadOn(ref)) return { file, fromStart: true, cursorAfter: () => undefined };
  const opened = readNewLines(path, cursor);
  const before = opened.fromStart ? 0 : lines;
  return {
    file: { name: path, lines: readableLines(path, opened.records), firstLine: before + 1 },
    fromStart: opened.fromStart,
    cursorAfter: (line) => opened.cursor(line - before),
  };
}

/** A database is read whole, and so is what is packed, or lies in two files. */
const isReadOn = ({ path, rows, layout }: SessionRef): boolean =>
  path !== undefined && rows === undefined && !isPacked(path) && (layout.kind !== 'threads' || layout.companionOf?.(path) === undefined);

/** Tells whether a file has changed. Undefined: it is gone. */
export function stampOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  // What is written to a database goes to the log beside it first.
  const log = path.endsWith('.jsonl') ? undefined : statSync(`${path}-wal`, { throwIfNoEntry: false });
  return stats && `${stats.size} ${stats.mtimeMs}${log === undefined ? '' : ` ${log.size} ${log.mtimeMs}`}`;
}

export function agentFile(agent: AgentRef, layout: Layout): AgentFile {
  if (agent.rows !== undefined) return { ...rowsFile(agent.path, agent.rows, layout), id: agent.agentId };
  const meta = layout.kind === 'projects' ? textOf(agent.path.replace(/\.jsonl$/, '.meta.json')) : undefined;
  return {
    ...openThread(agent.path, layout),
    id: agent.agentId,
    ...(meta !== undefined && { meta }),
    ...(agent.group !== undefined && { group: agent.group }),
  };
}

/**
 * Part of a file is no session: what breaks off in the middle is told, and nothing is built of it.
 *
 * @throws UserError
 */
function* readableLines(path: string, lines: Iterable<Buffer>): Generator<Buffer> {
  try {
    yield* lines;
  } catch (error) {
    throw new UserError(`${path} can't be read: ${(error as Error).message}.`, 'Check that the file is still there, and its disk.');
  }
}

/** Undefined: it can be read, as far as the file system says. */
function reasonAgainst(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile() ? undefined : 'it is no regular file';
  } catch (error) {
    return (error as Error).message;
  }
}

/** Most versions write no meta at all. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : message;
  }
}
