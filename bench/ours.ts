/**
 * What we do, as a cold process: find the session, build its spans, serialize, gzip.
 *
 *   node ours.mjs <folder> [<file for the prebuilt spans>]
 *
 * in:   a folder with one session
 * out:  one JSON line: spans, serialized bytes, gzipped bytes, peak memory, what the main thread ran
 *       the spans as OpenTelemetry wants them, for the floor, when a file is named (not in timed runs)
 */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { batches, serializerFor } from '../src/export/batches.ts';
import { readableSpan } from '../src/export/readable.ts';
import { harnesses } from '../src/harness/index.ts';
import { traceSession } from '../src/pipeline.ts';
import { findSessions } from '../src/read/find.ts';
import type { Span } from '../src/trace/span.ts';
import { mainThreadMs } from './clock.ts';

const [folder, prebuilt] = process.argv.slice(2) as [string, string?];
const scope = { name: 'trace-build', version: '0.0.0' };
const serialize = serializerFor('http/protobuf', scope);
const sum = { spans: 0, problems: 0, bytes: 0, gzipped: 0 };
const all: Span[] = [];
for (const session of findSessions(folder, { env: {}, home: '/nowhere', harnesses })) {
  const { spans, problems } = traceSession(session, { content: 'none' }, { ended: true });
  sum.spans += spans.length;
  sum.problems += problems.length;
  for (const { bytes } of batches(spans, serialize)) {
    sum.bytes += bytes.length;
    sum.gzipped += gzipSync(bytes).length;
  }
  if (prebuilt !== undefined) all.push(...spans);
}
if (prebuilt !== undefined) writeFileSync(prebuilt, prebuiltSpans(all));
process.stdout.write(JSON.stringify({ ...sum, excludedMs: 0, mainMs: mainThreadMs(), peakBytes: process.resourceUsage().maxRSS * 1024 }));

/** Everything of a ReadableSpan is plain data but `spanContext()`; resources are told apart by number. */
function prebuiltSpans(spans: readonly Span[]): string {
  const resources = [...new Set(spans.map((span) => span.resource))];
  return JSON.stringify({
    resources: resources.map(({ attributes }) => attributes),
    spans: spans.map((span) => {
      const { spanContext, resource: _, instrumentationScope: __, ...plain } = readableSpan(span, scope);
      return { ...plain, context: spanContext(), resource: resources.indexOf(span.resource) };
    }),
  });
}
