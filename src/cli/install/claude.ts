/**
 * Claude Code: what its program is told about the plugin, over all its versions.
 *
 * in:   folder of the plugin; environment, home
 * out:  `claudeCode`
 *
 * 2.1.150 to 2.1.329 take `marketplace add` of another folder as a move; 2.0.76 refuses until the marketplace is removed.
 * Of a plugin that is installed already `install` is content, and `update` records the new version.
 */
import { join } from 'node:path';
import { readIfThere } from '../../disk/files.ts';
import { type Installer, type Look, MARKETPLACE, PLUGIN, type Where } from './installer.ts';
import { type Command, giveUp, type Program, programOf, takeUp, typedFor } from './program.ts';

export const claudeCode: Installer = {
  harness: 'claude-code',
  title: 'Claude Code',
  copy: 'of this version',
  plan: (folder) => registering(folder).map((command) => typedFor('claude', command)),
  install,
  uninstall,
  look,
};

const registering = (folder: string): readonly [Command, ...Command[]] => [
  ['plugin', 'marketplace', 'add', folder],
  ['plugin', 'install', PLUGIN],
  ['plugin', 'update', PLUGIN],
];

const UNREGISTERING: readonly Command[] = [
  ['plugin', 'uninstall', PLUGIN],
  ['plugin', 'marketplace', 'remove', MARKETPLACE],
];

/** On the PATH, else where its own installers put it behind an alias. */
export const claudePrograms = (home: string): readonly string[] => [
  'claude',
  join(home, '.local', 'bin', 'claude'),
  join(home, '.claude', 'local', 'claude'),
];

async function install(folder: string, where: Where): Promise<readonly string[]> {
  await takeUp(await claude(where, registering(folder).slice(0, 2)), registering(folder));
  return [];
}

async function uninstall(where: Where): Promise<void> {
  await giveUp(await claude(where, UNREGISTERING), UNREGISTERING, /not found/i);
}

const claude = (where: Where, byHand: readonly Command[]): Promise<Program> =>
  programOf('claude', claudePrograms(where.home), where, byHand);

/** Only where the plugin lies: doctor/claude-code.ts looks closer. */
function look({ env, home }: Where): Look {
  const folder = env['CLAUDE_CONFIG_DIR'] || join(home, '.claude');
  const file = join(folder, 'plugins', 'known_marketplaces.json');
  try {
    const known = JSON.parse(readIfThere(file) ?? '{}') as Record<string, { source?: { path?: unknown } }>;
    const path = known[MARKETPLACE]?.source?.path;
    return { isHere: readIfThere(join(folder, 'settings.json')) !== undefined, file, folder: typeof path === 'string' ? path : undefined };
  } catch {
    return { isHere: true, file, folder: undefined };
  }
}
