/**
 * Spans → serialized requests that a collector will take.
 *
 * in:   Span[] in any order, a serializer, limits
 * out:  batches in the same order, one at a time, so that only one serialized request is in memory
 *
 * The bytes that were measured are the bytes that are sent: a batch carries them, nothing is serialized twice.
 */
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { Span } from '../trace/span.ts';
import { readableSpan, type Scope } from './readable.ts';

/** Some spans and the body of the one request that carries exactly them. */
export interface Batch {
  readonly spans: readonly Span[];
  /** A whole ExportTraceServiceRequest, not compressed. */
  readonly bytes: Uint8Array;
}

export interface Limits {
  readonly maxSpans: number;
  /** Bytes before compression: that is what collectors count. */
  readonly maxBytes: number;
}

/** 4 MiB: far below the OTel Collector's default of 20 MiB, and small enough that a repeated request costs little. */
export const BATCH_LIMITS: Limits = { maxSpans: 512, maxBytes: 4 * 1024 * 1024 };

export type Protocol = 'http/protobuf' | 'http/json';

export type Serialize = (spans: readonly Span[]) => Uint8Array;

/** OpenTelemetry's own serializer for a protocol: nobody else knows OTLP's shape. */
export function serializerFor(protocol: Protocol, scope: Scope): Serialize {
  const otel = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer;
  return (spans) => {
    const bytes = otel.serializeRequest(spans.map((span) => readableSpan(span, scope)));
    if (bytes === undefined) throw new Error(`the ${protocol} serializer made nothing of ${spans.length} spans`);
    return bytes;
  };
}

/**
 * A request that asks nothing of a collector but an answer.
 *
 * In protobuf a message without a field is no byte at all, and to some receivers a body of no bytes is no body (mockotlpserver:
 * 400). So it holds one ResourceSpans, field 1, of length 0.
 */
export function requestWithoutSpans(protocol: Protocol, scope: Scope): Uint8Array {
  const bytes = serializerFor(protocol, scope)([]);
  return bytes.length > 0 ? bytes : Uint8Array.of(0x0a, 0);
}

/**
 * Cuts spans into batches within the limits. A span that is too large alone is a batch of its own.
 *
 * @param limits  read anew for every batch: whoever learns that a collector takes less may lower them on the way
 */
export function* batches(spans: readonly Span[], serialize: Serialize, limits: Limits = BATCH_LIMITS): Generator<Batch, void> {
  let take = limits.maxSpans;
  for (let start = 0; start < spans.length; ) {
    const piece = spans.slice(start, start + Math.min(take, limits.maxSpans));
    const bytes = serialize(piece);
    if (bytes.length > limits.maxBytes && piece.length > 1) {
      take = Math.ceil(piece.length / 2);
      continue;
    }
    yield { spans: piece, bytes };
    start += piece.length;
    // Neighbours are alike: start from what fitted, so that large spans are not serialized in vain every time.
    if (bytes.length <= limits.maxBytes / 2) take = piece.length * 2;
  }
}
