/**
 * The session at a glance: where time and money went, how the context grew.
 *
 * in:   the session
 * out:  an element; a click on a span leads to it
 */
import type { ViewSession } from '../model.ts';
import { contextChart, NO_CALL } from './context-chart.ts';
import { h } from './dom.ts';
import { dollars, duration, percent, withinProject } from './format.ts';
import { dearest, slowest, wholeMs } from './standouts.ts';
import { oneLine } from './text.ts';
import { lengthOf } from './waterfall-row.ts';

const SHOWN = 5;

export function glance(session: ViewSession, jump: (row: number) => void): HTMLElement {
  const { spans, summary } = session;
  return h(
    'section',
    { class: 'glance', 'aria-label': 'At a glance' },
    card('Time', shares(session)),
    card(
      'Slowest calls',
      standouts(session, slowest(spans, SHOWN), jump, (row) => lengthOf(spans[row]!), 'Nothing took any time.'),
    ),
    card(
      'Dearest calls',
      standouts(
        session,
        dearest(spans, SHOWN),
        jump,
        (row) => dollars(spans[row]!.costUsd ?? 0),
        summary.modelCalls === 0 ? NO_CALL : 'No call has a known price.',
      ),
    ),
    contextChart(session, jump),
  );
}

const card = (title: string, content: HTMLElement): HTMLElement =>
  h('div', { class: `card ${title.split(' ')[0]!.toLowerCase()}` }, h('h2', {}, title), content);

function shares({ shares }: ViewSession): HTMLElement {
  const { modelMs, toolMs, waitMs } = shares;
  const whole = wholeMs(shares);
  const parts = [
    { name: 'Model', kind: 'chat', ms: modelMs },
    { name: 'Tools', kind: 'tool', ms: toolMs },
    { name: 'Waiting', kind: 'wait', ms: waitMs },
  ];
  const told = parts.map(({ name, ms }) => `${name} ${percent(ms, whole)}`).join(', ');
  const bar = h('div', { class: 'share-bar', role: 'img', 'aria-label': told });
  for (const { kind, ms } of parts) {
    if (ms <= 0) continue;
    const part = h('span', { class: `share ${kind}` });
    part.style.setProperty('flex-grow', String(ms / whole));
    bar.append(part);
  }
  return h(
    'div',
    { class: 'shares' },
    bar,
    h(
      'ul',
      { class: 'legend' },
      ...parts.map(({ name, kind, ms }) =>
        h(
          'li',
          {},
          h('span', { class: `swatch ${kind}`, 'aria-hidden': 'true' }),
          h('span', { class: 'legend-name' }, name),
          h('span', { class: 'legend-percent' }, percent(ms, whole)),
          h('span', { class: 'legend-time' }, duration(ms)),
        ),
      ),
    ),
  );
}

function standouts(
  { spans, project }: ViewSession,
  rows: readonly number[],
  jump: (row: number) => void,
  figure: (row: number) => string,
  none: string,
): HTMLElement {
  if (rows.length === 0) return h('p', { class: 'none' }, none);
  return h(
    'ol',
    { class: 'standouts' },
    ...rows.map((row) => {
      const { name, label, kind, error } = spans[row]!;
      const title = [oneLine(name), ...(label === undefined ? [] : [oneLine(label)])].join('\n');
      const button = h(
        'button',
        { type: 'button', class: error === undefined ? kind : `${kind} error`, title },
        h('span', { class: 'mark', 'aria-hidden': 'true' }),
        h('bdi', { class: 'span-name' }, oneLine(name)),
        h('span', { class: 'label', dir: 'auto' }, label === undefined ? '' : withinProject(oneLine(label), project)),
        h('span', { class: 'figure' }, figure(row)),
      );
      button.addEventListener('click', () => jump(row));
      return h('li', {}, button);
    }),
  );
}
