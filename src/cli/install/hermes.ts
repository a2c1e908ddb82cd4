/**
 * Hermes: shell hooks in its config.yaml, and in that of each profile.
 *
 * in:   folder of the plugin; environment, home
 * out:  `hermes`; a few lines in config.yaml, the file of before beside it
 *
 * Hermes splits a command into words, and starts it without a shell. It asks for consent, once for each event and command:
 * so the command names a copy that stays in its place.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readIfReadable, readIfThere } from '../../disk/files.ts';
import { UserError } from '../../errors.ts';
import { eventsIn, type Hook, type Load, linesFor, withHooks, withoutHooks } from './hermes-config.ts';
import { type Installer, type Look, PLUGIN_NAME, type Where } from './installer.ts';
import { removeOurs, rewrite } from './rewrite.ts';

export const hermes: Installer = {
  harness: 'hermes',
  title: 'Hermes',
  copy: 'of any version',
  plan: (folder, where) => {
    demandHere(where);
    return added(folder, where)
      .filter(({ before, after }) => after !== before)
      .map(({ file }) => `add ${hooksOf(folder, where.exact).length} hooks to ${file}`);
  },
  install,
  uninstall: async (where) => {
    const files = configsOf(where).filter((file) => readIfReadable(file).includes(PLUGIN_NAME));
    const all = changes(files, (text) => withoutHooks(text, isOurs, load), undefined);
    write(all.filter(({ file, after }) => after !== '' || !removeOurs(file)));
  },
  look,
};

/** `on_session_end` comes after every turn. */
const EVENTS = { on_session_start: 'SessionStart', on_session_end: 'Stop', on_session_finalize: 'SessionEnd' };

/** What the database does not keep: a process for each call, so only for who asks for it. */
const EXACT = ['post_api_request', 'post_tool_call', 'subagent_start'];

const hooksOf = (folder: string, exact = false): readonly Hook[] => [
  ...Object.entries(EVENTS).map(([event, ours]) => ({
    event,
    command: `/bin/sh ${word(join(folder, 'hooks', 'trace-build.sh'))} ${ours} --harness hermes`,
    timeout: 10,
  })),
  ...(exact ? EXACT : []).map((event) => ({
    event,
    command: `${word(process.execPath)} ${word(join(folder, 'hooks', 'hermes-spool.cjs'))}`,
    timeout: 10,
  })),
];

/** As shlex splits them. */
const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

const isOurs = (command: string): boolean =>
  command.includes(PLUGIN_NAME) && /\/hooks\/(?:trace-build\.sh'? \w+ --harness hermes|hermes-spool\.cjs'?)$/.test(command);

function demandHere(where: Where): void {
  if (!existsSync(homeOf(where)))
    throw new UserError(`Hermes was not found: there is no ${homeOf(where)}.`, 'Run hermes once, then this again.');
}

async function install(folder: string, where: Where): Promise<readonly string[]> {
  demandHere(where);
  write(added(folder, where));
  return [
    ...(look(where).missing === undefined ? [] : [CONSENT]),
    'Hermes reads its hooks when it starts: a gateway that is running has to be started again.',
  ];
}

const added = (folder: string, where: Where): readonly FileChange[] =>
  changes(configsOf(where), (text) => withHooks(text, hooksOf(folder, where.exact), isOurs, load), folder);

const CONSENT =
  'Hermes asks for your consent when it next starts in a terminal, once for each hook; where nobody can answer it needs --accept-hooks, or hooks_auto_accept: true in config.yaml.';

const homeOf = ({ env, home }: Where): string => env['HERMES_HOME'] || join(home, '.hermes');

/** Its own, which may not be there yet; those of profiles, as far as there are some. */
function configsOf(where: Where): readonly string[] {
  const profiles = join(homeOf(where), 'profiles');
  const names = existsSync(profiles) ? readdirSync(profiles).toSorted() : [];
  return [
    join(homeOf(where), 'config.yaml'),
    ...names.map((name) => join(profiles, name, 'config.yaml')).filter((file) => existsSync(file)),
  ];
}

interface FileChange {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string;
}

/** All of them, before the first is written. @throws UserError for one that we can't edit, with what to do by hand */
function changes(
  files: readonly string[],
  edited: (text: string) => string | undefined,
  folder: string | undefined,
): readonly FileChange[] {
  return files.map((file) => {
    const before = textToEdit(file);
    const after = edited(before ?? '');
    if (after !== undefined) return { file, before, after };
    const byHand =
      folder === undefined ? 'Take the hooks of trace-build out of it.' : `Add to it:\n${linesFor(hooksOf(folder)).join('\n')}`;
    throw new UserError(`${file} is written in a way that trace-build can't edit.`, byHand);
  });
}

/** @throws UserError */
function textToEdit(file: string): string | undefined {
  try {
    return readIfThere(file);
  } catch (error) {
    throw new UserError(`${file} can't be read: ${(error as Error).message}.`, 'Check its permissions, then this again.');
  }
}

const write = (all: readonly FileChange[]): void => {
  for (const { file, before, after } of all) if (after !== (before ?? '')) rewrite(file, before, after);
};

function look(where: Where): Look {
  const file = join(homeOf(where), 'config.yaml');
  const isHere = existsSync(homeOf(where));
  const text = readIfReadable(file);
  const hooks = eventsIn(text, isOurs, load);
  const path = hooks.flatMap(({ command }) => /\/bin\/sh '?(.*)\/hooks\/trace-build\.sh/.exec(command)?.[1] ?? [])[0];
  if (path === undefined) return { isHere, file, folder: undefined };
  const found = { isHere, file, folder: path };
  const again = 'trace-build install --harness hermes';
  if (!existsSync(join(path, 'hooks', 'trace-build.sh'))) return { ...found, missing: { sentence: `${path} is gone.`, todo: again } };
  if (Object.keys(EVENTS).some((event) => !hooks.some((hook) => hook.event === event)))
    return { ...found, missing: { sentence: 'Not all of its hooks are there.', todo: again } };
  const allowed = readIfReadable(join(homeOf(where), 'shell-hooks-allowlist.json'));
  const asks = hooks.filter(({ event, command }) => !isApproved(allowed, event, command));
  return asks.length === 0 || /^hooks_auto_accept:\s*true\b/m.test(text)
    ? found
    : {
        ...found,
        missing: {
          sentence: `Hermes has no consent yet to ${asks.map(({ event }) => event).join(', ')}.`,
          todo: 'Start hermes in a terminal and allow them.',
        },
      };
}

function isApproved(allowlist: string, event: string, command: string): boolean {
  try {
    const { approvals } = JSON.parse(allowlist) as { approvals?: readonly { event?: string; command?: string }[] };
    return approvals?.some((approval) => approval.event === event && approval.command === command) === true;
  } catch {
    return false; // None yet.
  }
}

// Required as late as in config/packs.ts: no other command has to wait for it.
const load: Load = (text) => (require('js-yaml') as typeof import('js-yaml')).load(text);
