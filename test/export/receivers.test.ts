/**
 * The same spans to two receivers by other people, over both protocols, compressed or not: they arrive whole.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDelivery } from '../../src/export/deliver.ts';
import { destinationFrom } from '../../src/export/destination.ts';
import type { Span } from '../../src/trace/span.ts';
import { asReceived } from '../support/otlp.ts';
import { type MockOtlp, startMockOtlp, startTracelet, type Tracelet, type TraceletSpan } from '../support/receivers.ts';
import { FEATURES } from '../support/spans.ts';

const SCOPE = { name: 'trace-build', version: '1.2.3', schemaUrl: 'https://opentelemetry.io/schemas/1.41.0' };

const WAYS = ['http/protobuf', 'http/json'].flatMap((protocol) => ['gzip', 'none'].map((compression) => ({ protocol, compression })));

/** Each way has traces of its own, so that what arrived can be told apart at a receiver that keeps everything. */
const spansFor = (way: number): Span[] => FEATURES.map((span) => ({ ...span, traceId: `${way + 1}${span.traceId.slice(1)}` }));

async function deliver(url: string, way: { protocol: string; compression: string }, spans: readonly Span[]) {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: way.protocol,
    OTEL_EXPORTER_OTLP_COMPRESSION: way.compression,
  };
  const delivery = createDelivery(destinationFrom({ env })!, { scope: SCOPE });
  const report = await delivery.send(spans);
  await delivery.close();
  return report;
}

const ARRIVED = { built: FEATURES.length, acknowledged: FEATURES.length, refused: 0, pending: 0, requests: 1, retried: 0, messages: [] };

const byId = <T extends { traceId: string; spanId: string }>(spans: readonly T[]): T[] =>
  spans.toSorted((a, b) => `${a.traceId}${a.spanId}`.localeCompare(`${b.traceId}${b.spanId}`));

describe('mockotlpserver', () => {
  let receiver: MockOtlp;
  beforeAll(async () => {
    receiver = await startMockOtlp();
  });
  afterAll(() => receiver.stop());

  test.each(WAYS.map((way, number) => ({ ...way, number })))('$protocol, $compression', async ({ number, ...way }) => {
    const spans = spansFor(number);
    expect(await deliver(receiver.url, way, spans)).toEqual(ARRIVED);
    const own = new Set(spans.map(({ traceId }) => traceId));
    expect(byId(receiver.spans().filter(({ traceId }) => own.has(traceId)))).toEqual(byId(spans.map((span) => asReceived(span, SCOPE))));
  });
});

describe('tracelet', () => {
  let receiver: Tracelet;
  beforeAll(async () => {
    receiver = await startTracelet();
  }, 30_000);
  afterAll(() => receiver.stop());

  test.each(WAYS.map((way, number) => ({ ...way, number })))('$protocol, $compression', async ({ number, ...way }) => {
    const spans = spansFor(number).map(withoutNegative);
    expect(await deliver(receiver.url, way, spans)).toEqual(ARRIVED);
    const own = new Set(spans.map(({ traceId }) => traceId));
    const received = (await receiver.spans()).filter(({ traceId }) => own.has(traceId));
    expect(byId(received)).toEqual(byId(spans.map((span) => expect.objectContaining(asTraceletSpan(span)))));
  });

  /** Its protobuf decoder reads -1 as 2^64 - 1; mockotlpserver shows that we send -1. */
  const withoutNegative = (span: Span): Span => {
    const { 'trace_build.negative': _negative, ...attributes } = span.attributes;
    return { ...span, attributes };
  };

  const asTraceletSpan = (span: Span): TraceletSpan => ({
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? null,
    name: span.name,
    service: 'claude-code',
    scope: SCOPE.name,
    otelKind: span.kind.toUpperCase(),
    start: span.startMs,
    end: span.endMs,
    status: span.status.kind === 'error' ? 'ERROR' : 'UNSET',
    statusMessage: span.status.kind === 'error' ? span.status.message : '',
    attributes: span.attributes,
    events: span.events.map(({ timeMs, ...event }) => ({ ...event, time: timeMs })),
  });
});
