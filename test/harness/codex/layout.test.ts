/** Where rollouts lie, and what names and single lines tell. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layout } from '../../../src/harness/codex/layout.ts';
import { CODEX_FIXTURES, CODEX_STORIES, transcriptsOf } from '../../support/codex.ts';

const ID = '01a1faeb-c1ee-7952-b1c2-945aee8e6756';

test('roots', () => {
  expect(layout.roots({}, '/home/dev')).toEqual(['/home/dev/.codex/sessions', '/home/dev/.codex/archived_sessions']);
  expect(layout.roots({ CODEX_HOME: '/c' }, '/home/dev')).toEqual(['/c/sessions', '/c/archived_sessions']);
});

test.each([
  [`2026/11/20/rollout-2026-11-20T21-45-17-${ID}.jsonl`, ID],
  [`rollout-2026-11-20T21-45-17-${ID}.jsonl.zst`, ID],
  [`rollout-2026-11-20T21-45-17-${ID}.jsonl.tmp`, undefined],
  [`rollout-${ID}.jsonl`, ID],
  [`${ID}.jsonl`, undefined],
  ['session_index.jsonl', undefined],
])('%s', (path, id) => {
  expect(layout.threadOf(path)).toBe(id);
});

test('the folder of all threads', () => {
  expect(layout.topOf?.(`/x/sessions/2026/11/20/rollout-a-${ID}.jsonl`)).toBe('/x/sessions');
  expect(layout.topOf?.(`/x/archived_sessions/rollout-a-${ID}.jsonl`)).toBe('/x/archived_sessions');
  expect(layout.topOf?.(`rollout-a-${ID}.jsonl`)).toBe('.');
});

test.each(CODEX_STORIES)('%s: first lines', (story) => {
  for (const { sessionId, main, agents } of transcriptsOf(story)) {
    const heads = [main, ...agents].map(({ lines }) => layout.headOf(lines[0]!, ''));
    expect(heads.map((head) => head?.threadId)).toEqual([sessionId, ...agents.map(({ id }) => id)]);
    expect(heads[0]?.parentThreadId).toBeUndefined();
    const known = new Set([sessionId, ...agents.map(({ id }) => id)]);
    for (const head of heads.slice(1)) expect(known).toContain(head?.parentThreadId);
    for (const head of heads) if (head?.rootThreadId !== undefined) expect(head.rootThreadId).toBe(sessionId);
  }
});

test('a first line cut off, a fork, a line that is none', () => {
  const path = join(
    CODEX_FIXTURES,
    '0.169-resume-fork/sessions/2026/11/20/rollout-2026-11-20T22-17-45-01a1fb09-7d3c-7163-adf0-13435235be42.jsonl',
  );
  const first = readFileSync(path, 'utf8').split('\n')[0]!;
  const head = { threadId: '01a1fb09-7d3c-7163-adf0-13435235be42', rootThreadId: '01a1fb09-7d3c-7163-adf0-13435235be42' };
  expect(layout.headOf(first, path)).toEqual(head);
  expect(layout.headOf(first.slice(0, first.indexOf('"base_instructions"') + 40), path)).toEqual(head);
  expect(layout.directoryOf(first)).toBe('/home/dev/project');
  expect(layout.timeOf(first)).toBe(Date.parse('2026-11-20T22:17:45.572Z'));
  for (const line of ['', '{', '[]', '{"type":"event_msg","payload":{"id":"x"}}', '{"type":"session_meta"}'])
    expect(layout.headOf(line, path)).toBeUndefined();
});

test('the end of a turn has reached the disk', () => {
  const lines = transcriptsOf('0.169-plain')[0]!.main.lines as readonly string[];
  const endMs = layout.timeOf(lines.at(-1)!)!;
  expect(layout.hasStop(lines, { atMs: endMs - 5 })).toBe(true);
  expect(layout.hasStop(lines.slice(0, -1), { atMs: endMs - 5 })).toBe(false);
  expect(layout.hasStop(lines, { atMs: endMs + 500 })).toBe(false);
});
