/**
 * `trace-build roots add|remove|list [dir]`: the directories whose sessions are exported.
 *
 * in:   argv, World
 * out:  the user's config; what was done, in a sentence
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { withoutRoot, withRoot } from '../../config/edit.ts';
import { expanded } from '../../config/paths.ts';
import { type Root, rootsOf } from '../../config/scope.ts';
import { UserError } from '../../errors.ts';
import { EXIT } from '../account.ts';
import type { World } from '../run.ts';
import { changeConfig, configOf } from '../settings.ts';
import { harmless } from '../terminal.ts';
import { type CliCommand, commandLine } from './command.ts';

export const roots: CliCommand = {
  name: 'roots',
  summary: 'the directories whose sessions are exported: add, remove, list',
  async run(argv, world) {
    const { command, parse } = commandLine('trace-build roots', 'The directories whose sessions hooks and sync export.');
    const dir = 'a directory; without it, the current one; "*" is every directory';
    command
      .command('add')
      .description('export the sessions of a directory and of all below it, from now on')
      .argument('[dir]', dir)
      .action((dir?: string) => add(world, dir));
    command
      .command('remove')
      .description('export them no longer')
      .argument('[dir]', dir)
      .action((dir?: string) => remove(world, dir));
    command
      .command('list', { isDefault: true })
      .description('the directories there are, and since when')
      .action(() => list(world));
    await parse(argv, world.out);
    return EXIT.ok;
  },
};

async function add(world: World, dir: string | undefined): Promise<void> {
  const path = existingRoot(world, dir);
  const loaded = configOf(world);
  const changed = changeConfig(world, loaded, ['trace_roots'], withRoot(path, Date.now(), world.home));
  await world.out.write(`${changed ? 'Added' : 'Already there'}: ${harmless(path)}\n`);
}

async function remove(world: World, dir: string | undefined): Promise<void> {
  const path = namedRoot(world, dir);
  const loaded = configOf(world);
  if (!changeConfig(world, loaded, ['trace_roots'], withoutRoot(path, world.home))) {
    const known = rootsOf(loaded.config, world.home).map((root) => root.path);
    throw new UserError(`${path} is not a root.`, known.length === 0 ? 'There are none.' : harmless(`The roots are: ${known.join(', ')}`));
  }
  await world.out.write(`Removed: ${harmless(path)}\n`);
}

async function list(world: World): Promise<void> {
  const { config, origins, paths } = configOf(world);
  const all = rootsOf(config, world.home);
  const width = Math.max(0, ...all.map(({ path }) => path.length));
  for (const root of all) await world.out.write(`${harmless(root.path).padEnd(width)}  ${remarks(root).join(', ')}`.trimEnd().concat('\n'));
  if (origins.trace_roots === 'managed') world.out.note(`Set by ${paths.managed}.`);
  if (all.length === 0) world.out.note('There are none: add one with trace-build roots add.');
}

const remarks = ({ path, addedMs }: Root): string[] => [
  ...(addedMs === undefined ? [] : [`since ${new Date(addedMs).toISOString()}`]),
  ...(path === '*' || isDirectory(path) ? [] : ['does not exist']),
];

/** @throws UserError when there is no such directory */
export function existingRoot(world: World, dir: string | undefined): string {
  const path = namedRoot(world, dir);
  if (path !== '*' && !isDirectory(path)) throw new UserError(`There is no directory ${path}.`, 'Create it first, or name another one.');
  return path;
}

const namedRoot = ({ cwd, home }: World, dir = cwd): string => (dir === '*' ? dir : resolve(cwd, expanded(dir, home)));

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // Not there, or not for us to see.
  }
}
