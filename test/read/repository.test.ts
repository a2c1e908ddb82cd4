/** A git remote → the address a browser would take, and nothing that must not be shown. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { browserUrl, repositoryOf } from '../../src/read/repository.ts';

const APP = 'https://github.com/acme/app';

test.each<{ remote: string; url: string | undefined }>([
  { remote: 'https://github.com/acme/app.git', url: APP },
  { remote: 'https://github.com/acme/app', url: APP },
  { remote: 'https://github.com/acme/app/', url: APP },
  { remote: 'http://github.com/acme/app.git', url: 'http://github.com/acme/app' },
  { remote: 'git@github.com:acme/app.git', url: APP },
  { remote: 'github.com:acme/app.git', url: APP },
  { remote: 'git@gitlab.example.com:group/sub/app.git', url: 'https://gitlab.example.com/group/sub/app' },
  { remote: 'ssh://git@github.com/acme/app.git', url: APP },
  { remote: 'ssh://git@git.example.com:2222/acme/app.git', url: 'https://git.example.com/acme/app' },
  { remote: 'git://github.com/acme/app.git', url: APP },
  { remote: 'git+ssh://git@github.com/acme/app.git', url: APP },
  { remote: 'https://git.example.com:8443/acme/app.git', url: 'https://git.example.com:8443/acme/app' },
  { remote: 'https://git.example.com:443/acme/app.git', url: 'https://git.example.com/acme/app' },
  { remote: 'https://github.com/acme/app.github.io.git', url: 'https://github.com/acme/app.github.io' },
  { remote: '/srv/git/app.git', url: undefined },
  { remote: '../app', url: undefined },
  { remote: './app.git', url: undefined },
  { remote: 'file:///srv/git/app.git', url: undefined },
  { remote: 'C:\\code\\app', url: undefined },
  { remote: 'C:/code/app.git', url: undefined },
  { remote: 'app.bundle', url: undefined },
  { remote: '', url: undefined },
  { remote: 'https://', url: undefined },
])('$remote → $url', ({ remote, url }) => {
  expect(browserUrl(remote)).toBe(url);
});

describe('credentials never get through', () => {
  test.each([
    'https://user:s3cr3t@github.com/acme/app.git',
    'https://s3cr3t@github.com/acme/app.git',
    'https://oauth2:s3cr3t@github.com/acme/app',
    'https://user:s3cr3t%40x@github.com/acme/app.git',
    'https://github.com/acme/app.git?access_token=s3cr3t',
    'https://github.com/acme/app.git#s3cr3t',
    'ssh://user:s3cr3t@github.com/acme/app.git',
    's3cr3t@github.com:acme/app.git',
  ])('%s', (remote) => {
    const url = browserUrl(remote);
    expect(url ?? '').not.toContain('s3cr3t');
    expect(url).toBe(APP);
  });

  test('nor do they of a remote that git itself would not understand', () => {
    expect(browserUrl('user:s3cr3t@github.com:acme/app.git')).toBeUndefined();
  });
});

describe('as git says', () => {
  const top = mkdtempSync(join(tmpdir(), 'trace-build-repository-'));
  afterAll(() => rmSync(top, { recursive: true, force: true }));
  const git = (...args: string[]) => spawnSync('git', ['-C', top, ...args], { stdio: 'ignore' });

  test('no directory, no repository, no remote: nothing', () => {
    expect(repositoryOf(join(top, 'gone'))).toEqual({});
    expect(repositoryOf(top)).toEqual({});
    git('init', '-q');
    expect(repositoryOf(top)).toEqual({});
  });

  test('the remote called origin, from any folder below', () => {
    git('init', '-q');
    git('config', 'remote.origin.url', 'https://user:s3cr3t@github.com/acme/app.git');
    mkdirSync(join(top, 'a', 'b'), { recursive: true });
    expect(repositoryOf(join(top, 'a', 'b'))).toEqual({ url: APP });
  });

  describe('whatever our own environment says', () => {
    test('it is the repository of the directory', () => {
      const other = join(top, 'other');
      spawnSync('git', ['init', '-q', other]);
      spawnSync('git', ['-C', other, 'config', 'remote.origin.url', 'https://github.com/acme/other']);
      vi.stubEnv('GIT_DIR', join(other, '.git'));
      expect(repositoryOf(top)).toEqual({ url: APP });
    });
  });

  test('is asked once of a directory', () => {
    const known = new Map();
    expect(repositoryOf(top, known)).toEqual({ url: APP });
    git('config', 'remote.origin.url', 'https://github.com/acme/moved');
    expect(repositoryOf(top, known)).toEqual({ url: APP });
    expect(repositoryOf(top)).toEqual({ url: 'https://github.com/acme/moved' });
  });
});
