/**
 * The `claude` program: what it is told about the plugin, over all its versions.
 *
 * in:   folder of the plugin; environment, home
 * out:  the commands to show; registered or not, else what it said
 *
 * 2.1.150 to 2.1.329 take `marketplace add` of another folder as a move; 2.0.76 refuses until the marketplace is removed.
 * Of a plugin that is installed already `install` is content, and `update` records the new version.
 */
import { join } from 'node:path';
import { UserError } from '../../errors.ts';

export const PLUGIN_NAME = 'trace-build';
const MARKETPLACE = 'trace-build';
const PLUGIN = `${PLUGIN_NAME}@${MARKETPLACE}`;
/** Each takes half a second; it asks nobody and needs no network. */
const LIMIT_MS = 60_000;

interface Where {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
}

type Command = readonly string[];
type Run = (command: Command) => Promise<Said>;

interface Said {
  readonly ok: boolean;
  /** All it wrote. */
  readonly text: string;
}

export const registering = (folder: string): readonly Command[] => [
  ['plugin', 'marketplace', 'add', folder],
  ['plugin', 'install', PLUGIN],
  ['plugin', 'update', PLUGIN],
];

export const unregistering: readonly Command[] = [
  ['plugin', 'uninstall', PLUGIN],
  ['plugin', 'marketplace', 'remove', MARKETPLACE],
];

/** As somebody would type it. */
export const typed = (command: Command): string =>
  ['claude', ...command].map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');

/** @throws UserError when there is no `claude`, or it refuses */
export async function register(folder: string, where: Where): Promise<void> {
  const [add, ...others] = registering(folder);
  const run = await claude(where, registering(folder).slice(0, 2));
  const added = await run(add!);
  if (!added.ok) {
    if (!/already/i.test(added.text)) throw refused(add!, added);
    await run(['plugin', 'marketplace', 'remove', MARKETPLACE]);
    await succeed(run, add!);
  }
  for (const command of others) await succeed(run, command);
}

/** What is not registered is no failure. @throws UserError when there is no `claude`, or it refuses */
export async function unregister(where: Where): Promise<void> {
  const run = await claude(where, unregistering);
  for (const command of unregistering) {
    const said = await run(command);
    if (!said.ok && !/not found/i.test(said.text)) throw refused(command, said);
  }
}

async function succeed(run: Run, command: Command): Promise<void> {
  const said = await run(command);
  if (!said.ok) throw refused(command, said);
}

const refused = (command: Command, { text }: Said): UserError =>
  new UserError(`${typed(command)} failed: ${text.trim() || 'it did not say why'}`, 'Run it yourself to see more, then this again.');

/** On the PATH, else where its own installers put it behind an alias. */
export const claudePrograms = (home: string): readonly string[] => [
  'claude',
  join(home, '.local', 'bin', 'claude'),
  join(home, '.claude', 'local', 'claude'),
];

async function claude({ env, home }: Where, byHand: readonly Command[]): Promise<Run> {
  // Loaded here: no other command has to wait for it.
  const { execa } = await import('execa');
  const start = async (program: string, command: Command) => {
    const { failed, all, code } = await execa(program, command, {
      env,
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      all: true,
      timeout: LIMIT_MS,
    });
    return { ok: !failed, text: all ?? '', missing: code === 'ENOENT' || code === 'EACCES' };
  };
  for (const program of claudePrograms(home)) {
    if ((await start(program, ['--version'])).missing) continue;
    return (command) => start(program, command);
  }
  throw new UserError(
    'claude was not found.',
    `Where it is on the PATH, run:\n${byHand.map((command) => `  ${typed(command)}`).join('\n')}`,
  );
}
