/**
 * Do hooks of the harnesses other than Claude Code come, as far as their own files tell.
 *
 * in:   Facts
 * out:  Checks, one for each harness that is on this machine
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from '../../disk/files.ts';
import { allSessions, type SessionState } from '../../sync/state.ts';
import { when } from '../age.ts';
import { installers } from '../install/index.ts';
import type { Installer } from '../install/installer.ts';
import { type Facts, tilde } from './facts.ts';
import { isOlder } from './hooks.ts';
import { hookTimes, latest } from './record.ts';
import { type Check, ok, warning } from './report.ts';

/** Claude Code's own check looks closer: hooks.ts. */
const others = installers.filter((installer): installer is Installer & { harness: OtherName } => installer.harness !== 'claude-code');
type OtherName = Exclude<Installer['harness'], 'claude-code'>;

export interface OtherHarnesses {
  readonly checks: readonly Check[];
  /** Whether any of them was told of our hooks. */
  readonly installed: boolean;
}

export function otherHarnesses(facts: Facts): OtherHarnesses {
  const states = allSessions(facts.paths.state);
  const looks = others.map((installer) => ({ installer, look: installer.look(facts.world) }));
  return {
    checks: looks.flatMap(({ installer, look }) =>
      look.isHere || look.folder !== undefined ? [checkOf(installer.harness, installer.title, look, facts, states)] : [],
    ),
    installed: looks.some(({ look }) => look.folder !== undefined),
  };
}

function checkOf(
  name: OtherName,
  title: string,
  { file, folder, missing }: ReturnType<Installer['look']>,
  { world, nowMs }: Facts,
  states: readonly SessionState[],
): Check {
  const again = `trace-build install --harness ${name}`;
  const last = lastHookMs(states, name);
  const came = last === undefined ? 'No hook of it has come yet.' : `The last hook came ${when(last, nowMs)}.`;
  if (folder === undefined) return ok(name, `The hooks of ${title} are not installed: ${again}${last === undefined ? '' : `. ${came}`}`);
  const where = `The hooks of ${title} are installed (${tilde(file, world)}).`;
  if (!existsSync(folder)) return warning(name, `${where} But ${tilde(folder, world)}, where they were, is gone.`, again);
  if (missing !== undefined) return warning(name, `${where} ${missing.sentence} ${came}`, missing.todo);
  const version = versionIn(folder);
  if (isOlder(version, world.version)) return warning(name, `${where} They are of version ${version}; this is ${world.version}.`, again);
  return ok(name, `${where} ${came}`);
}

function versionIn(folder: string): string | undefined {
  try {
    const { version } = JSON.parse(readIfThere(join(folder, '.claude-plugin', 'plugin.json')) ?? '{}') as { version?: unknown };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

function lastHookMs(states: readonly SessionState[], harness: string): number | undefined {
  const times = states.filter((state) => state.harness === harness).flatMap(hookTimes);
  return times.length === 0 ? undefined : latest(times);
}
