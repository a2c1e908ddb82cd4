/**
 * The waterfall: a tree of spans beside bars on an axis of time, as a treegrid.
 *
 * in:   a session, which of its turns to show, keys
 * out:  an element; tells which span was opened
 */
import type { ViewSession } from '../model.ts';
import { cutScale, realScale, type Scale, ticksOf } from './axis.ts';
import { fill, h, setAttributes } from './dom.ts';
import { ancestorsOf, placeOf, type Tree, visibleRows } from './rows.ts';
import { movedTo, virtualRows } from './virtual.ts';
import { spanRow } from './waterfall-row.ts';

export interface Waterfall {
  readonly element: HTMLElement;
  /** Index of a turn; undefined for all of them. */
  show(turn: number | undefined): void;
  /** Makes a row the active one, and visible. */
  select(row: number): void;
  readonly active: () => number;
  /** Marks the row whose details are open. */
  setOpened(row: number | undefined): void;
  setMatches(rows: Int32Array): void;
  setAllCollapsed(collapsed: boolean): void;
  /** Fits the axis to the active span, or back to all there is. */
  fit(): void;
  key(key: string): boolean;
}

/** As in page.css. */
const ROW = 28;
const HEAD = 30;
/** More lines than this behind the bars would be a surface. */
const MOST_LINES = 40;

export function waterfall(session: ViewSession, tree: Tree, opened: (row: number) => void): Waterfall {
  const { spans, turns } = session;
  const collapsed = new Set<number>();
  let turn: number | undefined;
  let rows: Int32Array = new Int32Array(0);
  let matches: ReadonlySet<number> = new Set();
  let active = 0;
  let openRow: number | undefined;
  let fitted: number | undefined;
  let scale: Scale = realScale({ startMs: 0, endMs: 1 });

  const axis = h('div', { class: 'axis', role: 'columnheader', 'aria-label': 'Time' });
  const head = h(
    'div',
    { class: 'wf-head', role: 'row', 'aria-rowindex': 1 },
    h('div', { role: 'columnheader' }, 'Span'),
    axis,
    h('div', { role: 'columnheader', class: 'figures duration' }, 'Duration'),
    h('div', { role: 'columnheader', class: 'figures tokens' }, 'Tokens'),
    h('div', { role: 'columnheader', class: 'figures cost' }, 'Cost'),
  );
  const body = h('div', { class: 'rows', role: 'rowgroup' });
  const element = h(
    'div',
    { class: 'wf', role: 'treegrid', tabindex: 0, 'aria-label': 'Spans', 'aria-colcount': 5 },
    h('div', { class: 'sticky', role: 'rowgroup' }, head),
    body,
  );
  const virtual = virtualRows({
    scroller: element,
    body,
    rowHeight: ROW,
    stickyHeight: HEAD,
    row: (index) => {
      const row = rows[index]!;
      return spanRow(session, tree, row, {
        scale,
        originMs: scale.segments[0]!.startMs,
        active: row === active,
        opened: row === openRow,
        collapsed: collapsed.has(row),
        matches: matches.has(row),
        index,
      });
    },
  });

  const layOut = (): void => {
    const { first, count } = turn === undefined ? { first: 0, count: spans.length } : turns[turn]!;
    rows = visibleRows(tree, first, count, collapsed);
    setAttributes(element, { 'aria-rowcount': rows.length + 1 });
    virtual.setActive(placeOf(rows, active));
    virtual.setCount(rows.length);
  };

  const rescale = (): void => {
    const all = turn === undefined ? turns : [turns[turn]!];
    scale = fitted === undefined ? (turn === undefined ? cutScale(all) : realScale(all[0]!)) : realScale(spans[fitted]!);
    drawAxis();
  };

  const drawAxis = (): void => {
    const ticks = ticksOf(scale, axis.clientWidth || 400);
    fill(axis);
    for (const { at, label } of ticks) {
      const tick = h('span', { class: 'tick' }, label);
      tick.style.setProperty('--from', `${at * 100}%`);
      axis.append(tick);
    }
    const lines = ticks.slice(0, MOST_LINES).map(({ at }) => ({ image: 'linear-gradient(var(--line), var(--line))', at, size: '1px' }));
    const gaps = scale.gaps.length > MOST_LINES ? [] : scale.gaps;
    const cuts = gaps.map(({ from, to }) => ({
      image: 'linear-gradient(var(--raised), var(--raised))',
      // A percentage places the same percentage of the image.
      at: to - from >= 1 ? 0 : from / (1 - (to - from)),
      size: `${(to - from) * 100}%`,
    }));
    const layers = [...lines, ...cuts];
    element.style.setProperty('--lines', layers.map(({ image }) => image).join(',') || 'none');
    element.style.setProperty('--line-places', layers.map(({ at }) => `${at * 100}% 0`).join(',') || '0 0');
    element.style.setProperty('--line-sizes', layers.map(({ size }) => `${size} 100%`).join(',') || 'auto');
  };

  const activate = (row: number): void => {
    const before = active;
    active = row;
    const index = placeOf(rows, row);
    virtual.setActive(index);
    virtual.reveal(index);
    for (const at of [before, active]) document.getElementById(`span-${at}`)?.setAttribute('aria-selected', String(at === active));
    setAttributes(element, { 'aria-activedescendant': `span-${active}` });
  };

  const isParent = (row: number): boolean => tree.ends[row]! > row + 1;
  const toggle = (row: number, collapse: boolean): void => {
    if (collapse) collapsed.add(row);
    else collapsed.delete(row);
    layOut();
    activate(row);
  };

  const show = (wanted: number | undefined): void => {
    turn = wanted;
    fitted = undefined;
    active = turn === undefined ? (rows.length > 0 ? active : 0) : turns[turn]!.first;
    rescale();
    layOut();
    activate(active);
  };

  const key = (pressed: string): boolean => {
    if (spans.length === 0) return false;
    const to = movedTo(pressed, placeOf(rows, active), rows.length, virtual.rowsPerPage());
    if (to !== undefined) activate(rows[to]!);
    else if (pressed === 'ArrowRight') {
      if (isParent(active) && collapsed.has(active)) toggle(active, false);
      else if (isParent(active)) activate(active + 1);
    } else if (pressed === 'ArrowLeft') {
      const { parent } = spans[active]!;
      if (isParent(active) && !collapsed.has(active)) toggle(active, true);
      else if (parent >= 0) activate(parent);
    } else if (pressed === 'Enter' || pressed === ' ') opened(active);
    else return false;
    return true;
  };

  body.addEventListener('click', (event) => {
    const target = event.target instanceof Element ? event.target : undefined;
    const id = target?.closest('.wf-row')?.id;
    if (id === undefined || String(getSelection()) !== '') return;
    const row = Number(id.slice('span-'.length));
    if (target!.closest('.twisty') !== null && isParent(row)) toggle(row, !collapsed.has(row));
    else {
      activate(row);
      opened(row);
    }
  });
  new ResizeObserver(drawAxis).observe(axis);

  return {
    element,
    show,
    select: (row) => {
      const hidden = ancestorsOf(spans, row).filter((ancestor) => collapsed.delete(ancestor));
      if (hidden.length > 0) layOut();
      activate(row);
    },
    active: () => active,
    setOpened: (row) => {
      openRow = row;
      virtual.redraw();
    },
    setMatches: (found) => {
      matches = new Set(found);
      virtual.redraw();
    },
    setAllCollapsed: (collapse) => {
      collapsed.clear();
      const { first, count } = turn === undefined ? { first: 0, count: spans.length } : turns[turn]!;
      // Roots stay open over one turn: a single row would tell nothing.
      if (collapse)
        for (let row = first; row < first + count; row++) if (isParent(row) && (turn === undefined || row !== first)) collapsed.add(row);
      const shown = ancestorsOf(spans, active).findLast((ancestor) => collapsed.has(ancestor)) ?? active;
      layOut();
      activate(shown);
    },
    fit: () => {
      fitted = fitted === active ? undefined : active;
      rescale();
      virtual.redraw();
    },
    key,
  };
}
