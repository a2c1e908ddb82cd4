/**
 * `trace-build uninstall`: the hooks of each harness are as they were.
 *
 * in:   argv, World
 * out:  the plugin unregistered, its copies removed; with --purge the config and all that was remembered, too
 */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathsFor } from '../../config/paths.ts';
import { UserError } from '../../errors.ts';
import { EXIT } from '../account.ts';
import { linksBetween, removeLink } from '../install/default-places.ts';
import { addHarnessOption, foldersOfOthers, installers, named } from '../install/index.ts';
import { allOf, type Installer } from '../install/installer.ts';
import { removeCopies, removeIfEmpty } from '../install/plugin-files.ts';
import type { World } from '../run.ts';
import { pathsOf, shown } from '../settings.ts';
import { type CliCommand, commandLine } from './command.ts';

interface Flags {
  readonly harness?: readonly string[];
  readonly purge?: true;
  readonly yes?: true;
}

export const uninstall: CliCommand = {
  name: 'uninstall',
  summary: 'undo install; --purge also forgets the config and what was delivered',
  async run(argv, world) {
    const { command, parse } = commandLine(
      'trace-build uninstall',
      'Unregisters the plugin from each harness that it is registered with, and removes its copies.',
    );
    addHarnessOption(command, 'only of these')
      .option('--purge', 'also remove the config, the queue, and the record of what was delivered')
      .option('--yes', 'do not ask')
      .action((flags: Flags) => uninstallPlugin(flags, world));
    await parse(argv, world.out);
    return EXIT.ok;
  },
};

async function uninstallPlugin({ harness, purge, yes }: Flags, world: World): Promise<void> {
  const paths = pathsOf(world);
  if (purge && harness !== undefined)
    throw new UserError('--purge forgets what all hooks use.', 'Leave out --harness, or leave out --purge.');
  if (purge && !yes) await confirm(`Remove ${shown(paths.config)} and ${shown(paths.state)}`, world);
  const chosen = harness === undefined ? installers.filter((installer) => mayBeInstalled(installer, world)) : named(harness);
  // Files go also when nobody can be told: a registered plugin without files does nothing.
  const told = (await Promise.all(chosen.map((installer) => installer.uninstall(world).catch((error: unknown) => error)))).filter(
    (error) => error !== undefined,
  );
  removeCopies(paths.data, foldersOfOthers(chosen, world));
  if (purge) forget(world);
  if (told.length > 0) throw allOf(told);
  await world.out.write(purge ? 'Uninstalled; nothing is left.\n' : `Uninstalled. Your settings stay in ${shown(paths.config)}.\n`);
}

/** What Claude Code has, only its program knows for sure. */
const mayBeInstalled = (installer: Installer, world: World): boolean =>
  installer.harness === 'claude-code' || installer.look(world).folder !== undefined;

/** @throws UserError unless the answer is yes */
async function confirm(question: string, { ask }: World): Promise<void> {
  if (ask === undefined) throw new UserError(`${question}?`, 'Nobody is there to answer: use --yes.');
  if (!/^y(?:es)?$/i.test(await ask(`${question}, which can't be undone: yes or no (no): `)))
    throw new UserError('Nothing was removed.', 'Without --purge both stay.');
}

function forget(world: World): void {
  const { home, platform = process.platform, managed } = world;
  const used = pathsOf(world);
  const byHooks = pathsFor({ home, env: {}, platform, managed });
  for (const link of linksBetween(used, byHooks)) removeLink(link);
  for (const { config, state } of [used, byHooks]) {
    rmSync(state, { recursive: true, force: true });
    rmSync(config, { force: true });
    removeIfEmpty(dirname(config));
  }
}
