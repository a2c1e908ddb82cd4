/** Sessions in a database: what others in it do is no news of them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { harnesses } from '../../src/harness/index.ts';
import { findSessions, type SessionRef } from '../../src/read/find.ts';
import { filesOf, isAsSeen, stampsOf, standingOf } from '../../src/sync/standing.ts';
import { scratch } from '../support/scratch.ts';
import { changedDatabase } from '../support/sqlite.ts';
import { PLACES } from '../support/stories.ts';

const top = scratch('standing');

const NOW = Date.parse('2026-11-21T12:00:00Z');
const nothing = { v: 1, harness: 'openclaw', sessionId: 'x' } as const;

test('times that stand in a database are of any session: they end none', () => {
  const openclaw = harnesses.find(({ name }) => name === 'openclaw')!;
  const old = '\n{"type":"message","timestamp":"2026-01-01T00:00:00.000Z"}\n';
  const endedAt = (name: string, head: string): boolean => {
    const path = join(top, name);
    writeFileSync(path, `${head}${old}`);
    return standingOf({ harness: openclaw, path, modifiedMs: NOW - 1000 }, nothing, NOW).ended;
  };
  expect(endedAt('a.sqlite', 'SQLite format 3\0')).toBe(false);
  expect(endedAt('a.jsonl', '{"type":"session","version":3}')).toBe(true);
});

test('a row of another session changes the file, and not what is known of this one', () => {
  const path = join(top, 'state.db');
  writeFileSync(path, changedDatabase(readFileSync('fixtures/hermes/schema30/state.db'), ''));
  const refs = (): ReadonlyMap<string, SessionRef> => new Map(findSessions(path, PLACES).map((ref) => [ref.sessionId, ref]));
  const before = new Map([...refs()].map(([id, ref]) => [id, [stampsOf(ref), filesOf(ref)] as const]));
  const [changed, ...others] = [...before.keys()];
  writeFileSync(
    path,
    changedDatabase(
      readFileSync(path),
      `insert into messages (session_id, role, content, timestamp) values ('${changed}', 'user', 'more', 1795213099)`,
    ),
  );
  const after = refs();
  expect(others.length).toBeGreaterThan(0);
  for (const [id, ref] of after) {
    expect([id, isAsSeen(ref, before.get(id)![0])]).toEqual([id, id !== changed]);
    expect(filesOf(ref), id).not.toBe(before.get(id)![1]);
  }
});
