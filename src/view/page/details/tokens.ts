/**
 * What a call took: a table of its tokens, with a bar for the context it was given.
 *
 * in:   attributes of a span
 * out:  an element, or nothing where no usage is told
 *
 * Input includes what came from the cache and what went there; reasoning is a part of the output.
 */
import * as attr from '../../../trace/semconv.ts';
import type { Attributes } from '../../../trace/span.ts';
import type { SpanKind } from '../../model.ts';
import { h, svg } from '../dom.ts';
import { number as grouped, percent } from '../format.ts';
import { number } from './head.ts';

/** @param ownOnly  whether there are others, of agents below it */
export function renderTokens(attributes: Attributes, kind: SpanKind, ownOnly: boolean): HTMLElement | undefined {
  const input = number(attributes, attr.ATTR_GEN_AI_USAGE_INPUT_TOKENS);
  const output = number(attributes, attr.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS);
  if (input === undefined && output === undefined) return undefined;
  const cached = number(attributes, attr.ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS);
  const written = Object.values(attr.profiles)
    .map(({ cacheWriteTokens }) => number(attributes, cacheWriteTokens))
    .find((count) => count !== undefined);
  const reasoning = number(attributes, attr.ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS);
  const parts = input !== undefined && cached !== undefined && written !== undefined;
  const fresh = parts ? Math.max(0, input - cached - written) : undefined;
  return h(
    'div',
    { class: 'd-tokens' },
    ownOnly && h('h3', {}, 'Its own calls'),
    parts && input > 0 && bar([cached, written, fresh!]),
    h(
      'table',
      {},
      h('caption', { class: 'unseen' }, ownOnly ? 'Tokens of its own calls' : 'Tokens'),
      h(
        'tbody',
        {},
        row('Input tokens', input, '', undefined),
        row('from the cache', cached, 'part cached', input),
        row('written to the cache', written, 'part written', input),
        row('new', fresh, 'part fresh', input),
        row('Output tokens', output, '', undefined),
        row('reasoning', reasoning, 'part', output),
      ),
    ),
    attributes[attr.ATTR_USAGE_SCOPE] === 'session' &&
      h(
        'p',
        { class: 'd-none' },
        kind === 'turn'
          ? 'Of the whole session up to here: the harness counts no single call, and no turn.'
          : 'Of all its calls: the harness counts no single one.',
      ),
    attributes[attr.ATTR_USAGE_UNRELIABLE] === true &&
      h('p', { class: 'd-none' }, 'This version of the harness wrote placeholders: the counts are not reliable.'),
  );
}

function row(name: string, count: number | undefined, kind: string, whole: number | undefined): HTMLElement | undefined {
  if (count === undefined) return undefined;
  return h(
    'tr',
    { class: kind },
    h('th', { scope: 'row' }, kind.includes(' ') && h('span', { class: 'd-key', 'aria-hidden': 'true' }), name),
    h('td', {}, grouped(count)),
    h('td', { class: 'd-share' }, whole === undefined ? '' : percent(count, whole)),
  );
}

const KINDS = ['cached', 'written', 'fresh'] as const;

/** Widths are attributes of its rectangles: a style would need to be set on the element. */
function bar(counts: readonly number[]): SVGElement {
  const whole = counts.reduce((sum, count) => sum + count, 0);
  let x = 0;
  const pieces = counts.map((count, index) => {
    const width = (count / whole) * 100;
    const piece = svg('rect', { class: KINDS[index], x: x.toFixed(3), y: 0, width: width.toFixed(3), height: 8 });
    x += width;
    return piece;
  });
  return svg('svg', { class: 'd-bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ...pieces);
}
