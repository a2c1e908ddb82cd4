/**
 * What points at a session on disk. Types, and how it is called.
 *
 * in:   nothing
 * out:  made by projects.ts, threads.ts and databases.ts, one for each way sessions lie on disk
 */
import type { DatabaseSession, Harness, Layout } from '../harness/harness.ts';
import type { Listener } from './unreadable.ts';

export interface SessionRef {
  readonly harness: Harness;
  /** The one of the harness's layouts that it was found by. */
  readonly layout: Layout;
  readonly sessionId: string;
  /** Its file, or the database it lies in. Absent when only agents of the session are left. */
  readonly path: string | undefined;
  /** The folder that holds the session's file, and its siblings. */
  readonly folder: string;
  readonly agents: readonly AgentRef[];
  /** Where in a database it lies. */
  readonly rows?: DatabaseSession;
  /** Time of the first line that has one, Unix ms: a fork's file begins later than its original. */
  readonly begunMs: number;
  /** Directory the session began in, as its own file tells; where that is empty or gone, as its agents' files do. */
  readonly startDirectory?: string;
  readonly modifiedMs: number;
  /** Size of the session's own file; of one in a database, 0. */
  readonly bytes: number;
}

export interface AgentRef {
  readonly agentId: string;
  readonly path: string;
  readonly group?: string;
  readonly rows?: DatabaseSession;
}

export interface Places {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly harnesses: readonly Harness[];
  /** Told of files that should hold sessions and can't be read, when many are looked at; of one perhaps again and again. */
  readonly onUnreadable?: Listener;
}

/** Names a session among all, and to people. */
export const placeOf = ({ path, folder, sessionId, rows }: SessionRef): string =>
  path === undefined ? `${folder}/${sessionId}` : rows === undefined ? path : `${path}#${sessionId}`;

/** The sessions of one harness that lie on disk in one of its ways. */
export interface Store {
  readonly harness: Harness;
  /** Where they lie, for people. */
  readonly roots: readonly string[];
  /** Whether a file is called as these are. */
  names(path: string): boolean;
  /** Whether a file is one of these, by its first bytes, whatever it is called. */
  owns(path: string): boolean;
  /**
   * Of a file that it owns: one, or those in a database.
   *
   * @throws UserError for a file that the user should not have named
   */
  at(path: string): readonly SessionRef[];
  /** Those in the usual places. What can't be read is left out, and told of, here and in all that follow. */
  all(): readonly SessionRef[];
  /** A folder and all below it. @throws UserError for a folder that the user should not have named */
  under(folder: string): readonly SessionRef[];
  /** Those in the usual places whose ids begin so, or that an agent of this id belongs to; a session is looked at only when it is asked for. */
  withId(prefix: string): readonly { readonly sessionId: string; ref(): SessionRef }[];
  /** Those in the usual places that began in a directory. */
  begunIn(directory: string): readonly SessionRef[];
  /** Files in the usual places that were written to since, Unix ms; a session is looked at only when it is asked for. */
  writtenSince(sinceMs: number): readonly { readonly atMs: number; refs(): readonly SessionRef[] }[];
}
