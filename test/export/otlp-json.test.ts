import { expect, test } from 'vitest';
import { otlpJsonChunks } from '../../src/export/otlp-json.ts';
import type { Span } from '../../src/trace/span.ts';
import { flatSpans } from '../support/otlp.ts';
import { FEATURES, spansNumbered } from '../support/spans.ts';

const SCOPE = { name: 'trace-build', version: '1.2.3', schemaUrl: 'https://opentelemetry.io/schemas/1.41.0' };

const chunksOf = (sessions: Iterable<readonly Span[]> | AsyncIterable<readonly Span[]>): Promise<string[]> =>
  collected(otlpJsonChunks(sessions, SCOPE));

/** Node 20 has no Array.fromAsync. */
async function collected(chunks: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

test('the chunks of several sessions are one request, with every span once and in order', async () => {
  const sessions = [FEATURES, [], spansNumbered(1100)];
  const chunks = await chunksOf(sessions);
  const received = flatSpans(JSON.parse(chunks.join('')));
  expect(received.map((span) => [span.traceId, span.spanId])).toEqual(sessions.flat().map((span) => [span.traceId, span.spanId]));
  expect(received[0]!.scope).toEqual(SCOPE);
  // The wrapper's two halves, a batch of FEATURES, three of the 1,100.
  expect(chunks).toHaveLength(6);
});

test('sessions may come one by one, and the next is asked for only when the last is out', async () => {
  const asked: number[] = [];
  async function* oneByOne() {
    for (const n of [1, 2]) {
      asked.push(n);
      yield spansNumbered(n);
    }
  }
  const reader = otlpJsonChunks(oneByOne(), SCOPE);
  await reader.next();
  expect(asked).toEqual([]);
  await reader.next();
  expect(asked).toEqual([1]);
  const rest = await collected(reader);
  expect(rest.at(-1)).toBe(']}');
});

test.each([[[]], [[[]]], [[[], []]]])('no spans: an empty request (%j)', async (sessions) => {
  expect(JSON.parse((await chunksOf(sessions)).join(''))).toEqual({ resourceSpans: [] });
});

test('the same spans give the same bytes', async () => {
  expect(await chunksOf([FEATURES])).toEqual(await chunksOf([FEATURES]));
});
