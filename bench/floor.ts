/**
 * The floor: the least any program must do that reads every line and delivers these spans, as a cold process.
 *
 *   node floor.mjs <folder> <prebuilt spans>
 *
 * in:   the folder that ours.ts reads; the spans that ours.ts made of it
 * out:  one JSON line: spans, serialized bytes, gzipped bytes, peak memory, what the main thread ran, what does not count
 *
 * It reads in chunks of 256 KiB, cuts at line feeds, decodes and JSON.parses each line and drops it; then
 * it hands the spans to OpenTelemetry's serializer, 512 at a time, and gzips.
 *
 * Building spans is what we are measured for, so here they must be given. Reviving them is timed inside the process
 * and taken off its wall time, to the floor's favour: what is left is the start of Node, the load of OpenTelemetry's
 * serializer, and the work. Only the garbage collector's later rounds over those spans stay on the bill, a few
 * milliseconds; without them the floor would have nothing to serialize.
 * They are revived after the reading: before, they would make its collections slower.
 */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { mainThreadMs } from './clock.ts';

const CHUNK_BYTES = 256 * 1024;
const BATCH_SPANS = 512;

const [folder, prebuilt] = process.argv.slice(2) as [string, string];
const sum = { lines: 0, spans: 0, bytes: 0, gzipped: 0 };
for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) if (name.endsWith('.jsonl')) parseLines(join(folder, name));
const [before, mainBefore] = [performance.now(), mainThreadMs() ?? 0];
const spans = revived(prebuilt);
const [excludedMs, mainExcludedMs] = [performance.now() - before, (mainThreadMs() ?? 0) - mainBefore];
for (let at = 0; at < spans.length; at += BATCH_SPANS) {
  const batch = spans.slice(at, at + BATCH_SPANS);
  const bytes = ProtobufTraceSerializer.serializeRequest(batch)!;
  sum.spans += batch.length;
  sum.bytes += bytes.length;
  sum.gzipped += gzipSync(bytes).length;
}
const ran = mainThreadMs();
const mainMs = ran === undefined ? undefined : ran - mainExcludedMs;
process.stdout.write(JSON.stringify({ ...sum, excludedMs, mainMs, peakBytes: process.resourceUsage().maxRSS * 1024 }));

function parseLines(path: string): void {
  const fd = openSync(path, 'r');
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  for (;;) {
    const read = readSync(fd, buffer, filled, buffer.length - filled, null);
    if (read === 0) break;
    const end = filled + read;
    let start = 0;
    for (let at = buffer.indexOf(10, filled); at >= 0 && at < end; at = buffer.indexOf(10, start)) {
      JSON.parse(buffer.toString('utf8', start, at));
      sum.lines++;
      start = at + 1;
    }
    buffer.copyWithin(0, start, end);
    filled = end - start;
    if (filled === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
  }
  closeSync(fd);
}

interface Prebuilt {
  readonly resources: readonly object[];
  readonly spans: readonly { readonly context: object; readonly resource: number }[];
}

function revived(path: string): ReadableSpan[] {
  const { resources, spans } = JSON.parse(readFileSync(path, 'utf8')) as Prebuilt;
  const shared = resources.map((attributes) => ({ attributes }));
  const instrumentationScope = { name: 'trace-build', version: '0.0.0' };
  return spans.map(
    (span) =>
      ({ ...span, spanContext: () => span.context, resource: shared[span.resource], instrumentationScope }) as unknown as ReadableSpan,
  );
}
