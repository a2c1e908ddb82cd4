/** Which rows are one session of OpenClaw, and whose agents they are: by keys, which outlive the sessions that they name. */
import { expect, test } from 'vitest';
import type { Row } from '../../../src/harness/harness.ts';
import { database } from '../../../src/harness/openclaw/layout.ts';

const PARENT = 'agent:main:main';
const KID = 'agent:main:subagent:1';

/** Whose agents the sessions of these windows are, by their ids. Every one has a transcript, but those that are named. */
function parents(windows: readonly Row[], withoutTranscript: readonly string[] = []): Record<string, string | undefined> {
  const transcripts = windows
    .filter(({ session_id: id }) => !withoutTranscript.includes(String(id)))
    .map(({ session_id = null }): Row => ({ session_id, events: 1, last: 0, first_at: 1, last_at: 1, header: '{}' }));
  return Object.fromEntries(database.sessionsOf([windows, transcripts]).map(({ id, parentId }) => [id, parentId]));
}
const window = (id: string, key: string, madeMs: number, parent: string | null = null): Row => ({
  ...{ session_id: id, session_key: key, created_at: madeMs, parent_session_key: parent },
});

test('an agent belongs to the session that its key had when it was started, whatever the ids', () => {
  for (const [first, second] of [
    ['a', 'z'],
    ['z', 'a'],
  ] as const) {
    const windows = [
      ...[window(first, PARENT, 100), window('kid', KID, 150, PARENT)],
      ...[window(second, PARENT, 200), window('late', `${KID}1`, 250, PARENT)],
    ];
    const expected = { [first]: undefined, kid: first, [second]: undefined, late: second };
    expect(parents(windows)).toEqual(expected);
    expect(parents(windows.toReversed())).toEqual(expected);
  }
});

test('a later session of an agent goes where its first one is', () => {
  const windows = [window('a', PARENT, 100), window('kid', KID, 150, PARENT), window('b', PARENT, 200), window('kid2', KID, 300, PARENT)];
  expect(parents(windows)).toMatchObject({ kid: 'a', kid2: 'a' });
});

test('an agent older than all sessions of its key goes to the first; one without a transcript has none', () => {
  const windows = [window('a', PARENT, 100), window('b', PARENT, 120), window('kid', KID, 50, PARENT)];
  expect(parents(windows)).toMatchObject({ kid: 'a' });
  expect(parents(windows, ['a'])).toMatchObject({ kid: 'b' });
  expect(parents(windows, ['a', 'b'])).toEqual({ kid: undefined });
  expect(parents([window('a', PARENT, 100, PARENT)])).toEqual({ a: undefined });
});
