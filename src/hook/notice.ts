/**
 * The one line a user may see of us, at the start of a session.
 *
 * in:   how deliveries went, the config's `notice`
 * out:  `<state>/notice.json`, ready to be printed by hooks/trace-build.sh; no file when there is nothing to say
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, writePrivate } from '../disk/files.ts';
import type { Health } from '../export/outlet.ts';

export interface Standing {
  /** What keeps everything from being delivered, before a collector is even asked: a broken config, a full disk. */
  readonly obstacle?: string | undefined;
  readonly health?: Health | undefined;
  /** Sessions with spans that are not delivered. */
  readonly pending: number;
}

export function writeNotice(stateFolder: string, when: 'failures' | 'always' | 'off', standing: Standing): void {
  const path = join(stateFolder, 'notice.json');
  const words = when === 'off' ? undefined : (failure(standing) ?? (when === 'always' ? success(standing) : undefined));
  if (words === undefined) {
    rmSync(path, { force: true });
    return;
  }
  const text = `${JSON.stringify({ systemMessage: `trace-build: ${words}` })}\n`;
  if (readIfThere(path) !== text) writePrivate(path, text);
}

function failure({ obstacle, health, pending }: Standing): string | undefined {
  const reason = obstacle ?? (pending > 0 ? health?.failing?.message : undefined);
  if (reason === undefined) return undefined;
  const waiting = pending === 0 ? '' : pending === 1 ? 'one session waits to be delivered. ' : `${pending} sessions wait to be delivered. `;
  return `${waiting}${reason} \`trace-build doctor\` tells more.`;
}

const success = ({ health }: Standing): string | undefined =>
  health?.lastAcknowledgedMs === undefined
    ? undefined
    : `last delivery ${new Date(health.lastAcknowledgedMs).toISOString()}, to ${health.url}.`;
