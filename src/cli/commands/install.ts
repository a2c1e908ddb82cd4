/**
 * `trace-build install`: the hooks of a harness deliver from now on.
 *
 * in:   argv, World
 * out:  a copy of the plugin in the data folder, registered with each harness; the path of node, for the hooks. The config is
 *       never touched
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathsFor } from '../../config/paths.ts';
import { writePrivate } from '../../disk/files.ts';
import { EXIT } from '../account.ts';
import { isMade, type Link, linksBetween, makeLink } from '../install/default-places.ts';
import { addHarnessOption, foldersOfOthers, named } from '../install/index.ts';
import { allOf, type Installer, type Where } from '../install/installer.ts';
import { copyPlugin, currentOf, type Plugin, packageFolder, pluginOf, removeCopies } from '../install/plugin-files.ts';
import type { World } from '../run.ts';
import { pathsOf, shown } from '../settings.ts';
import { type CliCommand, commandLine } from './command.ts';

interface Flags {
  readonly dryRun?: true;
  readonly harness?: readonly string[];
  readonly exact?: true;
}

const DEFAULT = ['claude-code'];

export const install: CliCommand = {
  name: 'install',
  summary: 'let the hooks of Claude Code, Codex, OpenClaw or Hermes deliver every session',
  async run(argv, world) {
    const { command, parse } = commandLine(
      'trace-build install',
      'Copies the plugin and registers it with the harness. Settings stay as they are; again, it is an update.',
    );
    addHarnessOption(command, `whose hooks (${DEFAULT.join(', ')})`)
      .option('--dry-run', 'tell what would be done, do nothing')
      .option('--exact', 'Hermes only: also a hook for each call, for times and tokens that its database does not keep')
      .action(({ dryRun, harness = DEFAULT, exact }: Flags) =>
        installPlugin({ ...world, exact: exact === true }, packageFolder(), dryRun === true, named(harness)),
      );
    await parse(argv, world.out);
    return EXIT.ok;
  },
};

/** @param source  the package's folder */
export async function installPlugin(
  world: World & Pick<Where, 'exact'>,
  source: string,
  dryRun: boolean,
  chosen: readonly Installer[] = named(DEFAULT),
): Promise<void> {
  const { home, out, platform = process.platform, managed } = world;
  const paths = pathsOf(world);
  const plugin = pluginOf(source, paths.data);
  const copies = [...new Set(chosen.map((installer) => copyFor(installer, plugin).target))].map((target) => ({ ...plugin, target }));
  const links = linksBetween(paths, pathsFor({ home, env: {}, platform, managed })).filter((link) => !isMade(link));
  const node = join(paths.state, 'node');
  if (dryRun) {
    for (const { target } of copies) await out.write(`copy ${shown(source)} to ${shown(target)}\n`);
    await out.write(`write ${shown(process.execPath)} into ${shown(node)}\n`);
    for (const { from, to } of links) await out.write(`link ${shown(from)} to ${shown(to)}\n`);
    for (const installer of chosen)
      for (const line of installer.plan(copyFor(installer, plugin).target, world)) await out.write(`${line}\n`);
    out.note('Dry run: nothing was done.');
    return;
  }
  // Also the one that others were told of, for it has no version in its name.
  const current = currentOf(plugin);
  for (const copy of copies) copyPlugin(copy);
  if (existsSync(current.target)) copyPlugin(current);
  writePrivate(node, `${process.execPath}\n`);
  rmSync(join(paths.state, 'no-node'), { force: true });
  for (const link of links) if (!makeLink(link)) out.note(inTheWay(link));
  const failures: unknown[] = [];
  for (const installer of chosen) {
    const { target } = copyFor(installer, plugin);
    const notes = await installer.install(target, world).catch((error: unknown) => void failures.push(error));
    if (notes === undefined) continue;
    await out.write(`Installed: the plugin ${plugin.version} in ${shown(target)}. New sessions of ${installer.title} use it.\n`);
    for (const note of notes) out.note(note);
  }
  // Copies of before stay where one of them may still be in use.
  if (failures.length > 0) throw allOf(failures);
  removeCopies(paths.data, [...copies.map(({ target }) => target), ...foldersOfOthers(chosen, world)]);
  if (!existsSync(paths.config) && !existsSync(paths.managed))
    out.note('Nothing is exported yet: trace-build init says what, and where to.');
}

const copyFor = ({ copy }: Installer, plugin: Plugin): Plugin => (copy === 'of any version' ? currentOf(plugin) : plugin);

const inTheWay = ({ from, to }: Link): string =>
  `Hooks read no XDG_* variable: they use ${shown(from)}, you use ${shown(to)}. Move what is in the first into the second, remove the first, and install again.`;
