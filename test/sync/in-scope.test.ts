/** Which sessions are found: real directories and git repositories, which may be gone by then. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Config, DEFAULTS } from '../../src/config/schema.ts';
import { scopeDecider } from '../../src/sync/in-scope.ts';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-in-scope-')));
afterAll(() => rmSync(top, { recursive: true, force: true }));

let home = '';
let made = 0;
beforeEach(() => {
  home = join(top, `home-${made++}`);
  mkdirSync(at('work'), { recursive: true });
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
  const SECRET: Partial<Config> = { trace_roots: ['~/work'], exclude: ['github.com/acme/secret-*'] };

  test('is out of scope where it may have been excluded', () => {
    repository('work/secret', 'git@github.com:acme/secret-x.git');
    expect(decide('work/secret', SECRET)).toMatchObject({ inScope: false, why: 'excluded by github.com/acme/secret-*' });
    rmSync(at('work/secret'), { recursive: true });
    expect(decide('work/secret', SECRET)).toMatchObject({
      inScope: false,
      why: `its directory is gone, so it can't be told whether github.com/acme/secret-* excludes it: ${at('work/secret')}`,
    });
  });

  test('is in scope as it was', () => {
    repository('work/open', 'git@github.com:acme/open.git');
    expect(decide('work/open', SECRET).inScope).toBe(true);
    rmSync(at('work/open'), { recursive: true });
    expect(decide('work/open', SECRET).inScope).toBe(true);
    expect(decide('work/open', { ...SECRET, exclude: ['github.com/acme/open'] })).toMatchObject({
      why: 'excluded by github.com/acme/open',
    });
    expect(scopeDecider({ ...DEFAULTS, ...SECRET }, home)(at('work/open')).inScope).toBe(false);
  });

  test('is judged as it was last, not as it was first', () => {
    repository('work/app', 'git@github.com:acme/app.git');
    expect(decide('work/app', SECRET).inScope).toBe(true);
    git('work/app', 'remote', 'set-url', 'origin', 'git@github.com:acme/secret-app.git');
    expect(decide('work/app', SECRET).inScope).toBe(false);
    rmSync(at('work/app'), { recursive: true });
    expect(decide('work/app', SECRET)).toMatchObject({ inScope: false, why: 'excluded by github.com/acme/secret-*' });
  });

  test('is still a worktree of its repository', () => {
    repository('work/app', 'git@github.com:acme/app.git');
    git('work/app', 'worktree', 'add', '-q', at('elsewhere/tree'));
    expect(decide('elsewhere/tree', SECRET).inScope).toBe(true);
    git('work/app', 'worktree', 'remove', '--force', at('elsewhere/tree'));
    expect(decide('elsewhere/tree', SECRET)).toMatchObject({ inScope: true, why: expect.stringContaining('a git worktree of') });
    expect(decide('elsewhere/tree', { trace_roots: ['*'], exclude: ['~/work/app'] }).inScope).toBe(false);
  });

  test('is still where a link led to', () => {
    mkdirSync(at('private'));
    symlinkSync(at('private'), at('work/link'));
    expect(decide('work/link', { trace_roots: ['*'] }).inScope).toBe(true);
    rmSync(at('work/link'));
    expect(decide('work/link', { trace_roots: ['*'], exclude: ['~/private'] }).inScope).toBe(false);
  });
});

describe('what is remembered', () => {
  const file = (): string => join(state(), 'directories.jsonl');
  const WORK: Partial<Config> = { trace_roots: ['~/work'] };

  test('is one line a directory in scope, for nobody else to read', () => {
    for (const path of ['work/a', 'work/b', 'other']) mkdirSync(at(path));
    for (const path of ['work/a', 'work/b', 'other', 'work/a', 'work/gone']) decide(path, WORK);
    const directories = readFileSync(file(), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).directory);
    expect(directories).toEqual([at('work/a'), at('work/b')]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(state()).mode & 0o777).toBe(0o700);
  });

  test('may be damaged: what is whole counts', () => {
    mkdirSync(state());
    writeFileSync(file(), `{"directory":1}\nnull\n[\n${JSON.stringify({ directory: at('work/x'), path: at('work/x'), exists: true })}\n`);
    mkdirSync(at('work/a'));
    decide('work/a', WORK);
    appendFileSync(file(), '{"directory":');
    rmSync(at('work/a'), { recursive: true });
    const strict = { ...WORK, exclude: ['github.com/x'] };
    expect(decide('work/a', strict).inScope).toBe(true);
    expect(decide('work/x', strict).inScope).toBe(false);
  });

  test('has an end', () => {
    mkdirSync(at('work/new'));
    decide('work/new', WORK);
    const line = readFileSync(file(), 'utf8');
    const others = Array.from({ length: 4000 }, (_, n) => line.replaceAll('work/new', `work/old-${n}`));
    writeFileSync(file(), [...others, line].join(''));
    const strict = { ...WORK, exclude: ['github.com/x'] };
    expect(decide('work/old-3999', strict).inScope).toBe(true);
    expect(decide('work/old-0', strict).inScope).toBe(false);
    expect(readFileSync(file(), 'utf8').trim().split('\n')).toHaveLength(2000);
  });

  test('where nothing can be written, all is judged as it is', () => {
    writeFileSync(state(), 'a file in the way');
    mkdirSync(at('work/a'));
    expect(decide('work/a', WORK).inScope).toBe(true);
  });
});
