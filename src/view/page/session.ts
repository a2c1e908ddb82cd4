/**
 * A session: its head, what stands out, its turns, the waterfall of one, the details of a span.
 *
 * in:   the session, the source of details, keys
 * out:  a view. Only this file knows how its parts speak to one another
 */
import type { ViewSession } from '../model.ts';
import { detailsPane } from './details-pane.ts';
import { fill, h } from './dom.ts';
import { counted, duration, percent } from './format.ts';
import { glance } from './glance.ts';
import { addressOf } from './list.ts';
import { treeOf, turnOf } from './rows.ts';
import { focusOn } from './search-box.ts';
import { sessionHead, titleOf } from './session-head.ts';
import type { Source } from './source.ts';
import { spanSearch } from './span-search.ts';
import { wholeMs } from './standouts.ts';
import { turnList, turnName } from './turns.ts';
import type { View } from './view.ts';
import { waterfall } from './waterfall.ts';

export interface SessionView extends View {
  /** Shows a span and its details; does nothing for one that is not there. */
  openSpan(spanId: string): void;
}

export function sessionView(session: ViewSession, source: Source, announce: (text: string) => void): SessionView {
  const { spans, turns } = session;
  /** Index of a turn; undefined for all of them. */
  let turn: number | undefined;

  const tree = treeOf(spans);
  const chart = waterfall(session, tree, (row) => open(row));
  const list = turnList(
    session,
    (chosen) => showTurn(chosen),
    () => chart.element.focus(),
  );
  const pane = detailsPane(session, tree, source, {
    jump: (row) => {
      go(row);
      open(row);
    },
    closed: () => closeDetails(),
  });
  const search = spanSearch(session, {
    active: chart.active,
    matched: chart.setMatches,
    go: (row) => go(row),
    left: () => chart.element.focus(),
    announce,
  });
  const about = h('p', { class: 'wf-about' });
  const element = h(
    'section',
    { class: 'session', 'aria-label': 'Session' },
    h(
      'div',
      { class: 'session-main' },
      sessionHead(session),
      glance(session, (row) => {
        go(row);
        open(row);
      }),
      h(
        'div',
        { class: 'session-body' },
        list.element,
        h(
          'section',
          { class: 'wf-panel', 'aria-label': 'Waterfall' },
          h(
            'div',
            { class: 'wf-bar' },
            about,
            button('Collapse all', 'Collapse all', () => chart.setAllCollapsed(true)),
            button('Expand all', 'Expand all', () => chart.setAllCollapsed(false)),
            search.element,
          ),
          spans.length === 0 ? empty() : chart.element,
        ),
      ),
    ),
    pane.element,
  );

  const showTurn = (chosen: number | undefined): void => {
    turn = chosen;
    list.choose(turn);
    if (spans.length > 0) chart.show(turn);
    describe();
    announce(turn === undefined ? 'All turns' : turnName(turns[turn]!));
  };

  const describe = (): void => {
    if (turn === undefined) {
      fill(about, h('strong', {}, 'All turns'), ` ${counted(spans.length, 'span')}`);
      return;
    }
    const { count, shares, startMs, endMs } = turns[turn]!;
    const whole = wholeMs(shares);
    const parts = [
      counted(count, 'span'),
      duration(endMs - startMs),
      `${percent(shares.modelMs, whole)} model`,
      `${percent(shares.toolMs, whole)} tools`,
      `${percent(shares.waitMs, whole)} waiting`,
    ];
    fill(about, h('strong', {}, turnName(turns[turn]!)), ` ${parts.join(' · ')}`);
  };

  /** Where a span is, its turn comes into view. */
  const go = (row: number): void => {
    const home = turnOf(turns, row);
    if (turn !== undefined && home !== turn) showTurn(home);
    chart.select(row);
  };

  const open = (row: number): void => {
    element.classList.add('with-details');
    pane.open(row);
    chart.setOpened(row);
    chart.select(row);
    history.replaceState(null, '', addressOf(session.key, spans[row]!.id));
  };

  const closeDetails = (): void => {
    element.classList.remove('with-details');
    pane.close();
    chart.setOpened(undefined);
    history.replaceState(null, '', addressOf(session.key));
    chart.element.focus();
  };

  const stepTurn = (by: 1 | -1): void => {
    const next = turn === undefined ? (by === 1 ? 0 : turns.length - 1) : turn + by;
    if (next >= 0 && next < turns.length) showTurn(next);
  };

  /** What means something wherever the focus is. */
  const keys: Readonly<Record<string, () => void>> = {
    '[': () => stepTurn(-1),
    ']': () => stepTurn(1),
    a: () => showTurn(undefined),
    f: () => chart.fit(),
    n: () => search.step(1),
    N: () => search.step(-1),
  };

  chart.element.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !chart.key(event.key)) return;
    event.preventDefault();
    const moved = event.key.startsWith('Arrow') || ['Home', 'End', 'PageUp', 'PageDown'].includes(event.key);
    // Open details follow the active row.
    if (moved && pane.row() !== undefined && pane.row() !== chart.active()) open(chart.active());
  });

  // Rows can only be laid out once they are in the page.
  queueMicrotask(() => showTurn(turns.length > 0 ? 0 : undefined));

  return {
    element,
    title: titleOf(session),
    focus: () => chart.element.focus(),
    search: () => focusOn(search),
    key: (key) => {
      if (key === 'Escape' && pane.row() !== undefined) {
        closeDetails();
        return true;
      }
      keys[key]?.();
      return keys[key] !== undefined;
    },
    close: () => {},
    openSpan: (spanId) => {
      const row = spans.findIndex(({ id }) => id === spanId);
      if (row < 0) return;
      go(row);
      open(row);
    },
  };
}

function button(text: string, label: string, press: () => void): HTMLButtonElement {
  const element = h('button', { type: 'button', class: 'plain', 'aria-label': label }, text);
  element.addEventListener('click', press);
  return element;
}

const empty = (): HTMLElement =>
  h(
    'div',
    { class: 'notice' },
    h('p', { class: 'notice-title' }, 'Nothing happened in this session'),
    h('p', {}, 'It was opened and closed without a prompt.'),
  );
