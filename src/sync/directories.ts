/**
 * What directories were like while they were there: a clone or a worktree may be gone before its sessions are delivered.
 *
 * in:   the state folder, `DirectoryFacts`
 * out:  `Directories`; `directories.jsonl`, a line whenever one is seen first, or has changed
 *
 * Only ever a help: without it, a directory that is gone is judged by its name, and left out where that can't tell.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readIfReadable, writePrivate } from '../disk/files.ts';
import { type DirectoryFacts, directoryFacts } from '../read/directory.ts';

/** Those seen first are forgotten first. */
const MAX_KEPT = 2000;

export interface Directories {
  /** As it is; of one that is gone, as it was. */
  readonly factsOf: (directory: string) => DirectoryFacts;
  /** @param facts  of a directory that is there */
  readonly remember: (facts: DirectoryFacts) => void;
  readonly isKnown: (directory: string) => boolean;
}

/** @param stateFolder  undefined: nothing is remembered */
export function directoriesIn(stateFolder: string | undefined): Directories {
  const path = stateFolder === undefined ? undefined : join(stateFolder, 'directories.jsonl');
  const lines = path === undefined ? new Map<string, string>() : linesIn(path);
  return {
    factsOf: (directory) => {
      const facts = directoryFacts(directory);
      const line = facts.exists ? undefined : lines.get(facts.directory);
      return line === undefined ? facts : { ...(JSON.parse(line) as DirectoryFacts), realPath: facts.realPath };
    },
    remember: (facts) => {
      const line = JSON.stringify(facts);
      if (path === undefined || lines.get(facts.directory) === line) return;
      lines.set(facts.directory, line);
      append(path, `${line}\n`);
    },
    isKnown: (directory) => lines.has(directory),
  };
}

/** By directory, the last line of each. */
function linesIn(path: string): Map<string, string> {
  const written = readIfReadable(path).split('\n').slice(0, -1);
  const lines = new Map<string, string>();
  for (const line of written) {
    const directory = directoryIn(line);
    if (directory === undefined) continue;
    lines.delete(directory);
    lines.set(directory, line);
  }
  if (written.length <= 2 * MAX_KEPT) return lines;
  const kept = [...lines].slice(-MAX_KEPT);
  quietly(() => writePrivate(path, kept.map(([, line]) => `${line}\n`).join('')));
  return new Map(kept);
}

/** @returns undefined for a line that is damaged */
function directoryIn(line: string): string | undefined {
  try {
    const { directory, path, exists, repository, remotes, outerRemotes, outerRepositories } = JSON.parse(line);
    const texts = [directory, path, repository ?? '', ...remotes, ...outerRemotes, ...outerRepositories];
    return exists === true && texts.every((text) => typeof text === 'string') ? directory : undefined;
  } catch {
    return undefined;
  }
}

function append(path: string, line: string): void {
  quietly(() => {
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
    appendFileSync(path, line, { mode: 0o600 });
  });
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // It is found out again, as long as the directory is there.
  }
}
