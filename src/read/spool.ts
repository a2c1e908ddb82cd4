/**
 * What hooks told of a session in a database while it ran, and no table keeps: files of ours, a line each.
 *
 * in:   home, the harness's name, keys of a session
 * out:  paths and stamps of those there are; whole lines. Written by hooks/hermes-spool.cjs
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf, readableStats } from './folders.ts';

/** Hooks read no variable, so none of XDG. */
export const spoolFolder = (home: string, harness: string): string => join(home, '.local', 'state', 'trace-build', 'spool', harness);

/** An id that is no plain name of a file is hashed. */
export const spoolName = (id: string): string =>
  `${/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(id) ? id : createHash('sha256').update(id).digest('hex')}.jsonl`;

/** @returns which of these ids have one; the folder is looked at once */
export function spoolsIn(folder: string): (ids: readonly string[]) => readonly string[] {
  const there = new Set(entriesOf(folder).map(({ name }) => name));
  return (ids) => (there.size === 0 ? [] : ids.map(spoolName).filter((name) => there.has(name))).map((name) => join(folder, name));
}

/** Of sessions that there are no more, those that were not written to since. @param ids  of all there are, and of their agents */
export function orphans(folder: string, ids: readonly string[], beforeMs: number): readonly string[] {
  const known = new Set(ids.map(spoolName));
  return entriesOf(folder).flatMap(({ name }) => {
    const path = join(folder, name);
    const writtenMs = readableStats(path)?.mtimeMs ?? Number.POSITIVE_INFINITY;
    return known.has(name) || writtenMs >= beforeMs ? [] : [path];
  });
}

/** A spool only grows. */
export const spoolStamp = (paths: readonly string[]): string => paths.map((path) => readableStats(path)?.size ?? 0).join(' ');

/** Without the last one while it is being written. What is gone, or can't be read, tells nothing: the rows do without. */
export function spoolLines(path: string): readonly string[] {
  try {
    const text = readFileSync(path, 'utf8');
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}
