/**
 * Hooks read no XDG_* variable, for a repository can set them: where those say something else, a link leads from the
 * default place to it.
 *
 * in:   the paths that this shell uses, those that hooks use
 * out:  links; what is in the way
 */
import { lstatSync, mkdirSync, realpathSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Paths } from '../../config/paths.ts';

export interface Link {
  /** The place that hooks know. */
  readonly from: string;
  readonly to: string;
}

/** None where they say the same. */
export const linksBetween = (used: Paths, byHooks: Paths): readonly Link[] =>
  [
    { from: dirname(byHooks.config), to: dirname(used.config) },
    { from: byHooks.state, to: used.state },
  ].filter(({ from, to }) => from !== to);

export const isMade = ({ from, to }: Link): boolean => real(from) === real(to);

/** @returns false when something else is there already */
export function makeLink({ from, to }: Link): boolean {
  if (!isFree(from)) return false;
  mkdirSync(to, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(from), { recursive: true, mode: 0o700 });
  symlinkSync(to, from);
  return true;
}

export function removeLink({ from }: Link): void {
  if (lstatSync(from, { throwIfNoEntry: false })?.isSymbolicLink()) unlinkSync(from);
}

/** Nothing there, or only an older link or an empty folder, which goes. */
function isFree(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return true;
  try {
    if (stats.isSymbolicLink()) unlinkSync(path);
    else rmdirSync(path);
    return true;
  } catch {
    return false; // There is something in it.
  }
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // Not there yet.
  }
}
