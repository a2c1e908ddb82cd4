/** Sessions that are a file per thread: whose agent a thread is, and what need not be looked at for that. */
import { mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { harnesses } from '../../src/harness/index.ts';
import { findSessions, sessionsWritten } from '../../src/read/find.ts';
import { scratch } from '../support/scratch.ts';

const top = scratch('threads');
let made = 0;

/** A thread made then, an agent of another one if that is given. */
function thread(home: string, at: string, parent?: { id: string }): { readonly id: string; readonly path: string } {
  const ms = Date.parse(at).toString(16).padStart(12, '0');
  made += 1;
  const id = `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-${String(made).padStart(12, '0')}`;
  const [year, month, day] = at.slice(0, 10).split('-') as [string, string, string];
  const folder = join(home, '.codex/sessions', year, month, day);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `rollout-${at.slice(0, 19).replaceAll(':', '-')}-${id}.jsonl`);
  const payload = { id, timestamp: at, cwd: '/w', cli_version: '0.169.0', ...(parent && { parent_thread_id: parent.id }) };
  writeFileSync(path, `${JSON.stringify({ timestamp: at, type: 'session_meta', payload })}\n`);
  return { id, path };
}

const placesOf = (home: string) => ({ env: {}, home, harnesses });

test('agents of days later are found, those of other sessions are not', () => {
  const home = join(top, 'later');
  const session = thread(home, '2026-03-01T10:00:00Z');
  const agent = thread(home, '2026-03-01T10:00:05Z', session);
  const nested = thread(home, '2026-05-07T10:00:00Z', agent);
  thread(home, '2026-05-08T10:00:00Z');
  const [ref] = findSessions(session.path, placesOf(home));
  expect(ref!.agents.map(({ agentId }) => agentId)).toEqual([agent.id, nested.id].toSorted());
  expect(() => findSessions(nested.path, placesOf(home))).toThrow(/sub-agent/);
});

test('a thread that was made before a session is no agent of it', () => {
  const home = join(top, 'older');
  const session = thread(home, '2026-03-01T10:00:00Z');
  const older = thread(home, '2026-02-01T10:00:00Z', session);
  const [ref] = findSessions(session.path, placesOf(home));
  expect(ref!.agents.map(({ agentId }) => agentId)).not.toContain(older.id);
});

test('an agent that was written to makes its session one that was', () => {
  const home = join(top, 'written');
  const session = thread(home, '2026-03-01T10:00:00Z');
  const agent = thread(home, '2026-03-01T10:00:05Z', session);
  const other = thread(home, '2026-03-02T10:00:00Z');
  for (const { path } of [session, other]) utimesSync(path, 1000, 1000);
  const found = [...sessionsWritten(placesOf(home), statSync(agent.path).mtimeMs - 1)];
  expect(found.map(({ sessionId }) => sessionId)).toEqual([session.id]);
});
