/**
 * A file of somebody else, changed: whole at any moment, with its permissions, and as it was before beside it.
 *
 * in:   path, what it held, what it is to hold
 * out:  the file, and `<file>.before-trace-build`; where the path is a link, the file it leads to
 */
import { chmodSync, copyFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** @param before  undefined: there was no such file */
export function rewrite(file: string, before: string | undefined, after: string): void {
  if (before === after) return;
  const target = before === undefined ? file : realpathSync(file);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    if (before !== undefined) copyFileSync(target, `${target}.before-trace-build`);
    writeFileSync(temporary, after, { mode: 0o600, flag: 'wx' });
    if (before !== undefined) chmodSync(temporary, statSync(target).mode);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
