/**
 * What the harness owes whatever happens to rollouts: they are read while they grow, after damage, copied and resumed.
 */
import { describe, expect, test } from 'vitest';
import type { Line, Transcript } from '../../../src/harness/harness.ts';
import { brokenInvariants } from '../../../src/trace/check.ts';
import type { Span } from '../../../src/trace/span.ts';
import { built, CODEX_STORIES, type PlainFile, type PlainTranscript, transcriptsOf } from '../../support/codex.ts';

const sessionsOf = (story: string): readonly PlainTranscript[] =>
  transcriptsOf(story).map((transcript) => ({ ...transcript, ended: false }));
const idsOf = (spans: readonly Span[]): string[] => spans.map(({ spanId }) => spanId);

const withMain = (transcript: PlainTranscript, lines: readonly Line[]): PlainTranscript => ({
  ...transcript,
  main: { ...transcript.main, lines },
});
const mapFiles = (transcript: PlainTranscript, map: (file: PlainFile) => readonly Line[]): PlainTranscript => ({
  ...transcript,
  main: { ...transcript.main, lines: map(transcript.main) },
  agents: transcript.agents.map((agent) => ({ ...agent, lines: map(agent) })),
});

/** Ids that may be sent: of what is open, or has not found its call, a longer transcript may know better. */
const settledIds = (spans: readonly Span[]): string[] =>
  spans.flatMap((span) => (span.open || span.attributes['trace_build.agent.unclaimed'] === true ? [] : [span.spanId]));

function complaints(part: Transcript, whole: ReadonlySet<string>): string[] {
  try {
    const { spans } = built(part);
    return [
      ...brokenInvariants(spans),
      ...settledIds(spans).flatMap((id) => (whole.has(id) ? [] : [`span ${id} is settled, and gone from the longer transcript`])),
    ];
  } catch (error) {
    return [`it throws ${error}`];
  }
}

describe('cut at every line', () => {
  test.each(CODEX_STORIES)('%s: each file', (story) => {
    for (const transcript of sessionsOf(story)) {
      const whole = new Set(idsOf(built({ ...transcript, ended: true }).spans));
      for (let end = 0; end <= transcript.main.lines.length; end++)
        expect(complaints(withMain(transcript, transcript.main.lines.slice(0, end)), whole), `main cut after line ${end}`).toEqual([]);
      for (const cut of transcript.agents)
        for (let end = 0; end <= cut.lines.length; end++) {
          const agents = transcript.agents.map((agent) => (agent === cut ? { ...agent, lines: agent.lines.slice(0, end) } : agent));
          expect(complaints({ ...transcript, agents }, whole), `${cut.name} cut after line ${end}`).toEqual([]);
        }
    }
  });
});

test.each(['0.20.0-tools', '0.44.0-tools', '0.169-fatal', '0.169-sigkill'])('%s: cut at every byte', (story) => {
  for (const transcript of sessionsOf(story)) {
    const whole = new Set(idsOf(built({ ...transcript, ended: true }).spans));
    const lines = transcript.main.lines.map((line) => Buffer.from(line as string));
    const broken: string[] = [];
    for (const [at, line] of lines.entries())
      for (let end = 0; end <= line.length; end += end > 700 ? 7 : 1)
        broken.push(...complaints(withMain(transcript, [...lines.slice(0, at), line.subarray(0, end)]), whole));
    expect(broken).toEqual([]);
  }
});

describe('as it grows', () => {
  test.each(CODEX_STORIES)('%s: what is settled at some moment is never told otherwise', (story) => {
    for (const transcript of sessionsOf(story)) {
      const whole = new Map(built({ ...transcript, ended: true }).spans.map((span) => [span.spanId, comparable(span)]));
      for (const atMs of momentsOf(transcript)) {
        for (const span of built(until(transcript, atMs)).spans) {
          if (span.open || span.attributes['trace_build.agent.unclaimed'] === true) continue;
          expect(comparable(span), `${span.name} of ${transcript.sessionId} at ${new Date(atMs).toISOString()}`).toEqual(
            whole.get(span.spanId),
          );
        }
      }
    }
  });

  const comparable = ({ open: _, ...span }: Span) => span;
  const timeOf = (line: Line): number => Date.parse(JSON.parse(line as string).timestamp ?? 0);
  const momentsOf = (transcript: PlainTranscript): number[] =>
    [...new Set([transcript.main, ...transcript.agents].flatMap(({ lines }) => lines.map(timeOf)))].toSorted((a, b) => a - b);

  /** All files as they were at that moment. */
  function until(transcript: PlainTranscript, atMs: number): Transcript {
    const then = <F extends PlainFile>(file: F): F => {
      const end = file.lines.findIndex((line) => timeOf(line) > atMs);
      return { ...file, lines: end < 0 ? file.lines : file.lines.slice(0, end) };
    };
    return { ...transcript, main: then(transcript.main), agents: transcript.agents.map(then).filter(({ lines }) => lines.length > 0) };
  }
});

const told = (transcript: Transcript) =>
  built(transcript).spans.map(({ attributes, ...span }) => ({
    ...span,
    attributes: Object.fromEntries(Object.entries(attributes).filter(([name]) => name !== 'trace_build.problems')),
  }));

describe('told twice', () => {
  test.each(CODEX_STORIES)('%s: every line doubled tells nothing new', (story) => {
    for (const transcript of sessionsOf(story))
      expect(told(mapFiles(transcript, ({ lines }) => lines.flatMap((line) => [line, line])))).toEqual(told(transcript));
  });

  test.each(CODEX_STORIES)('%s: the whole file once more keeps ids, tokens and tools', (story) => {
    for (const transcript of sessionsOf(story)) {
      const counted = (each: Transcript) =>
        built(each).spans.map(({ spanId, parentSpanId, name, attributes }) => [
          spanId,
          parentSpanId,
          name,
          attributes['gen_ai.usage.input_tokens'],
          attributes['gen_ai.usage.output_tokens'],
          attributes['trace_build.tool_calls'],
        ]);
      expect(counted(mapFiles(transcript, ({ lines }) => [...lines, ...lines]))).toEqual(counted(transcript));
    }
  });
});

describe('littered', () => {
  const GARBAGE: readonly { readonly line: string; readonly reason?: string }[] = [
    { line: 'not JSON at all', reason: 'not-json' },
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
    { line: '{"type":"user","message":{"content":"of another harness"}}' },
  ];

  test.each(CODEX_STORIES)('%s: garbage between the lines is counted, and changes nothing', (story) => {
    for (const transcript of sessionsOf(story)) {
      const plain = told(transcript);
      for (const { line, reason } of GARBAGE) {
        const littered = mapFiles(transcript, ({ lines }) => lines.flatMap((own) => [line, own]));
        expect(told(littered), line).toEqual(plain);
        const inserted = transcript.main.lines.length + transcript.agents.reduce((sum, { lines }) => sum + lines.length, 0);
        const { problems } = built(littered);
        expect(problems.filter((problem) => problem.reason === reason).length, line).toBe(reason === undefined ? 0 : inserted);
      }
    }
  });

  const WRONG = [null, 42, [{}]];

  test.each(CODEX_STORIES)('%s: a field of any other type costs no more than that', (story) => {
    for (const transcript of sessionsOf(story)) {
      for (const value of WRONG) {
        for (const field of fieldsOf(transcript)) {
          const changed = mapFiles(transcript, ({ lines }) =>
            lines.map((line) => JSON.stringify(JSON.parse(line as string), (key, old) => (key === field ? value : old))),
          );
          expect(complaintsOfAny(changed), `${field} = ${JSON.stringify(value)}`).toEqual([]);
        }
      }
    }
  });

  const fieldsOf = (transcript: PlainTranscript): string[] => {
    const names = new Set<string>();
    for (const line of transcript.main.lines)
      JSON.parse(line as string, (key, value) => {
        if (/^[a-z_]+$/.test(key)) names.add(key);
        return value;
      });
    return [...names];
  };
});

function complaintsOfAny(transcript: Transcript): string[] {
  try {
    return brokenInvariants(built(transcript, { content: true }).spans);
  } catch (error) {
    return [`it throws ${(error as Error).stack}`];
  }
}

describe('shuffled', () => {
  const backwards = <T>(items: readonly T[]): T[] => items.toReversed();
  const rotated = <T>(items: readonly T[]): T[] => [...items.slice(7), ...items.slice(0, 7)];
  const interleaved = <T>(items: readonly T[]): T[] => [...items.filter((_, at) => at % 3 === 1), ...items.filter((_, at) => at % 3 !== 1)];

  test.each(CODEX_STORIES)('%s: lines in any order make spans that hold together', (story) => {
    for (const transcript of sessionsOf(story))
      for (const reorder of [backwards, rotated, interleaved])
        expect(complaintsOfAny(mapFiles(transcript, ({ lines }) => reorder(lines))), reorder.name).toEqual([]);
  });

  test.each(CODEX_STORIES)('%s: agents without their main file, or as each other', (story) => {
    for (const transcript of sessionsOf(story)) {
      expect(complaintsOfAny(withMain(transcript, []))).toEqual([]);
      expect(complaintsOfAny({ ...transcript, agents: [...transcript.agents, ...transcript.agents] })).toEqual([]);
      const swapped = transcript.agents.map((agent, at) => ({ ...agent, lines: transcript.agents.at(at - 1)!.lines }));
      expect(complaintsOfAny({ ...transcript, agents: swapped })).toEqual([]);
      const asAgent = { ...transcript.main, id: transcript.sessionId };
      expect(complaintsOfAny({ ...transcript, agents: [...transcript.agents, asAgent] })).toEqual([]);
    }
  });
});
