/**
 * What the model server served in a recorded story, and which of it no line of a transcript holds.
 *
 * out:  `servedOf`, `notOnLine`, the stories that are odd, `agentsInResults`
 */
import type { Expected, ExpectedResponse } from './stories.ts';

/**
 * Responses that no line of a transcript holds, by the numbers of their message ids. A response that is
 * neither here nor on a span fails; so does one that is here and on a line after all.
 */
export const ON_NO_LINE: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  bgexit: { 'the process in the background was stopped before it wrote its first response': [14] },
  compact: { 'the call that made the summary': [7] },
  errors: { 'the connection was cut before the first block was whole': [34, 37, 40, 43] },
  midexits: { 'the session was killed in the middle of the stream': [66, 68] },
  'old-2.0.76': {
    'the CLI asks a small model for itself: topic, title, what a command is about': [
      22, 24, 29, 31, 33, 35, 54, 56, 58, 60, 89, 91, 111, 115, 146, 148, 164, 232, 238, 248, 264, 271,
    ],
    'at start it sums up the sessions before, which is where their markers come from': [194, 200, 205, 209, 212, 216, 219, 223, 225, 227],
    'the call that made the summary': [236],
  },
  'old-2.1.50': {
    'the CLI asks a small model for itself: topic, title, what a command is about': [
      11, 13, 35, 60, 62, 78, 82, 105, 107, 121, 139, 144, 152, 158, 178, 185, 189,
    ],
    'in the terminal, right after an answer: it guesses the next prompt': [148, 176, 194, 196],
    'the call that made the summary': [150],
  },
  'old-2.1.150': { 'the title of the session': [128, 137, 144], 'the call that made the summary': [135] },
  'old-2.1.250': { 'the title of the session': [150, 159, 166, 193], 'the call that made the summary': [157] },
  'respawn-2.1.150': { 'the title of the session': [4, 12] },
  'respawn2-2.1.150': { 'the title of the session': [4, 23, 33] },
  'respawn2-2.1.50': {
    'the CLI asks a small model for itself: topic, title, what a command is about': [3, 18, 25, 32, 44, 48, 55, 67, 73],
    'in the terminal, right after an answer: it guesses the next prompt': [16, 29, 39, 52, 65, 75],
  },
};

/** These sent no agent headers: the log has everything under `main`, so agents can't be compared. */
export const NO_AGENT_HEADERS = ['old-2.0.76', 'old-2.1.50', 'respawn2-2.1.50'];
/** These may leave the placeholder of the stream's beginning in the file, for every response. */
export const PLACEHOLDERS = ['old-2.0.76', 'old-2.1.50', 'respawn2-2.1.50'];
/** Streams that broke off: only the placeholder is on disk. */
export const CUT_STREAMS: Readonly<Record<string, readonly number[]>> = { errors: [29], midexits: [64] };

export const messageId = (n: number): string => `msg_fake${String(n).padStart(6, '0')}`;
export const notOnLine = (story: string): ReadonlySet<string> =>
  new Set(
    Object.values(ON_NO_LINE[story] ?? {})
      .flat()
      .map(messageId),
  );

export interface Served extends ExpectedResponse {
  readonly sessionId: string;
  readonly agent: string;
}

/** Responses in the log; failed attempts have no message id. */
export const servedOf = (expected: Expected): Served[] =>
  Object.entries(expected).flatMap(([sessionId, session]) =>
    Object.entries(session.agents).flatMap(([agent, { responses }]) =>
      responses.filter((response) => response.messageId !== undefined).map((response) => ({ ...response, sessionId, agent })),
    ),
  );

export function agentsInResults(text: string): { readonly callId: string; readonly agent: string }[] {
  return text.split('\n').flatMap((line) => {
    if (!line.includes('"tool_use_id"')) return [];
    const { message, toolUseResult } = JSON.parse(line);
    const agent = toolUseResult?.agentId ?? toolUseResult?.agent_id;
    return typeof agent === 'string' ? [{ callId: message.content[0].tool_use_id, agent }] : [];
  });
}
