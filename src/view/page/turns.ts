/**
 * The turns of a session, as a list to choose from.
 *
 * in:   the session
 * out:  an element; tells which turn was chosen
 */
import type { ViewSession, ViewTurn } from '../model.ts';
import { h, setAttributes } from './dom.ts';
import { cost, counted, duration, exactTime, notPriced } from './format.ts';
import { wholeMs } from './standouts.ts';
import { oneLine } from './text.ts';
import { movedTo, virtualRows } from './virtual.ts';

export interface Turns {
  readonly element: HTMLElement;
  /** Index of a turn; undefined for all of them. */
  choose(turn: number | undefined): void;
}

/** As in page.css. */
const ROW = 56;

export function turnList(session: ViewSession, chosen: (turn: number | undefined) => void, entered: () => void): Turns {
  const { turns } = session;
  /** Place in the list, whose first entry is all turns. */
  let active = 0;
  const body = h('div', { class: 'rows', role: 'presentation' });
  const box = h('div', { class: 'turn-box', role: 'listbox', tabindex: 0, 'aria-label': 'Turns' }, body);
  const virtual = virtualRows({ scroller: box, body, rowHeight: ROW, stickyHeight: 0, row: (index) => optionOf(index) });

  const optionOf = (index: number): HTMLElement => {
    const turn = turns[index - 1];
    const option = h(
      'div',
      {
        class: turn !== undefined && turn.errors > 0 ? 'turn-option failed' : 'turn-option',
        role: 'option',
        id: `turn-${index}`,
        'aria-selected': String(index === active),
        'aria-setsize': turns.length + 1,
        'aria-posinset': index + 1,
      },
      ...(turn === undefined ? allTurns(session) : turnText(turn)),
    );
    option.addEventListener('click', () => {
      choose(index);
      chosen(index === 0 ? undefined : index - 1);
    });
    return option;
  };

  const choose = (index: number): void => {
    const before = active;
    active = Math.min(turns.length, Math.max(0, index));
    virtual.setActive(active);
    virtual.reveal(active);
    for (const at of [before, active]) document.getElementById(`turn-${at}`)?.setAttribute('aria-selected', String(at === active));
    setAttributes(box, { 'aria-activedescendant': `turn-${active}` });
  };

  box.addEventListener('keydown', (event) => {
    const to = movedTo(event.key, active, turns.length + 1, virtual.rowsPerPage());
    if (to !== undefined) {
      choose(to);
      chosen(active === 0 ? undefined : active - 1);
    } else if (event.key === 'Enter' || event.key === 'ArrowRight') entered();
    else return;
    event.preventDefault();
  });
  virtual.setCount(turns.length + 1);
  return {
    element: h('nav', { class: 'turn-panel', 'aria-label': 'Turns' }, box),
    choose: (turn) => choose(turn === undefined ? 0 : turn + 1),
  };
}

/** What a turn is called. */
export const turnName = ({ number }: ViewTurn): string => (number === undefined ? 'Agent' : `Turn ${number}`);

function allTurns({ turns, summary, shares }: ViewSession): HTMLElement[] {
  return [
    h(
      'div',
      { class: 'turn-line' },
      h('span', { class: 'turn-number' }, 'All'),
      h('span', { class: 'turn-rest' }, countedRuns(turns)),
      h('span', { class: 'turn-time' }, duration(wholeMs(shares))),
    ),
    h('div', { class: 'turn-line' }, h('span', { class: 'turn-label' }, 'Pauses cut'), figures(summary)),
  ];
}

/** Agents without a turn are none. */
function countedRuns(turns: readonly ViewTurn[]): string {
  const agents = turns.filter(({ number }) => number === undefined).length;
  const rest = turns.length - agents;
  return [...(rest > 0 || agents === 0 ? [counted(rest, 'turn')] : []), ...(agents > 0 ? [counted(agents, 'agent')] : [])].join(', ');
}

function turnText(turn: ViewTurn): HTMLElement[] {
  const { number, trigger, label = '', outcome, startMs, endMs } = turn;
  const text = oneLine(label);
  const about = [
    trigger === 'human' ? undefined : trigger?.replaceAll('_', ' '),
    outcome === 'completed' || outcome === 'error' ? undefined : outcome,
  ];
  return [
    h(
      'div',
      { class: 'turn-line', title: exactTime(startMs) },
      h('span', { class: 'turn-number' }, number === undefined ? '–' : String(number)),
      h('span', { class: 'turn-rest' }, about.filter((part) => part !== undefined && part !== '').join(', ')),
      h('span', { class: 'turn-time' }, duration(endMs - startMs)),
    ),
    h(
      'div',
      { class: 'turn-line' },
      h('span', { class: text === '' ? 'turn-label none' : 'turn-label', dir: 'auto', title: text }, text === '' ? 'no prompt' : text),
      figures(turn),
    ),
  ];
}

/** Where calls tell no tokens either, it is not their price that is missing. */
const figures = ({ errors, costUsd, unpriced, tokens }: Pick<ViewTurn, 'errors' | 'costUsd' | 'unpriced' | 'tokens'>): HTMLElement =>
  h(
    'span',
    { class: 'turn-figures' },
    errors > 0 &&
      h('span', { class: 'error-count', title: counted(errors, 'error'), 'aria-label': counted(errors, 'error') }, String(errors)),
    (costUsd > 0 || (unpriced > 0 && tokens.input + tokens.output > 0)) &&
      h('span', { class: 'turn-cost', title: unpriced > 0 ? notPriced(unpriced) : undefined }, cost(costUsd, unpriced)),
  );
