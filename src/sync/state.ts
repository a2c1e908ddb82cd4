/**
 * What is remembered of each session between runs. Only ever a help: without it everything is read and asked again.
 *
 * in:   the state folder
 * out:  `SessionState` of a session, written whole; the list of those that have something left to send
 *
 *   sessions/<harness>/<id>.json          the state
 *   sessions/unsettled/<harness>~<id>     there while something is left to send, or may come
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, writePrivate } from '../disk/files.ts';
import type { Process } from '../disk/lock.ts';
import type { ProblemCounts } from '../harness/problems.ts';
import type { Resume } from '../pipeline.ts';

export interface SessionState {
  readonly v: typeof VERSION;
  readonly harness: string;
  /** The name of its file. */
  readonly sessionId: string;
  /** Becomes the key in the ledger, once it was read. */
  readonly conversationId?: string;
  readonly path?: string;
  /** There was something at that path. */
  readonly transcriptSeen?: true;
  readonly startDirectory?: string;
  /** By the payload of the first hook that told of a start: the agent writes it, and no repository can. */
  readonly told?: ToldDirectory;
  /** When its first hook came. */
  readonly seenAtMs?: number;
  /** The agent's, as far as a hook told. */
  readonly process?: Process;
  /** Of the last hook of each kind, Unix ms. A stop counts only if it had reached the transcript. */
  readonly startedAtMs?: number;
  readonly stoppedAtMs?: number;
  readonly endedAtMs?: number;
  /** Given at its first hook. */
  readonly traceparent?: string;
  /** The user has switched a hook of it off: only who names it exports it, for good. */
  readonly disabled?: true;
  /** By destination, as in the ledger. */
  readonly delivered?: Readonly<Record<string, Delivered>>;
  /** Of the last time, if something went wrong. */
  readonly failure?: { readonly atMs: number; readonly message: string };
}

export interface ToldDirectory {
  readonly directory: string;
  /** When that hook came, Unix ms: what is told of a session that goes on is not where it began. */
  readonly atMs: number;
}

/** How far a destination has a session. */
export interface Delivered {
  /** Version of trace-build that was at work: another one may think otherwise of `resume`. */
  readonly version: string;
  readonly atMs: number;
  /** What the files looked like. */
  readonly seen: string;
  /** Whether the session was taken to have ended. */
  readonly ended: boolean;
  readonly open: number;
  readonly pending: number;
  readonly refused: number;
  readonly problems: ProblemCounts;
  readonly resume?: Resume;
  /** Turns begun earlier were left out. Unix ms. */
  readonly sinceMs?: number;
}

/** Of another format nothing is known. */
const VERSION = 1;

/** How a session is called here. */
export interface SessionName {
  readonly harness: string;
  readonly sessionId: string;
}

export function readState(stateFolder: string, { harness, sessionId }: SessionName): SessionState {
  const nothing: SessionState = { v: VERSION, harness, sessionId };
  try {
    const known = JSON.parse(readIfThere(pathOf(stateFolder, { harness, sessionId })) ?? '{}') as SessionState;
    return known.v === VERSION && known.sessionId === sessionId ? known : nothing;
  } catch {
    return nothing; // Damaged. The ledger still knows what was sent.
  }
}

/** @param standing  what hooks are to make of it; `unmarked`: they need not know, or do already */
export function writeState(stateFolder: string, state: SessionState, standing: 'settled' | 'unsettled' | 'unmarked'): void {
  const marker = markerOf(stateFolder, state);
  // Marked before and unmarked after: killed in between, it is looked at once too often.
  if (standing === 'unsettled') mark(stateFolder, marker);
  writePrivate(pathOf(stateFolder, state), `${JSON.stringify(state)}\n`);
  if (standing === 'settled') settle(stateFolder, state);
}

/** Nothing is left to send, and what is remembered of it stays. */
export const settle = (stateFolder: string, name: SessionName): void => rmSync(markerOf(stateFolder, name), { force: true });

export function forget(stateFolder: string, name: SessionName): void {
  settle(stateFolder, name);
  rmSync(pathOf(stateFolder, name), { force: true });
}

/** Sessions with something left to send, or that may go on. Of one whose state is damaged only the name is known. */
export function unsettledSessions(stateFolder: string): readonly SessionState[] {
  return namesIn(join(stateFolder, 'sessions', 'unsettled')).flatMap((name) => {
    const at = name.indexOf('~');
    const [harness, sessionId] = [name.slice(0, at), name.slice(at + 1)];
    const [known] = stateIn(join(stateFolder, 'sessions', harness, `${sessionId}.json`));
    return at < 0 ? [] : [known ?? { v: VERSION, harness, sessionId }];
  });
}

export const allSessions = (stateFolder: string): readonly SessionState[] =>
  namesIn(join(stateFolder, 'sessions'))
    .filter((harness) => harness !== 'unsettled')
    .flatMap((harness) =>
      namesIn(join(stateFolder, 'sessions', harness))
        .filter((name) => name.endsWith('.json'))
        .flatMap((name) => stateIn(join(stateFolder, 'sessions', harness, name))),
    );

function stateIn(path: string): readonly SessionState[] {
  try {
    const state = JSON.parse(readIfThere(path) ?? '{}') as SessionState | null;
    return state?.v === VERSION ? [state] : [];
  } catch {
    return []; // Damaged; who delivers it writes it anew.
  }
}

const pathOf = (stateFolder: string, name: SessionName): string => join(stateFolder, 'sessions', name.harness, `${fileName(name)}.json`);
const markerOf = (stateFolder: string, name: SessionName): string =>
  join(stateFolder, 'sessions', 'unsettled', `${name.harness}~${fileName(name)}`);

/** An id comes from a payload: it may be anything. */
const fileName = ({ sessionId }: SessionName): string =>
  /^[\w-][\w.-]{0,150}$/.test(sessionId) ? sessionId : createHash('sha256').update(sessionId).digest('hex');

function mark(stateFolder: string, marker: string): void {
  mkdirSync(join(stateFolder, 'sessions', 'unsettled'), { recursive: true, mode: 0o700 });
  writeFileSync(marker, '', { mode: 0o600 });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Nothing was remembered yet.
  }
}
