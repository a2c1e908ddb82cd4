/**
 * Turns that a session copied from another one.
 *
 * in:   spans of one session
 * out:  ids of the traces of those turns: the other session tells the same ones, with the times at which they happened
 */
import { ATTR_TURN_COPIED } from './semconv.ts';
import type { Span } from './span.ts';

export const copiedTraces = (spans: readonly Span[]): ReadonlySet<string> =>
  new Set(spans.flatMap(({ traceId, attributes }) => (attributes[ATTR_TURN_COPIED] === true ? [traceId] : [])));
