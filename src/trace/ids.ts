/**
 * Trace and span ids, made of the transcript's own ids: whoever builds the same turn, from whichever
 * copy of it, makes the same ids. Scheme `v1`: frozen, for what was delivered must be known again.
 *
 * in:   ids from the transcript
 * out:  lowercase hex of W3C lengths
 *
 * Never of a counter (history is replayed), nor of the session's id (forks copy turns under a new one).
 */
import * as crypto from 'node:crypto';

/** @param startId  id of the line that started the turn, or of a stray agent's first line */
export const traceIdOf = (startId: string): string => hex(`trace-build v1 trace ${startId}`, 32);

/**
 * @param nativeId  turn: the start id; chat: the response id, or ours; call: the tool_use id, whether or not
 *                  the call turns out to have started an agent; agent: the id of an agent without a call
 */
export const spanIdOf = (traceId: string, kind: 'turn' | 'chat' | 'call' | 'agent', nativeId: string): string =>
  hex(`trace-build v1 span ${traceId} ${kind} ${nativeId}`, 16);

/** Node has the shorter way, of half the time, since 20.12. */
const sha256: (text: string) => string =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('sha256', text, 'hex')
    : (text) => crypto.createHash('sha256').update(text).digest('hex');

const hex = (seed: string, length: number): string => sha256(seed).slice(0, length);
