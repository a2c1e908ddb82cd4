/** Sessions of OpenClaw by their ids, which the user may choose: in two agents of hers, in files of topics, put away, left behind. */
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { harnesses } from '../../src/harness/index.ts';
import { allSessions, findSessionOfId, findSessions, type Places, placeOf } from '../../src/read/find.ts';
import { mainFile } from '../../src/read/transcript.ts';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-openclaw-')));
afterAll(() => rmSync(top, { recursive: true, force: true }));
const FIXTURE = 'fixtures/openclaw/2026.9.6-sqlite/openclaw-agent.sqlite';
/** In the fixture, a session and its agent. */
const [STORED, STORED_AGENT] = ['408c60a1-2165-4cca-9fa7-25dfff9151ac', '1db5c6e1-0357-468d-8958-2de214988c50'];
let made = 0;

/** A home with files of these sessions, by their paths below `agents`; `undefined` is the database. */
function home(files: Readonly<Record<string, { readonly id: string; readonly says?: string } | undefined>>): Places {
  const path = join(top, String(made++));
  for (const [name, session] of Object.entries(files)) {
    const file = join(path, '.openclaw/agents', name);
    mkdirSync(join(file, '..'), { recursive: true });
    if (session === undefined) copyFileSync(FIXTURE, file);
    else writeFileSync(file, file.endsWith('.zst') ? packed(linesOf(session)) : linesOf(session));
  }
  return { env: {}, home: path, harnesses };
}

function linesOf({ id, says = 'hi' }: { readonly id: string; readonly says?: string }): string {
  const at = '2026-11-20T12:00:00.000Z';
  const message = { role: 'user', content: says };
  return `${[
    { type: 'session', version: 3, id, timestamp: at, cwd: '/w' },
    { type: 'message', id: '00000001', timestamp: at, message },
  ]
    .map((line) => JSON.stringify(line))
    .join('\n')}\n`;
}

/** A frame of one raw block, as any reader of zstd takes it. */
function packed(text: string): Buffer {
  const bytes = Buffer.from(text);
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x60, 0, 0]);
  header.writeUInt16LE(bytes.length - 256, 5);
  const block = Buffer.alloc(3);
  block.writeUIntLE((bytes.length << 3) | 1, 0, 3);
  return Buffer.concat([header, block, bytes]);
}

const below = (places: Places): string[] =>
  allSessions(places)
    .map((ref) => placeOf(ref).slice(places.home.length + '/.openclaw/agents/'.length))
    .toSorted();

test('a session in each of two agents, under one id: both are listed, and who names the id is told of both', () => {
  const places = home({ 'main/sessions/mine.jsonl': { id: 'mine' }, 'work/sessions/mine.jsonl': { id: 'mine', says: 'a longer one' } });
  expect(below(places)).toEqual(['main/sessions/mine.jsonl', 'work/sessions/mine.jsonl']);
  for (const given of ['mine', 'mi'])
    expect(() => findSessions(given, places)).toThrow(/^2 sessions are called mine: .*\/(main|work)\/.*, .*\/(main|work)\/.*$/);
  expect(findSessionOfId('mine', places).sessionId).toBe('mine');
  const [one] = findSessions(join(places.home, '.openclaw/agents/main/sessions/mine.jsonl'), places);
  expect(one!.path).toContain('/main/');
});

test('a database hides the files that were moved into it, of its agents too, and none of another one', () => {
  const places = home({
    'main/agent/openclaw-agent.sqlite': undefined,
    [`main/sessions/${STORED}.jsonl`]: { id: STORED! },
    [`main/sessions/session-sqlite-import-archive/${STORED_AGENT}.jsonl`]: { id: STORED_AGENT! },
    [`work/sessions/${STORED}.jsonl`]: { id: STORED! },
  });
  expect(below(places).filter((path) => path.endsWith('.jsonl'))).toEqual([`work/sessions/${STORED}.jsonl`]);
  expect(() => findSessions(STORED!, places)).toThrow(`2 sessions are called ${STORED}: `);
  expect(findSessions('s-plain', places)).toHaveLength(1);
});

test('the topics of a channel have a file each, which begin alike', () => {
  const names = ['mine', 'mine-topic-7', 'mine-topic-8'];
  const places = home(Object.fromEntries(names.map((name) => [`main/sessions/${name}.jsonl`, { id: 'mine' }])));
  expect(
    allSessions(places)
      .map(({ sessionId }) => sessionId)
      .toSorted(),
  ).toEqual(names);
  for (const name of names) expect(findSessions(name, places)[0]!.path).toContain(`/${name}.jsonl`);
});

test('what was put away is read when it is named, with its trajectory, and not listed: it may be an agent that was told before', () => {
  const away = { id: 'away', says: 'x'.repeat(300) };
  const places = home({
    'main/sessions/here.jsonl': { id: 'here' },
    'main/sessions/cold/2026/away.jsonl.zst': away,
    'main/sessions/cold/2026/away.trajectory.jsonl.zst': { ...away, says: 'y'.repeat(300) },
  });
  expect(below(places)).toEqual(['main/sessions/here.jsonl']);
  const [ref] = findSessions(join(places.home, '.openclaw/agents/main/sessions/cold/2026/away.jsonl.zst'), places);
  expect(ref).toMatchObject({ sessionId: 'away', harness: { name: 'openclaw' } });
  expect([...mainFile(ref!).lines].map(String).join()).toMatch(/xxx.*yyy/s);
});
