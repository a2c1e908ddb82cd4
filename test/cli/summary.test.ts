/** Figures as people read them: no unit is full. */
import { expect, test } from 'vitest';
import { count, tokens } from '../../src/cli/summary.ts';

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
