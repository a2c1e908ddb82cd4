/**
 * Sessions of OpenClaw that nobody recorded, line by line.
 *
 * out:  `header`, `user`, `answer`, `result`, `event`, each a line at a time in ms; `builtOf`, their trace, checked; `differences`, to their recount
 */
import { expect } from 'vitest';
import { openclaw } from '../../src/harness/openclaw/index.ts';
import { brokenInvariants, buildTrace, type Trace } from '../../src/index.ts';
import { compare } from '../../src/verify/compare.ts';
import type { Difference } from '../../src/verify/report.ts';

type Fields = Readonly<Record<string, unknown>>;
export const START_MS = Date.parse('2026-11-20T12:00:00.000Z');
const time = (ms: number): string => new Date(START_MS + ms).toISOString();

export const header = (fields: Fields = {}): string =>
  JSON.stringify({ type: 'session', version: 3, id: 's', timestamp: time(0), ...fields });

/** @param run  of version 4: version 3 names none */
export const user = (ms: number, id: string, run?: string): string =>
  entry(ms, id, { role: 'user', content: 'hi', timestamp: START_MS + ms, ...(run && { idempotencyKey: `${run}:user` }) });

export const answer = (ms: number, id: string, calls: readonly Fields[] = [], fields: Fields = {}, run?: string): string =>
  entry(ms, id, {
    role: 'assistant',
    provider: 'p',
    model: 'm',
    stopReason: calls.length > 0 ? 'toolUse' : 'stop',
    timestamp: START_MS + ms - 10,
    usage: { input: 10, output: 1 },
    content: calls.length > 0 ? calls : [{ type: 'text', text: 'done' }],
    ...(run && { __openclaw: { runId: run } }),
    ...fields,
  });

export const call = (id: string, name = 'read', input: unknown = {}): Fields => ({ type: 'toolCall', id, name, arguments: input });

export const result = (ms: number, id: string, callId: string, text: string, fields: Fields = {}): string =>
  entry(ms, id, { role: 'toolResult', toolCallId: callId, toolName: 'read', content: [{ type: 'text', text }], isError: false, ...fields });

export const entry = (ms: number, id: string, message: Fields): string =>
  JSON.stringify({ type: 'message', id, timestamp: time(ms), message });

export const event = (ms: number, type: string, data: Fields = {}, seq = 1, runId = 'r1'): string =>
  JSON.stringify({ traceSchema: 'openclaw-trajectory', type, runId, ts: time(ms), seq, data });

export interface Files {
  readonly agents?: readonly { readonly id: string; readonly name: string; readonly lines: readonly string[]; readonly meta?: string }[];
  readonly content?: 'none' | 'full';
  readonly ended?: boolean;
  readonly meta?: string;
  readonly harness?: string;
}

export function builtOf(lines: readonly string[], files: Files = {}): Trace {
  const { agents = [], content = 'none', ended = false, meta, harness = 'openclaw' } = files;
  const main = { name: 'main', lines, ...(meta !== undefined && { meta }) };
  const trace = buildTrace({ harness, sessionId: 's', main, agents, ended }, { content });
  expect(brokenInvariants(trace.spans)).toEqual([]);
  return trace;
}

export function differences(lines: readonly string[], files: Files = {}): readonly Difference[] {
  const { agents = [] } = files;
  return compare(openclaw.recount({ main: { name: 'main', lines }, agents }), builtOf(lines, files).spans).differences;
}
