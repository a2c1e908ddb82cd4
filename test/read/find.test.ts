/** What the user names → sessions: by path, by id, by the beginning of one, by directory, the last one. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { harnesses } from '../../src/harness/index.ts';
import { type AgentIndex, allSessions, findAgent, findSessions, lastSession, type Places } from '../../src/read/find.ts';
import { mainFile } from '../../src/read/transcript.ts';
import { SMALL, text } from '../support/lines.ts';
import { FIXTURES, PLACES, refsOf, STORIES } from '../support/stories.ts';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-find-')));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const id = (n: number): string => `0000000${n}-aaaa-4bbb-8ccc-dddddddddddd`;
const NOBODY = 65_534;
let made = 0;

/** A home with these transcripts under `.claude/projects`; `modified` in seconds, later than any other by default. */
function home(files: readonly { path: string; content?: string; modified?: number }[]): Places & { readonly projects: string } {
  const path = join(top, `home-${made++}`);
  const projects = join(path, '.claude', 'projects');
  mkdirSync(projects, { recursive: true });
  for (const [n, file] of files.entries()) {
    const target = join(projects, file.path);
    mkdirSync(join(target, '..'), { recursive: true });
    writeFileSync(target, file.content ?? `${text(SMALL).join('\n')}\n`);
    utimesSync(target, file.modified ?? 1000 + n, file.modified ?? 1000 + n);
  }
  return { env: {}, home: path, harnesses, projects };
}

const idsOf = (given: string, places: Places): string[] => findSessions(given, places).map(({ sessionId }) => sessionId);

describe('by id', () => {
  const places = home([
    { path: `-work-a/${id(1)}.jsonl` },
    { path: `-work-b/${id(2)}.jsonl` },
    { path: '-work-b/0000000b-aaaa-4bbb-8ccc-dddddddddddd.jsonl' },
    { path: `-work-b/${id(2)}/subagents/agent-x1.jsonl` },
    { path: `-work-c/${id(3)}.jsonl`, modified: 10 },
    { path: `-work-d/${id(3)}.jsonl`, modified: 20 },
  ]);

  test.each([
    { given: id(1), is: id(1) },
    { given: '00000001', is: id(1) },
    { given: '00000002-aaaa', is: id(2) },
  ])('$given is a session', ({ given, is }) => {
    expect(idsOf(given, places)).toEqual([is]);
  });

  test('its agents come with it', () => {
    expect(findSessions(id(2), places)[0]!.agents.map(({ agentId }) => agentId)).toEqual(['x1']);
  });

  test('of a session that moved to another folder, the newer file counts', () => {
    expect(findSessions(id(3), places)[0]!.path).toBe(join(places.projects, '-work-d', `${id(3)}.jsonl`));
  });

  test('a beginning that fits several is refused, and they are named', () => {
    expect(() => findSessions('0000000', places)).toThrow(
      expect.objectContaining({
        name: 'UserError',
        message: expect.stringContaining(id(1)),
        hint: expect.stringContaining('more of the id'),
      }),
    );
  });

  test('an empty text is the beginning of no id', () => {
    const single = home([{ path: `-work/${id(8)}.jsonl` }]);
    expect(() => findSessions('', single)).toThrow(
      expect.objectContaining({ name: 'UserError', message: expect.stringContaining('empty') }),
    );
  });

  test('an id that fits none is refused, and what can be named is said', () => {
    for (const given of ['ffffffff', 'no-such-session', 'x1', 'agent-x1'])
      expect(() => findSessions(given, places), given).toThrow(
        expect.objectContaining({ name: 'UserError', hint: expect.stringContaining('--last') }),
      );
  });

  test('CLAUDE_CONFIG_DIR goes before the home directory', () => {
    const other = home([{ path: `-work/${id(7)}.jsonl` }]);
    const moved = { ...places, env: { CLAUDE_CONFIG_DIR: join(other.home, '.claude') } };
    expect(idsOf('00000007', moved)).toEqual([id(7)]);
    expect(() => findSessions(id(1), moved)).toThrow('There is no');
    expect(idsOf(id(1), { ...places, env: { CLAUDE_CONFIG_DIR: '' } })).toEqual([id(1)]);
  });

  test('a home without transcripts is refused like any other id', () => {
    expect(() => findSessions(id(1), { ...places, home: join(top, 'nobody') })).toThrow('There is no');
  });
});

describe('by path', () => {
  const places = home([
    { path: `-work/${id(1)}.jsonl` },
    { path: `-work/${id(1)}/subagents/agent-a.jsonl` },
    { path: `-work/${id(1)}/subagents/workflows/wf_1/agent-b.jsonl` },
  ]);
  const file = join(places.projects, '-work', `${id(1)}.jsonl`);

  test('a transcript is its session, with its agents and their groups', () => {
    const [ref] = findSessions(file, PLACES);
    expect(ref).toMatchObject({ sessionId: id(1), path: file });
    expect(ref!.agents.map(({ agentId, group }) => [agentId, group])).toEqual([
      ['a', undefined],
      ['b', 'wf_1'],
    ]);
  });

  test('a link to a transcript is the transcript', () => {
    const link = join(top, `${id(1)}.jsonl`);
    symlinkSync(file, link);
    expect(idsOf(link, PLACES)).toEqual([id(1)]);
  });

  test('a file of another name is a transcript too, for the user named it', () => {
    const odd = join(top, 'transcript.txt');
    writeFileSync(odd, text(SMALL).join('\n'));
    expect(findSessions(odd, PLACES).map(({ path }) => path)).toEqual([odd]);
  });
});

describe('by directory', () => {
  test('all sessions below it, each once', () => {
    const places = home([
      { path: `-a/${id(2)}.jsonl` },
      { path: `-a/${id(1)}.jsonl` },
      { path: `-b/deep/${id(3)}.jsonl` },
      { path: `-a/${id(1)}/subagents/agent-x.jsonl` },
    ]);
    expect(idsOf(places.projects, PLACES).toSorted()).toEqual([id(1), id(2), id(3)]);
    expect(idsOf(join(places.projects, '-a'), PLACES).toSorted()).toEqual([id(1), id(2)]);
    expect(idsOf(`${join(places.projects, '-a')}/`, PLACES).toSorted()).toEqual([id(1), id(2)]);
  });

  test('a session before those that began later', () => {
    const begun = (time: string) => `${JSON.stringify({ ...SMALL[0], timestamp: time })}\n`;
    const places = home([
      { path: `-a/${id(1)}.jsonl`, content: begun('2026-03-01T00:00:00Z') },
      { path: `-a/${id(2)}.jsonl`, content: begun('2026-01-01T00:00:00Z') },
      { path: `-b/${id(3)}.jsonl`, content: begun('2026-02-01T00:00:00Z') },
    ]);
    expect(idsOf(places.projects, PLACES)).toEqual([id(2), id(3), id(1)]);
  });

  test('every transcript of the stories is found', () => {
    const all = findSessions(FIXTURES, PLACES);
    expect(all.length).toBe(STORIES.reduce((sum, story) => sum + refsOf(story).length, 0));
    expect(all.every(({ path, agents }) => path !== undefined || agents.length > 0)).toBe(true);
  });

  test('agents that lie beside the sessions go to the session their lines name', () => {
    const refs = refsOf('old-2.0.76');
    expect(refs.filter(({ agents }) => agents.length > 0).length).toBeGreaterThan(8);
    for (const { agents, folder } of refs) for (const { path } of agents) expect(path.startsWith(folder)).toBe(true);
  });
});

describe('a folder that happens to be called subagents', () => {
  const places = home([
    { path: `subagents/projects/${id(1)}.jsonl` },
    { path: `subagents/projects/${id(1)}/subagents/agent-a.jsonl` },
    { path: `work/${id(2)}/subagents/agent-b.jsonl` },
    { path: `work/${id(3)}.jsonl` },
    { path: `work/${id(3)}/subagents/journal.jsonl` },
  ]);
  const folder = join(places.projects, 'subagents', 'projects');

  test('is one like any other', () => {
    expect(idsOf(join(folder, `${id(1)}.jsonl`), PLACES)).toEqual([id(1)]);
    for (const given of [folder, join(places.projects, 'subagents')]) expect(idsOf(given, PLACES), given).toEqual([id(1)]);
    expect(idsOf(places.projects, PLACES)).toEqual([id(1), id(2), id(3)]);
  });

  test('is not, where a session keeps its agents in it', () => {
    for (const given of [
      join(folder, id(1), 'subagents', 'agent-a.jsonl'),
      join(folder, id(1), 'subagents'),
      join(places.projects, 'work', id(2), 'subagents'),
      join(places.projects, 'work', id(2)),
      join(places.projects, 'work', id(3), 'subagents', 'journal.jsonl'),
    ])
      expect(() => findSessions(given, PLACES), given).toThrow(expect.objectContaining({ name: 'UserError' }));
  });
});

test('a folder that may not be read is told as what it is', () => {
  const { projects } = home([{ path: `-work/${id(1)}.jsonl` }]);
  chmodSync(top, 0o755);
  chmodSync(projects, 0o300);
  // Root may read everything.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    expect(() => findSessions(projects, PLACES)).toThrow(
      expect.objectContaining({ name: 'UserError', message: expect.stringContaining('EACCES') }),
    );
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(projects, 0o700);
  }
});

test('a link to itself among the sessions costs only itself', () => {
  const places = home([{ path: `-work/${id(1)}.jsonl` }]);
  const circle = join(places.projects, '-work', `${id(2)}.jsonl`);
  symlinkSync(circle, circle);
  expect(idsOf(places.projects, places)).toEqual([id(2), id(1)]);
});

test('the agents around a session are listed once, however many are asked for', () => {
  const places = home([{ path: `-work/${id(1)}.jsonl` }, { path: `-work/${id(2)}/subagents/agent-a.jsonl` }]);
  const [ref] = findSessions(id(1), places);
  const known: AgentIndex = new Map();
  expect(findAgent(ref!, 'missing', known)).toBeUndefined();
  rmSync(join(places.projects, '-work', id(2)), { recursive: true });
  expect(findAgent(ref!, 'a', known)?.agentId).toBe('a');
  expect(findAgent(ref!, 'a')).toBeUndefined();
});

test('a pipe with the name of a transcript is not waited for', () => {
  const places = home([{ path: `-work/${id(1)}.jsonl` }]);
  execFileSync('mkfifo', [join(places.projects, '-work', `${id(2)}.jsonl`), join(places.projects, '-work', 'agent-x.jsonl')]);
  const refs = findSessions(places.projects, places);
  expect(refs.map(({ sessionId }) => sessionId)).toEqual([id(2), id(1)]);
  expect(mainFile(refs[0]!)).toMatchObject({ lines: [], unreadable: 'it is no regular file' });
});

describe('the last one', () => {
  const work = join(top, 'work dir');
  mkdirSync(work);
  const folder = work.replace(/[^A-Za-z0-9]/g, '-');

  test('is the one modified last, of those begun in this directory', () => {
    const places = home([
      { path: `${folder}/${id(1)}.jsonl`, modified: 300 },
      { path: `${folder}/${id(2)}.jsonl`, modified: 100 },
      { path: `-elsewhere/${id(3)}.jsonl`, modified: 900 },
      { path: `${folder}/${id(4)}/subagents/agent-x.jsonl`, modified: 999 },
    ]);
    expect(lastSession(work, places).sessionId).toBe(id(1));
    symlinkSync(work, join(top, 'link to work'));
    expect(lastSession(join(top, 'link to work'), places).sessionId).toBe(id(1));
  });

  test('is none in a directory where none began, and the user is told where was looked', () => {
    const places = home([{ path: `-elsewhere/${id(3)}.jsonl` }]);
    expect(() => lastSession(work, places)).toThrow(
      expect.objectContaining({ name: 'UserError', message: expect.stringContaining(places.projects) }),
    );
  });
});

describe('all', () => {
  test('of every folder, the last changed first, agents with their sessions', () => {
    const places = home([
      { path: `-work-a/${id(1)}.jsonl`, modified: 20 },
      { path: `-work-b/${id(2)}.jsonl`, modified: 30 },
      { path: `-work-b/${id(2)}/subagents/agent-x1.jsonl` },
      { path: `-work-b/${id(3)}.jsonl`, modified: 10 },
      { path: '-work-b/notes.txt' },
    ]);
    expect(allSessions(places).map(({ sessionId, agents }) => [sessionId, agents.length])).toEqual([
      [id(2), 1],
      [id(1), 0],
      [id(3), 0],
    ]);
  });

  test('no folder at all: none', () => {
    expect(allSessions({ env: {}, home: join(top, 'nobody'), harnesses })).toEqual([]);
  });

  test('two roots that are one folder are listed once', () => {
    const places = home([{ path: `-work-a/${id(1)}.jsonl` }]);
    const twice = {
      ...places.harnesses[0]!,
      layouts: places.harnesses[0]!.layouts.map((layout) => ({ ...layout, roots: () => [places.projects, `${places.projects}/`] })),
    };
    expect(allSessions({ ...places, harnesses: [twice] })).toHaveLength(1);
  });
});
