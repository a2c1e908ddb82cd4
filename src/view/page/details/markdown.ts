/**
 * A stranger's markdown → elements, by a list of what may be made; everything else is shown as the text it is.
 *
 * in:   text
 * out:  an element; no attribute of it but those set here, and no address but http, https and mailto
 *
 * marked only tells the tokens apart. Nothing written disappears: HTML and what can't be a link stay text, an image is told,
 * never fetched, and definitions of link targets are shown, too: they are a place to hide words in.
 *
 * Measured with marked 18.2.1: words of `_a` or an address without an end take quadratic time within a paragraph, and
 * quotes within quotes take the stack. So long paragraphs stay as they are, and deep nesting makes the whole preformatted.
 */
import { Lexer, type MarkedToken, type Token, type Tokens } from 'marked';
import { type Child, h } from '../dom.ts';
import { safeHref } from './href.ts';

/** Above that, preformatted: a list whose items run on without a blank line takes quadratic time, at this size a second or two. */
export const MAX_MARKDOWN = 40_000;
const MAX_PARAGRAPH = 4000;
const MAX_DEPTH = 24;
/** Quotes and items that begin on one line. */
const NESTED = /^(?:[ \t]*>|[ \t]*[-*+][ \t]|[ \t]*\d{1,9}[.)][ \t]){12}/m;
const MAX_CELLS = 5000;
const MAX_ITEMS = 2000;
const MAX_LANGUAGE = 40;

export function renderMarkdown(text: string): HTMLElement {
  const tokens = text.length > MAX_MARKDOWN || NESTED.test(text) ? undefined : blocksOf(text);
  if (tokens === undefined) return h('div', { class: 'md', dir: 'auto' }, preformatted(text));
  return h('div', { class: 'md', dir: 'auto' }, ...renderAll(tokens, 0));
}

function blocksOf(text: string): Token[] | undefined {
  const lexer = new Lexer({ gfm: true, breaks: true });
  try {
    lexer.blockTokens(text.replaceAll(/\r\n?/g, '\n'), lexer.tokens);
    // The queue does not grow meanwhile: what is within a line is lexed at once.
    for (const { src, tokens } of lexer.inlineQueue) {
      if (src.length > MAX_PARAGRAPH) tokens.push({ type: 'long', raw: src });
      else lexer.inlineTokens(src, tokens);
    }
    return lexer.tokens;
  } catch (error) {
    // The stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const renderAll = (tokens: readonly Token[] | undefined, depth: number): Child[] => (tokens ?? []).map((token) => render(token, depth));

function render(generic: Token, depth: number): Child {
  if (depth > MAX_DEPTH) return plain(generic.raw);
  const token = generic as MarkedToken;
  const inner = (): Child[] => renderAll('tokens' in token ? token.tokens : undefined, depth + 1);
  switch (token.type) {
    case 'space':
      return undefined;
    case 'paragraph':
      return h('p', { dir: 'auto' }, ...inner());
    case 'heading':
      return h(HEADINGS[token.depth - 1] ?? 'h6', { dir: 'auto' }, ...inner());
    case 'strong':
    case 'em':
    case 'del':
      return h(token.type, {}, ...inner());
    case 'blockquote':
      return h('blockquote', {}, ...inner());
    case 'list':
      return list(token, depth);
    case 'checkbox':
      return h('span', { class: 'md-task' }, token.checked ? '☑ ' : '☐ ');
    case 'table':
      return table(token, depth);
    case 'code':
      return codeBlock(token.text, token.lang);
    case 'codespan':
      return h('code', { dir: 'auto' }, token.text);
    case 'def':
      return h('p', { class: 'md-plain', dir: 'auto' }, token.raw.trimEnd());
    case 'hr':
      return h('hr');
    case 'br':
      return h('br');
    case 'link':
      return link(token, inner);
    case 'image':
      return h('span', { class: 'md-image', title: token.href }, `[image: ${token.text}]`);
    case 'escape':
      return token.text;
    case 'text':
      return 'tokens' in token && token.tokens !== undefined ? h('span', {}, ...inner()) : withEntities(token.text);
    case 'html':
      return token.block === true ? preformatted(token.raw) : token.raw;
    default:
      return plain(generic.raw);
  }
}

const HEADINGS = ['h4', 'h5', 'h6'] as const;

const plain = (text: string): HTMLElement => h('span', { class: 'md-plain', dir: 'auto' }, text);
const preformatted = (text: string): HTMLElement => h('pre', { class: 'md-pre', dir: 'auto' }, text);

function codeBlock(text: string, info: string | undefined): HTMLElement {
  const language = info === undefined || info === '' ? undefined : info;
  return h(
    'figure',
    { class: 'md-code' },
    language !== undefined && h('figcaption', {}, language.length > MAX_LANGUAGE ? plain(language) : language),
    h('pre', { dir: 'auto' }, h('code', {}, text)),
  );
}

function link(token: Tokens.Link, inner: () => Child[]): Child {
  const href = safeHref(token.href);
  if (href === undefined) return plain(token.raw);
  const title = token.title === undefined || token.title === null || token.title === '' ? href : `${href} “${token.title}”`;
  return h('a', { href, title, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...inner());
}

function list(token: Tokens.List, depth: number): HTMLElement {
  const shown = token.items.slice(0, MAX_ITEMS).map((item) => h('li', { dir: 'auto' }, ...renderAll(item.tokens, depth + 1)));
  const rest = token.items.slice(MAX_ITEMS).map(({ raw }) => raw);
  const more = rest.length > 0 && h('li', {}, preformatted(rest.join('')));
  if (!token.ordered) return h('ul', {}, ...shown, more);
  return h('ol', { start: token.start === 1 || token.start === '' ? undefined : token.start }, ...shown, more);
}

/** A row with more cells than the head has loses them in markdown: then the whole is shown as it was written. */
function table(token: Tokens.Table, depth: number): HTMLElement {
  const cells = [token.header, ...token.rows].flat();
  const written = (text: string): string => text.replaceAll(/[\s|:\\-]/g, '');
  if (cells.length > MAX_CELLS || written(cells.map(({ text }) => text).join('')) !== written(token.raw)) return preformatted(token.raw);
  const cell = (tag: 'th' | 'td', { align, tokens }: Tokens.TableCell): HTMLElement =>
    h(tag, { class: align === null ? undefined : `md-${align}`, dir: 'auto' }, ...renderAll(tokens, depth + 1));
  return h(
    'div',
    { class: 'md-table' },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...token.header.map((head) => cell('th', head)))),
      h('tbody', {}, ...token.rows.map((row) => h('tr', {}, ...row.map((data) => cell('td', data))))),
    ),
  );
}

/** The few that people write. All others are shown as written. */
const withEntities = (text: string): string => text.replaceAll(/&(?:amp|lt|gt|quot|apos|#39|nbsp);/g, (entity) => ENTITIES[entity]!);

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&#39;': "'",
  '&nbsp;': ' ',
};
