/**
 * Our Span → OpenTelemetry's ReadableSpan, the shape its serializers take.
 *
 * in:   Span (whole Unix ms), the Scope that made it
 * out:  ReadableSpan; pure but for a cache
 *
 * Serializers group spans by the identity of their resource and scope objects, not by content. So one of our
 * Resource objects always becomes the same OTel Resource object, and the caller passes one Scope for all spans.
 * Not made by a Tracer on purpose: that path drops attributes, spans above a queue limit, and exact ids.
 */
import { type HrTime, type Attributes as OtelAttributes, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { type Resource as OtelResource, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Attributes, Resource, Span } from '../trace/span.ts';

/** Who made the spans: OpenTelemetry's instrumentation scope. */
export interface Scope {
  readonly name: string;
  readonly version: string;
  /** Of the semantic conventions the attribute names follow; absent when they have none. */
  readonly schemaUrl?: string;
}

export function readableSpan(span: Span, scope: Scope): ReadableSpan {
  const context = spanContext(span.traceId, span.spanId);
  const startTime = hrTime(span.startMs);
  const endTime = hrTime(span.endMs);
  return {
    name: span.name,
    kind: span.kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL,
    spanContext: () => context,
    // OTel reads an undefined parent as none, though its type knows only an absent one; a spread here cost half of all this.
    parentSpanContext: (span.parentSpanId === undefined ? undefined : spanContext(span.traceId, span.parentSpanId)) as SpanContext,
    startTime,
    endTime,
    duration: hrTime(span.endMs - span.startMs),
    status: span.status.kind === 'error' ? { code: SpanStatusCode.ERROR, message: span.status.message } : { code: SpanStatusCode.UNSET },
    attributes: otelAttributes(span.attributes),
    links: span.links.map((link) => ({ context: spanContext(link.traceId, link.spanId), attributes: otelAttributes(link.attributes) })),
    events: span.events.map((event) => ({ name: event.name, time: hrTime(event.timeMs), attributes: otelAttributes(event.attributes) })),
    ended: true,
    resource: otelResource(span.resource),
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/**
 * Unix milliseconds → OTel's [seconds, nanoseconds], without the rounding of a float division.
 *
 * @param ms  whole milliseconds, not negative
 */
export function hrTime(ms: number): HrTime {
  const msOfSecond = ms % 1000;
  return [(ms - msOfSecond) / 1000, msOfSecond * 1_000_000];
}

/** SAMPLED, because a span that is not sampled would not have been recorded. */
const spanContext = (traceId: string, spanId: string): SpanContext => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });

/** The same data: only OTel's type lacks `readonly` for arrays. */
const otelAttributes = (attributes: Attributes): OtelAttributes => attributes as OtelAttributes;

const otelResources = new WeakMap<Resource, OtelResource>();

function otelResource(resource: Resource): OtelResource {
  const known = otelResources.get(resource);
  if (known !== undefined) return known;
  const made = resourceFromAttributes(otelAttributes(resource.attributes));
  otelResources.set(resource, made);
  return made;
}
