// @vitest-environment happy-dom
/** The details of a span: what they tell, and that no content, however large or hostile, becomes more than text. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { SpanDetails } from '../../../src/view/model.ts';
import { type DetailsContext, renderDetails } from '../../../src/view/page/details/details.ts';
import { diffLines } from '../../../src/view/page/details/diff.ts';
import { indentedJson, jsonText } from '../../../src/view/page/details/json.ts';

const span: SpanDetails = {
  id: '00f067aa0ba902b7',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  name: 'execute_tool Bash',
  kind: 'tool',
  startMs: 1_773_480_000_123,
  endMs: 1_773_480_001_323,
  agent: 'claude-code',
  attributes: {},
  resource: {},
  events: [],
  links: [],
};
const nowhere: DetailsContext = { openSpan: () => {}, linkedRowName: () => undefined, content: 'full' };
const rendered = (details: Partial<SpanDetails>, context = nowhere): HTMLElement => renderDetails({ ...span, ...details }, context);
const textOf = (details: Partial<SpanDetails>): string => rendered(details).textContent ?? '';
const buttons = (root: HTMLElement, name: RegExp): HTMLButtonElement[] =>
  [...root.querySelectorAll('button')].filter(({ textContent }) => name.test(textContent));
const opened = (fold: Element): Element => {
  fold.setAttribute('open', '');
  fold.dispatchEvent(new Event('toggle'));
  return fold;
};

test('name, agent, duration, error', () => {
  const text = textOf({ error: { type: 'tool_error', message: 'no such file' } });
  for (const told of ['execute_tool Bash', 'claude-code', '1.2 s', 'tool_error', 'no such file', '✕ error']) expect(text).toContain(told);
});

test('tokens add up to the input', () => {
  const attributes = {
    'gen_ai.usage.input_tokens': 48_211,
    'gen_ai.usage.cache_read.input_tokens': 41_000,
    'gen_ai.usage.cache_creation.input_tokens': 6200,
    'gen_ai.usage.output_tokens': 1822,
  };
  const rows = [...rendered({ kind: 'chat', attributes }).querySelectorAll('.d-tokens tr')].map(({ textContent }) => textContent);
  expect(rows).toEqual([
    'Input tokens48,211',
    'from the cache41,00085%',
    'written to the cache6,20013%',
    'new1,0112%',
    'Output tokens1,822',
  ]);
});

test('what is known of a session only is told as such, and so is a time that is estimated', () => {
  const attributes = {
    'gen_ai.usage.input_tokens': 10_300,
    'gen_ai.usage.output_tokens': 245,
    'trace_build.usage.scope': 'session',
    'trace_build.cost.usd': 0.007,
  };
  const ofTurn = textOf({ kind: 'turn', attributes });
  for (const told of ['Of the whole session up to here', 'Cost of the session$0.0070', '10,300']) expect(ofTurn).toContain(told);
  expect(textOf({ kind: 'agent', attributes })).toContain('Of all its calls: the harness counts no single one.');
  expect(textOf({ kind: 'agent', attributes })).not.toContain('Cost of the session');
  expect(textOf({})).toContain('Took1.2 s');
  expect(textOf({ attributes: { 'trace_build.time.estimated': true } })).toContain('Took~1.2 s, estimated');
});

test('messages by role; reasoning is folded, and told when it was not kept', () => {
  const root = rendered({
    kind: 'chat',
    input: [
      {
        role: 'user',
        parts: [
          { kind: 'text', text: '**hi**' },
          { kind: 'media', modality: 'image', mimeType: 'image/png', bytes: 2048 },
        ],
      },
    ],
    output: [
      {
        role: 'assistant',
        parts: [
          { kind: 'reasoning', text: 'because' },
          { kind: 'reasoning', text: '' },
          { kind: 'tool_call', id: 'a', name: 'Read', arguments: { path: '/a' } },
        ],
      },
    ],
  });
  expect([...root.querySelectorAll('.d-role')].map(({ textContent }) => textContent)).toEqual(['User', 'Assistant']);
  expect(root.querySelector('.role-user strong')!.textContent).toBe('hi');
  expect(root.textContent).toContain('[image/png, 2 KiB, not shown]');
  expect(root.textContent).toContain('not kept in the transcript');
  const thinking = root.querySelector('.d-thinking')!;
  expect(thinking.textContent).toBe('Reasoning, 7 characters');
  expect(opened(thinking).textContent).toContain('because');
});

test('arguments: lines as they are, and all of it as JSON', () => {
  const root = rendered({ arguments: { command: 'a\nb', timeout: 5, flag: false } });
  expect([...root.querySelectorAll('dt')].map(({ textContent }) => textContent)).toEqual(
    expect.arrayContaining(['command', 'timeout', 'flag']),
  );
  expect(root.querySelector('.d-arguments pre')!.textContent).toBe('a\nb');
  expect(JSON.parse(opened(root.querySelector('.d-raw')!).querySelector('pre')!.textContent!)).toEqual({
    command: 'a\nb',
    timeout: 5,
    flag: false,
  });
});

test('results: without orders to a terminal, JSON indented, parts', () => {
  expect(textOf({ result: '\u001b[31mred\u001b[0m' })).toContain('red');
  expect(textOf({ result: '\u001b[31mred\u001b[0m' })).not.toContain('[31m');
  expect(textOf({ result: '{"a":12345678901234567890}' })).toContain('{\n  "a": 12345678901234567890\n}');
  expect(
    textOf({
      result: [
        { kind: 'text', text: 'one' },
        { kind: 'media', modality: 'image', bytes: 5 },
      ],
    }),
  ).toContain('[image, 5 bytes, not shown]');
  expect(textOf({ result: [{ kind: 'text', text: null }, { kind: 'odd' }] })).toContain('odd');
});

test('files: a diff with signs, arguments folded', () => {
  const root = rendered({
    arguments: { x: 1 },
    files: [{ change: 'update', path: 'a.ts', edits: [{ before: 'a\nthe old b\n', after: 'a\nthe new b\n' }] }],
  });
  expect(root.querySelector('del')!.textContent).toBe('−the old b');
  expect(root.querySelector('ins')!.textContent).toBe('+the new b');
  expect(root.querySelector('ins mark')!.textContent).toBe('new');
  expect(root.querySelector('.d-counts')!.getAttribute('aria-label')).toBe('1 line added, 1 line removed');
  const folds = [...root.querySelectorAll('details.d-section')].map((fold) => [
    fold.querySelector('h3')!.textContent,
    fold.hasAttribute('open'),
  ]);
  expect(folds).toContainEqual(['Arguments', false]);
  expect(folds).toContainEqual(['Files', true]);
});

test('links lead to rows of this session', () => {
  const openSpan = vi.fn();
  const ids = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const context = { openSpan, linkedRowName: (row: number) => (row === 7 ? 'Turn 2' : undefined), content: 'full' };
  const root = rendered(
    {
      links: [
        { ...ids, kind: 'previous_turn', row: 7 },
        { ...ids, kind: 'task' },
      ],
    },
    context,
  );
  buttons(root, /^Turn 2$/)[0]!.click();
  expect(openSpan).toHaveBeenCalledExactlyOnceWith(7);
  expect(root.querySelector('.d-links')!.textContent).toContain(ids.spanId);
});

test('a value copies itself, exactly as it is', async () => {
  const writeText = vi.fn(async () => {});
  vi.stubGlobal('navigator', { clipboard: { writeText } });
  const root = rendered({ attributes: { a: 'x\u202ey' } });
  buttons(root, /⟨U\+202E⟩/)[0]!.click();
  expect(writeText).toHaveBeenCalledExactlyOnceWith('x\u202ey');
});

test('what was left out is told', () => {
  expect(rendered({}, { ...nowhere, content: 'none' }).textContent).toContain('left out of this page');
  expect(textOf({})).toContain('no content');
});

test('5 MB are shown from the beginning, more when asked for, never all', () => {
  const root = rendered({ result: 'line of text\n'.repeat(400_000) });
  expect(root.textContent!.length).toBeLessThan(25_000);
  buttons(root, /^Show more of 5,200,000 characters$/)[0]!.click();
  expect(root.textContent!.length).toBeGreaterThan(1_800_000);
  expect(root.textContent!.length).toBeLessThan(2_010_000);
  expect(root.textContent).toContain('too many to show');
});

test('values of any depth and width are bounded', () => {
  let deep: unknown = 'end';
  for (let level = 0; level < 10_000; level++) deep = level % 2 === 0 ? [deep] : { deep };
  expect(jsonText(deep).length).toBeLessThan(20_000);
  expect(jsonText(deep)).toContain('nested too deeply');
  expect(jsonText(Array.from({ length: 100_000 }, () => 0))).toContain('… 90,000 more entries');
  expect(textOf({ arguments: { deep }, result: deep })).toContain('deep');
  expect(textOf({ result: Array.from({ length: 100_000 }, () => ({ kind: 'other', type: 'x' })) })).toContain('more parts');
  expect(textOf({ result: '['.repeat(100_000) + ']'.repeat(100_000) })).toContain('[');
});

test('JSON is the same whether it was a value or text', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      expect(JSON.parse(jsonText(value))).toEqual(JSON.parse(JSON.stringify(value)));
      const indented = indentedJson(JSON.stringify(value));
      if (indented !== undefined) expect(indented).toBe(JSON.stringify(value, null, 2));
    }),
  );
});

test('a diff tells both texts', () => {
  const lines = fc
    .array(fc.constantFrom('a', 'b', 'c', 'some words', 'some other words', ''), { maxLength: 20 })
    .map((all) => all.join('\n'));
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const told = diffLines(before, after);
      const side = (kind: 'added' | 'removed'): number =>
        told.reduce((count, line) => count + (line.kind === kind || line.kind === 'same' ? 1 : line.kind === 'gap' ? line.lines : 0), 0);
      const size = (text: string): number => (text === '' ? 0 : text.replace(/\n$/, '').split('\n').length);
      expect([side('removed'), side('added')]).toEqual([size(before), size(after)]);
      for (const line of told) if ('pieces' in line) expect(line.pieces!.map(({ text }) => text).join('')).toBe(line.text);
    }),
  );
});

test('large texts with little in common are told one after the other', () => {
  const text = (word: string): string => Array.from({ length: 20_000 }, (_, index) => `${word} ${index}`).join('\n');
  const root = rendered({ files: [{ change: 'update', path: 'a', edits: [{ before: text('a'), after: text('b') }] }] });
  expect(root.querySelector('.d-counts')!.textContent).toBe('+20000 −20000');
  expect(root.querySelectorAll('del').length).toBe(400);
});

test('whatever the content, nothing of it becomes an element or an attribute that acts', () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      '<script>alert(1)</script>',
      '<img src=x onerror=alert(1)>',
      '[a](javascript:alert(1))',
      '![](https://x.y/z)',
      '"><svg/onload=alert(1)>',
    ),
    fc.string({ unit: 'binary' }),
  );
  const json = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(hostile, json, (text, value) => {
      const root = rendered({
        name: text,
        agent: text,
        error: { type: text, message: text },
        attributes: { [text]: text },
        input: [{ role: 'user', parts: [{ kind: 'text', text }] }],
        arguments: { [text]: value, text },
        result: value,
        files: [{ change: 'add', path: text, edits: [{ before: '', after: text }] }],
        links: [{ traceId: text, spanId: text, kind: text }],
      });
      expect(root.querySelector('script, img, iframe, object, embed, style, form, input, video, audio, base, meta')).toBeNull();
      for (const element of root.querySelectorAll('*'))
        for (const { name, value: set } of element.attributes) {
          expect(name).not.toMatch(/^(?:on|style|src|action|formaction)/);
          if (name === 'href') expect(set).toMatch(/^(?:https?|mailto):/);
        }
    }),
    { numRuns: 150 },
  );
});
