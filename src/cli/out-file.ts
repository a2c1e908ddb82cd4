/**
 * Texts → the file that `--out` names.
 *
 * in:   a path, texts as they come
 * out:  a file that is whole or as it was before; UserError when it can't be written
 */
import { readlinkSync, realpathSync, renameSync, rmSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UserError } from '../errors.ts';

/** Our own open files: where they lead to a file, its name is not ours to give to another one. */
const OPEN_FILE = /^\/(?:dev|proc\/self)\/(?:stdout|stderr|fd\/\d+)$/;

const BREAKS_OFF = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function writeOut(path: string, texts: AsyncIterable<string> | Iterable<string>): Promise<void> {
  const failed = (error: unknown): never => {
    throw new UserError(`--out ${path}: ${(error as Error).message}.`, 'Name a file in a directory you may write to.');
  };
  if (path === '-') throw new UserError('--out - names no file.', 'Without --out it goes to stdout; a file of that name is ./-.');
  const { target, stats } = attempt(() => targetOf(path), failed);
  if (stats?.isDirectory()) failed(new Error('it is a directory'));
  if (OPEN_FILE.test(resolve(path)) || (stats !== undefined && !stats.isFile())) {
    await written(await open(path, 'a').catch(failed), texts, failed);
    return;
  }
  // All of it or nothing: half a file is worse than an old one.
  const temporary = `${target}.${process.pid}.tmp`;
  const remove = (): void => rmSync(temporary, { force: true });
  const file = await open(temporary, 'w', stats?.mode).catch(failed);
  const over = onceBrokenOff(remove);
  try {
    await written(file, texts, failed);
    attempt(() => renameSync(temporary, target), failed);
  } finally {
    over();
    remove();
  }
}

/** Who breaks it off with Ctrl-C ends the program all the same. @returns what to call when it is over */
function onceBrokenOff(action: () => void): () => void {
  const listener = (signal: NodeJS.Signals): void => {
    over();
    action();
    process.kill(process.pid, signal);
  };
  const over = (): void => {
    for (const signal of BREAKS_OFF) process.off(signal, listener);
  };
  for (const signal of BREAKS_OFF) process.on(signal, listener);
  return over;
}

async function written(
  file: FileHandle,
  texts: AsyncIterable<string> | Iterable<string>,
  failed: (error: unknown) => never,
): Promise<void> {
  try {
    // Unlike `write`, it goes on where the system takes only a part.
    for await (const text of texts) await file.appendFile(text).catch(failed);
  } finally {
    await file.close().catch(failed);
  }
}

/** Where links lead to: it is their file that is written, and they stay. */
function targetOf(path: string): { readonly target: string; readonly stats: Stats | undefined } {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined) return { target: realpathSync(path), stats };
  try {
    return targetOf(resolve(dirname(path), readlinkSync(path)));
  } catch {
    return { target: path, stats }; // No link either: a new file.
  }
}

function attempt<T>(action: () => T, failed: (error: unknown) => never): T {
  try {
    return action();
  } catch (error) {
    return failed(error);
  }
}
