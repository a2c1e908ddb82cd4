/**
 * A session in speedscope's own format: https://www.speedscope.app/file-format-schema.json.
 *
 * in:   `Shown`
 * out:  JSON in pieces: one evented profile a lane, for siblings that overlap break its stacks
 *
 * Frames are names, so that its sandwich view sums up all calls of a tool. Times count from the first span on.
 */
import { type Lane, lanesOf } from './lanes.ts';
import { nameOf, type Row, rowsOf, type Shown } from './session.ts';

export function* speedscopeJson({ session, spans }: Shown): Generator<string> {
  const rows = rowsOf(spans);
  const names = [...new Set(rows.map(({ span }) => nameOf(span)))];
  const frameOf = new Map(names.map((name, at) => [name, at]));
  const first = spans.reduce((ms, { startMs }) => Math.min(ms, startMs), spans[0]?.startMs ?? 0);
  const last = spans.reduce((ms, { endMs }) => Math.max(ms, endMs), first);
  const head = {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'trace-build',
    name: `${session.harness} ${session.id}`,
    activeProfileIndex: 0,
    shared: { frames: names.map((name) => ({ name })) },
  };
  yield `${JSON.stringify(head).slice(0, -1)},"profiles":[`;
  let separator = '\n';
  for (const lane of lanesOf(rows)) {
    const events = eventsOf(lane, rows, frameOf, first);
    const profile = { type: 'evented', name: lane.name, unit: 'milliseconds', startValue: 0, endValue: last - first, events };
    yield `${separator}${JSON.stringify(profile)}`;
    separator = ',\n';
  }
  yield '\n]}\n';
}

interface FrameEvent {
  readonly type: 'O' | 'C';
  readonly at: number;
  readonly frame: number;
}

/** Each closes after all that opened within it. */
function eventsOf({ slices }: Lane, rows: readonly Row[], frameOf: ReadonlyMap<string, number>, firstMs: number): readonly FrameEvent[] {
  const events: FrameEvent[] = [];
  const open: number[] = [];
  const add = (type: FrameEvent['type'], row: number): void => {
    const { span } = rows[row]!;
    events.push({ type, at: (type === 'O' ? span.startMs : span.endMs) - firstMs, frame: frameOf.get(nameOf(span))! });
  };
  const closeTo = (depth: number): void => {
    while (open.length > depth) add('C', open.pop()!);
  };
  for (const { row, depth } of slices) {
    closeTo(depth);
    add('O', row);
    open.push(row);
  }
  closeTo(0);
  return events;
}
