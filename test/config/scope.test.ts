/** Which directories are in scope: real directories, links and git worktrees, and one table over all of them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Config, DEFAULTS } from '../../src/config/schema.ts';
import { decideScope, rootsOf, type ScopeDecision } from '../../src/config/scope.ts';
import { type DirectoryFacts, directoryFacts } from '../../src/read/directory.ts';

const home = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-scope-')));
afterAll(() => rmSync(home, { recursive: true }));
const at = (path: string): string => join(home, path);
const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
const git = (path: string, ...args: string[]) =>
  execFileSync('git', ['-C', at(path), '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { env, stdio: 'pipe' });

function repository(path: string, ...remotes: string[]): void {
  mkdirSync(at(path), { recursive: true });
  git(path, 'init', '-q');
  git(path, 'commit', '-q', '--allow-empty', '-m', 'first');
  for (const [index, url] of remotes.entries()) git(path, 'remote', 'add', index === 0 ? 'origin' : `remote-${index}`, url);
}

for (const path of ['code/app/src', 'code/app-two', 'other', 'far/away', 'code/private/deep']) mkdirSync(at(path), { recursive: true });
symlinkSync(at('code'), at('link-to-code'));
symlinkSync(at('far'), at('code/link-out'));
symlinkSync(at('code/private'), at('other/link-to-private'));
repository('code/main', 'git@github.com:Acme/Main.git', 'https://user:s3cr3t@gitlab.example.com/mirror/main.git');
git('code/main', 'worktree', 'add', '-q', at('outside/tree'));
mkdirSync(at('outside/tree/deep'));
repository('code/main/vendor/nested', 'https://github.com/oss/nested');
repository('elsewhere/secret-plans', 'ssh://git@github.com/acme/secret-plans');
git('elsewhere/secret-plans', 'worktree', 'add', '-q', at('outside/secret'));
repository('elsewhere/alias', 'git@github-code:acme/alias.git');
git('', 'clone', '-q', '--bare', at('code/main'), at('code/bare.git'));
git('code/bare.git', 'remote', 'set-url', 'origin', 'https://github.com/acme/main');
git('code/bare.git', 'worktree', 'add', '-q', at('outside/of-bare'));
// Moved by hand: the repository still names the old place.
git('code/main', 'worktree', 'add', '-q', at('outside/before'));
renameSync(at('outside/before'), at('outside/moved'));
// A directory that says of itself that it belongs to the repository.
mkdirSync(at('outside/liar'));
writeFileSync(at('outside/liar/.git'), `gitdir: ${at('code/main/.git/worktrees/tree')}\n`);
// Tracked files that look like a bare repository.
repository('elsewhere/secret-plans/deep');
for (const path of ['elsewhere/secret-plans/data', 'outside/tree/data']) {
  mkdirSync(at(`${path}/objects`), { recursive: true });
  writeFileSync(at(`${path}/HEAD`), 'ref: refs/heads/main\n');
}
// Gone since.
mkdirSync(at('code/gone/below'), { recursive: true });
rmSync(at('code/gone'), { recursive: true });

const decide = (directory: string, config: Partial<Config>): ScopeDecision => {
  const place = directory.startsWith('/') ? directory : at(directory);
  return decideScope({ ...DEFAULTS, ...config }, directoryFacts(place), home);
};

const WORK: Partial<Config> = { trace_roots: [at('code')] };

test.each<{ what: string; directory: string; config: Partial<Config>; in: boolean; why?: string | RegExp }>([
  { what: 'the root itself', directory: 'code', config: WORK, in: true, why: `inside the root ${at('code')}` },
  { what: 'below it', directory: 'code/app/src', config: WORK, in: true },
  { what: 'above it', directory: '', config: WORK, in: false },
  { what: 'beside it', directory: 'other', config: WORK, in: false, why: `no root holds ${at('other')} (roots: ${at('code')})` },
  { what: '/a/bc is not below /a/b', directory: 'code/app-two', config: { trace_roots: [at('code/app')] }, in: false },
  { what: 'a name that begins with dots', directory: 'code/..app', config: WORK, in: true },
  { what: 'a root with a slash behind it', directory: 'code/app', config: { trace_roots: [`${at('code/app')}/`] }, in: true },
  { what: 'a directory with a slash behind it', directory: `${at('code')}/`, config: WORK, in: true },
  { what: 'a root from home', directory: 'code/app', config: { trace_roots: ['~/code'] }, in: true, why: `inside the root ${at('code')}` },
  { what: 'home as a root', directory: 'other', config: { trace_roots: ['~'] }, in: true },
  { what: 'a root that is a link', directory: 'code/app', config: { trace_roots: ['~/link-to-code'] }, in: true },
  { what: 'a directory through a link', directory: 'link-to-code/app', config: WORK, in: true },
  {
    what: 'a link in a root that leads out of it',
    directory: 'code/link-out/away',
    config: WORK,
    in: false,
    why: `no root holds ${at('code/link-out/away')}, which is ${at('far/away')} (roots: ${at('code')})`,
  },
  { what: 'a directory that is gone', directory: 'code/gone/below', config: WORK, in: true },
  { what: 'a directory that is gone, through a link', directory: 'link-to-code/gone/below', config: WORK, in: true },
  { what: 'a directory that is gone, elsewhere', directory: 'gone/below', config: WORK, in: false },
  { what: 'a root that is gone', directory: 'code/gone/below', config: { trace_roots: ['~/link-to-code/gone'] }, in: true },
  { what: 'no roots at all', directory: 'code', config: {}, in: false, why: 'nothing is exported: trace_roots is empty' },
  { what: 'every directory', directory: '/', config: { trace_roots: ['*'] }, in: true, why: 'every directory is in scope: *' },
  {
    what: 'one of several roots',
    directory: 'other',
    config: { trace_roots: ['~/code', '~/other'] },
    in: true,
    why: `inside the root ${at('other')}`,
  },

  {
    what: 'a worktree of a repository in a root',
    directory: 'outside/tree/deep',
    config: WORK,
    in: true,
    why: `a git worktree of ${at('code/main')}, inside the root ${at('code')}`,
  },
  {
    what: 'a worktree of a bare repository in a root',
    directory: 'outside/of-bare',
    config: WORK,
    in: true,
    why: /of .*code\/bare\.git, inside/,
  },
  { what: 'a worktree of another repository', directory: 'outside/secret', config: WORK, in: false },
  { what: 'a directory below a worktree that is gone', directory: 'outside/tree/gone', config: WORK, in: true },
  { what: 'a worktree its repository does not know', directory: 'outside/liar', config: WORK, in: false },
  { what: 'a worktree moved behind the back of git', directory: 'outside/moved', config: WORK, in: false },
  { what: 'a repository in a repository', directory: 'code/main/vendor/nested', config: WORK, in: true },

  {
    what: 'by remote',
    directory: 'outside/tree',
    config: { include: ['github.com/acme/**'] },
    in: true,
    why: 'included by github.com/acme/**',
  },
  { what: 'by remote, upper case', directory: 'code/main', config: { include: ['GitHub.com/ACME/main'] }, in: true },
  { what: 'by remote, with .git', directory: 'code/main', config: { include: ['github.com/acme/main.git'] }, in: true },
  { what: 'by another remote than origin', directory: 'code/main', config: { include: ['gitlab.example.com/*/main'] }, in: true },
  { what: 'by all of an owner', directory: 'code/main', config: { include: ['github.com/acme'] }, in: true },
  {
    what: 'not by the beginning of a name',
    directory: 'code/main',
    config: { include: ['github.com/acm', 'github.com/acme/mai'] },
    in: false,
  },
  { what: '* stays within a segment', directory: 'code/main', config: { include: ['*/main', 'github.com*main'] }, in: false },
  { what: '** does not', directory: 'code/main', config: { include: ['**/main'] }, in: true },
  { what: 'a dot is a dot', directory: 'code/main', config: { include: ['githubxcom/acme/**'] }, in: false },
  { what: 'the nearest repository counts', directory: 'code/main/vendor/nested', config: { include: ['github.com/acme/**'] }, in: false },
  { what: 'by an alias of ssh', directory: 'elsewhere/alias', config: { include: ['github-code/acme/*'] }, in: true },
  { what: 'no repository, no remote', directory: 'other', config: { include: ['github.com/**'] }, in: false, why: /include: github\.com/ },
  { what: 'by directory', directory: 'other', config: { include: ['~/other'] }, in: true, why: 'included by ~/other' },

  {
    what: 'excluded by remote',
    directory: 'elsewhere/secret-plans',
    config: { trace_roots: ['*'], exclude: ['github.com/acme/secret-*'] },
    in: false,
    why: 'excluded by github.com/acme/secret-*',
  },
  {
    what: 'excluded by remote, in a worktree',
    directory: 'outside/secret',
    config: { trace_roots: ['*'], exclude: ['github.com/acme/secret-*'] },
    in: false,
  },
  {
    what: 'excluded by remote, of a bare repository',
    directory: 'code/bare.git',
    config: { trace_roots: ['*'], exclude: ['**/main'] },
    in: false,
  },
  {
    what: 'excluded by directory',
    directory: 'code/private/deep',
    config: { ...WORK, exclude: ['~/code/private'] },
    in: false,
    why: 'excluded by ~/code/private',
  },
  {
    what: 'excluded by directory, through a link',
    directory: 'other/link-to-private/deep',
    config: { trace_roots: ['*'], exclude: ['~/code/private/'] },
    in: false,
  },
  { what: 'excluded by a link to it', directory: 'code/private', config: { ...WORK, exclude: ['~/other/link-to-private'] }, in: false },
  {
    what: 'excluded as named, though it leads elsewhere',
    directory: 'code/link-out/away',
    config: { trace_roots: ['*'], exclude: ['~/code'] },
    in: false,
  },
  { what: 'excluded by a glob of directories', directory: 'code/private/deep', config: { ...WORK, exclude: ['~/code/priv*'] }, in: false },
  { what: 'not excluded by a glob of others', directory: 'code/app', config: { ...WORK, exclude: ['~/*/priv*'] }, in: true },
  { what: 'excluded by the main worktree', directory: 'outside/tree', config: { trace_roots: ['*'], exclude: ['~/code/main'] }, in: false },
  {
    what: 'exclude wins over include',
    directory: 'code/main',
    config: { include: ['github.com/**'], exclude: ['github.com/acme/main'] },
    in: false,
  },
  {
    what: 'excluded by remote, below what looks like a bare repository',
    directory: 'elsewhere/secret-plans/data/objects',
    config: { trace_roots: ['*'], exclude: ['github.com/acme/secret-*'] },
    in: false,
    why: 'excluded by github.com/acme/secret-*',
  },
  {
    what: 'excluded by remote, in a repository within',
    directory: 'elsewhere/secret-plans/deep',
    config: { trace_roots: ['*'], exclude: ['github.com/acme/secret-*'] },
    in: false,
  },
  {
    what: 'excluded by the main worktree, below what looks like a bare repository',
    directory: 'outside/tree/data',
    config: { trace_roots: ['*'], exclude: ['~/code/main'] },
    in: false,
  },
  {
    what: 'gone, and it can’t be told whether it was excluded by remote',
    directory: 'code/gone/below',
    config: { ...WORK, exclude: ['~/other', 'github.com/acme/secret-*'] },
    in: false,
    why: `its directory is gone, so it can't be told whether github.com/acme/secret-* excludes it: ${at('code/gone/below')}`,
  },
  { what: 'gone, or excluded by a glob', directory: 'code/gone/below', config: { ...WORK, exclude: ['~/code/priv*'] }, in: false },
  { what: 'gone, and not below what is excluded', directory: 'code/gone/below', config: { ...WORK, exclude: ['~/other'] }, in: true },
  {
    what: 'gone, and below what is excluded',
    directory: 'code/gone/below',
    config: { ...WORK, exclude: ['~/code/gone'] },
    in: false,
    why: 'excluded by ~/code/gone',
  },
  { what: 'everything excluded', directory: 'other', config: { trace_roots: ['*'], exclude: ['*'] }, in: false },
])('$what', ({ directory, config, in: inScope, why }) => {
  const decision = decide(directory, config);
  expect(decision).toMatchObject({ inScope });
  if (why instanceof RegExp) expect(decision.why).toMatch(why);
  else if (why !== undefined) expect(decision.why).toBe(why);
  expect(decision.why).not.toContain('s3cr3t');
});

describe('since when', () => {
  const facts: DirectoryFacts = {
    directory: '/w/a',
    path: '/w/a',
    exists: true,
    remotes: [],
    outerRemotes: [],
    outerRepositories: [],
    realPath: (path) => path,
  };
  const early = { path: '/w', added: '2026-01-01T00:00:00Z' };
  const late = { path: '/w/a', added: '2026-03-01T01:00:00+01:00' };

  test('the root that was added first counts, wherever it stands', () => {
    for (const trace_roots of [
      ['/w', early, late],
      [late, early],
    ])
      expect(decideScope({ ...DEFAULTS, trace_roots }, facts, '/home/me')).toMatchObject({
        root: { path: '/w', addedMs: Date.parse(early.added) },
      });
  });

  test('a root without a time has none', () => {
    expect(rootsOf({ ...DEFAULTS, trace_roots: ['~/w', late, '*'] }, '/home/me')).toEqual([
      { path: '/home/me/w' },
      { path: '/w/a', addedMs: Date.UTC(2026, 2, 1) },
      { path: '*' },
    ]);
  });
});
