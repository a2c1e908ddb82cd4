/**
 * Codex: its program takes up the plugin, and copies it to a place of its own.
 *
 * in:   folder of the plugin; environment, home
 * out:  `codex`
 *
 * As 0.169.0 does it: `marketplace add` of another folder is refused until the marketplace is removed; `plugin add` of a
 * plugin that is there already copies it anew, and drops the copy of another version. Hooks of a plugin are skipped in
 * silence until the user has approved them; what was approved is the hook and the files of the plugin, so an update asks again.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readIfReadable } from '../../disk/files.ts';
import { type Installer, type Look, MARKETPLACE, PLUGIN, type Where } from './installer.ts';
import { type Command, giveUp, type Program, programOf, takeUp, typedFor } from './program.ts';

export const codex: Installer = {
  harness: 'codex',
  title: 'Codex',
  copy: 'of this version',
  plan: (folder) => registering(folder).map((command) => typedFor('codex', command)),
  install,
  uninstall,
  look,
};

const TRUST = 'Start codex, type /hooks, and trust the four hooks of trace-build.';

const registering = (folder: string): readonly [Command, ...Command[]] => [
  ['plugin', 'marketplace', 'add', folder],
  ['plugin', 'add', PLUGIN],
];

const UNREGISTERING: readonly Command[] = [
  ['plugin', 'remove', PLUGIN],
  ['plugin', 'marketplace', 'remove', MARKETPLACE],
];

async function install(folder: string, where: Where): Promise<readonly string[]> {
  await takeUp(await program(where, registering(folder)), registering(folder));
  return look(where).missing === undefined
    ? []
    : [`Codex skips these hooks, in silence, until you trust them; an update has to be trusted again. ${TRUST}`];
}

async function uninstall(where: Where): Promise<void> {
  await giveUp(await program(where, UNREGISTERING), UNREGISTERING, /not (?:found|configured|installed)/i);
}

const program = (where: Where, byHand: readonly Command[]): Promise<Program> => programOf('codex', ['codex'], where, byHand);

function look({ env, home }: Where): Look {
  const folder = env['CODEX_HOME'] || join(home, '.codex');
  const file = join(folder, 'config.toml');
  const isHere = existsSync(folder);
  const text = readIfReadable(file);
  const plugin = tableIn(text, `plugins."${PLUGIN}"`);
  if (plugin === undefined) return { isHere, file, folder: undefined };
  const source = valueIn(tableIn(text, `marketplaces.${MARKETPLACE}`), 'source') ?? folder;
  const found = { isHere, file, folder: source };
  if (valueIn(plugin, 'enabled') === 'false')
    return { ...found, missing: { sentence: 'The plugin is disabled.', todo: 'Enable it in /plugins of codex.' } };
  const untrusted = HOOKS.filter((hook) => tableIn(text, `hooks.state."${PLUGIN}:hooks/codex.json:${hook}:0:0"`) === undefined);
  return untrusted.length === 0
    ? found
    : { ...found, missing: { sentence: `Codex skips hooks that were not trusted: ${untrusted.join(', ')}.`, todo: TRUST } };
}

/** As they are called in the keys of `hooks.state`. */
const HOOKS = ['session_start', 'stop', 'subagent_stop', 'session_end'];

/** Enough of TOML for what Codex itself writes: a header on a line of its own, and a key on each line. */
function tableIn(text: string, name: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const at = lines.indexOf(`[${name}]`);
  if (at < 0) return undefined;
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => line.startsWith('['));
  return rest.slice(0, end < 0 ? undefined : end).join('\n');
}

function valueIn(table: string | undefined, key: string): string | undefined {
  const value = new RegExp(`^${key}\\s*=\\s*(.+)$`, 'm').exec(table ?? '')?.[1]?.trim();
  return value?.replace(/^(["'])(.*)\1$/, '$2');
}
