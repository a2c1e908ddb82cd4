/**
 * Attributes, events and links of a span.
 *
 * in:   those of `SpanDetails`
 * out:  elements
 */
import type { Attributes, AttributeValue } from '../../../trace/span.ts';
import type { SpanDetails, ViewLink } from '../../model.ts';
import { h } from '../dom.ts';
import { counted, duration, exactTime } from '../format.ts';
import { copyable } from './copy.ts';
import type { DetailsContext } from './details.ts';
import { longText, pre } from './long-text.ts';

const MAX_ROWS = 500;
const MAX_SHORT = 400;

export function attributeTable(attributes: Attributes): HTMLElement {
  const entries = Object.entries(attributes);
  if (entries.length === 0) return h('p', { class: 'd-none' }, 'None.');
  const left = entries.length - MAX_ROWS;
  return h(
    'div',
    {},
    h(
      'table',
      { class: 'd-attributes' },
      h(
        'tbody',
        {},
        ...entries
          .slice(0, MAX_ROWS)
          .map(([name, value]) => h('tr', {}, h('th', { scope: 'row', dir: 'auto' }, breakable(name)), h('td', {}, attributeValue(value)))),
      ),
    ),
    left > 0 && h('p', { class: 'd-none' }, `… ${counted(left, 'more attribute')}`),
  );
}

function attributeValue(value: AttributeValue): HTMLElement {
  const text = typeof value === 'object' ? value.join(', ') : String(value);
  return text.length <= MAX_SHORT ? copyable(text, text) : longText(text, (piece) => pre(piece));
}

/** A long name may break after its dots. */
function breakable(name: string): Node {
  const words = name.split(/(?<=[._])/).slice(0, 20);
  if (words.join('').length < name.length) return h('span', {}, name);
  return h('span', {}, ...words.flatMap((word) => [word, h('wbr')]));
}

export function eventList(events: SpanDetails['events'], startMs: number): HTMLElement {
  const left = events.length - MAX_ROWS;
  return h(
    'div',
    {},
    h(
      'ol',
      { class: 'd-events' },
      ...events
        .slice(0, MAX_ROWS)
        .map((event) =>
          h(
            'li',
            {},
            h(
              'p',
              {},
              h('strong', { dir: 'auto' }, event.name),
              ` ${exactTime(event.timeMs)} `,
              h('span', { class: 'd-muted' }, sign(event.timeMs - startMs)),
            ),
            Object.keys(event.attributes).length > 0 && attributeTable(event.attributes),
          ),
        ),
    ),
    left > 0 && h('p', { class: 'd-none' }, `… ${counted(left, 'more event')}`),
  );
}

const sign = (ms: number): string => (ms < 0 ? `−${duration(-ms)}` : `+${duration(ms)}`);

const LINKS: Readonly<Record<string, string>> = {
  previous_turn: 'Turn before',
  task: 'Background task',
  rewound: 'Rewound turn',
  started_by: 'Started by',
};

export function linkList(links: readonly ViewLink[], context: DetailsContext): HTMLElement {
  const left = links.length - MAX_ROWS;
  return h(
    'ul',
    { class: 'd-links' },
    ...links
      .slice(0, MAX_ROWS)
      .map((link) => h('li', {}, h('span', { class: 'd-muted', dir: 'auto' }, LINKS[link.kind] ?? link.kind), ' ', target(link, context))),
    left > 0 && h('li', {}, `… ${counted(left, 'more link')}`),
  );
}

function target({ row, traceId, spanId }: ViewLink, context: DetailsContext): HTMLElement {
  const name = row === undefined ? undefined : context.linkedRowName(row);
  if (row === undefined || name === undefined)
    return h('span', { class: 'd-ids' }, 'trace ', copyable(traceId, traceId), ' span ', copyable(spanId, spanId));
  const button = h('button', { type: 'button', class: 'd-link', dir: 'auto' }, name === '' ? spanId : name);
  button.addEventListener('click', () => context.openSpan(row));
  return button;
}
