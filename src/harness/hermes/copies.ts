/**
 * Rows that say again what others said before: told once.
 *
 * in:   rows of a session, in order
 * out:  the rows that happened, summaries among them; how many rows at the beginning a branch copied
 *
 * A compaction writes a summary and, in one go, the rows around it that it kept, as new ones: in the same session when it is
 * done in place, else in the session that goes on. Rows of one go are a microsecond apart.
 */
import type { Message } from './records.ts';

/** Between rows of one go; a row of its own costs a transaction, which takes longer. */
const ONE_GO_MS = 0.3;
/** A branch is copied row by row, and before anybody can have typed anything. */
const BRANCH_STEP_MS = 50;
const BRANCH_BEGIN_MS = 2000;

export function withoutCopies(messages: readonly Message[]): readonly Message[] {
  const dropped = new Set<Message>();
  const known = new Set<string>();
  let knownUpTo = 0;
  for (const [at, summary] of messages.entries()) {
    if (!summary.isSummary) continue;
    let first = at;
    while (first > knownUpTo && isOneGo(messages[first - 1]!, messages[first]!)) first -= 1;
    for (const message of messages.slice(knownUpTo, first)) known.add(keyOf(message));
    knownUpTo = first;
    const step = (from: number, by: 1 | -1): void => {
      for (let i = from; messages[i] !== undefined && i >= first; i += by) {
        if (!isOneGo(messages[Math.min(i, i - by)]!, messages[Math.max(i, i - by)]!) || !known.has(keyOf(messages[i]!))) return;
        dropped.add(messages[i]!);
      }
    };
    step(at - 1, -1);
    step(at + 1, 1);
  }
  return messages.filter((message) => !dropped.has(message));
}

/** @param begunMs  when the branch was made */
export function copiedRows(messages: readonly Message[], begunMs: number): number {
  let last = begunMs;
  if (messages[0] === undefined || messages[0].atMs - begunMs > BRANCH_BEGIN_MS) return 0;
  last = messages[0].atMs;
  const end = messages.findIndex(({ atMs }) => {
    const isLate = atMs - last > BRANCH_STEP_MS;
    last = atMs;
    return isLate;
  });
  return end < 0 ? messages.length : end;
}

const isOneGo = (before: Message, after: Message): boolean =>
  before.sessionId === after.sessionId && Math.abs(after.atMs - before.atMs) <= ONE_GO_MS;

/** What a copy keeps. Pictures may be left out of it. */
const keyOf = ({ role, hash, toolCallId, toolCalls }: Message): string =>
  `${role} ${hash} ${toolCallId ?? ''} ${toolCalls.map(({ id }) => id).join(' ')}`;
