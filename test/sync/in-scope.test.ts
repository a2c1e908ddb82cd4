/** Which sessions are found: real directories and git repositories, which may be gone by then. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Config, DEFAULTS } from '../../src/config/schema.ts';
import type { Harness, ProjectsLayout } from '../../src/harness/harness.ts';
import { harnesses } from '../../src/harness/index.ts';
import { type BesideIndex, findSessions, type Places } from '../../src/read/find.ts';
import { type Search, scopeDecider, sessionsInScope, startDirectoryOf } from '../../src/sync/in-scope.ts';
import { writeState } from '../../src/sync/state.ts';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-in-scope-')));
afterAll(() => rmSync(top, { recursive: true, force: true }));

let home = '';
let made = 0;
beforeEach(() => {
  home = join(top, `home-${made++}`);
  mkdirSync(at('code'), { recursive: true });
});
const at = (path: string): string => join(home, path);
const state = (): string => at('state');
const git = (path: string, ...args: string[]) =>
  execFileSync('git', ['-C', at(path), '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { stdio: 'pipe' });

function repository(path: string, url: string): void {
  mkdirSync(at(path), { recursive: true });
  git(path, 'init', '-q');
  git(path, 'commit', '-q', '--allow-empty', '-m', 'first');
  git(path, 'remote', 'add', 'origin', url);
}

const decide = (directory: string, config: Partial<Config>) => scopeDecider({ ...DEFAULTS, ...config }, home, state())(at(directory));

describe('a directory that is gone', () => {
  const SECRET: Partial<Config> = { trace_roots: ['~/code'], exclude: ['github.com/acme/secret-*'] };

  test('is out of scope where it may have been excluded', () => {
    repository('code/secret', 'git@github.com:acme/secret-x.git');
    expect(decide('code/secret', SECRET)).toMatchObject({ inScope: false, why: 'excluded by github.com/acme/secret-*' });
    rmSync(at('code/secret'), { recursive: true });
    expect(decide('code/secret', SECRET)).toMatchObject({
      inScope: false,
      why: `its directory is gone, so it can't be told whether github.com/acme/secret-* excludes it: ${at('code/secret')}`,
    });
  });

  test('is in scope as it was', () => {
    repository('code/open', 'git@github.com:acme/open.git');
    expect(decide('code/open', SECRET).inScope).toBe(true);
    rmSync(at('code/open'), { recursive: true });
    expect(decide('code/open', SECRET).inScope).toBe(true);
    expect(decide('code/open', { ...SECRET, exclude: ['github.com/acme/open'] })).toMatchObject({
      why: 'excluded by github.com/acme/open',
    });
    expect(scopeDecider({ ...DEFAULTS, ...SECRET }, home)(at('code/open')).inScope).toBe(false);
  });

  test('is judged as it was last, not as it was first', () => {
    repository('code/app', 'git@github.com:acme/app.git');
    expect(decide('code/app', SECRET).inScope).toBe(true);
    git('code/app', 'remote', 'set-url', 'origin', 'git@github.com:acme/secret-app.git');
    expect(decide('code/app', SECRET).inScope).toBe(false);
    rmSync(at('code/app'), { recursive: true });
    expect(decide('code/app', SECRET)).toMatchObject({ inScope: false, why: 'excluded by github.com/acme/secret-*' });
  });

  test('is still a worktree of its repository', () => {
    repository('code/app', 'git@github.com:acme/app.git');
    git('code/app', 'worktree', 'add', '-q', at('elsewhere/tree'));
    expect(decide('elsewhere/tree', SECRET).inScope).toBe(true);
    git('code/app', 'worktree', 'remove', '--force', at('elsewhere/tree'));
    expect(decide('elsewhere/tree', SECRET)).toMatchObject({ inScope: true, why: expect.stringContaining('a git worktree of') });
    expect(decide('elsewhere/tree', { trace_roots: ['*'], exclude: ['~/code/app'] }).inScope).toBe(false);
  });

  test('is still where a link led to', () => {
    mkdirSync(at('private'));
    symlinkSync(at('private'), at('code/link'));
    expect(decide('code/link', { trace_roots: ['*'] }).inScope).toBe(true);
    rmSync(at('code/link'));
    expect(decide('code/link', { trace_roots: ['*'], exclude: ['~/private'] }).inScope).toBe(false);
  });
});

describe('what is remembered', () => {
  const file = (): string => join(state(), 'directories.jsonl');
  const WORK: Partial<Config> = { trace_roots: ['~/code'] };

  test('is one line a directory in scope, for nobody else to read', () => {
    for (const path of ['code/a', 'code/b', 'other']) mkdirSync(at(path));
    for (const path of ['code/a', 'code/b', 'other', 'code/a', 'code/gone']) decide(path, WORK);
    const directories = readFileSync(file(), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).directory);
    expect(directories).toEqual([at('code/a'), at('code/b')]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(state()).mode & 0o777).toBe(0o700);
  });

  test('may be damaged: what is whole counts', () => {
    mkdirSync(state());
    writeFileSync(file(), `{"directory":1}\nnull\n[\n${JSON.stringify({ directory: at('code/x'), path: at('code/x'), exists: true })}\n`);
    mkdirSync(at('code/a'));
    decide('code/a', WORK);
    appendFileSync(file(), '{"directory":');
    rmSync(at('code/a'), { recursive: true });
    const strict = { ...WORK, exclude: ['github.com/x'] };
    expect(decide('code/a', strict).inScope).toBe(true);
    expect(decide('code/x', strict).inScope).toBe(false);
  });

  test('has an end', () => {
    mkdirSync(at('code/new'));
    decide('code/new', WORK);
    const line = readFileSync(file(), 'utf8');
    const others = Array.from({ length: 4000 }, (_, n) => line.replaceAll('code/new', `code/old-${n}`));
    writeFileSync(file(), [...others, line].join(''));
    const strict = { ...WORK, exclude: ['github.com/x'] };
    expect(decide('code/old-3999', strict).inScope).toBe(true);
    expect(decide('code/old-0', strict).inScope).toBe(false);
    expect(readFileSync(file(), 'utf8').trim().split('\n')).toHaveLength(2000);
  });

  test('where nothing can be written, all is judged as it is', () => {
    writeFileSync(state(), 'a file in the way');
    mkdirSync(at('code/a'));
    expect(decide('code/a', WORK).inScope).toBe(true);
  });
});

describe('a scan', () => {
  const AT = '2026-01-01T00:00:00.000Z';
  const id = (n: number): string => `${String(n).padStart(8, '0')}-aaaa-4bbb-8ccc-dddddddddddd`;
  const projects = (): string => at('.claude/projects/-code');
  function session(n: number, chars = 10): string {
    mkdirSync(projects(), { recursive: true });
    const path = join(projects(), `${id(n)}.jsonl`);
    const line = { type: 'user', message: { content: 'x'.repeat(chars) }, sessionId: id(n), timestamp: AT, cwd: at('code') };
    writeFileSync(path, `${JSON.stringify(line)}\n`);
    utimesSync(path, 1000 - n, 1000 - n);
    return path;
  }
  const placesOf = (own: readonly Harness[] = harnesses): Places => ({ env: {}, home, harnesses: own });
  const scan = (more: Partial<Search> = {}): readonly string[] =>
    sessionsInScope({
      config: { ...DEFAULTS, trace_roots: [{ path: '~/code', added: '2025-12-31T00:00:00Z' }] },
      places: placesOf(),
      stateFolder: state(),
      writtenSinceMs: 0,
      nowMs: Date.parse('2026-02-01T00:00:00Z'),
      ...more,
    }).map(({ sessionId }) => sessionId);

  test('finds sessions that begin with a long prompt', () => {
    session(1, 70_000);
    session(2, 2_000_000);
    expect(scan()).toEqual([id(1), id(2)]);
    expect(scan({ begunSinceMs: Date.parse(AT) + 1 })).toEqual([]);
  });

  /** The look at the first session has something happen to the second. */
  function meanwhile(act: () => void): Places {
    const [harness] = harnesses;
    const layout = harness!.layouts[0] as ProjectsLayout;
    let isFirst = true;
    const directoryOf = (head: string): string | undefined => {
      if (isFirst) act();
      isFirst = false;
      return layout.directoryOf(head);
    };
    return placesOf([{ ...harness!, layouts: [{ ...layout, directoryOf }] }]);
  }

  test('goes on when a transcript vanishes meanwhile', () => {
    const [, second] = [session(1), session(2), session(3)];
    expect(scan({ places: meanwhile(() => rmSync(second)) })).toEqual([id(1), id(3)]);
  });

  test('goes on when what was a transcript is something else by then', () => {
    const [, second] = [session(1), session(2), session(3)];
    const replace = (): void => {
      rmSync(second);
      mkdirSync(second);
    };
    expect(scan({ places: meanwhile(replace) })).toEqual([id(1), id(3)]);
  });

  test('goes on when a folder can’t be read, or is none', () => {
    session(1);
    writeFileSync(at('.claude/projects/a-file'), '');
    symlinkSync(at('.claude/projects/circle'), at('.claude/projects/circle'));
    symlinkSync(at('nowhere'), at('.claude/projects/dangling'));
    mkdirSync(at('.claude/projects/closed'));
    chmodSync(at('.claude/projects/closed'), 0o000);
    expect(scan()).toEqual([id(1)]);
  });

  test('looks at each agent beside the sessions once, however many sessions there are', () => {
    for (let n = 1; n <= 20; n++) session(n);
    writeFileSync(join(projects(), 'agent-a.jsonl'), `${JSON.stringify({ sessionId: id(7) })}\n`);
    const [harness] = harnesses;
    const layout = harness!.layouts[0] as ProjectsLayout;
    let looks = 0;
    const sessionOf = (line: string): string | undefined => {
      looks++;
      return layout.sessionOf(line);
    };
    const places = placesOf([{ ...harness!, layouts: [{ ...layout, sessionOf }] }]);
    expect(scan({ places })).toHaveLength(20);
    expect(looks).toBe(1);
    const beside: BesideIndex = new Map();
    expect(findSessions(join(projects(), `${id(7)}.jsonl`), places, beside)[0]!.agents).toMatchObject([{ agentId: 'a' }]);
    expect(findSessions(join(projects(), `${id(8)}.jsonl`), places, beside)[0]!.agents).toEqual([]);
    expect(looks).toBe(2);
  });

  test('what hooks said of the directory counts only while there is no transcript', () => {
    const path = session(1);
    writeFileSync(path, '{"type":"mode"}\n');
    const said = { startDirectory: at('code/said'), told: { directory: at('code/told'), atMs: Date.parse(AT) } };
    writeState(state(), { v: 1, harness: harnesses[0]!.name, sessionId: id(1), ...said }, 'settled');
    const [ref] = findSessions(path, placesOf());
    expect(startDirectoryOf(ref!, state())).toBeUndefined();
    expect(startDirectoryOf({ ...ref!, path: undefined }, state())).toBe(at('code/said'));
    expect(scan()).toEqual([]);
  });

  describe('of sessions that tell no directory', () => {
    const ADDED = '2025-12-31T00:00:00Z';
    const everything = { path: '*', added: ADDED };
    const homeless = (n: number): void => {
      const path = session(n);
      writeFileSync(path, readFileSync(path, 'utf8').replace(/,"cwd":"[^"]*"/, ''));
    };
    const seen = (config: Partial<Config>): readonly [readonly string[], readonly string[]] => {
      const unplaced: string[] = [];
      const onUnplaced = ({ sessionId }: { sessionId: string }): void => void unplaced.push(sessionId);
      return [scan({ config: { ...DEFAULTS, ...config }, onUnplaced }), unplaced];
    };

    test.each<{ what: string; config: Partial<Config>; isFound: boolean }>([
      { what: 'a directory has none', config: { trace_roots: [{ path: '~', added: ADDED }] }, isFound: false },
      { what: 'even the topmost one', config: { trace_roots: [{ path: '/', added: ADDED }] }, isFound: false },
      { what: 'everything has them', config: { trace_roots: [everything] }, isFound: true },
      { what: 'since it was added', config: { trace_roots: [{ path: '*', added: '2026-01-02T00:00:00Z' }] }, isFound: false },
      { what: 'nobody knows what excludes them', config: { trace_roots: [everything], exclude: ['~/private'] }, isFound: false },
    ])('$what', ({ config, isFound }) => {
      homeless(1);
      expect(seen(config)[0]).toEqual(isFound ? [id(1)] : []);
    });

    test('whoever asks is told of them', () => {
      session(1);
      homeless(2);
      expect(seen({ trace_roots: [{ path: '~/code', added: ADDED }] })).toEqual([[id(1)], [id(2)]]);
      expect(seen({ trace_roots: [everything] })).toEqual([expect.arrayContaining([id(1), id(2)]), []]);
    });
  });

  test('of a transcript that is empty, or gone, the agents’ tell', () => {
    const path = session(1);
    writeFileSync(path, '');
    writeFileSync(join(projects(), 'agent-a.jsonl'), `${JSON.stringify({ sessionId: id(1), cwd: at('code/agents') })}\n`);
    expect(startDirectoryOf(findSessions(path, placesOf())[0]!, state())).toBe(at('code/agents'));
    rmSync(path);
    const [ref] = findSessions(projects(), placesOf());
    expect(startDirectoryOf(ref!, state())).toBe(at('code/agents'));
    writeState(state(), { v: 1, harness: harnesses[0]!.name, sessionId: id(1), startDirectory: at('code/said') }, 'settled');
    expect(startDirectoryOf(ref!, state())).toBe(at('code/said'));
  });
});
