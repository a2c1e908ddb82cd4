/** When and where a session began, however late its first lines tell. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layout } from '../../src/harness/claude-code/layout.ts';
import { beginningOf } from '../../src/read/beginning.ts';
import { scratch } from '../support/scratch.ts';

const folder = scratch('beginning');
const path = join(folder, 'session.jsonl');

const AT = '2026-01-01T00:00:00.000Z';
/** As Claude Code writes a prompt: what was typed comes first. */
const prompt = (chars: number, rest: object = { timestamp: AT, cwd: '/work' }): string =>
  JSON.stringify({ type: 'user', message: { role: 'user', content: 'x'.repeat(chars) }, ...rest });
const beginningIn = (...lines: string[]) => {
  writeFileSync(path, lines.join('\n'));
  return beginningOf(path, layout);
};
const WORK = { atMs: Date.parse(AT), directory: '/work' };

test.each([10, 70_000, 1_000_000, 15_000_000])('a first prompt of %i bytes', (chars) => {
  expect(beginningIn('{"type":"mode"}', prompt(chars), prompt(10, { timestamp: '2026-02-02T00:00:00Z', cwd: '/later' }), '')).toEqual(WORK);
});

test('time and directory may stand on lines of their own, far apart', () => {
  const early = JSON.stringify({ type: 'queue-operation', timestamp: AT, content: 'x'.repeat(70_000) });
  expect(beginningIn(early, prompt(300_000, {}), prompt(300_000, { timestamp: '2026-02-02T00:00:00Z', cwd: '/work' }))).toEqual(WORK);
});

test('what a prompt quotes is no line of the session', () => {
  const content = 'x'.repeat(70_000) + JSON.stringify({ cwd: '/quoted', timestamp: '2020-01-01T00:00:00Z' });
  expect(beginningIn(JSON.stringify({ type: 'user', message: { content }, cwd: '/work', timestamp: AT }))).toEqual(WORK);
});

test('a line that is still being written tells what it tells', () => {
  expect(beginningIn(prompt(10).slice(0, -3))).toEqual({ atMs: Date.parse(AT) });
});

test('the search has an end', () => {
  expect(beginningIn(prompt(17_000_000))).toEqual({});
});

test('nothing is known of what can’t be read, and a pipe is not waited for', () => {
  expect(beginningOf(join(folder, 'gone'), layout)).toEqual({});
  expect(beginningOf(folder, layout)).toEqual({});
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  expect(beginningOf(join(folder, 'pipe'), layout)).toEqual({});
});
