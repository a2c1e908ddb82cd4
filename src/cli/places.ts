/**
 * Where sessions are looked for, and what is said of files that can't be read there.
 *
 * in:   World
 * out:  `Places`; a note for each such file, once
 */
import { harnesses } from '../harness/index.ts';
import { type Listener, onceEachFile, type Places } from '../read/find.ts';
import type { World } from './run.ts';
import { harmless } from './terminal.ts';

/** @param also  who else is told */
export const placesOf = ({ env, home, out }: World, also?: Listener): Places => ({
  env,
  home,
  harnesses,
  onUnreadable: onceEachFile((file) => {
    out.note(harmless(`${file.message} Its sessions are left out. ${file.hint}`));
    also?.(file);
  }),
});
