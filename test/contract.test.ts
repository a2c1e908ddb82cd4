/**
 * What every harness owes, whatever its transcripts look like. A transcript is read while it grows, after it was
 * damaged, copied and resumed: so it is cut, doubled, shuffled and littered here, every recorded session of it.
 */
import { describe, expect, test } from 'vitest';
import { brokenInvariants, buildTrace, type Span, type Trace, type Transcript } from '../src/index.ts';
import { complaints, idsOf, mapFiles, growing as sessionsOf, withMain } from './support/contract.ts';
import { dialectOf } from './support/dialects.ts';
import { ALL_STORIES, type PlainFile, type PlainTranscript, STORIES } from './support/stories.ts';

describe('cut at every line', () => {
  test.each(ALL_STORIES)('%s: the main file', (story) => {
    for (const transcript of sessionsOf(story)) {
      const whole = new Set(idsOf(buildTrace({ ...transcript, ended: true }).spans));
      for (let end = 0; end <= transcript.main.lines.length; end++)
        expect(
          complaints(withMain(transcript, transcript.main.lines.slice(0, end)), whole),
          `${transcript.main.name} cut after line ${end}`,
        ).toEqual([]);
    }
  });

  test.each(ALL_STORIES)('%s: each agent file', (story) => {
    for (const transcript of sessionsOf(story)) {
      const whole = new Set(idsOf(buildTrace({ ...transcript, ended: true }).spans));
      for (const cut of transcript.agents) {
        for (let end = 0; end <= cut.lines.length; end++) {
          const agents = transcript.agents.map((agent) => (agent === cut ? { ...agent, lines: agent.lines.slice(0, end) } : agent));
          expect(complaints({ ...transcript, agents }, whole), `${cut.name} cut after line ${end}`).toEqual([]);
        }
      }
    }
  });
});

/** Short ones, for it is a build per byte; of bookkeeping lines, one of each kind. */
test.each([
  ...['codex/0.20.0-tools', 'codex/0.44.0-tools', 'codex/0.169-plain', 'openclaw/2026.6.11-jsonl', 'openclaw/2026.9.6-sqlite'].map(
    shortestOf,
  ),
  ...['hermes/real-run-0.18.2', 'pi/0.73.1-tools'].map(shortestOf),
  { story: 'old-2.0.76', sessionId: '46dee81b-aea4-4ab4-8ded-ad0511f7d873' },
  { story: 'old-2.1.50', sessionId: 'dc9dcc9a-3514-43d1-98a1-c30087673c43' },
  { story: 'old-2.1.150', sessionId: '59edc332-7899-47b3-b0e9-a42069794fef' },
  { story: 'old-2.1.250', sessionId: '9655694e-7b13-48f7-b711-22b4a7653fa1' },
  { story: 'midexits', sessionId: '6670dad8-aad0-42e0-b370-7a91e8b937a0' },
])('$story: cut at every byte', ({ story, sessionId }) => {
  const transcript = sessionsOf(story).find((session) => session.sessionId === sessionId)!;
  const whole = new Set(idsOf(buildTrace({ ...transcript, ended: true }).spans));
  const lines = dialectOf(transcript)
    .shortened(transcript.main.lines)
    .map((line) => Buffer.from(line));
  const broken: string[] = [];
  for (const [at, line] of lines.entries()) {
    for (let end = 0; end <= line.length; end++) {
      const part = withMain(transcript, [...lines.slice(0, at), line.subarray(0, end)]);
      broken.push(...complaints(part, whole).map((what) => `line ${at + 1} cut after byte ${end}: ${what}`));
    }
  }
  expect(broken).toEqual([]);
});

/** The session of a story that is cut the soonest. */
function shortestOf(story: string): { readonly story: string; readonly sessionId: string } {
  const bytesOf = ({ main }: PlainTranscript): number => main.lines.reduce((sum, line) => sum + line.length, 0);
  const [shortest] = sessionsOf(story).toSorted((a, b) => bytesOf(a) - bytesOf(b));
  return { story, sessionId: shortest!.sessionId };
}

describe('as it grows', () => {
  test.each(ALL_STORIES)('%s: what is settled at some moment is never told otherwise', (story) => {
    for (const transcript of sessionsOf(story)) {
      const whole = new Map(buildTrace({ ...transcript, ended: true }).spans.map((span) => [span.spanId, comparable(span)]));
      for (const atMs of momentsOf(transcript)) {
        const { spans } = buildTrace(until(transcript, atMs));
        for (const span of spans) {
          if (span.open || span.attributes['trace_build.agent.unclaimed'] === true) continue;
          expect(comparable(span), `${span.name} of ${transcript.sessionId} at ${new Date(atMs).toISOString()}`).toEqual(
            whole.get(span.spanId),
          );
        }
      }
    }
  });

  const comparable = ({ open: _, ...span }: Span) => span;

  const momentsOf = (transcript: PlainTranscript): number[] => {
    const { timeOf } = dialectOf(transcript);
    return [...new Set([transcript.main, ...transcript.agents].flatMap(({ lines }) => lines.map(timeOf)))].toSorted((a, b) => a - b);
  };

  /** All files as they were at that moment. */
  function until(transcript: PlainTranscript, atMs: number): Transcript {
    const { upTo } = dialectOf(transcript);
    const then = <F extends PlainFile>(file: F): F => ({ ...file, lines: upTo(file.lines, atMs) });
    return { ...transcript, main: then(transcript.main), agents: transcript.agents.map(then).filter(({ lines }) => lines.length > 0) };
  }
});

/** All that a span tells, but the count of the problems that the damage made. */
const told = ({ spans }: Trace) =>
  spans.map(({ attributes, ...span }) => ({
    ...span,
    attributes: Object.fromEntries(Object.entries(attributes).filter(([name]) => name !== 'trace_build.problems')),
  }));

describe('told twice', () => {
  test.each(ALL_STORIES)('%s: every line doubled tells nothing new', (story) => {
    for (const transcript of sessionsOf(story))
      expect(told(buildTrace(mapFiles(transcript, ({ lines }) => lines.flatMap((line) => [line, line]))))).toEqual(
        told(buildTrace(transcript)),
      );
  });

  test.each(ALL_STORIES)('%s: the whole file once more, as after a compaction, keeps ids, tokens and tools', (story) => {
    for (const transcript of sessionsOf(story)) {
      const [once, twice] = [transcript, mapFiles(transcript, ({ lines }) => [...lines, ...lines])].map(
        (each) => buildTrace(each).spans,
      ) as [Span[], Span[]];
      const counted = (spans: readonly Span[]) =>
        spans.map(({ spanId, parentSpanId, name, attributes }) => [
          spanId,
          parentSpanId,
          name,
          attributes['gen_ai.usage.input_tokens'],
          attributes['gen_ai.usage.output_tokens'],
          attributes['trace_build.tool_calls'],
        ]);
      expect(counted(twice)).toEqual(counted(once));
    }
  });
});

describe('shuffled', () => {
  test.each(STORIES)('%s: lines of one response in another order are the same response', (story) => {
    for (const transcript of sessionsOf(story)) {
      const expected = idsOf(buildTrace(transcript).spans).toSorted();
      for (const reorder of [backwards, rotated])
        expect(
          idsOf(buildTrace(mapFiles(transcript, ({ lines }) => reorderedResponses(lines, reorder))).spans).toSorted(),
          reorder.name,
        ).toEqual(expected);
    }
  });

  const backwards = <T>(items: readonly T[]): readonly T[] => items.toReversed();
  const rotated = <T>(items: readonly T[]): readonly T[] => [...items.slice(1), ...items.slice(0, 1)];

  /** The lines of each response change places among themselves; every other line stays. */
  function reorderedResponses(lines: readonly string[], reorder: (group: readonly string[]) => readonly string[]): string[] {
    const places = new Map<string, number[]>();
    for (const [at, line] of lines.entries()) {
      const { type, message } = JSON.parse(line);
      if (type === 'assistant') places.set(message.id, [...(places.get(message.id) ?? []), at]);
    }
    const result = [...lines];
    for (const group of places.values()) {
      const moved = reorder(group.map((at) => lines[at]!));
      for (const [n, at] of group.entries()) result[at] = moved[n]!;
    }
    return result;
  }
});

describe('littered', () => {
  /** What is no record: by the parser's reason, or without one. */
  const GARBAGE: readonly { readonly line: string; readonly reason?: string }[] = [
    { line: 'not JSON at all', reason: 'not-json' },
    { line: '{"type":"user","message":{"content":"torn in the mid', reason: 'not-json' },
    { line: '{"timestamp":"2026-11-20T21:48:31.844Z","type":"response_item","payload":{"type":"mess', reason: 'not-json' },
    { line: '[1,2,3]', reason: 'not-an-object' },
    { line: '"a string"', reason: 'not-an-object' },
    { line: '42', reason: 'not-an-object' },
    { line: 'null', reason: 'not-an-object' },
    { line: '\u0000\u0000\u0000' },
    { line: '   ' },
    { line: '' },
    { line: '{}' },
    { line: '{"type":"of-a-version-to-come","payload":{"deep":[1,2,3]}}' },
    { line: '{"type":"summary","summary":"of another session","leafUuid":"19acd201-18e3-41c0-bf12-e951fbdc3d01"}' },
    { line: '{"type":"mode","mode":"normal","sessionId":"00000000-0000-4000-8000-000000000000"}' },
  ];

  test.each(ALL_STORIES)('%s: garbage between the lines is counted, and changes nothing', (story) => {
    for (const transcript of sessionsOf(story)) {
      const plain = buildTrace(transcript);
      for (const { line, reason } of GARBAGE) {
        const littered = buildTrace(mapFiles(transcript, ({ lines }) => lines.flatMap((own) => [line, own])));
        expect(told(littered), line).toEqual(told(plain));
        const inserted = transcript.main.lines.length + transcript.agents.reduce((sum, { lines }) => sum + lines.length, 0);
        expect(littered.problems.filter((problem) => problem.reason === reason).length, line).toBe(reason === undefined ? 0 : inserted);
      }
    }
  });

  test.each(STORIES)('%s: lines of another session neither take anything away nor get lost', (story) => {
    const foreign = sessionsOf('deny')[0]!;
    const foreignIds = callIds(buildTrace(foreign).spans);
    for (const transcript of sessionsOf(story).slice(0, 3)) {
      if (story === 'deny') continue;
      const own = callIds(buildTrace(transcript).spans);
      const prefixed = foreign.main.lines.map((line) => line.replaceAll(/(msg|toolu|req)_fake/g, '$1_foreign'));
      const wanted = [...own, ...foreignIds.map((id) => id.replace('_fake', '_foreign'))].toSorted();
      for (const at of [0, Math.floor(transcript.main.lines.length / 2), transcript.main.lines.length]) {
        const lines = [...transcript.main.lines.slice(0, at), ...prefixed, ...transcript.main.lines.slice(at)];
        const { spans } = buildTrace(withMain(transcript, lines));
        expect(brokenInvariants(spans)).toEqual([]);
        expect(callIds(spans).toSorted(), `inserted above line ${at + 1}`).toEqual(wanted);
      }
    }
  });

  const callIds = (spans: readonly Span[]): string[] =>
    spans.flatMap(({ attributes }) => attributes['gen_ai.response.id'] ?? attributes['gen_ai.tool.call.id'] ?? []).map(String);
});

describe('the same in, the same out', () => {
  test.each(ALL_STORIES)('%s: byte for byte', (story) => {
    for (const transcript of sessionsOf(story)) expect(JSON.stringify(buildTrace(transcript))).toBe(JSON.stringify(buildTrace(transcript)));
  });

  test.each(ALL_STORIES)('%s: as text, as bytes, from a buffer that is used again', (story) => {
    for (const transcript of sessionsOf(story)) {
      for (const content of ['none', 'full'] as const) {
        const expected = JSON.stringify(buildTrace(transcript, { content }));
        expect(
          JSON.stringify(
            buildTrace(
              mapFiles(transcript, ({ lines }) => lines.map((line) => Buffer.from(line))),
              { content },
            ),
          ),
        ).toBe(expected);
        expect(
          JSON.stringify(
            buildTrace(
              mapFiles(transcript, ({ lines }) => lines.map((line) => new TextEncoder().encode(line))),
              { content },
            ),
          ),
        ).toBe(expected);
        const streamed: Transcript = {
          ...transcript,
          main: { ...transcript.main, lines: throughOneBuffer(transcript.main.lines) },
          agents: transcript.agents.map((agent) => ({ ...agent, lines: throughOneBuffer(agent.lines) })),
        };
        expect(JSON.stringify(buildTrace(streamed, { content }))).toBe(expected);
      }
    }
  });

  /** As read/lines.ts gives them: each line is overwritten by the next. */
  function* throughOneBuffer(lines: readonly string[]): Generator<Buffer> {
    const buffer = Buffer.alloc(Math.max(1, ...lines.map((line) => Buffer.byteLength(line))));
    for (const line of lines) {
      buffer.fill('x');
      yield buffer.subarray(0, buffer.write(line));
    }
  }

  test.each(ALL_STORIES)('%s: in whatever order the agent files are given', (story) => {
    for (const transcript of sessionsOf(story))
      expect(buildTrace({ ...transcript, agents: transcript.agents.toReversed() }).spans).toEqual(buildTrace(transcript).spans);
  });
});
