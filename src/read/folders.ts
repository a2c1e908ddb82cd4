/**
 * What lies in folders. What isn't there, or may not be read, is empty: who opens it for good tells why.
 *
 * in:   paths
 * out:  names, real paths, stats
 */
import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { headOf } from './lines.ts';
import { UnreadableFile } from './unreadable.ts';

export const entriesOf = (folder: string) => listed(folder).filter((entry) => !entry.isFolder);
export const foldersIn = (folder: string): readonly string[] => listed(folder).flatMap((entry) => (entry.isFolder ? [entry.name] : []));

/** Names in a folder, sorted. */
function listed(folder: string): readonly { readonly name: string; readonly isFolder: boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .map((entry) => ({
        name: entry.name,
        isFolder: entry.isDirectory() || (entry.isSymbolicLink() && leadsToFolder(join(folder, entry.name))),
      }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw unreadable(folder, error);
  }
}

/** A link that leads nowhere, or in a circle, leads to no folder. */
function leadsToFolder(link: string): boolean {
  try {
    return statSync(link).isDirectory();
  } catch {
    return false;
  }
}

/** A folder and all below it, each once though links may lead in circles. */
export function* foldersUnder(top: string, isSkipped: (parent: string, name: string) => boolean = () => false): Generator<string> {
  const seen = new Set<string>();
  function* visit(folder: string): Generator<string> {
    const real = realPathOf(folder);
    if (seen.has(real)) return;
    seen.add(real);
    yield folder;
    for (const name of foldersIn(folder)) if (!isSkipped(folder, name)) yield* visit(join(folder, name));
  }
  yield* visit(top);
}

export function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path); // It vanished, or may not be read: then it is empty to us.
  }
}

/** Files that can't be read are told when they are opened for good. */
export function readableStats(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

export function readableHead(path: string, bytes: number): string {
  try {
    return headOf(path, bytes);
  } catch {
    return '';
  }
}

export const unreadable = (path: string, error: unknown): UnreadableFile =>
  // Node repeats the path at the end.
  new UnreadableFile(path, (error as Error).message.replace(/, \w+ '.*$/s, ''), 'Check the path, and the permissions of its folders.');
