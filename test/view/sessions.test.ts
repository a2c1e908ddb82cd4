/** When a session is built, and how long it is kept. */
import { expect, test, vi } from 'vitest';
import { sessionsKept } from '../../src/view/sessions.ts';
import { shownIn } from './shown.ts';

const [shown] = shownIn('nest');

function kept() {
  const stamps = new Map<string, string>();
  const build = vi.fn((key: string) => (key === 'none' ? undefined : { ...shown!, key }));
  return { stamps, build, open: sessionsKept(build, (key) => stamps.get(key)) };
}

test('a session is built once, and again when its files have changed and somebody looks at it afresh', () => {
  const { stamps, build, open } = kept();
  const first = open('a', true);
  expect(open('a', true)).toBe(first);
  stamps.set('a', 'changed');
  // Its rows are on somebody's screen: their details are those of the same build.
  expect(open('a', false)).toBe(first);
  expect(build).toHaveBeenCalledTimes(1);
  const second = open('a', true);
  expect(second).not.toBe(first);
  expect(open('a', false)).toBe(second);
  expect(build).toHaveBeenCalledTimes(2);
});

test('the three last looked at are kept', () => {
  const { build, open } = kept();
  for (const key of ['a', 'b', 'c', 'a', 'd']) open(key, true);
  expect(build.mock.calls.flat()).toEqual(['a', 'b', 'c', 'd']);
  for (const key of ['a', 'c', 'd']) open(key, false);
  expect(build).toHaveBeenCalledTimes(4);
  open('b', false);
  expect(build).toHaveBeenCalledTimes(5);
});

test('what is not there is looked for every time', () => {
  const { build, open } = kept();
  expect([open('none', true), open('none', false)]).toEqual([undefined, undefined]);
  expect(build).toHaveBeenCalledTimes(2);
});

test('what can not be built is tried again', () => {
  const { build, open } = kept();
  open('a', true);
  build.mockImplementationOnce(() => {
    throw new Error('gone');
  });
  expect(() => open('b', true)).toThrow('gone');
  expect(open('b', true)?.view.key).toBe('b');
});
