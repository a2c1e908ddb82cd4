/**
 * Lines of the trajectory → what the runtime logged of a run: its attempts, the times of its tools, how it ended.
 *
 * in:   an object with a `traceSchema`
 * out:  `RunEvent`, or nothing where it tells of something else; all that was said is in the transcript
 */
import { type Complain, type Fields, objectAt, textAt, utcMs } from '../fields.ts';

export type RunEvent = { readonly runId: string; readonly atMs: number } & (
  | { readonly kind: 'attempt'; readonly trigger?: string }
  | { readonly kind: 'version'; readonly version: string }
  | { readonly kind: 'call'; readonly callId: string }
  | { readonly kind: 'result'; readonly callId: string; readonly isOk: boolean }
  /** The end of an attempt. */
  | { readonly kind: 'attempted'; readonly status: string }
  /** The end of the run. */
  | { readonly kind: 'ended'; readonly status: string; readonly timedOut: boolean; readonly stopReason?: string }
);

/** What is told twice is one event. `seq` alone does not tell: each attempt counts from 1. */
export const eventKey = (event: RunEvent, seq: unknown): string =>
  JSON.stringify([event.runId, seq, event.kind, event.atMs, 'callId' in event ? event.callId : '']);

export function eventFrom(fields: Fields, complain: Complain): RunEvent | undefined {
  const runId = textAt(fields, 'runId', complain);
  const atMs = timeAt(fields, 'ts', complain);
  if (runId === undefined || atMs === undefined) return undefined;
  const data = objectAt(fields, 'data', complain) ?? {};
  const at = { runId, atMs };
  switch (fields['type']) {
    case 'session.started': {
      const trigger = textAt(data, 'trigger', complain);
      return { ...at, kind: 'attempt', ...(trigger !== undefined && { trigger }) };
    }
    case 'trace.metadata': {
      const version = textAt(objectAt(data, 'harness', complain) ?? {}, 'version', complain);
      return version === undefined ? undefined : { ...at, kind: 'version', version };
    }
    case 'tool.call':
    case 'tool.result': {
      const callId = textAt(data, 'toolCallId', complain);
      if (callId === undefined) return undefined;
      return fields['type'] === 'tool.call'
        ? { ...at, kind: 'call', callId }
        : { ...at, kind: 'result', callId, isOk: data['success'] === true };
    }
    case 'trace.artifacts':
      return { ...at, kind: 'attempted', status: textAt(data, 'finalStatus', complain) ?? 'unknown' };
    case 'session.ended': {
      const stopReason = textAt(data, 'stopReason', complain);
      const timedOut = Object.entries(data).some(([key, value]) => /timedOut/i.test(key) && value === true);
      return {
        ...at,
        kind: 'ended',
        status: textAt(data, 'status', complain) ?? 'unknown',
        timedOut,
        ...(stopReason !== undefined && { stopReason }),
      };
    }
    default:
      return undefined;
  }
}

export function timeAt(fields: Fields, key: string, complain: Complain): number | undefined {
  const text = textAt(fields, key, complain);
  const atMs = text === undefined ? Number.NaN : utcMs(text);
  if (text !== undefined && Number.isNaN(atMs)) complain(`${key}: expected a time`);
  return Number.isNaN(atMs) ? undefined : atMs;
}
