/**
 * What `install` and `uninstall` do for one harness. Types, names that all of them use, and failures of several as one.
 *
 * in:   nothing
 * out:  made by claude.ts, codex.ts, openclaw.ts and hermes.ts; the list is in index.ts
 */
import { UserError } from '../../errors.ts';

export const PLUGIN_NAME = 'trace-build';
export const MARKETPLACE = 'trace-build';
export const PLUGIN = `${PLUGIN_NAME}@${MARKETPLACE}`;

export interface Where {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  /** Also hooks that tell what the harness itself does not keep. Default: no. */
  readonly exact?: boolean;
}

export interface Installer {
  /** As it is called elsewhere, too. */
  readonly harness: 'claude-code' | 'codex' | 'openclaw' | 'hermes';
  /** To people. */
  readonly title: string;
  /** Which copy of the plugin it is told of: the one of this version, or the one that stays in its place whatever the version. */
  readonly copy: 'of this version' | 'of any version';
  /** What `install` will do, a line each. Changes nothing. @throws UserError when it can't be done */
  plan(folder: string, where: Where): readonly string[];
  /**
   * @param folder  the copy of the plugin
   * @returns what the user has to know, or to do
   * @throws UserError when it can't be done, with what to do by hand
   */
  install(folder: string, where: Where): Promise<readonly string[]>;
  /** What is not installed is no failure. @throws UserError */
  uninstall(where: Where): Promise<void>;
  /** Reads only. */
  look(where: Where): Look;
}

/** What the harness's own files say. What can't be read says nothing. */
export interface Look {
  /** Whether there is anything of the harness on this machine. */
  readonly isHere: boolean;
  /** Its file that tells. */
  readonly file: string;
  /** The copy of the plugin that it was told of; undefined: none. */
  readonly folder: string | undefined;
  /** Why its hooks don't come although it was told of them, and what to do about it. */
  readonly missing?: { readonly sentence: string; readonly todo: string };
}

/** What went wrong with one harness or more, as one. What is no UserError goes before all. */
export function allOf(errors: readonly unknown[]): unknown {
  const [first, ...more] = errors;
  const told = errors.filter((error) => error instanceof UserError);
  if (more.length === 0 || told.length < errors.length) return errors.find((error) => !(error instanceof UserError)) ?? first;
  return new UserError(told.map(({ message }) => message).join('\n'), told.map(({ hint }) => hint).join('\n'));
}
