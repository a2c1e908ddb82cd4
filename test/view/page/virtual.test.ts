// @vitest-environment happy-dom
/** Rows that exist only where one looks. */
import { expect, test } from 'vitest';
import { h } from '../../../src/view/page/dom.ts';
import { movedTo, virtualRows } from '../../../src/view/page/virtual.ts';

test('the active row is there however far away it is: aria-activedescendant names it', () => {
  const body = h('div', {});
  const scroller = h('div', {}, body);
  const virtual = virtualRows({ scroller, body, rowHeight: 20, stickyHeight: 0, row: (index) => h('div', { id: `row-${index}` }) });
  virtual.setCount(1000);
  virtual.setActive(700);
  expect(body.querySelector('#row-700')).not.toBeNull();
  virtual.redraw();
  expect(body.querySelector('#row-700')).not.toBeNull();
  virtual.setActive(3);
  expect(body.querySelector('#row-700')).toBeNull();
  expect(body.children.length).toBeLessThan(30);
  expect(body.style.height).toBe('20000px');
});

test.each([
  ['ArrowDown', 5],
  ['ArrowUp', 3],
  ['PageDown', 9],
  ['PageUp', 0],
  ['Home', 0],
  ['End', 9],
  ['Enter', undefined],
  ['constructor', undefined],
])('%s leads to %s', (key, to) => {
  expect(movedTo(key, 4, 10, 6)).toBe(to);
});
