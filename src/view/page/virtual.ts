/**
 * A list of any length of which only the rows in sight are in the page.
 *
 * in:   the element that scrolls, the height of a row, how to make one
 * out:  `Virtual`: says how many rows there are, brings one into view, draws them again
 *
 * The active row is always there, even out of sight: assistive technology has to find what `aria-activedescendant` names.
 */

export interface Virtual {
  /** Goes into the scrolling element. */
  readonly body: HTMLElement;
  setCount(count: number): void;
  /** Makes all rows anew: their content has changed. */
  redraw(): void;
  /** Scrolls no further than it has to; what was far away comes to the middle, so that what is around it is seen. */
  reveal(index: number): void;
  setActive(index: number): void;
  readonly rowsPerPage: () => number;
}

export interface VirtualOptions {
  readonly scroller: HTMLElement;
  readonly body: HTMLElement;
  readonly rowHeight: number;
  /** Height of what sticks to the top of the scroller. */
  readonly stickyHeight: number;
  readonly row: (index: number) => HTMLElement;
}

/** Rows made ahead of the sight, either way. */
const AHEAD = 8;

export function virtualRows({ scroller, body, rowHeight, stickyHeight, row }: VirtualOptions): Virtual {
  let count = 0;
  let active = -1;
  let asked = 0;
  const drawn = new Map<number, HTMLElement>();

  const draw = (): void => {
    asked = 0;
    const top = scroller.scrollTop;
    const height = scroller.clientHeight;
    const first = Math.max(0, Math.floor(top / rowHeight) - AHEAD);
    const last = Math.min(count - 1, Math.ceil((top + height) / rowHeight) + AHEAD);
    const wanted = (index: number): boolean => index < count && ((index >= first && index <= last) || index === active);
    for (const [index, element] of drawn) {
      if (wanted(index)) continue;
      element.remove();
      drawn.delete(index);
    }
    for (let index = first; index <= last; index++) place(index);
    if (active >= 0 && active < count) place(active);
  };

  const place = (index: number): void => {
    if (drawn.has(index)) return;
    const element = row(index);
    element.style.setProperty('top', `${index * rowHeight}px`);
    drawn.set(index, element);
    body.append(element);
  };

  const ask = (): void => {
    if (asked === 0) asked = requestAnimationFrame(draw);
  };
  const redraw = (): void => {
    for (const element of drawn.values()) element.remove();
    drawn.clear();
    draw();
  };

  scroller.addEventListener('scroll', ask, { passive: true });
  new ResizeObserver(ask).observe(scroller);
  return {
    body,
    setCount: (value) => {
      count = value;
      body.style.setProperty('height', `${count * rowHeight}px`);
      redraw();
    },
    redraw,
    reveal: (index) => {
      const top = index * rowHeight;
      const height = scroller.clientHeight - stickyHeight;
      const away = Math.max(scroller.scrollTop - top, top + rowHeight - height - scroller.scrollTop);
      if (away > height) scroller.scrollTop = Math.max(0, top - (height - rowHeight) / 2);
      else if (top < scroller.scrollTop) scroller.scrollTop = top;
      else if (top + rowHeight > scroller.scrollTop + height) scroller.scrollTop = top + rowHeight - height;
      draw();
    },
    setActive: (index) => {
      active = index;
      draw();
    },
    rowsPerPage: () => Math.max(1, Math.floor((scroller.clientHeight - stickyHeight) / rowHeight) - 1),
  };
}

/** Where a key leads from one of so many rows; undefined for a key that leads nowhere. */
export function movedTo(key: string, from: number, count: number, page: number): number | undefined {
  const to: ReadonlyMap<string, number> = new Map([
    ['ArrowDown', from + 1],
    ['ArrowUp', from - 1],
    ['PageDown', from + page],
    ['PageUp', from - page],
    ['Home', 0],
    ['End', count - 1],
  ]);
  const index = to.get(key);
  return index === undefined ? undefined : Math.min(count - 1, Math.max(0, index));
}
