/**
 * Spans → `--output spans`: one JSON object a span and line, in OTLP's words but with plain attributes.
 *
 * in:   Span[]
 * out:  lines; ids lowercase hex, times decimal strings of Unix nanoseconds, kind and status code as in OTLP
 */
import type { Span } from '../trace/span.ts';
import { harmlessJson } from './terminal.ts';

const KINDS = { internal: 1, client: 3 } as const;
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;

export function* spanLines(spans: Iterable<Span>): Generator<string> {
  for (const span of spans) yield `${harmlessJson(JSON.stringify(spanJson(span)))}\n`;
}

const spanJson = (span: Span) => ({
  traceId: span.traceId,
  spanId: span.spanId,
  ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
  name: span.name,
  kind: KINDS[span.kind],
  startTimeUnixNano: unixNano(span.startMs),
  endTimeUnixNano: unixNano(span.endMs),
  status: span.status.kind === 'error' ? { code: STATUS_ERROR, message: span.status.message } : { code: STATUS_UNSET },
  attributes: span.attributes,
  events: span.events.map((event) => ({ name: event.name, timeUnixNano: unixNano(event.timeMs), attributes: event.attributes })),
  links: span.links,
  resource: span.resource,
});

const unixNano = (ms: number): string => (ms === 0 ? '0' : `${ms}000000`);
