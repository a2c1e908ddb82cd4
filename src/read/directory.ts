/**
 * What the disk knows of a directory: where it really is, and the git repository it lies in.
 *
 * in:   a directory, which may be gone
 * out:  `DirectoryFacts`
 *
 * Git's own files are read rather than git asked: it may be missing, it refuses repositories of other users, and hooks
 * ask at every turn. Git is asked only for what its files tell in a roundabout way: an included file, a remote that
 * another setting rewrites.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readIfThere } from '../disk/files.ts';
import { includesFiles, remoteUrls } from './git-config.ts';
import { browserUrl, gitSays } from './repository.ts';

export interface DirectoryFacts {
  /** As named, absolute. */
  readonly directory: string;
  /** By `realPath`. */
  readonly path: string;
  /** Whether it was there to be looked at. If not, all but its name tells of its nearest ancestor that is there. */
  readonly exists: boolean;
  /** The repository that a linked git worktree belongs to: its main worktree, or the bare repository. By `realPath`. */
  readonly repository?: string;
  /** All remotes of the repository it lies in, as `host/path`. */
  readonly remotes: readonly string[];
  /** Of the repositories around that one. A folder that holds tracked `HEAD` and `objects` looks like a repository. */
  readonly outerRemotes: readonly string[];
  /** As `repository`, of those around it. */
  readonly outerRepositories: readonly string[];
  /** Links resolved; of what is gone, its nearest ancestor that is there, and the rest as it is. */
  readonly realPath: (path: string) => string;
}

export function directoryFacts(directory: string): DirectoryFacts {
  const path = realPath(directory);
  const [nearest, ...outer] = gitsAround(path);
  const [repository] = mainOf(nearest);
  return {
    directory: resolve(directory),
    path,
    exists: existsSync(path),
    ...(repository !== undefined && { repository }),
    remotes: nearest === undefined ? [] : remotesOf(nearest),
    outerRemotes: [...new Set(outer.flatMap((git) => (git === undefined ? [] : remotesOf(git))))],
    outerRepositories: outer.flatMap(mainOf),
    realPath,
  };
}

function realPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync.native(absolute);
  } catch {
    // Gone, or not for us to see.
    return absolute === dirname(absolute) ? absolute : join(realPath(dirname(absolute)), basename(absolute));
  }
}

interface Git {
  /** Where git would find it. */
  readonly top: string;
  /** Folder of this worktree's own state. */
  readonly folder: string;
  /** Folder of what all worktrees share; the same as `folder` but in a linked one. */
  readonly common: string;
  /** Whether it is a linked worktree that its repository knows too. */
  readonly linked: boolean;
}

/** Upwards, as git looks for it, which takes the first one; undefined for one that leads nowhere. */
function gitsAround(path: string): readonly (Git | undefined)[] {
  const folder = gitFolder(path);
  const here = folder === undefined ? [] : [isGitFolder(folder) ? { top: path, folder, ...commonOf(path, folder) } : undefined];
  return path === dirname(path) ? here : [...here, ...gitsAround(dirname(path))];
}

function gitFolder(top: string): string | undefined {
  const git = join(top, '.git');
  const target = /^gitdir: (.+?)\s*$/.exec(text(git) ?? '')?.[1];
  return target === undefined ? [git, top].find(isGitFolder) : resolve(top, target);
}

/** gitrepository-layout(5): a linked worktree's folder has HEAD and `commondir`, any other one HEAD and `objects`. */
const isGitFolder = (folder: string): boolean =>
  existsSync(join(folder, 'HEAD')) && ['objects', 'commondir'].some((name) => existsSync(join(folder, name)));

function commonOf(top: string, folder: string): Pick<Git, 'common' | 'linked'> {
  const commondir = text(join(folder, 'commondir'))?.trim();
  if (!commondir) return { common: folder, linked: false };
  // Anybody can write a `.git` file that names a repository; only its owner makes the repository name the worktree.
  const back = text(join(folder, 'gitdir'))?.trim();
  const linked = back !== undefined && realPath(resolve(folder, back)) === realPath(join(top, '.git'));
  return { common: realPath(resolve(folder, commondir)), linked };
}

/** The repository a linked worktree belongs to. */
const mainOf = (git: Git | undefined): readonly string[] => {
  if (git?.linked !== true) return [];
  return [basename(git.common) === '.git' ? dirname(git.common) : git.common];
};

function remotesOf({ top, folder, common }: Git): readonly string[] {
  const config = [join(common, 'config'), join(folder, 'config.worktree')].map((path) => text(path) ?? '').join('\n');
  const urls = remoteUrls(config);
  const isClear = !includesFiles(config) && urls.every((url) => browserUrl(url) !== undefined || isLocal(url));
  const all = isClear ? urls : [...urls, ...gitRemotes(top)];
  return [...new Set(all.flatMap((url) => remoteName(url) ?? []))];
}

const isLocal = (url: string): boolean => /^(?:[./]|[A-Za-z]:[\\/]|file:)/.test(url);

/** `origin⇥https://…/app (fetch)`, and more behind it in a partial clone. */
const gitRemotes = (directory: string): string[] =>
  [...gitSays(directory, ['remote', '-v']).matchAll(/^[^\t\n]*\t(.+) \((?:fetch|push)\)/gm)].map(([, url]) => url!);

/** `host/path`; the host may be an alias of ssh's config: nobody but ssh knows what stands for it. */
function remoteName(url: string): string | undefined {
  const address = browserUrl(url)?.replace(/^https?:\/\//, '');
  const alias = isLocal(url) ? null : /^(?:[^@/:]+@)?([\w.-]+):(?!\/\/)\/*(.+?)(?:\.git)?\/*$/.exec(url);
  return address ?? (alias === null ? undefined : `${alias[1]}/${alias[2]}`);
}

/** Of a file that may not be read, we know as little as of one that is not there; a pipe would never end. */
function text(path: string): string | undefined {
  try {
    return statSync(path).isFile() ? readIfThere(path) : undefined;
  } catch {
    return undefined;
  }
}
