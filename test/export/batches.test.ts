import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BATCH_LIMITS, batches, type Limits, type Serialize, serializerFor } from '../../src/export/batches.ts';
import type { Span } from '../../src/trace/span.ts';
import { decodeRequest } from '../support/otlp.ts';
import { FEATURES, span, spansNumbered } from '../support/spans.ts';

const SCOPE = { name: 'trace-build', version: '1.2.3' };
const ids = (spans: readonly { spanId: string }[]): string[] => spans.map(({ spanId }) => spanId);

/** As large as its attribute says: a span's size without the cost of serializing it. */
const bySize: Serialize = (spans) => new Uint8Array(spans.reduce((sum, one) => sum + Number(one.attributes['size']), 0));
const sized = (size: number, n: number): Span => span(n, { attributes: { size } });

test('batches partition the spans, in order, within the limits', () => {
  const limits = fc.record<Limits>({ maxSpans: fc.integer({ min: 1, max: 20 }), maxBytes: fc.integer({ min: 1, max: 300 }) });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 100 }), limits, (sizes, { maxSpans, maxBytes }) => {
      const spans = sizes.map(sized);
      const made = [...batches(spans, bySize, { maxSpans, maxBytes })];
      expect(ids(made.flatMap((batch) => batch.spans))).toEqual(ids(spans));
      for (const batch of made) {
        expect(batch.spans.length).toBeGreaterThan(0);
        expect(batch.spans.length).toBeLessThanOrEqual(maxSpans);
        if (batch.spans.length > 1) expect(batch.bytes.length).toBeLessThanOrEqual(maxBytes);
        expect(batch.bytes.length).toBe(bySize(batch.spans).length);
      }
    }),
  );
});

test.each(['http/protobuf', 'http/json'] as const)('%s: the measured bytes are the request', (protocol) => {
  const made = [...batches(FEATURES, serializerFor(protocol, SCOPE), { maxSpans: 2, maxBytes: 1e6 })];
  const contentType = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
  expect(made.map((batch) => ids(decodeRequest(batch.bytes, contentType)))).toEqual(made.map((batch) => ids(batch.spans)));
});

test('small spans: 512 a batch; large ones: 4 MiB a batch, with few serializations in vain', () => {
  expect([...batches(spansNumbered(1100), serializerFor('http/protobuf', SCOPE))].map((batch) => batch.spans.length)).toEqual([
    512, 512, 76,
  ]);

  let serialized = 0;
  const large = Array.from({ length: 600 }, (_, n) => sized(64 * 1024, n));
  const counted: Serialize = (spans) => {
    serialized += spans.length;
    return bySize(spans);
  };
  const made = [...batches(large, counted)];
  expect(made.every((batch) => batch.bytes.length <= BATCH_LIMITS.maxBytes)).toBe(true);
  expect(made.every((batch, at) => batch.spans.length === 64 || at === made.length - 1)).toBe(true);
  expect(serialized).toBeLessThan(3 * large.length);
});

test('a large span now and then does not make its neighbours be serialized over and over', () => {
  let serialized = 0;
  const spans = Array.from({ length: 800 }, (_, n) => sized(n % 8 === 0 ? 1500 : 10, n));
  const counted: Serialize = (piece) => {
    serialized += piece.length;
    return bySize(piece);
  };
  expect([...batches(spans, counted, { maxSpans: 512, maxBytes: 1000 })].flatMap((batch) => batch.spans)).toHaveLength(800);
  expect(serialized).toBeLessThan(5 * spans.length);
});

test('only one batch is made ahead of its reader', () => {
  let calls = 0;
  const counted: Serialize = (spans) => {
    calls += 1;
    return bySize(spans);
  };
  const reader = batches([1, 1, 1, 1].map(sized), counted, { maxSpans: 1, maxBytes: 10 });
  expect(calls).toBe(0);
  reader.next();
  expect(calls).toBe(1);
});

test('limits lowered on the way hold from the next batch on', () => {
  const limits = { maxSpans: 4, maxBytes: 100 };
  const lengths: number[] = [];
  for (const batch of batches(
    Array.from({ length: 8 }, (_, n) => sized(10, n)),
    bySize,
    limits,
  )) {
    lengths.push(batch.spans.length);
    limits.maxBytes = 20;
  }
  expect(lengths).toEqual([4, 2, 2]);
});
