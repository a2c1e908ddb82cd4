/**
 * Whether there is a session in what the user named; and if not, why not.
 *
 * in:   a session as told, and where it was found
 * out:  UserError, thrown or as a value; `NoSession` for what is none, as against one that can't be read
 */
import { UserError } from '../errors.ts';
import type { TracedRef } from '../pipeline.ts';
import type { SessionRef } from '../read/find.ts';
import type { Problem } from '../session/types.ts';

export class NoSession extends UserError {}

type Told = Pick<TracedRef, 'session' | 'problems' | 'ref'>;

const TRANSCRIPTS = 'A transcript is a file that the agent wrote, such as those under ~/.claude/projects or ~/.codex/sessions.';
/** A session's file has its id as a name, even while nothing in it says so. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Of the only session: that is all the user asked for. @throws UserError */
export function demandSession(told: Told): void {
  const nothing = nothingIn(told) ?? (holdsSession(told) ? undefined : noSession(told.ref));
  if (nothing !== undefined) throw nothing;
}

/** A session that was opened and closed has no turn, but its file's name, its row or its lines tell that it is one. */
export const holdsSession = ({ session, ref }: Told): boolean =>
  session.turns.length > 0 ||
  session.strays.length > 0 ||
  ref.rows !== undefined ||
  session.id !== ref.sessionId ||
  UUID.test(ref.sessionId);

export const noSession = ({ path }: SessionRef): NoSession => new NoSession(`${path} holds no session of a coding agent.`, TRANSCRIPTS);

/** Its own file: agents that can be read make no session of it. @throws UserError */
export function demandReadable({ problems, ref }: Pick<Told, 'problems' | 'ref'>): void {
  const unreadable = problems.find(({ reason, file }) => reason === 'unreadable-file' && file === ref.path);
  if (unreadable !== undefined) throw cantRead(unreadable);
}

const cantRead = ({ file, detail }: Problem): UserError =>
  new UserError(`${file} can't be read: ${detail}.`, 'Check its permissions, or run as the user it belongs to.');

export function nothingIn({ session, problems, ref }: Told): UserError | undefined {
  if (session.turns.length > 0 || session.strays.length > 0) return undefined;
  const unreadable = problems.find(({ reason }) => reason === 'unreadable-file');
  if (unreadable !== undefined) return cantRead(unreadable);
  const garbage = problems.find(({ reason }) => ['not-json', 'not-an-object', 'torn-line'].includes(reason));
  if (garbage !== undefined) return new NoSession(`${ref.path} is not a transcript: line ${garbage.line}: ${garbage.detail}.`, TRANSCRIPTS);
  return ref.path === undefined || ref.rows !== undefined || ref.bytes > 0
    ? undefined
    : new NoSession(`${ref.path} is empty.`, 'The session wrote nothing: name another one.');
}
