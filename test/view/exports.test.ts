/** What speedscope and Perfetto are given: stacks that nest, and every span once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Span } from '../../src/trace/span.ts';
import { type Lane, lanesOf } from '../../src/view/lanes.ts';
import { perfettoJson } from '../../src/view/perfetto.ts';
import { type Row, rowsOf, type Shown } from '../../src/view/session.ts';
import { speedscopeJson } from '../../src/view/speedscope.ts';
import { STORIES } from '../support/stories.ts';
import { shownIn } from './shown.ts';

/** Any tree of any times: children may begin before their parent, and outlive it. */
const tree: fc.Arbitrary<readonly Span[]> = fc
  .array(
    fc.record({
      parent: fc.nat(),
      operation: fc.constantFrom('invoke_agent', 'chat', 'execute_tool'),
      isTurn: fc.boolean(),
      startMs: fc.nat(30),
      length: fc.nat(15),
      name: fc.constantFrom('Explore', 'Explore 2', 'Bash'),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((drafts) =>
    drafts.map(({ parent, operation, isTurn, startMs, length, name }, at): Span => {
      const isRoot = at === 0 || parent % 7 === 0;
      return {
        traceId: 'a'.repeat(32),
        spanId: at.toString(16).padStart(16, '0'),
        parentSpanId: isRoot ? undefined : (parent % at).toString(16).padStart(16, '0'),
        name: `${operation} ${name}`,
        kind: 'internal',
        startMs,
        endMs: startMs + length,
        status: { kind: 'unset' },
        attributes: {
          'gen_ai.operation.name': operation,
          'gen_ai.agent.name': 'main',
          ...(isRoot && isTurn && operation === 'invoke_agent' && { 'trace_build.turn.number': at }),
        },
        events: [],
        links: [],
        resource: { attributes: {} },
        open: false,
      };
    }),
  );

const lone = (spans: readonly Span[]): Shown => ({ ...shownIn('nest')[0]!, spans });

test('whatever the times, each row is in one lane, and a lane holds only what nests in what started it', () => {
  fc.assert(
    fc.property(tree, (spans) => {
      const rows = rowsOf(spans);
      const lanes = lanesOf(rows);
      expect(lanes.flatMap(({ slices }) => slices.map(({ row }) => row)).toSorted((a, b) => a - b)).toEqual([...rows.keys()]);
      expect(new Set(lanes.map(({ name }) => name)).size).toBe(lanes.length);
      for (const lane of lanes) expectNested(lane, rows);
      for (const profile of parsed(speedscopeJson(lone(spans))).profiles) expectStrict(profile);
    }),
    { numRuns: 500 },
  );
});

describe.each(STORIES)('%s', (story) => {
  test('speedscope: strictly nested profiles that hold every span once', () => {
    for (const shown of shownIn(story)) {
      const file = parsed(speedscopeJson(shown));
      expect(file).toMatchObject({ $schema: 'https://www.speedscope.app/file-format-schema.json', activeProfileIndex: 0 });
      for (const frame of file.shared.frames) expect(frame).toEqual({ name: expect.any(String) });
      for (const profile of file.profiles) {
        expectStrict(profile);
        for (const { frame } of profile.events) expect(file.shared.frames[frame]).toBeDefined();
      }
      const opened = file.profiles.flatMap(({ events }) => events.filter(({ type }) => type === 'O'));
      expect(opened).toHaveLength(shown.spans.length);
    }
  });

  test('Perfetto: slices of a thread nest, and there is one for every span', () => {
    for (const shown of shownIn(story)) {
      const { traceEvents } = JSON.parse([...perfettoJson(shown)].join('')) as { traceEvents: readonly TraceEvent[] };
      const slices = traceEvents.filter(({ ph }) => ph === 'X');
      expect(slices).toHaveLength(shown.spans.length);
      const threads = new Set(traceEvents.flatMap(({ ph, name, tid }) => (ph === 'M' && name === 'thread_name' ? [tid] : [])));
      for (const { tid, ts, dur } of slices) {
        expect(threads).toContain(tid);
        for (const other of slices.filter((other) => other.tid === tid)) {
          const [end, otherEnd] = [ts + dur!, other.ts + other.dur!];
          expect(end <= other.ts || otherEnd <= ts || (ts >= other.ts && end <= otherEnd) || (other.ts >= ts && otherEnd <= end)).toBe(
            true,
          );
        }
      }
      const starts = traceEvents.filter(({ ph }) => ph === 's');
      const ends = traceEvents.filter(({ ph }) => ph === 'f');
      expect(ends.map(({ id }) => id)).toEqual(starts.map(({ id }) => id));
      for (const [at, { ts }] of starts.entries()) expect(ts).toBeLessThanOrEqual(ends[at]!.ts);
    }
  });
});

test('a turn with parallel agents, as both are given it', async () => {
  const [shown] = shownIn('fg', 'redacted');
  await expect([...perfettoJson(shown!)].join('')).toMatchFileSnapshot('golden/fg.perfetto.txt');
  await expect([...speedscopeJson(shown!)].join('')).toMatchFileSnapshot('golden/fg.speedscope.txt');
});

// ---------------------------------------------------------------------------------------------

interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly id?: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
}

interface Profile {
  readonly startValue: number;
  readonly endValue: number;
  readonly events: readonly { readonly type: 'O' | 'C'; readonly at: number; readonly frame: number }[];
}

const parsed = (pieces: Iterable<string>): { shared: { frames: readonly object[] }; profiles: readonly Profile[] } =>
  JSON.parse([...pieces].join(''));

/** As speedscope's importer demands: time never goes back, and what closes is what opened last. */
function expectStrict({ startValue, endValue, events }: Profile): void {
  const open: number[] = [];
  let now = startValue;
  for (const { type, at, frame } of events) {
    expect(at).toBeGreaterThanOrEqual(now);
    now = at;
    if (type === 'O') open.push(frame);
    else expect(open.pop()).toBe(frame);
  }
  expect(open).toEqual([]);
  expect(now).toBeLessThanOrEqual(endValue);
}

function expectNested({ slices }: Lane, rows: readonly Row[]): void {
  const open: number[] = [];
  for (const { row, depth } of slices) {
    const { span } = rows[row]!;
    for (const ended of open.splice(depth)) expect(rows[ended]!.span.endMs).toBeLessThanOrEqual(span.startMs);
    expect(open).toHaveLength(depth);
    const above = open.at(-1);
    if (above !== undefined) {
      expect(rows[above]!.span.startMs).toBeLessThanOrEqual(span.startMs);
      expect(rows[above]!.span.endMs).toBeGreaterThanOrEqual(span.endMs);
      expect(isBelow(rows, row, above)).toBe(true);
    }
    open.push(row);
  }
}

function isBelow(rows: readonly Row[], row: number, above: number): boolean {
  for (let at = rows[row]!.parent; at !== -1; at = rows[at]!.parent) if (at === above) return true;
  return false;
}
