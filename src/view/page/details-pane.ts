/**
 * The pane beside the waterfall: one span, whole.
 *
 * in:   which row, sums below it, its details when they have come
 * out:  an element; tells when it was closed, and which other span was asked for
 */
import type { ViewSession } from '../model.ts';
import { renderDetails } from './details/details.ts';
import { fill, h } from './dom.ts';
import { ancestorsOf, type Tree, tookOf } from './rows.ts';
import type { Source } from './source.ts';
import { oneLine } from './text.ts';
import { remember, remembered } from './theme.ts';

export interface DetailsPane {
  readonly element: HTMLElement;
  open(row: number): void;
  close(): void;
  readonly row: () => number | undefined;
}

const KEY = 'trace-build-details-width';
const [NARROWEST, STEP] = [320, 32];

export function detailsPane(
  session: ViewSession,
  tree: Tree,
  source: Source,
  events: { jump(row: number): void; closed(): void },
): DetailsPane {
  const { spans } = session;
  let shown: number | undefined;
  const path = h('nav', { class: 'details-path', 'aria-label': 'Where this span is' });
  const shut = h('button', { type: 'button', class: 'icon close', 'aria-label': 'Close details', title: 'Close (Esc)' }, '✕');
  const content = h('div', { class: 'details-content', tabindex: -1 });
  const edge = h('div', {
    class: 'details-edge',
    role: 'separator',
    tabindex: 0,
    'aria-orientation': 'vertical',
    'aria-label': 'Width of the details',
  });
  const element = h(
    'aside',
    { class: 'details-pane', 'aria-label': 'Details of the span', hidden: true },
    edge,
    h('div', { class: 'details-bar' }, path, shut),
    content,
  );
  shut.addEventListener('click', events.closed);
  resizable(edge, element);

  const pathOf = (row: number): HTMLElement[] =>
    [...ancestorsOf(spans, row).toReversed(), row].map((at) => {
      const name = h('bdi', {}, oneLine(spans[at]!.name));
      if (at === row) return h('span', { 'aria-current': 'true' }, name);
      const button = h('button', { type: 'button' }, name);
      button.addEventListener('click', () => events.jump(at));
      return button;
    });

  const open = async (row: number): Promise<void> => {
    shown = row;
    element.hidden = false;
    fill(path, ...pathOf(row));
    content.setAttribute('aria-busy', 'true');
    try {
      const details = await source.details(session.key, spans[row]!.id);
      if (shown !== row) return;
      fill(
        content,
        renderDetails(details, {
          openSpan: events.jump,
          linkedRowName: (linked) => spans[linked] && oneLine([spans[linked].name, spans[linked].label].filter(Boolean).join(': ')),
          content: session.content,
          took: tookOf(spans, tree, row),
        }),
      );
    } catch (error) {
      if (shown !== row) return;
      fill(content, h('div', { class: 'notice' }, h('p', { class: 'notice-title' }, 'No details'), h('p', {}, messageOf(error))));
    }
    content.scrollTop = 0;
    content.setAttribute('aria-busy', 'false');
  };

  return {
    element,
    open: (row) => void open(row),
    close: () => {
      shown = undefined;
      element.hidden = true;
      fill(content);
    },
    row: () => shown,
  };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** By pointer, and by arrow keys. */
function resizable(edge: HTMLElement, pane: HTMLElement): void {
  const widen = (width: number): void => {
    const most = Math.max(NARROWEST, innerWidth * 0.7);
    const value = Math.round(Math.min(most, Math.max(NARROWEST, width)));
    pane.style.setProperty('--details-width', `${value}px`);
    edge.setAttribute('aria-valuenow', String(value));
    remember(KEY, String(value));
  };
  const before = Number(remembered(KEY));
  if (before > 0) widen(before);
  edge.addEventListener('pointerdown', (event) => {
    edge.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  edge.addEventListener('pointermove', (event) => {
    if (edge.hasPointerCapture(event.pointerId)) widen(pane.getBoundingClientRect().right - event.clientX);
  });
  edge.addEventListener('keydown', (event) => {
    const by = event.key === 'ArrowLeft' ? STEP : event.key === 'ArrowRight' ? -STEP : 0;
    if (by === 0) return;
    widen(pane.getBoundingClientRect().width + by);
    event.preventDefault();
  });
}
