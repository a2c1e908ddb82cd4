/** `--since` and `--until`, as people say them. */
import { expect, test } from 'vitest';
import { dayOf, sinceMs, untilMs } from '../../src/cli/since.ts';
import { UserError } from '../../src/errors.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');

test.each([
  ['30m', NOW - 1_800_000],
  ['12h', NOW - 43_200_000],
  ['7d', NOW - 7 * 86_400_000],
  ['4w', NOW - 28 * 86_400_000],
  ['2026-11-20T10:00:00Z', Date.parse('2026-11-20T10:00:00Z')],
  ['2026-11-20 10:00', new Date(2026, 10, 20, 10).getTime()],
  ['2026-11-20', new Date(2026, 10, 20).getTime()],
])('%s', (text, atMs) => {
  expect(sinceMs(text, NOW)).toBe(atMs);
});

test('until a day is to its end', () => {
  expect(untilMs('2026-11-20', NOW)).toBe(new Date(2026, 10, 21).getTime() - 1);
  expect(dayOf(untilMs('2026-11-20', NOW))).toBe('2026-11-20');
  expect(untilMs('12h', NOW)).toBe(NOW - 43_200_000);
});

// Date.parse takes some of these for dates: 7 is a July, twenty-five years ago.
test.each(['7', '7 d', 'x 7', '12', 'monday', '', '7days', '2026-13-01', '20261120'])('%j is no time', (text) => {
  expect(() => sinceMs(text, NOW)).toThrow(UserError);
});
