import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hrTime, readableSpan } from '../../src/export/readable.ts';
import { FEATURES, span } from '../support/spans.ts';

const SCOPE = { name: 'trace-build', version: '1.2.3' };

test('whole milliseconds become seconds and nanoseconds exactly', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8_640_000_000_000_000 }), (ms) => {
      const [seconds, nanos] = hrTime(ms);
      expect(BigInt(seconds) * 1_000_000_000n + BigInt(nanos)).toBe(BigInt(ms) * 1_000_000n);
      expect(nanos).toBeLessThan(1_000_000_000);
    }),
  );
});

test('every field has its place', () => {
  const parentless = readableSpan(FEATURES[0]!, SCOPE);
  expect(parentless.parentSpanContext).toBeUndefined();
  expect(parentless).toMatchObject({
    name: 'invoke_agent claude-code',
    kind: 0,
    startTime: [1_763_675_000, 123_000_000],
    endTime: [1_763_682_654, 444_000_000],
    duration: [7654, 321_000_000],
    status: { code: 0 },
    attributes: FEATURES[0]!.attributes,
    ended: true,
  });
  expect(parentless.events[0]).toEqual({
    name: 'trace_build.compaction',
    time: [1_763_675_001, 122_000_000],
    attributes: { 'trace_build.tokens.before': 155_000 },
  });
  expect(parentless.links[0]).toEqual({
    context: { traceId: FEATURES[0]!.links[0]!.traceId, spanId: FEATURES[0]!.links[0]!.spanId, traceFlags: 1 },
    attributes: { 'trace_build.link': 'previous_turn' },
  });

  const chat = readableSpan(FEATURES[1]!, SCOPE);
  expect(chat.kind).toBe(2);
  expect(chat.parentSpanContext).toEqual({ traceId: FEATURES[1]!.traceId, spanId: FEATURES[0]!.spanId, traceFlags: 1 });
  expect(readableSpan(FEATURES[2]!, SCOPE).status).toEqual({ code: 2, message: 'tool_error' });
});

test('spans of one resource share one OTel resource and the scope, so that serializers group them', () => {
  const resource = { attributes: { 'service.name': 'a' } };
  const [first, second] = [span(1, { resource }), span(2, { resource })].map((one) => readableSpan(one, SCOPE));
  expect(first!.resource).toBe(second!.resource);
  expect(first!.instrumentationScope).toBe(second!.instrumentationScope);
  expect(readableSpan(span(3, { resource: { ...resource } }), SCOPE).resource).not.toBe(first!.resource);
});
