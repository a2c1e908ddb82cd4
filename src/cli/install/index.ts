/**
 * Every harness whose hooks can be installed. The list exists once, here.
 *
 * in:   claude.ts, codex.ts, openclaw.ts, hermes.ts
 * out:  `installers`; those that a user has named
 */
import { type Command, Option } from 'commander';
import { claudeCode } from './claude.ts';
import { codex } from './codex.ts';
import { hermes } from './hermes.ts';
import type { Installer, Where } from './installer.ts';
import { openclaw } from './openclaw.ts';

export const installers: readonly Installer[] = [claudeCode, codex, openclaw, hermes];

/** To those of a command that may be given for several. */
export function addHarnessOption(command: Command, description: string): Command {
  const names = installers.map(({ harness }) => harness);
  return command.addOption(new Option('--harness <name...>', `${description}: ${names.join(', ')}; may be repeated`).choices(names));
}

export const named = (names: readonly string[]): readonly Installer[] => installers.filter(({ harness }) => names.includes(harness));

/** Copies of the plugin that harnesses other than these were told of. */
export const foldersOfOthers = (chosen: readonly Installer[], where: Where): readonly string[] =>
  installers.filter((installer) => !chosen.includes(installer)).flatMap((installer) => installer.look(where).folder ?? []);
