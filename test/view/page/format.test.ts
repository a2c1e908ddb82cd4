import { expect, test } from 'vitest';
import {
  cost,
  counted,
  day,
  dollars,
  duration,
  offset,
  percent,
  shortId,
  shortPath,
  tokens,
  withinProject,
} from '../../../src/view/page/format.ts';

test('durations', () => {
  const told = [0, 0.4, 812, 1000, 59_940, 59_960, 125_000, 3_599_900, 7_800_000, 86_399_000, 273_600_000, -5].map(duration);
  expect(told).toEqual([
    '0 ms',
    '0 ms',
    '812 ms',
    '1.0 s',
    '59.9 s',
    '1 m 00 s',
    '2 m 05 s',
    '1 h 00 m',
    '2 h 10 m',
    '1 d 0 h',
    '3 d 4 h',
    '0 ms',
  ]);
});

test('places on an axis', () => {
  expect(offset(0, 1000)).toBe('0');
  expect(offset(20, 10)).toBe('20 ms');
  expect(offset(1250, 50)).toBe('1.25 s');
  expect(offset(90_000, 30_000)).toBe('1:30');
  expect(offset(600_000, 300_000)).toBe('10 m');
  expect(offset(5_400_000, 1_800_000)).toBe('1:30 h');
  expect(offset(2 * 86_400_000, 86_400_000)).toBe('2 d');
});

test('tokens and dollars', () => {
  expect([0, 999, 1000, 12_345, 99_960, 999_600, 12_345_678, 2e9].map(tokens)).toEqual([
    '0',
    '999',
    '1.0k',
    '12.3k',
    '100k',
    '1.00M',
    '12.3M',
    '2.00G',
  ]);
  expect([0, 0.00001, 0.0042, 0.42, 12.3, 1204.4].map(dollars)).toEqual(['$0', '<$0.0001', '$0.0042', '$0.420', '$12.30', '$1,204']);
});

test('shares and counts', () => {
  expect([percent(0, 10), percent(1, 1000), percent(1, 3), percent(1, 0)]).toEqual(['0%', '<1%', '33%', '0%']);
  expect([counted(1, 'turn'), counted(2000, 'turn')]).toEqual(['1 turn', '2,000 turns']);
});

test('days near enough are called by name', () => {
  const now = new Date(2026, 2, 15, 0, 30).getTime();
  expect(day(new Date(2026, 2, 15, 0, 5).getTime(), now)).toBe('Today 00:05');
  expect(day(new Date(2026, 2, 14, 23, 59).getTime(), now)).toBe('Yesterday 23:59');
  expect(day(new Date(2026, 2, 13, 9, 7).getTime(), now)).toBe('2026-03-13 09:07');
});

test('the end of a path', () => {
  expect([shortPath('/home/me/code/shop'), shortPath('C:\\code\\shop\\'), shortPath('/')]).toEqual(['code/shop', 'code/shop', '/']);
});

test('paths within the project', () => {
  expect(withinProject('mv /code/shop/a.ts /code/shop/b.ts', '/code/shop')).toBe('mv a.ts b.ts');
  expect(withinProject('/code/shopping/a.ts', '/code/shop')).toBe('/code/shopping/a.ts');
  expect(withinProject('cp a=/code/shop/a.ts "/code/shop/b.ts" /old/code/shop/c.ts', '/code/shop/')).toBe(
    'cp a=a.ts "b.ts" /old/code/shop/c.ts',
  );
  expect(withinProject('C:\\code\\s(h)op\\a.ts', 'C:\\code\\s(h)op')).toBe('a.ts');
  // The name of a directory is no path.
  expect(withinProject('cat workshop/list.txt shop/a', 'shop')).toBe('cat workshop/list.txt shop/a');
  expect([withinProject('/a', '/'), withinProject('/a', undefined)]).toEqual(['/a', '/a']);
});

test('a cost that is not all of it', () => {
  expect([cost(0, 0), cost(0.42, 0), cost(0.42, 3), cost(0, 3)]).toEqual(['$0', '$0.420', '≥ $0.420', '?']);
});

test('ids', () => {
  const ids = ['01a1faee-bab6-72c1-8155-1c137c4c42d4', '20261120_221451_9ed2a7', 'loc1'];
  expect(ids.map(shortId)).toEqual(['01a1faee', '20261120_221451_9ed2a7', 'loc1']);
});
