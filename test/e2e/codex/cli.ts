/**
 * The real Codex CLI, in a version named exactly, installed once into a cache that git does not see.
 *
 * in:   nothing
 * out:  the folder that holds `codex`, for a PATH
 *
 * No install script is run: the package of the platform holds the executable as it is.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const CODEX = '0.169.0';

const CACHE = resolve('node_modules/.cache/trace-build-e2e');

/** @throws when it can't be installed, or is not the version it should be */
export function codexFolder(): string {
  const folder = join(CACHE, `codex-${CODEX}`);
  if (!existsSync(folder)) install(folder);
  return join(folder, 'node_modules', '.bin');
}

/** Renamed into place when it is whole: an install that broke off, or two at once, leave no half of one. */
function install(folder: string): void {
  mkdirSync(CACHE, { recursive: true });
  const unfinished = mkdtempSync(`${folder}.`);
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  try {
    execFileSync('npm', ['install', '--prefix', unfinished, ...options, `@openai/codex@${CODEX}`], { stdio: 'inherit' });
    const codex = join(unfinished, 'node_modules', '.bin', 'codex');
    const told = execFileSync(codex, ['--version'], { encoding: 'utf8', env: { HOME: unfinished, PATH: process.env['PATH'] } });
    if (!told.trim().endsWith(CODEX)) throw new Error(`Codex ${CODEX} says it is ${told}`);
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
