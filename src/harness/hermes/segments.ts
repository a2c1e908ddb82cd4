/**
 * Rows → turns: a user's row and all up to the next one.
 *
 * in:   rows of a session without copies
 * out:  `Segment`s, each with an id that stays when the rows are written anew
 *
 * `/retry` and `/undo` delete rows and insert the rest again, with new ids and times. What was said stays, so a turn is known by
 * what it was asked and what was answered first.
 */
import { hashOf, type Message } from './records.ts';

export interface Segment {
  readonly startId: string;
  /** Absent when the rows begin in the middle of a turn. */
  readonly start: Message | undefined;
  /** Without its start. */
  readonly rows: readonly Message[];
  readonly compactionsMs: readonly number[];
  readonly delegationId: string | undefined;
  readonly isRewound: boolean;
}

/** @param owner  id of the session they are told of first */
export function segmentsOf(messages: readonly Message[], owner: (message: Message) => string): readonly Segment[] {
  const drafts: { start: Message | undefined; rows: Message[]; compactionsMs: number[] }[] = [];
  let waiting: number[] = [];
  for (const message of messages) {
    const draft = drafts.at(-1);
    if (message.isSummary) {
      // Between two turns it made room for the one to come.
      if (draft === undefined || isAnswered(draft.rows)) waiting.push(message.atMs);
      else draft.compactionsMs.push(message.atMs);
      continue;
    }
    if (message.role === 'system' || (message.role === 'user' && message.isHidden)) continue;
    if (message.role === 'user' || draft === undefined) {
      drafts.push({
        start: message.role === 'user' ? message : undefined,
        rows: message.role === 'user' ? [] : [message],
        compactionsMs: waiting,
      });
      waiting = [];
    } else draft.rows.push(message);
  }
  const given = new Map<string, number>();
  return drafts.map(({ start, rows, compactionsMs }) => {
    const answer = rows.find(({ role }) => role === 'assistant');
    const said = answer === undefined ? '' : `-${hashOf(`${answer.hash} ${answer.toolCalls.map(({ id }) => id).join(' ')}`)}`;
    const id = `${owner((start ?? rows[0])!)}/${start?.hash ?? ''}${said}`;
    const before = given.get(id) ?? 0;
    given.set(id, before + 1);
    return {
      startId: before === 0 ? id : `${id}#${before + 1}`,
      start,
      rows,
      compactionsMs,
      delegationId: /^\[ASYNC DELEGATION[^\]]*?\b(deleg_\w+)/.exec(start?.head ?? '')?.[1],
      isRewound: (start ?? rows[0])!.isRewound,
    };
  });
}

/** The agent has had its last word: nothing but another user's row can follow. */
export function isAnswered(rows: readonly Message[]): boolean {
  const last = rows.at(-1);
  return last?.role === 'assistant' && last.toolCalls.length === 0 && last.finishReason !== 'length' && last.finishReason !== 'incomplete';
}
