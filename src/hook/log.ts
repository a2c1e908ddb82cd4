/**
 * What the worker did, for `doctor`: nobody watches it at work.
 *
 * in:   sentences, with no content and no credentials in them
 * out:  `<state>/log`, one JSON object a line, of bounded size
 */
import { appendFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from '../disk/files.ts';

export interface LogEntry {
  readonly atMs: number;
  readonly level: 'info' | 'error';
  readonly session?: string | undefined;
  readonly message: string;
}

/** Some thousand runs; the one before is kept beside it. */
const LOG_MAX_BYTES = 256 * 1024;

export type Log = (level: LogEntry['level'], message: string, session?: string) => void;

export const openLog =
  (stateFolder: string, now: () => number): Log =>
  (level, message, session) => {
    const path = join(stateFolder, 'log');
    try {
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_MAX_BYTES) renameSync(path, `${path}.1`);
      appendFileSync(path, `${JSON.stringify({ atMs: now(), level, session, message } satisfies LogEntry)}\n`, { mode: 0o600 });
    } catch {
      // A full disk must not keep the worker from its work.
    }
  };

export function logEntries(stateFolder: string): readonly LogEntry[] {
  const text = ['log.1', 'log'].map((name) => readIfThere(join(stateFolder, name)) ?? '').join('');
  return text.split('\n').flatMap((line) => entryOf(line));
}

function entryOf(line: string): readonly LogEntry[] {
  try {
    return [JSON.parse(line) as LogEntry];
  } catch {
    return []; // Empty, or torn.
  }
}
