/**
 * `trace-build install`: the hooks of Claude Code deliver from now on.
 *
 * in:   argv, World
 * out:  a copy of the plugin in the data folder, registered with `claude`; the path of node, for the hooks. The config is
 *       never touched
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathsFor } from '../../config/paths.ts';
import { writePrivate } from '../../disk/files.ts';
import { EXIT } from '../account.ts';
import { register, registering, typed } from '../install/claude.ts';
import { isMade, type Link, linksBetween, makeLink } from '../install/default-places.ts';
import { copyPlugin, packageFolder, pluginOf, removeOtherCopies } from '../install/plugin-files.ts';
import type { World } from '../run.ts';
import { pathsOf, shown } from '../settings.ts';
import { type CliCommand, commandLine } from './command.ts';

export const install: CliCommand = {
  name: 'install',
  summary: 'let the hooks of Claude Code deliver every session',
  async run(argv, world) {
    const { command, parse } = commandLine(
      'trace-build install',
      'Copies the plugin and registers it with the claude program. Settings stay as they are; again, it is an update.',
    );
    command
      .option('--dry-run', 'tell what would be done, do nothing')
      .action(({ dryRun }: { dryRun?: true }) => installPlugin(world, packageFolder(), dryRun === true));
    await parse(argv, world.out);
    return EXIT.ok;
  },
};

/** @param source  the package's folder */
export async function installPlugin(world: World, source: string, dryRun: boolean): Promise<void> {
  const { home, out, platform = process.platform, managed } = world;
  const paths = pathsOf(world);
  const plugin = pluginOf(source, paths.data);
  const links = linksBetween(paths, pathsFor({ home, env: {}, platform, managed })).filter((link) => !isMade(link));
  const node = join(paths.state, 'node');
  if (dryRun) {
    await out.write(`copy ${shown(source)} to ${shown(plugin.target)}\n`);
    await out.write(`write ${shown(process.execPath)} into ${shown(node)}\n`);
    for (const { from, to } of links) await out.write(`link ${shown(from)} to ${shown(to)}\n`);
    for (const command of registering(plugin.target)) await out.write(`${typed(command)}\n`);
    out.note('Dry run: nothing was done.');
    return;
  }
  copyPlugin(plugin);
  writePrivate(node, `${process.execPath}\n`);
  rmSync(join(paths.state, 'no-node'), { force: true });
  for (const link of links) if (!makeLink(link)) out.note(inTheWay(link));
  await register(plugin.target, world);
  removeOtherCopies(plugin);
  await out.write(`Installed: the plugin ${plugin.version} in ${shown(plugin.target)}. New sessions of Claude Code use it.\n`);
  if (!existsSync(paths.config) && !existsSync(paths.managed))
    out.note('Nothing is exported yet: trace-build init says what, and where to.');
}

const inTheWay = ({ from, to }: Link): string =>
  `Hooks read no XDG_* variable: they use ${shown(from)}, you use ${shown(to)}. Move what is in the first into the second, remove the first, and install again.`;
