/**
 * A session as Chrome trace JSON, which ui.perfetto.dev and chrome://tracing open.
 *
 * in:   `Shown`
 * out:  JSON in pieces, an event a line: the session is a process, each lane a thread, links are flows
 *
 * The format counts microseconds. Format: "Trace Event Format", Google, read 2026-11-21.
 */
import * as attr from '../trace/semconv.ts';
import type { Span } from '../trace/span.ts';
import { labelOf } from './labels.ts';
import { lanesOf } from './lanes.ts';
import { spanObjectsOf } from './objects.ts';
import { kindOf, nameOf, type Row, rowsOf, type Shown } from './session.ts';

/** One session, hence one process. */
const PID = 1;

export function* perfettoJson(shown: Shown): Generator<string> {
  let separator = '{"displayTimeUnit":"ms","traceEvents":[\n';
  for (const event of eventsOf(shown)) {
    yield `${separator}${JSON.stringify(event)}`;
    separator = ',\n';
  }
  yield '\n]}\n';
}

function* eventsOf({ session, spans }: Shown): Generator<object> {
  const rows = rowsOf(spans);
  const lanes = lanesOf(rows);
  const objects = spanObjectsOf(session);
  const threadOf = new Map<string, number>();
  yield { ph: 'M', pid: PID, name: 'process_name', args: { name: `${session.harness} ${session.id}` } };
  for (const [at, { name, slices }] of lanes.entries()) {
    const tid = at + 1;
    yield { ph: 'M', pid: PID, tid, name: 'thread_name', args: { name } };
    yield { ph: 'M', pid: PID, tid, name: 'thread_sort_index', args: { sort_index: at } };
    for (const { row } of slices) {
      const { span } = rows[row]!;
      const object = objects.get(span.spanId);
      threadOf.set(span.spanId, tid);
      yield sliceOf(span, tid, object && labelOf(object));
      for (const { name, timeMs, attributes } of span.events)
        yield { ph: 'i', s: 't', pid: PID, tid, ts: timeMs * 1000, name, cat: 'event', args: attributes };
    }
  }
  yield* flowsIn(rows, threadOf);
}

function sliceOf(span: Span, tid: number, label: string | undefined): object {
  const { startMs, endMs, status, attributes } = span;
  return {
    ph: 'X',
    pid: PID,
    tid,
    ts: startMs * 1000,
    dur: (endMs - startMs) * 1000,
    name: nameOf(span),
    cat: kindOf(span),
    args: { ...(label !== undefined && { label }), ...(status.kind === 'error' && { error: status.message }), ...attributes },
  };
}

/** From the span that a link points at to the span that has it. */
function* flowsIn(rows: readonly Row[], threadOf: ReadonlyMap<string, number>): Generator<object> {
  const spanOf = new Map(rows.map(({ span }) => [span.spanId, span]));
  let id = 0;
  for (const { span } of rows)
    for (const { spanId, attributes } of span.links) {
      const source = spanOf.get(spanId);
      // A flow goes forward in time.
      if (source === undefined || source.startMs > span.startMs) continue;
      id++;
      const flow = { pid: PID, id, name: String(attributes[attr.ATTR_LINK_KIND] ?? 'link'), cat: 'link' };
      yield { ...flow, ph: 's', tid: threadOf.get(spanId), ts: source.startMs * 1000 };
      yield { ...flow, ph: 'f', bp: 'e', tid: threadOf.get(span.spanId), ts: span.startMs * 1000 };
    }
}
