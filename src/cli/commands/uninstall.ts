/**
 * `trace-build uninstall`: the hooks of Claude Code are as they were.
 *
 * in:   argv, World
 * out:  the plugin unregistered, its copies removed; with --purge the config and all that was remembered, too
 */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathsFor } from '../../config/paths.ts';
import { UserError } from '../../errors.ts';
import { EXIT } from '../account.ts';
import { unregister } from '../install/claude.ts';
import { linksBetween, removeLink } from '../install/default-places.ts';
import { removeCopies, removeIfEmpty } from '../install/plugin-files.ts';
import type { World } from '../run.ts';
import { pathsOf, shown } from '../settings.ts';
import { type CliCommand, commandLine } from './command.ts';

interface Flags {
  readonly purge?: true;
  readonly yes?: true;
}

export const uninstall: CliCommand = {
  name: 'uninstall',
  summary: 'undo install; --purge also forgets the config and what was delivered',
  async run(argv, world) {
    const { command, parse } = commandLine(
      'trace-build uninstall',
      'Unregisters the plugin from the claude program and removes its copies.',
    );
    command
      .option('--purge', 'also remove the config, the queue, and the record of what was delivered')
      .option('--yes', 'do not ask')
      .action((flags: Flags) => uninstallPlugin(flags, world));
    await parse(argv, world.out);
    return EXIT.ok;
  },
};

async function uninstallPlugin({ purge, yes }: Flags, world: World): Promise<void> {
  const paths = pathsOf(world);
  if (purge && !yes) await confirm(`Remove ${shown(paths.config)} and ${shown(paths.state)}`, world);
  // Files go also when nobody can be told: a registered plugin without files does nothing.
  const told = await unregister(world).catch((error: unknown) => error);
  removeCopies(paths.data);
  if (purge) forget(world);
  if (told !== undefined) throw told;
  await world.out.write(purge ? 'Uninstalled; nothing is left.\n' : `Uninstalled. Your settings stay in ${shown(paths.config)}.\n`);
}

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
