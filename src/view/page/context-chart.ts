/**
 * How large the context of the main agent was, call by call, and where it was compacted.
 *
 * in:   the session
 * out:  a card with a small chart; a click leads to the call under the pointer
 */
import type { ViewSession } from '../model.ts';
import { h, svg } from './dom.ts';
import { counted, number, tokens } from './format.ts';
import { thinned } from './standouts.ts';

const WIDTH = 300;
const HEIGHT = 84;
const MOST_POINTS = 150;

export const NO_CALL = 'No model was called.';

export function contextChart(session: ViewSession, jump: (row: number) => void): HTMLElement {
  const { context, compactions } = session;
  const largest = context.reduce((most, { tokens: count }) => Math.max(most, count), 0);
  const note = h(
    'span',
    { class: 'chart-note' },
    largest === 0 ? '' : `up to ${tokens(largest)}${compactions.length > 0 ? `, ${counted(compactions.length, 'compaction')}` : ''}`,
  );
  const heading = h('h2', {}, 'Context ', note);
  if (largest === 0) return h('div', { class: 'card chart-card' }, heading, h('p', { class: 'none' }, whyNone(session)));

  const points = thinned(context, MOST_POINTS);
  const across = WIDTH / context.length;
  const x = (index: number): number => index * across;
  const y = (count: number): number => HEIGHT - (count / largest) * (HEIGHT - 6);
  const steps = points.map(({ tokens: count, index }, at) => {
    const end = points[at + 1]?.index ?? context.length;
    return `V${y(count).toFixed(1)}H${x(end).toFixed(2)}`.replace(/^V/, at === 0 ? `M${x(index).toFixed(2)} ` : 'V');
  });
  const line = steps.join('');
  const marks = compactions.map(({ atMs }) => {
    const after = context.findIndex((point) => point.atMs >= atMs);
    const at = x(after < 0 ? context.length : after);
    return svg('line', { class: 'chart-compaction', x1: at, x2: at, y1: 0, y2: HEIGHT });
  });
  const picture = svg(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': `Context of the main agent over ${counted(context.length, 'model call')}: up to ${number(largest)} tokens, ${counted(compactions.length, 'compaction')}`,
    },
    svg('path', { class: 'chart-area', d: `${line}V${HEIGHT}H${x(points[0]!.index).toFixed(2)}Z` }),
    svg('path', { class: 'chart-line', d: line }),
    ...marks,
  );
  const pointer = h('div', { class: 'chart-pointer', hidden: true });
  const plot = h('div', { class: 'chart' }, picture, pointer);
  const under = (event: MouseEvent): number => {
    const { left, width } = plot.getBoundingClientRect();
    return Math.min(context.length - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * context.length)));
  };
  const still = note.textContent ?? '';
  plot.addEventListener('pointermove', (event) => {
    const index = under(event);
    pointer.hidden = false;
    pointer.style.setProperty('--from', `${((index + 0.5) / context.length) * 100}%`);
    note.textContent = `call ${number(index + 1)}: ${tokens(context[index]!.tokens)}`;
  });
  plot.addEventListener('pointerleave', () => {
    pointer.hidden = true;
    note.textContent = still;
  });
  plot.addEventListener('click', (event) => jump(context[under(event)]!.span));
  return h(
    'div',
    { class: 'card chart-card' },
    heading,
    plot,
    h('div', { class: 'chart-axis', 'aria-hidden': 'true' }, h('span', {}, 'first call'), h('span', {}, counted(context.length, 'call'))),
  );
}

/** Tokens may be told of others: of agents, or of the session as a whole. */
function whyNone({ summary, spans }: ViewSession): string {
  if (summary.modelCalls === 0) return NO_CALL;
  const called = spans.some(({ kind, parent }) => kind === 'chat' && spans[parent]?.kind === 'turn');
  return called ? 'No call of the main agent tells its tokens.' : 'The main agent called no model.';
}
