/**
 * The real Claude Code CLI, in versions named exactly, installed once into a cache that git does not see.
 *
 * in:   a version
 * out:  the path of its executable
 *
 * No install script is run: the package of the platform holds the executable as it is.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const CURRENT = '2.1.329';
export const OLDER = '2.1.150';

const CACHE = resolve('node_modules/.cache/trace-build-e2e');

/** @throws when it can't be installed, or is not the version it should be */
export function claude(version: string): string {
  const folder = join(CACHE, `claude-${version}`);
  if (!existsSync(folder)) install(version, folder);
  return executableIn(folder);
}

/** Renamed into place when it is whole: an install that broke off, or two at once, leave no half of one. */
function install(version: string, folder: string): void {
  mkdirSync(CACHE, { recursive: true });
  const unfinished = mkdtempSync(`${folder}.`);
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  try {
    execFileSync('npm', ['install', '--prefix', unfinished, ...options, `@anthropic-ai/claude-code@${version}`], { stdio: 'inherit' });
    const told = execFileSync(executableIn(unfinished), ['--version'], { encoding: 'utf8', env: { HOME: unfinished } });
    if (!told.startsWith(version)) throw new Error(`Claude Code ${version} says it is ${told}`);
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function executableIn(folder: string): string {
  const packages = join(folder, 'node_modules', '@anthropic-ai');
  const platform = readdirSync(packages).find((name) => name.startsWith(`claude-code-${process.platform}-${process.arch}`));
  if (platform === undefined) throw new Error(`${packages} has no executable for ${process.platform}-${process.arch}`);
  return join(packages, platform, 'claude');
}
