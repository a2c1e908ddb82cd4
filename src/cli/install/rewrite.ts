/**
 * A file of somebody else, changed: whole at any moment, with its permissions, and as it was before beside it.
 *
 * in:   path, what it held, what it is to hold
 * out:  the file, and `<file>.before-trace-build`; where the path is a link, the file it leads to
 */
import { chmodSync, copyFileSync, existsSync, lstatSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readIfReadable } from '../../disk/files.ts';
import { UserError } from '../../errors.ts';
import { PLUGIN_NAME } from './installer.ts';

export const backupOf = (file: string): string => `${file}.before-trace-build`;

/**
 * @param before  undefined: there was no such file
 * @throws UserError when it can't be written: it is as it was then
 */
export function rewrite(file: string, before: string | undefined, after: string): void {
  if (before === after) return;
  let temporary: string | undefined;
  try {
    const target = before === undefined ? file : realpathSync(file);
    const backup = backupOf(target);
    // One with something of ours in it is not what was there before us.
    if (before !== undefined && (!existsSync(backup) || !before.includes(PLUGIN_NAME))) copyFileSync(target, backup);
    temporary = `${target}.${process.pid}.tmp`;
    writeFileSync(temporary, after, { mode: 0o600, flag: 'wx' });
    if (before !== undefined) chmodSync(temporary, statSync(target).mode);
    renameSync(temporary, target);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    throw new UserError(
      `${file} can't be written: ${(error as Error).message}.`,
      'It is as it was. Check its permissions, and those of its folder; then this again.',
    );
  }
}

/**
 * A file that was not there before us, once nothing is left in it.
 *
 * @returns  false: somebody else made it, and it stays
 * @throws UserError when it can't be removed
 */
export function removeOurs(file: string): boolean {
  const backup = backupOf(file);
  if (lstatSync(file).isSymbolicLink() || (existsSync(backup) && !readIfReadable(backup).includes(PLUGIN_NAME))) return false;
  try {
    rmSync(file);
    rmSync(backup, { force: true });
    return true;
  } catch (error) {
    throw new UserError(`${file} can't be removed: ${(error as Error).message}.`, 'Check the permissions of its folder; then this again.');
  }
}
