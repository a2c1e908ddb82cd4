/**
 * The list of sessions: found at once, filled in as they are read.
 *
 * in:   the source; lines as they come
 * out:  an element; a session is opened by going to its address
 */

import { fill, h, setAttributes } from './dom.ts';
import { cost, counted, day, exactTime, notPriced, number, shortId, shortPath, tokens } from './format.ts';
import { type Column, type Entry, inOrder, type Order, told, totalsOf } from './listing.ts';
import { focusOn, searchBox } from './search-box.ts';
import type { Source } from './source.ts';
import { oneLine } from './text.ts';
import type { View } from './view.ts';
import { movedTo, virtualRows } from './virtual.ts';

const COLUMNS: readonly { readonly column: Column; readonly name: string; readonly figures?: true }[] = [
  { column: 'title', name: 'Session' },
  { column: 'project', name: 'Project' },
  { column: 'last', name: 'Last active' },
  { column: 'turns', name: 'Turns', figures: true },
  { column: 'tokens', name: 'Tokens', figures: true },
  { column: 'cost', name: 'Cost', figures: true },
  { column: 'errors', name: 'Errors', figures: true },
];

/** As in page.css. */
const ROW = 56;
const HEAD = 36;

export interface ListView extends View {
  /** Asks for the sessions, anew each time. What was searched for, chosen, sorted and scrolled to stays. */
  open(): void;
}

export function listView(source: Source, announce: (text: string) => void): ListView {
  const entries = new Map<string, Entry>();
  let loading = new AbortController();
  let rows: readonly Entry[] = [];
  let order: Order = { column: 'last', descending: true };
  let active = 0;
  /** The session somebody went to: rows move while sessions are read. */
  let chosen: string | undefined;
  let scrolled = 0;
  let state: 'reading' | 'done' | { readonly failed: string } = 'reading';
  let asked = false;

  const search = searchBox('Search sessions', 'Search title, project, id, model');
  const totals = h('p', { class: 'list-totals' });
  const progress = h('progress', { class: 'list-progress', 'aria-label': 'Sessions read' });
  const body = h('div', { class: 'rows', role: 'rowgroup' });
  const head = h('div', { class: 'list-row list-head', role: 'row' });
  const grid = h(
    'div',
    { class: 'list-grid', role: 'grid', tabindex: 0, 'aria-label': 'Sessions', 'aria-colcount': COLUMNS.length },
    h('div', { role: 'rowgroup', class: 'sticky' }, head),
    body,
  );
  const notice = h('div', { class: 'notice', hidden: true });
  const element = h(
    'section',
    { class: 'list', 'aria-label': 'Sessions' },
    h('div', { class: 'list-bar' }, h('h1', {}, 'Sessions'), search.element, totals),
    progress,
    notice,
    grid,
  );

  const virtual = virtualRows({ scroller: grid, body, rowHeight: ROW, stickyHeight: HEAD, row: (index) => rowOf(rows[index]!, index) });

  const rowOf = (entry: Entry, index: number): HTMLElement => {
    const row = h(
      'div',
      {
        class: `list-row${entry.failed === undefined ? '' : ' failed'}`,
        role: 'row',
        id: `session-${index}`,
        'aria-rowindex': index + 2,
        'aria-selected': String(index === active),
      },
      ...cellsOf(entry),
    );
    row.addEventListener('click', (event) => {
      // A link is followed by the browser, so that it can be opened beside this page, too.
      if (event.target instanceof Element && event.target.closest('a') !== null) return;
      go(index);
      open(entry);
    });
    return row;
  };

  const open = ({ listed }: Entry): void => {
    location.hash = addressOf(listed.key);
  };

  const go = (index: number): void => {
    activate(index);
    chosen = rows[active]?.listed.key;
  };

  const activate = (index: number, scroll = true): void => {
    if (rows.length === 0) return;
    const before = active;
    active = Math.min(rows.length - 1, Math.max(0, index));
    virtual.setActive(active);
    for (const at of [before, active]) document.getElementById(`session-${at}`)?.setAttribute('aria-selected', String(at === active));
    if (scroll) virtual.reveal(active);
    setAttributes(grid, { 'aria-activedescendant': `session-${active}` });
  };

  const headers = COLUMNS.map(({ column, name, figures }) => {
    const button = h('button', { type: 'button' }, name, h('span', { class: 'arrow', 'aria-hidden': 'true' }));
    button.addEventListener('click', () => {
      const sorted = order.column === column;
      order = { column, descending: sorted ? !order.descending : column !== 'title' && column !== 'project' };
      tellOrder();
      draw();
      announce(`Sorted by ${name.toLowerCase()}, ${order.descending ? 'descending' : 'ascending'}`);
    });
    return { column, element: h('div', { role: 'columnheader', class: `${column}${figures ? ' figures' : ''}` }, button) };
  });
  const tellOrder = (): void => {
    for (const { column, element: header } of headers)
      header.setAttribute('aria-sort', order.column !== column ? 'none' : order.descending ? 'descending' : 'ascending');
  };

  const draw = (): void => {
    asked = false;
    rows = inOrder(entries.values(), search.input.value, order);
    const at = rows.findIndex(({ listed }) => listed.key === chosen);
    active = at >= 0 ? at : Math.min(active, Math.max(0, rows.length - 1));
    setAttributes(grid, { 'aria-rowcount': rows.length + 1, 'aria-busy': String(state === 'reading') });
    virtual.setCount(rows.length);
    activate(active, false);
    const done = [...entries.values()].filter(({ summary, failed }) => summary !== undefined || failed !== undefined).length;
    const { tokens: total, costUsd, unpriced, errors } = totalsOf(rows);
    fill(
      totals,
      [
        search.input.value.trim() === ''
          ? counted(entries.size, 'session')
          : `${number(rows.length)} of ${counted(entries.size, 'session')}`,
        `${tokens(total)} tokens`,
        cost(costUsd, unpriced),
        counted(errors, 'error'),
      ].join(' · '),
      state === 'reading' && h('span', { class: 'reading' }, entries.size === 0 ? 'Looking for sessions…' : `${number(done)} read`),
    );
    totals.hidden = entries.size === 0 && state !== 'reading';
    progress.hidden = state !== 'reading';
    if (entries.size > 0) setAttributes(progress, { max: entries.size, value: done });
    drawNotice();
  };

  const drawNotice = (): void => {
    const text = noticeOf(state, entries.size, rows.length, search.input.value);
    notice.hidden = text === undefined;
    const appeared = grid.hidden && rows.length > 0;
    grid.hidden = rows.length === 0;
    // What is hidden can't be given the focus; what was typed in keeps it.
    if (appeared && document.activeElement === document.body) grid.focus();
    if (text !== undefined) fill(notice, h('p', { class: 'notice-title' }, text.title), h('p', {}, text.text));
  };

  /** Lines come faster than frames. */
  const drawSoon = (): void => {
    if (asked) return;
    asked = true;
    setTimeout(draw, entries.size > 500 ? 250 : 50);
  };

  search.input.addEventListener('input', () => {
    active = 0;
    chosen = undefined;
    draw();
    grid.scrollTop = 0;
    activate(0);
  });
  search.input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && rows[active] !== undefined) open(rows[active]!);
    else if (event.key === 'ArrowDown') grid.focus();
    else if (event.key === 'Escape' && search.input.value !== '') {
      search.input.value = '';
      search.input.dispatchEvent(new Event('input'));
      event.stopPropagation();
    } else return;
    event.preventDefault();
  });
  grid.addEventListener('keydown', (event) => {
    const to = movedTo(event.key, active, rows.length, virtual.rowsPerPage());
    if (to !== undefined) go(to);
    else if (event.key === 'Enter' && event.target === grid && rows[active] !== undefined) open(rows[active]!);
    else return;
    event.preventDefault();
  });

  const read = async (): Promise<void> => {
    loading = new AbortController();
    const { signal } = loading;
    state = 'reading';
    draw();
    try {
      await source.list((line) => {
        told(entries, line);
        drawSoon();
      }, signal);
      state = 'done';
      announce(`${counted(entries.size, 'session')} read`);
    } catch (error) {
      if (signal.aborted) return;
      state = { failed: error instanceof Error ? error.message : String(error) };
    }
    draw();
  };

  head.append(...headers.map(({ element: header }) => header));
  tellOrder();

  return {
    element,
    title: 'Sessions',
    focus: () => grid.focus(),
    search: () => focusOn(search),
    key: () => false,
    open: () => {
      // An element that leaves the page forgets how far it was scrolled.
      grid.scrollTop = scrolled;
      void read();
    },
    close: () => {
      scrolled = grid.scrollTop;
      loading.abort();
    },
  };
}

export const addressOf = (key: string, spanId?: string): string =>
  `#/s/${encodeURIComponent(key)}${spanId === undefined ? '' : `/${encodeURIComponent(spanId)}`}`;

function cellsOf(entry: Entry): HTMLElement[] {
  const { listed, summary, failed } = entry;
  const figure = (name: string, value: string | undefined, title?: string): HTMLElement =>
    h(
      'div',
      { role: 'gridcell', class: `${name} figures${value === undefined ? ' pending' : ''}`, title },
      value ?? (failed === undefined ? h('span', { class: 'shimmer', 'aria-label': 'not read yet' }) : '–'),
    );
  const title = failed ?? (summary?.title === undefined || summary.title === '' ? undefined : oneLine(summary.title));
  const about = [
    shortId(listed.id),
    summary?.models[0],
    summary?.branch,
    `${listed.harness}${summary?.version ? ` ${summary.version}` : ''}`,
  ];
  const errors = summary?.errors ?? 0;
  const began = summary === undefined || summary.startedAtMs === 0 ? '' : `, begun ${exactTime(summary.startedAtMs)}`;
  return [
    h(
      'div',
      { role: 'gridcell', class: 'title' },
      h(
        'a',
        { href: addressOf(listed.key), class: title === undefined ? 'untitled' : '', dir: 'auto', tabindex: -1, title: title ?? listed.id },
        failed === undefined ? (title ?? (summary === undefined ? 'Reading…' : 'No prompt')) : `Can't be read: ${oneLine(failed)}`,
      ),
      h(
        'span',
        { class: 'about', title: listed.id },
        ...about.flatMap((text) => (text === undefined ? [] : [h('bdi', {}, oneLine(text))])),
      ),
    ),
    h(
      'div',
      { role: 'gridcell', class: 'project', title: listed.project },
      h('bdi', {}, listed.project === undefined ? '–' : oneLine(shortPath(listed.project))),
    ),
    h('div', { role: 'gridcell', class: 'last', title: `${exactTime(listed.modifiedMs)}${began}` }, day(listed.modifiedMs, Date.now())),
    figure('turns', summary && number(summary.turns)),
    figure(
      'tokens',
      summary && tokens(summary.tokens.input + summary.tokens.output),
      summary &&
        `${number(summary.tokens.input)} in (${number(summary.tokens.cacheRead)} from the cache), ${number(summary.tokens.output)} out`,
    ),
    figure(
      'cost',
      summary && cost(summary.costUsd, summary.unpriced),
      summary && summary.unpriced > 0 ? notPriced(summary.unpriced) : undefined,
    ),
    errors > 0
      ? h('div', { role: 'gridcell', class: 'errors figures' }, h('span', { class: 'error-count' }, number(errors)))
      : figure('errors', summary && '0'),
  ];
}

function noticeOf(
  state: 'reading' | 'done' | { readonly failed: string },
  known: number,
  shown: number,
  query: string,
): { readonly title: string; readonly text: string } | undefined {
  if (typeof state === 'object') return { title: 'The list broke off', text: state.failed };
  if (shown > 0) return undefined;
  if (known > 0) return { title: 'Nothing found', text: `No session holds “${query.trim()}” in its title, project, id or model.` };
  if (state === 'reading') return { title: 'Looking for sessions…', text: 'They are read from this machine, and stay on it.' };
  return {
    title: 'No sessions on this machine yet',
    text: 'Sessions of coding agents show up here once one has run. To look at a transcript from elsewhere: trace-build view <file>.',
  };
}
