/**
 * The body of an OTLP request → flat spans. Protobuf is decoded by the official .proto files through protobufjs,
 * as @elastic/mockotlpserver brings them: nothing here shares code with what encoded it.
 *
 * in:   an ExportTraceServiceRequest: bytes, parsed JSON, or a protobufjs message
 * out:  ReceivedSpan[], in the order they stand in the request; `asReceived`, what a span of ours should look like there
 *
 * mockotlpserver's own normalizeTrace is not used: it throws on an empty list in protobuf.
 */
import { getProtoRoot } from '@elastic/mockotlpserver/lib/proto.js';
import type { Span } from '../../src/trace/span.ts';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** OTLP's SpanKind: 1 internal, 3 client. */
  readonly kind: number;
  /** Unix ns, decimal. */
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  /** code: 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message?: string };
  readonly attributes: ReceivedAttributes;
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string; readonly attributes: ReceivedAttributes }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: ReceivedAttributes }[];
  readonly resource: ReceivedAttributes;
  readonly scope: { readonly name: string; readonly version: string; readonly schemaUrl?: string };
}

export type ReceivedAttributes = Readonly<Record<string, unknown>>;

export function decodeRequest(body: Uint8Array, contentType: string): ReceivedSpan[] {
  if (contentType === 'application/json') return flatSpans(JSON.parse(new TextDecoder().decode(body)));
  return flatSpans(getProtoRoot().lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest').decode(body));
}

export function flatSpans(request: unknown): ReceivedSpan[] {
  return plain(request).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, schemaUrl, spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        ...(span.parentSpanId?.length ? { parentSpanId: hex(span.parentSpanId) } : {}),
        name: span.name,
        kind: span.kind,
        startTimeUnixNano: span.startTimeUnixNano,
        endTimeUnixNano: span.endTimeUnixNano,
        status: { code: span.status.code, ...(span.status.message ? { message: span.status.message } : {}) },
        attributes: attributes(span.attributes),
        events: span.events.map(({ name, timeUnixNano, ...event }) => ({ name, timeUnixNano, attributes: attributes(event.attributes) })),
        links: span.links.map((link) => ({
          traceId: hex(link.traceId),
          spanId: hex(link.spanId),
          attributes: attributes(link.attributes),
        })),
        resource: attributes(resource.attributes),
        scope: { name: scope.name, version: scope.version, ...(schemaUrl ? { schemaUrl } : {}) },
      })),
    ),
  );
}

export const asReceived = (span: Span, scope: ReceivedSpan['scope']): ReceivedSpan => ({
  traceId: span.traceId,
  spanId: span.spanId,
  ...(span.parentSpanId ? { parentSpanId: span.parentSpanId } : {}),
  name: span.name,
  kind: span.kind === 'client' ? 3 : 1,
  startTimeUnixNano: nano(span.startMs),
  endTimeUnixNano: nano(span.endMs),
  status: span.status.kind === 'error' ? { code: 2, message: span.status.message } : { code: 0 },
  attributes: span.attributes,
  events: span.events.map(({ timeMs, ...event }) => ({ ...event, timeUnixNano: nano(timeMs) })),
  links: span.links,
  resource: span.resource.attributes,
  scope,
});

const nano = (ms: number): string => `${ms}000000`;

/** Bytes in protobuf, hex in JSON. */
type Id = Uint8Array | string;

interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: AnyValue[] };
}

interface Request {
  readonly resourceSpans: {
    readonly resource: { readonly attributes: KeyValue[] };
    readonly scopeSpans: {
      readonly scope: { readonly name: string; readonly version: string };
      readonly schemaUrl?: string;
      readonly spans: {
        readonly traceId: Id;
        readonly spanId: Id;
        readonly parentSpanId?: Id;
        readonly name: string;
        readonly kind: number;
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
        readonly status: { readonly code: number; readonly message?: string };
        readonly attributes: KeyValue[];
        readonly events: { readonly name: string; readonly timeUnixNano: string; readonly attributes: KeyValue[] }[];
        readonly links: { readonly traceId: Id; readonly spanId: Id; readonly attributes: KeyValue[] }[];
      }[];
    }[];
  }[];
}

interface MessageType {
  readonly toObject?: (message: unknown, options: object) => unknown;
}

function plain(request: unknown): Request {
  const type = (request as object).constructor as MessageType;
  return (type.toObject?.(request, { longs: String, arrays: true }) ?? request) as Request;
}

const hex = (id: Id): string => (typeof id === 'string' ? id : Buffer.from(id).toString('hex'));

const attributes = (list: readonly KeyValue[]): ReceivedAttributes =>
  Object.fromEntries(list.map(({ key, value }) => [key, jsValue(value)]));

function jsValue(value: AnyValue): unknown {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(jsValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}
