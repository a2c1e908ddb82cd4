/**
 * Hand-made transcript lines of Claude Code, as small as they can be: for tests that need a story no CLI would tell.
 *
 * out:  `user`, `assistant`, `result` … as objects, `transcript` of them; every value can be overridden
 */
import type { AgentFile, Transcript } from '../../src/harness/harness.ts';

export const SESSION = '5e551017-0000-4000-8000-000000000001';
export const BEGUN = Date.parse('2026-11-20T10:00:00.000Z');

export type Json = Record<string, unknown>;

/** A time in the form of the transcript, as ms after `BEGUN`. */
export const at = (ms: number): string => new Date(BEGUN + ms).toISOString();
export const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const common = (n: number, ms: number): Json => ({
  parentUuid: n === 1 ? null : uuid(n - 1),
  isSidechain: false,
  uuid: uuid(n),
  timestamp: at(ms),
  sessionId: SESSION,
  version: '2.1.250',
  cwd: '/nowhere/project',
});

/** A prompt: line `n`, `ms` after the beginning. */
export const user = (n: number, ms: number, content: unknown = 'do it', own: Json = {}): Json => ({
  ...common(n, ms),
  type: 'user',
  message: { role: 'user', content },
  ...own,
});

export const USAGE = { input_tokens: 10, output_tokens: 20, cache_read_input_tokens: 30, cache_creation_input_tokens: 40 };

/** One line of response `id`. */
export const assistant = (
  n: number,
  ms: number,
  id: string,
  content: unknown = [{ type: 'text', text: 'done' }],
  own: Json = {},
): Json => ({
  ...common(n, ms),
  type: 'assistant',
  requestId: `req_${id}`,
  message: { id, model: 'claude-opus-4-1', role: 'assistant', content, stop_reason: 'end_turn', usage: USAGE },
  ...own,
});

export const toolUse = (id: string, name = 'Bash', input: unknown = { command: 'true' }): Json => ({ type: 'tool_use', id, name, input });
export const agentUse = (id: string, input: Json = {}): Json =>
  toolUse(id, 'Agent', { description: 'd', prompt: 'p', subagent_type: 'worker', ...input });

export const result = (n: number, ms: number, id: string, own: Json = {}, block: Json = {}): Json =>
  user(n, ms, [{ type: 'tool_result', tool_use_id: id, content: 'ok', ...block }], own);

/** A turn of one prompt, one call and one answer: what damage is done to, and must survive. */
export const SMALL: readonly Json[] = [
  user(1, 0),
  assistant(2, 100, 'msg_1', [toolUse('toolu_1')]),
  result(3, 200, 'toolu_1'),
  assistant(4, 300, 'msg_2'),
];

export const text = (lines: readonly Json[]): string[] => lines.map((line) => JSON.stringify(line));

export function transcript(lines: readonly (Json | string)[], own: Partial<Transcript> = {}): Transcript {
  return {
    harness: 'claude-code',
    sessionId: SESSION,
    main: { name: 'main.jsonl', lines: lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))) },
    agents: [],
    ended: true,
    ...own,
  };
}

export const agentFile = (id: string, lines: readonly (Json | string)[], meta?: Json): AgentFile => ({
  id,
  name: `agent-${id}.jsonl`,
  lines: lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))),
  ...(meta !== undefined && { meta: JSON.stringify(meta) }),
});
