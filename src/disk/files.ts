/**
 * Small files that are ours alone: whole or as they were, and nobody else's to read.
 *
 * in:   a path, a text
 * out:  the file, 0600; folders that were missing, 0700. Errors are Node's own
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * Where the path is a link, the file it leads to is written and the link stays: managers of dotfiles work by links.
 * Folders that are there keep their permissions.
 */
export function writePrivate(path: string, text: string): void {
  const target = endOf(path);
  const folder = dirname(target);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${basename(target)}.${process.pid}.${process.hrtime.bigint()}.tmp`);
  try {
    writeThrough(temporary, text);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** @returns undefined where there is no such file; what is there and can't be read is an error */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** '' where there is no such file, or none that can be read: for what is as good as not there then. */
export function readIfReadable(path: string): string {
  try {
    return readIfThere(path) ?? '';
  } catch {
    return '';
  }
}

/** What killed processes left of files they were writing, in a folder and those below. */
export function removeHalfWritten(folder: string, beforeMs: number): void {
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/^\..+\.\d+\.\d+\.tmp$/.test(basename(path))) continue;
    const stats = statSync(join(folder, path), { throwIfNoEntry: false });
    if (stats?.isFile() && stats.mtimeMs < beforeMs) rmSync(join(folder, path), { force: true });
  }
}

/** Before the name is given to it, its text must be on the disk: else a power cut could leave an empty file. */
function writeThrough(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    const bytes = Buffer.from(text);
    // The system may take only a part.
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Where links lead to, also to a file that is not there yet. */
function endOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const link = linkAt(path);
  return link === undefined ? path : endOf(resolve(realpathSync(dirname(path)), link));
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // Nothing there at all: a new file.
  }
}

const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
