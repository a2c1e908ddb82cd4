/**
 * A span as plain data: small enough to print, diff and snapshot. Imports nothing.
 *
 * Times are whole Unix milliseconds; the one conversion to OTLP's nanoseconds is in export/.
 */
export interface Span {
  /** 32 lowercase hex digits. */
  readonly traceId: string;
  /** 16 lowercase hex digits. */
  readonly spanId: string;
  /** Absent or undefined: the root of its trace. */
  readonly parentSpanId?: string | undefined;
  readonly name: string;
  readonly kind: 'internal' | 'client';
  readonly startMs: number;
  readonly endMs: number;
  readonly status: SpanStatus;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  /** Shared by all spans of a turn: the same object, so that exporters can group by identity. */
  readonly resource: Resource;
  /** True while a longer transcript could still change it. */
  readonly open: boolean;
}

export type SpanStatus = { readonly kind: 'unset' } | { readonly kind: 'error'; readonly message: string };

export interface SpanEvent {
  readonly name: string;
  readonly timeMs: number;
  readonly attributes: Attributes;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

export interface Resource {
  readonly attributes: Attributes;
}

export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = Readonly<Record<string, AttributeValue>>;
