/**
 * Spans of any number of sessions → the text of ONE OTLP/JSON ExportTraceServiceRequest, in chunks.
 *
 * in:   arrays of spans, one array a session, as they come
 * out:  text chunks, each at most a batch; joined they are one valid JSON document
 *
 * OTel's serializer makes every byte of a batch. All we know of the format is the wrapper around its list,
 * which is cut off each batch so that the lists can be joined.
 */
import type { Span } from '../trace/span.ts';
import { batches, serializerFor } from './batches.ts';
import type { Scope } from './readable.ts';

const OPEN = '{"resourceSpans":[';
const CLOSE = ']}';

/**
 * @param sessions  the caller decides the pace: the next array is asked for when the last is written
 * @throws  when OTel's serializer wraps its list otherwise than in the version this was written for
 */
export async function* otlpJsonChunks(
  sessions: Iterable<readonly Span[]> | AsyncIterable<readonly Span[]>,
  scope: Scope,
): AsyncGenerator<string, void> {
  const serialize = serializerFor('http/json', scope);
  yield OPEN;
  let separator = '';
  for await (const spans of sessions) {
    for (const batch of batches(spans, serialize)) {
      yield separator + resourceSpansOf(batch.bytes);
      separator = ',';
    }
  }
  yield CLOSE;
}

/** The list's inside, without its brackets. */
function resourceSpansOf(request: Uint8Array): string {
  const text = new TextDecoder().decode(request);
  if (!text.startsWith(OPEN) || !text.endsWith(CLOSE))
    throw new Error(`unexpected OTLP/JSON from OTel's serializer: ${text.slice(0, 40)}…`);
  return text.slice(OPEN.length, -CLOSE.length);
}
