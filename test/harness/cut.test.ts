/** What is cut off a long result before it is parsed changes nothing of what a span needs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { valueWithoutResult } from '../../src/harness/claude-code/cut.ts';
import { parseFile } from '../../src/harness/claude-code/records.ts';
import { rawFilesOf, STORIES } from '../support/stories.ts';

/** Text lines are parsed whole, bytes are cut. */
function expectTheSame(lines: readonly string[]): void {
  const read = (given: readonly (string | Buffer)[]) => {
    const { records, problems, lineOfUuid } = parseFile({ name: 'x', lines: given }, { content: false });
    return { records, problems, lineOfUuid };
  };
  expect(read(lines.map((line) => Buffer.from(line)))).toEqual(read(lines));
}

interface Result {
  readonly message: { readonly content: { type: string; content?: unknown }[] };
  toolUseResult?: unknown;
}

/** The recorded results, which are short, made long. */
const results: readonly string[] = STORIES.flatMap((story) => rawFilesOf(story).flatMap(({ text }) => text.split('\n'))).filter(
  (line) => line.includes('"type":"tool_result"') && JSON.parse(line).type === 'user',
);

/** What might be mistaken for a mark. */
const NASTY = [
  '"}]},"uuid":"',
  '","is_error":false}]},"uuid":"',
  '"toolUseResult":{"stdout":"',
  '","stderr":"',
  '},"sourceToolAssistantUUID":"',
  '"type":"tool_result","content":"',
  '\\',
  '"',
  '\n',
  'é→🥊',
  '\u0000',
];

const longText = fc
  .array(fc.oneof(fc.constantFrom(...NASTY), fc.string()), { minLength: 1, maxLength: 30 })
  .map((pieces) => pieces.join('').padEnd(3000, 'x').repeat(2));

function lengthened(line: string, text: string): string {
  const value: Result = JSON.parse(line);
  for (const block of value.message.content) if (block.type === 'tool_result' && typeof block.content === 'string') block.content = text;
  const deepen = (details: unknown): unknown =>
    typeof details === 'object' && details !== null && !Array.isArray(details)
      ? Object.fromEntries(
          Object.entries(details).map(([key, item]) => [
            key,
            ['stdout', 'stderr', 'content', 'originalFile', 'newString'].includes(key) && typeof item === 'string' ? text : deepen(item),
          ]),
        )
      : details;
  if (value.toolUseResult !== undefined) value.toolUseResult = deepen(value.toolUseResult);
  return JSON.stringify(value);
}

test('there are results of many kinds to try it on', () => {
  expect(results.length).toBeGreaterThan(300);
});

describe('a long result', () => {
  test('is cut: its text is not parsed', () => {
    const cut = results.map((line) => valueWithoutResult(Buffer.from(lengthened(line, 'x'.repeat(6000)))));
    const short = cut.filter((value) => value !== undefined && JSON.stringify(value).length < 4000);
    expect(short.length).toBeGreaterThan(50);
  });

  test('tells the same, whatever its text', () => {
    fc.assert(
      fc.property(fc.constantFrom(...results), longText, (line, text) => expectTheSame([lengthened(line, text)])),
      { numRuns: 1500 },
    );
  });

  test('tells the same in whatever order its keys are', () => {
    fc.assert(
      fc.property(fc.constantFrom(...results), longText, fc.integer(), (line, text, seed) =>
        expectTheSame([JSON.stringify(shuffled(JSON.parse(lengthened(line, text)), seed))]),
      ),
      { numRuns: 3000 },
    );
  });

  /** The same object, at each level with its keys in another order. */
  function shuffled(value: unknown, seed: number): unknown {
    if (Array.isArray(value)) return value.map((item) => shuffled(item, seed));
    if (typeof value !== 'object' || value === null) return value;
    const place = (key: string) => [...key].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193), seed);
    const entries = Object.entries(value).toSorted(([a], [b]) => place(a) - place(b));
    return Object.fromEntries(entries.map(([key, item]) => [key, shuffled(item, seed)]));
  }

  test('tells the same when the line is torn anywhere', () => {
    const line = lengthened(results.find((one) => one.includes('"stdout"'))!, `${'"}]},"uuid":"'.repeat(400)}`);
    fc.assert(
      fc.property(fc.nat(line.length), (end) => expectTheSame([line.slice(0, end)])),
      { numRuns: 300 },
    );
  });
});

test('a short line is left to be parsed whole', () => {
  expect(valueWithoutResult(Buffer.from(results[0]!))).toBeUndefined();
});
