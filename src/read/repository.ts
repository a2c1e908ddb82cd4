/**
 * The repository a directory belongs to, as git says, in the form that is safe to show.
 *
 * in:   a directory
 * out:  `Repository`; nothing when there is no such directory, no git, no remote
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Repository } from '../harness/harness.ts';

/** Git answers in milliseconds; a hanging network drive must not hang us. */
const GIT_TIMEOUT_MS = 2000;

/** @param known  what was found before, by directory: one question costs a process */
export function repositoryOf(directory: string, known: Map<string, Repository> = new Map()): Repository {
  const repository = known.get(directory) ?? askGit(directory);
  known.set(directory, repository);
  return repository;
}

function askGit(directory: string): Repository {
  if (!isInRepository(directory)) return {};
  const url = browserUrl(gitSays(directory, ['config', '--get', 'remote.origin.url']).trim());
  return url === undefined ? {} : { url };
}

/** What git prints, of the repository of a directory; nothing when it fails or there is no git. */
export function gitSays(directory: string, args: readonly string[]): string {
  const { status, stdout } = spawnSync('git', ['-C', directory, ...args], {
    encoding: 'utf8',
    env: withoutGit(process.env),
    timeout: GIT_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout : '';
}

/** GIT_DIR and its like, as in a git hook, would make git tell of another repository than the directory's. */
const withoutGit = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));

function isInRepository(directory: string): boolean {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return true;
    if (at === dirname(at)) return false;
  }
}

/**
 * A remote → the address a browser would take: no user, no password, no `.git`.
 *
 * @returns undefined for remotes that are no network address (a path, a bundle)
 */
export function browserUrl(remote: string): string | undefined {
  const scp = /^(?:[^@/:]+@)?([\w.-]+\.[\w.-]+):(?!\/\/)(.+)$/.exec(remote);
  const text = scp === null ? remote : `ssh://${scp[1]}/${scp[2]}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!['https:', 'http:', 'ssh:', 'git:', 'git+ssh:'].includes(url.protocol) || url.hostname === '') return undefined;
  const port = url.protocol.startsWith('http') && url.port !== '' ? `:${url.port}` : '';
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  const path = url.pathname.replace(/\/+$/, '').replace(/\.git$/, '');
  return `${scheme}://${url.hostname}${port}${path.startsWith('/') ? path : `/${path}`}`;
}
