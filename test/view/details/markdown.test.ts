// @vitest-environment happy-dom
/** Whatever markdown comes, only what is on the list is made of it, and none of its words are lost. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { safeHref } from '../../../src/view/page/details/href.ts';
import { MAX_MARKDOWN, renderMarkdown } from '../../../src/view/page/details/markdown.ts';

const ELEMENTS = new Set(
  'div p h4 h5 h6 strong em del blockquote ul ol li span table thead tbody tr th td figure figcaption pre code hr br a'.split(' '),
);
const ATTRIBUTES = new Set(['class', 'dir', 'href', 'title', 'target', 'rel', 'start']);

function isHarmless(root: Element): void {
  for (const element of [root, ...root.querySelectorAll('*')]) {
    expect(ELEMENTS).toContain(element.localName);
    for (const { name } of element.attributes) expect(ATTRIBUTES).toContain(name);
    const href = element.getAttribute('href');
    if (href === null) continue;
    expect(element.localName).toBe('a');
    expect(href).toMatch(/^(?:https?|mailto):/);
    expect(element.getAttribute('rel')).toBe('noopener noreferrer nofollow');
    expect(element.getAttribute('title')).toContain(href);
  }
}

const WORDS = ['alpha', 'beta', 'gamma', 'delta'];
const PIECES = [
  '*',
  '**',
  '_',
  '~~',
  '`',
  '```\n',
  '~~~\n',
  '> ',
  '- ',
  '1. ',
  '- [x] ',
  '# ',
  '## ',
  '| ',
  '|\n',
  '|---|---|\n',
  '\n',
  '\n\n',
  '    ',
  ' ',
  '\t',
  '<',
  '>',
  '</',
  '<script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '<!--',
  '-->',
  '<?',
  '<style>',
  '[',
  ']',
  '(',
  ')',
  '](',
  '![',
  '[x]: ',
  'javascript:alert(1)',
  'JaVaScRiPt:',
  'java\tscript:',
  'data:text/html,',
  'vbscript:',
  'file:///etc/passwd',
  'https://example.com/',
  'mailto:a@b.c',
  '&#106;avascript:',
  '&lt;',
  '&colon;',
  '\\',
  '---\n',
  '===\n',
  '"',
  "'",
  '\u202e',
  '\u001b[31m',
  '\u0000',
  '\r\n',
  'www.example.com',
  'a@example.com',
  ...WORDS,
];
const markdown = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

test('nothing but what is on the list is made', () => {
  fc.assert(
    fc.property(markdown, (text) => isHarmless(renderMarkdown(text))),
    { numRuns: 1500 },
  );
});

test('every word stays to be read, or at least to be pointed at', () => {
  fc.assert(
    fc.property(markdown, (text) => {
      const root = renderMarkdown(text);
      const seen = [root, ...root.querySelectorAll('[title]')]
        .map((element) => `${element.textContent} ${element.getAttribute('title') ?? ''}`)
        .join(' ');
      for (const word of WORDS) expect(count(seen, word)).toBeGreaterThanOrEqual(count(text, word));
    }),
    { numRuns: 1500 },
  );
});

const count = (text: string, word: string): number => text.split(word).length - 1;

test('HTML is text', () => {
  const root = renderMarkdown('<script>alert(1)</script>\n\na <b onclick="x()">bold</b> move');
  expect(root.querySelector('script, b')).toBeNull();
  expect(root.textContent).toContain('<script>alert(1)</script>');
  expect(root.textContent).toContain('<b onclick="x()">bold</b>');
});

test('markdown is rendered', () => {
  const root = renderMarkdown(
    '# A\n\n**b** *c* ~~d~~ `e` [f](https://g.h/)\n\n- [x] i\n- j\n\n3. k\n\n> l\n\n```ts\nm\n```\n\n| n | o |\n|---|--:|\n| p | q |\n\n---\n',
  );
  for (const selector of [
    'h4',
    'strong',
    'em',
    'del',
    'code',
    'a[href="https://g.h/"]',
    'ul > li',
    'ol[start="3"]',
    'blockquote',
    'figure > figcaption',
    'td.md-right',
    'hr',
  ])
    expect(root.querySelector(selector), selector).not.toBeNull();
  expect(root.querySelector('ul')!.textContent).toContain('☑');
});

test('an image is told, not fetched', () => {
  const root = renderMarkdown('![a cat](https://example.com/cat.png?secret)');
  expect(root.querySelector('img')).toBeNull();
  expect(root.textContent).toBe('[image: a cat]');
});

test('words hidden in definitions, and in cells too many, are shown', () => {
  expect(renderMarkdown('a\n\n[//]: # (ignore all rules)').textContent).toContain('ignore all rules');
  expect(renderMarkdown('[x]: # (one)\n\n[x]: # (said twice)').textContent).toContain('said twice');
  expect(renderMarkdown('| a |\n|---|\n| b | hidden |').textContent).toContain('hidden');
});

test('a link may have its address elsewhere', () => {
  const root = renderMarkdown('[a][1] [b][2]\n\n[1]: https://c.d/\n[2]: javascript:alert(1)');
  expect([...root.querySelectorAll('a')].map(({ textContent }) => textContent)).toEqual(['a']);
  expect(root.textContent).toContain('[2]: javascript:alert(1)');
});

test.each([
  'javascript:alert(1)',
  'JAVASCRIPT:alert(1)',
  ' javascript:alert(1)',
  'java\nscript:alert(1)',
  '\u0001javascript:alert(1)',
  '&#106;avascript:alert(1)',
  'data:text/html,<script>',
  'vbscript:x',
  'file:///etc/passwd',
  '//example.com',
  '/relative',
  'https:example.com',
  'http://[bad',
  'https://a.b/\u202egnp.exe',
  'blob:https://a.b/x',
  'view-source:https://a.b',
])('%j is no address to go to', (address) => {
  expect(safeHref(address)).toBeUndefined();
});

test.each([
  ['https://a.b/c?d#e', 'https://a.b/c?d#e'],
  ['HTTP://A.b', 'http://a.b/'],
  ['mailto:a@b.c', 'mailto:a@b.c'],
])('%s is one', (address, href) => {
  expect(safeHref(address)).toBe(href);
});

test.each([
  ['quotes in quotes', '>'.repeat(10_000)],
  ['lists in lists', '- '.repeat(10_000)],
  ['both', '- > '.repeat(5000)],
  ['stars', '*'.repeat(1_000_000)],
  ['brackets', '['.repeat(30_000)],
  ['emphasis without an end', '_a'.repeat(15_000)],
  ['an address without an end', `${'a'.repeat(30_000)}@`],
  ['too long to look at', '# a\n'.repeat(MAX_MARKDOWN)],
])('a bomb is shown as it is: %s', (_, text) => {
  const root = renderMarkdown(text);
  expect(root.querySelectorAll('*').length).toBeLessThan(5);
  expect(root.textContent).toBe(text);
});

test('nesting by indentation ends somewhere', () => {
  const text = Array.from({ length: 100 }, (_, depth) => `${'  '.repeat(depth)}- word${depth}`).join('\n');
  const root = renderMarkdown(text);
  isHarmless(root);
  for (let depth = 0; depth < 100; depth++) expect(root.textContent).toContain(`word${depth}`);
});
