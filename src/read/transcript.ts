/**
 * Sessions on disk → the files of a transcript, opened as they are read.
 *
 * in:   SessionRef
 * out:  `TranscriptFile`s; what can't be opened has no lines and says why
 */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { UserError } from '../errors.ts';
import type { AgentFile, Cursor, TranscriptFile } from '../harness/harness.ts';
import type { AgentRef, SessionRef } from './find.ts';
import { linesOf } from './lines.ts';
import { readNewLines } from './new-lines.ts';

/** A session of which only agents are left has an empty main file. */
export const mainFile = (ref: SessionRef): TranscriptFile =>
  ref.path === undefined ? { name: `${ref.sessionId} (gone)`, lines: [] } : openFile(ref.path);

export function openFile(path: string): TranscriptFile {
  const unreadable = reasonAgainst(path);
  return unreadable === undefined ? { name: path, lines: readableLines(path, linesOf(path)) } : { name: path, lines: [], unreadable };
}

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
  if (path === undefined || file.unreadable !== undefined) return { file, fromStart: true, cursorAfter: () => undefined };
  const opened = readNewLines(path, cursor);
  const before = opened.fromStart ? 0 : lines;
  return {
    file: { name: path, lines: readableLines(path, opened.records), firstLine: before + 1 },
    fromStart: opened.fromStart,
    cursorAfter: (line) => opened.cursor(line - before),
  };
}

/** Tells whether a file has changed. Undefined: it is gone. */
export function stampOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.size} ${stats.mtimeMs}`;
}

export function agentFile(agent: AgentRef): AgentFile {
  const meta = textOf(agent.path.replace(/\.jsonl$/, '.meta.json'));
  return {
    ...openFile(agent.path),
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
