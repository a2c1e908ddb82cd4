/** Figures as people read them: no unit is full. */
import { expect, test } from 'vitest';
import { count, duration, tokens } from '../../src/cli/summary.ts';

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1000, '1.0 s'],
  [59_949, '59.9 s'],
  [59_960, '1m 0s'],
  [119_400, '1m 59s'],
  [119_700, '2m 0s'],
  [3_599_600, '1h 0m'],
  [3_660_000, '1h 1m'],
  [90_000_000, '25h 0m'],
])('%i ms', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  [9999, '9,999'],
  [10_000, '10.0k'],
  [999_949, '999.9k'],
  [999_950, '1.00M'],
  [12_345_678, '12.35M'],
])('%i tokens', (n, text) => {
  expect(tokens(n)).toBe(text);
});

test('one is one', () => {
  expect([count(0, 'call'), count(1, 'call'), count(1234, 'call')]).toEqual(['0 calls', '1 call', '1,234 calls']);
});
