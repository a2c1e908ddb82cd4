/**
 * In what order are sessions delivered?
 *
 * in:   sessions      out: the same; pure
 *
 * Folder by folder, the one written to last first, and in each an original before its forks: who comes first tells the
 * turns that both hold.
 */
import { grouped } from '../grouped.ts';
import type { SessionRef } from '../read/find.ts';

export function originalsFirst(refs: readonly SessionRef[]): readonly SessionRef[] {
  const byFolder = grouped(
    refs.toSorted((a, b) => b.modifiedMs - a.modifiedMs),
    ({ folder }) => folder,
  );
  return [...byFolder.values()].flatMap((ofFolder) =>
    ofFolder.toSorted((a, b) => a.begunMs - b.begunMs || (a.sessionId < b.sessionId ? -1 : 1)),
  );
}
