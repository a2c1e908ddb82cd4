/** The tree on terminals of every width: columns, bars, what is hidden and told. */
import fc from 'fast-check';
import { createColors } from 'picocolors';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { cut, widthOf } from '../../src/cli/text-width.ts';
import { type TreeView, treeText } from '../../src/cli/tree.ts';
import { bar } from '../../src/cli/tree-bar.ts';
import { treeRows } from '../../src/cli/tree-rows.ts';
import type { TracedRef } from '../../src/pipeline.ts';
import type { Span } from '../../src/trace/span.ts';
import { loadStory, STORIES } from '../support/stories.ts';
import { trace } from './world.ts';

const colors = createColors(false);
const stories = 'fixtures/claude-code';

function tracedOf(story: string, nth = 0): TracedRef {
  const { ref, traced } = loadStory(story, { content: 'full' }).sessions[nth]!;
  return { ...traced, ref, repeated: 0 };
}
const tree = (session: TracedRef, view: Partial<TreeView> = {}): string => treeText(session, { colors, ...view });
const linesOf = (text: string): string[] => text.trimEnd().split('\n');
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const withoutColors = (text: string): string => text.replace(/\u001b\[\d+m/g, '');

describe('as it looks', () => {
  test.each([40, 60, 80, 120])('parallel agents of a team, %i columns', (width) => {
    expect(tree(tracedOf('team'), { width, turn: 1 })).toMatchSnapshot();
  });

  test('errors, 100 columns', () => {
    expect(tree(tracedOf('tools'), { width: 100 })).toMatchSnapshot();
  });

  test('interrupted and denied, ASCII, 80 columns', () => {
    expect(tree(tracedOf('plan'), { width: 80, ascii: true, turn: 2 })).toMatchSnapshot();
  });

  test('not a terminal: plain and uncut', () => {
    expect(tree(tracedOf('nest'))).toMatchSnapshot();
  });
});

describe('what a harness does not tell', () => {
  test.each([undefined, 60, 100])('tokens of a session without those of its calls, times about, %s columns', (width) => {
    expect(tree(tracedOf('hermes/real-run-0.18.2'), width === undefined ? {} : { width })).toMatchSnapshot();
  });

  test('nothing is no zero, and what is more than told says so', () => {
    const text = tree(tracedOf('hermes/schema30'));
    expect(text).toContain('5 turns · 19 spans · 8,760 in, 427 out · $0.0090');
    expect(text).toContain('invoke_agent hermes #5 human  compacted  session 7,710 in, 337 out, $0.0070');
    expect(text).toMatch(/invoke_agent hermes #1 human .* ≥1,050 in {2}≥90 out/);
    expect(text).toMatch(/invoke_agent subagent +105 ms +1,050 in +90 out {2}\$0\.0020/);
    expect(linesOf(text).slice(1).join()).not.toMatch(/\b0 in/);
  });
});

test('calls that a call made stand below it', () => {
  expect(tree(tracedOf('codex/0.169-code-mode'), { width: 80 })).toMatchSnapshot();
});

describe('every line fits', () => {
  test.each([...STORIES, 'hermes/schema30', 'codex/0.169-code-mode', 'openclaw/2026.9.6-sqlite'])('%s', (story) => {
    const sessions = loadStory(story, { content: 'full' }).sessions;
    for (const [nth] of sessions.entries())
      for (const width of [10, 40, 60, 80, 120, 200])
        for (const line of linesOf(tree(tracedOf(story, nth), { width })))
          expect(widthOf(line), `${width}: ${line}`).toBeLessThanOrEqual(width);
  });

  /** Text as strangers write it. */
  const strange = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom(
      '日本語のとても長い名前です',
      '👩‍👩‍👧‍👦🏳️‍🌈🇩🇪',
      'e\u0301\u0302\u0303'.repeat(20),
      '\u001b[31mred\u001b]0;title\u0007',
      '\u202Eturned',
      '\t\r\n',
      '한국어',
    ),
  );

  test('whatever names and texts are, nothing is an order to the terminal', () => {
    const { session, spans, ...rest } = tracedOf('tools');
    fc.assert(
      fc.property(strange, strange, fc.integer({ min: 1, max: 220 }), fc.boolean(), (name, text, width, ascii) => {
        const named = spans.map(
          (span): Span => ({
            ...span,
            name: `chat ${name}`,
            status: span.status.kind === 'error' ? { kind: 'error', message: text } : span.status,
          }),
        );
        const told = {
          ...session,
          turns: session.turns.map((turn) => ({
            ...turn,
            prompt: [{ kind: 'text' as const, text }],
            toolCalls: turn.toolCalls.map((call) => ({ ...call, input: { text } })),
          })),
        };
        const all = withoutColors(treeText({ ...rest, session: told, spans: named }, { colors: createColors(true), width, ascii }));
        for (const line of linesOf(all)) {
          expect(widthOf(line)).toBeLessThanOrEqual(width);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('columns are aligned: every duration ends at the same column', () => {
    for (const width of [60, 80, 120]) {
      const rows = linesOf(tree(tracedOf('team'), { width })).slice(1);
      const ends = rows.flatMap((line) => {
        const found = /\d m?s(?= |$)/.exec(line);
        return found === null ? [] : [found.index + found[0].length];
      });
      expect(ends.length).toBeGreaterThan(20);
      expect(new Set(ends).size).toBe(1);
    }
  });
});

describe('bars', () => {
  const axis = { startMs: 1000, endMs: 2000 };

  test.each([
    { of: [1000, 2000], is: '██████████' },
    { of: [1000, 1500], is: '█████     ' },
    { of: [1500, 2000], is: '     █████' },
    { of: [1000, 1000], is: '▏         ' },
    { of: [2000, 2000], is: '         ▕' },
    { of: [1050, 1250], is: '▐█▌       ' },
  ])('$of', ({ of: [startMs, endMs], is }) => {
    expect(bar({ startMs: startMs!, endMs: endMs! }, axis, 10)).toBe(is);
  });

  test('what ran at the same time overlaps, what ran later lies further right', () => {
    const [first, parallel, later] = [
      bar({ startMs: 1000, endMs: 1400 }, axis, 20),
      bar({ startMs: 1200, endMs: 1600 }, axis, 20),
      bar({ startMs: 1600, endMs: 1900 }, axis, 20),
    ];
    const cells = (text: string): number[] => [...text].flatMap((cell, at) => (cell === ' ' ? [] : [at]));
    expect(cells(first).some((at) => cells(parallel).includes(at))).toBe(true);
    expect(cells(first).some((at) => cells(later).includes(at))).toBe(false);
  });

  test.each([false, true])('wherever it lies it is seen, in ASCII: %s', (ascii) => {
    const columns = 6;
    const eighths = { startMs: 0, endMs: columns * 8 };
    for (let startMs = 0; startMs <= eighths.endMs; startMs++)
      for (let endMs = startMs; endMs <= eighths.endMs; endMs++) {
        const text = bar({ startMs, endMs }, eighths, columns, ascii);
        expect(text, `${startMs} to ${endMs}`).toMatch(/^ *[^ ]+ *$/);
        expect(text).toHaveLength(columns);
      }
    // Three eighths of a column and two of the next.
    expect(bar({ startMs: 13, endMs: 18 }, eighths, columns, true)).toBe(' |    ');
  });

  test('as many columns as asked for, never empty, within the axis or not', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.integer({ min: 1, max: 80 }), fc.boolean(), (startMs, endMs, columns, ascii) => {
        const text = bar({ startMs, endMs }, axis, columns, ascii);
        expect(text).toHaveLength(columns);
        expect(text.trim()).not.toBe('');
        if (ascii) expect(text).toMatch(/^[\x20-\x7e]+$/);
      }),
    );
  });
});

describe('--depth', () => {
  test('what is hidden is counted, errors apart', () => {
    const session = tracedOf('tools');
    const text = tree(session, { depth: 0, width: 120 });
    const errors = session.spans.filter(({ status }) => status.kind === 'error').length;
    expect(linesOf(text)).toHaveLength(2);
    expect(text).toContain(`… ${session.spans.length - 1} spans below  ${errors} errors`);
  });

  test('shown and hidden are all there are', () => {
    for (const story of STORIES)
      for (const depth of [0, 1, 2, 3]) {
        const session = tracedOf(story);
        const rows = treeRows(session.session, session.spans, depth);
        const hidden = rows.reduce((sum, row) => sum + row.hidden.spans, 0);
        expect(rows.length + hidden, `${story} ${depth}`).toBe(session.spans.length);
      }
  });
});

describe('options', () => {
  const plan = `${stories}/plan/projects`;

  test('--turn shows one, -1 the last; the sums are its own', async () => {
    expect((await trace([plan, '--turn', '2'])).stdout).toMatch(/1 turn · 4 spans .*\n.*#2 human/);
    const { stdout } = await trace([plan, '--turn', '-1', '--depth', '0']);
    expect(stdout).toContain('#4 bash');
    expect(stdout).toMatch(/1 turn · 10 spans/);
  });

  test.each(['5', '0', '-5'])('there is no turn %s, and how many there are is said', async (turn) => {
    const { code, stderr } = await trace([plan, '--turn', turn]);
    expect(code).toBe(2);
    expect(stderr).toContain(`no turn ${turn}: the session has 4 turns`);
  });

  test.each(['--depth', '--turn'])('%s without a tree is refused', async (option) => {
    const { code, stderr } = await trace([plan, '--output', 'spans', option, '1']);
    expect(code).toBe(2);
    expect(stderr).toContain(`${option} is about the tree`);
  });

  test.each([
    ['--depth', '-1'],
    ['--depth', 'x'],
    ['--turn', '1.5'],
  ])('%s %s is no number', async (option, value) => {
    expect((await trace([plan, option, value])).code).toBe(2);
  });
});

describe('text cut to columns', () => {
  test.each([
    { text: 'abcdef', columns: 6, is: 'abcdef' },
    { text: 'abcdef', columns: 4, is: 'abc…' },
    { text: '日本語', columns: 6, is: '日本語' },
    { text: '日本語', columns: 5, is: '日本…' },
    { text: '日本語', columns: 4, is: '日…' },
    { text: '👩‍👩‍👧‍👦👩‍👩‍👧‍👦', columns: 3, is: '👩‍👩‍👧‍👦…' },
    { text: 'e\u0301e\u0301e\u0301', columns: 2, is: 'e\u0301…' },
    { text: 'abc', columns: 0, is: '' },
  ])('$text to $columns', ({ text, columns, is }) => {
    expect(cut(text, columns)).toBe(is);
  });

  test('the short way to the width of a letter comes to the same', () => {
    for (let code = 0x20; code < 0x3000; code++) {
      const letter = String.fromCharCode(code);
      if (!/\p{Cc}/u.test(letter)) expect(widthOf(letter), code.toString(16)).toBe(stringWidth(letter));
    }
  });

  test('a megabyte is not looked at whole', () => {
    expect(cut('x'.repeat(2 ** 20), 10)).toBe('xxxxxxxxx…');
  });
});
