/** What git's files tell of a directory, where they are odd. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { directoryFacts } from '../../src/read/directory.ts';
import { remoteUrls } from '../../src/read/git-config.ts';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-directory-')));
afterAll(() => rmSync(top, { recursive: true }));
const at = (path: string): string => join(top, path);
const git = (path: string, ...args: string[]) => execFileSync('git', ['-C', at(path), ...args], { stdio: 'pipe' });
function repository(path: string, config = ''): string {
  mkdirSync(at(path), { recursive: true });
  git(path, 'init', '-q');
  appendFileSync(at(`${path}/.git/config`), config);
  return at(path);
}

const REMOTE = '[remote "origin"]\n\turl = https://github.com/acme/app.git\n';

describe('remotes in the syntax of git-config(1)', () => {
  test.each<[string, string[]]>([
    ['', []],
    [REMOTE, ['https://github.com/acme/app.git']],
    ['[remote "o"] url = a\n', ['a']],
    ['[REMOTE "o"]\nURL=a\n', ['a']],
    ['[remote.o]\nurl = a\n', ['a']],
    ['[remote "with ] and \\" in it"]\nurl = a\n', ['a']],
    ['[remote "o"]\r\n\turl = a\r\n', ['a']],
    ['[remote "o"]\nurl = a # comment\npushurl = b ; comment\n', ['a', 'b']],
    ['[remote "o"]\nurl = "a#b"\n', ['a#b']],
    ['[remote "o"]\nurl = a\\\nb\n', ['ab']],
    ['[remote "o"]\n# no more \\\nurl = a\n', ['a']],
    ['[remote "o"]\n# url = a\n;url = b\nfetch = +refs/*:refs/*\n', []],
    ['[remote "o"]\n[branch "main"]\nurl = a\n', []],
    ['[remote-ish "o"]\nurl = a\n', []],
    ['[remote "o"]\nurl = a\n[core]\nbare = false\n[remote "p"]\nurl = b\n', ['a', 'b']],
  ])('%j', (config, urls) => {
    expect(remoteUrls(config)).toEqual(urls);
  });

  test('and git agrees', () => {
    const path = repository(
      'agrees',
      `${REMOTE}[remote "odd \\" name"] # x\n pushurl = "git@gitlab.example.com:a/b c" ; y\nurl = \\\n x:y/z`,
    );
    const said = String(git('agrees', 'config', '--get-regexp', String.raw`^remote\..*url$`));
    expect(remoteUrls(`${REMOTE}[remote "odd \\" name"] # x\n pushurl = "git@gitlab.example.com:a/b c" ; y\nurl = \\\n x:y/z`)).toEqual(
      said
        .trim()
        .split('\n')
        .map((line) => line.replace(/^remote\..*?url /, '')),
    );
    expect(directoryFacts(path).remotes).toEqual(['github.com/acme/app', 'gitlab.example.com/a/b%20c', 'x/y/z']);
  });
});

describe('what only git can tell', () => {
  test('remotes of a file that the config includes', () => {
    writeFileSync(at('included'), REMOTE);
    expect(directoryFacts(repository('includes', `[include]\n\tpath = ${at('included')}\n`)).remotes).toEqual(['github.com/acme/app']);
  });

  test('a remote that another setting rewrites', () => {
    const config = '[remote "origin"]\nurl = gh:acme/app\n[url "https://github.com/"]\ninsteadOf = gh:\n';
    expect(directoryFacts(repository('rewrites', config)).remotes).toContain('github.com/acme/app');
  });

  describe('without git', () => {
    test('all else is known', () => {
      const path = repository('without', REMOTE);
      vi.stubEnv('PATH', at('nowhere'));
      expect(directoryFacts(path).remotes).toEqual(['github.com/acme/app']);
    });
  });
});

test('no repository, no remotes', () => {
  mkdirSync(at('plain/.git'), { recursive: true });
  expect(directoryFacts(at('plain'))).toMatchObject({ directory: at('plain'), path: at('plain'), remotes: [] });
  expect(directoryFacts(at('plain'))).not.toHaveProperty('repository');
  mkdirSync(at('dangling'));
  writeFileSync(at('dangling/.git'), 'gitdir: ../gone\n');
  expect(directoryFacts(at('dangling')).remotes).toEqual([]);
});

test('the repositories around the nearest one are told apart from it', () => {
  repository('around', REMOTE);
  repository('around/within', '[remote "origin"]\n\turl = https://github.com/oss/within\n');
  mkdirSync(at('around/within/dangling'));
  writeFileSync(at('around/within/dangling/.git'), 'gitdir: ../gone\n');
  expect(directoryFacts(at('around/within'))).toMatchObject({ remotes: ['github.com/oss/within'], outerRemotes: ['github.com/acme/app'] });
  expect(directoryFacts(at('around/within/dangling'))).toMatchObject({
    exists: true,
    remotes: [],
    outerRemotes: ['github.com/oss/within', 'github.com/acme/app'],
  });
  expect(directoryFacts(at('around/gone'))).toMatchObject({ exists: false, remotes: ['github.com/acme/app'], outerRemotes: [] });
});

test('local remotes are nobody else’s address', () => {
  expect(directoryFacts(repository('local', '[remote "a"]\nurl = /srv/app.git\n[remote "b"]\nurl = ../app\n')).remotes).toEqual([]);
});

test('a folder of git that lies apart is no worktree of another repository', () => {
  mkdirSync(at('apart'));
  git('apart', 'init', '-q', '--separate-git-dir', at('apart.git'));
  appendFileSync(at('apart.git/config'), REMOTE);
  expect(directoryFacts(at('apart'))).toMatchObject({ remotes: ['github.com/acme/app'] });
  expect(directoryFacts(at('apart'))).not.toHaveProperty('repository');
});

test('a remote that only one worktree has', () => {
  const path = repository('per-worktree');
  git('per-worktree', 'config', 'extensions.worktreeConfig', 'true');
  git('per-worktree', 'config', '--worktree', 'remote.origin.url', 'https://github.com/acme/own');
  expect(directoryFacts(path).remotes).toEqual(['github.com/acme/own']);
});

test('a circle of links has an end', () => {
  symlinkSync(at('circle'), at('circle'));
  expect(directoryFacts(at('circle/below')).path).toBe(at('circle/below'));
});
