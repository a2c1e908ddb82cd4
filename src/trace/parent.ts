/**
 * A session as part of a larger trace: its turns become children of the span a CI job was in.
 *
 * in:   spans with ids of their own, the parent as W3C traceparent
 * out:  the same spans in the parent's trace; span ids stay, for they are made of content
 */
import * as attr from './semconv.ts';
import type { Span, SpanLink } from './span.ts';

export interface ParentSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** False: whoever began the trace does not record it, so nothing of it is exported. */
  readonly sampled: boolean;
}

/**
 * https://www.w3.org/TR/trace-context/#traceparent-header, version 00; of later versions what 00 defines.
 *
 * @returns undefined when it is none
 */
export function parentFrom(traceparent: string): ParentSpan | undefined {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(traceparent.trim());
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, more] = match;
  if (version === 'ff' || (version === '00' && more !== undefined) || /^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined;
  return { traceId: traceId!, spanId: spanId!, sampled: (Number.parseInt(flags!, 16) & 1) === 1 };
}

export const underParent = (span: Span, parent: ParentSpan): Span => ({
  ...span,
  traceId: parent.traceId,
  parentSpanId: span.parentSpanId ?? parent.spanId,
  links: span.links.map((link) => (isWithinSession(link) ? { ...link, traceId: parent.traceId } : link)),
});

/** The lead of a team is a session of its own. */
const isWithinSession = ({ attributes }: SpanLink): boolean => attributes[attr.ATTR_LINK_KIND] !== 'started_by';
