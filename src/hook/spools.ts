/**
 * Removes what hooks told of sessions that are gone from their database.
 *
 * in:   places; how long nothing was written
 * out:  fewer files in ~/.local/state/trace-build/spool/
 */
import { rmSync } from 'node:fs';
import { allSessions, type Places } from '../read/find.ts';
import { orphans, spoolFolder } from '../read/spool.ts';

export function pruneSpools(places: Places, beforeMs: number): void {
  for (const harness of places.harnesses) {
    if (!harness.layouts.some((layout) => layout.kind === 'database' && layout.hasSpool === true)) continue;
    let isWhole = true;
    const onUnreadable = (): void => {
      isWhole = false;
    };
    const sessions = allSessions({ ...places, harnesses: [harness], onUnreadable });
    // Who can't be read may have sessions of its own; and a database without any is a new one in the place of another.
    if (!isWhole || sessions.length === 0) continue;
    const ids = sessions.flatMap(({ rows, agents }) => [rows, ...agents.map((agent) => agent.rows)].flatMap((each) => each?.ids ?? []));
    for (const path of orphans(spoolFolder(places.home, harness.name), ids, beforeMs)) rmSync(path, { force: true });
  }
}
