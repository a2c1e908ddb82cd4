/**
 * OpenClaw: its config names the folder of a native plugin, and lets it see the end of a run.
 *
 * in:   folder of the plugin; environment, home
 * out:  `openclaw`; openclaw.json with three more entries, the one before beside it
 *
 * The config is JSON5. One that is plain JSON is edited; of any other the user is told what to add, for its comments would go.
 */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { readIfReadable, readIfThere } from '../../disk/files.ts';
import { UserError } from '../../errors.ts';
import { isObject, type JsonObject, listIn, objectIn, parsedJson } from '../../json.ts';
import { type Installer, type Look, PLUGIN_NAME, type Where } from './installer.ts';
import { backupOf, removeOurs, rewrite } from './rewrite.ts';

export const openclaw: Installer = {
  harness: 'openclaw',
  title: 'OpenClaw',
  copy: 'of any version',
  plan: (folder, where) => {
    const file = demandHere(where);
    const { json } = readJson(file, folder);
    if (isDeepStrictEqual(withPlugin(json, pluginIn(folder)), json)) return [];
    return [`add ${pluginIn(folder)} to plugins.load.paths in ${file}`, `allow ${PLUGIN_NAME} there to see the end of a run`];
  },
  install,
  uninstall,
  look,
};

const stateOf = ({ env, home }: Where): string => env['OPENCLAW_STATE_DIR'] || join(env['OPENCLAW_HOME'] || home, '.openclaw');
const configOf = (where: Where): string => where.env['OPENCLAW_CONFIG_PATH'] || join(stateOf(where), 'openclaw.json');
const pluginIn = (folder: string): string => join(folder, 'hooks', 'openclaw');

/** @returns its config, which may not be there yet */
function demandHere(where: Where): string {
  const file = configOf(where);
  if (!existsSync(stateOf(where)) && !existsSync(file))
    throw new UserError(`OpenClaw was not found: there is no ${file}.`, 'Run openclaw once, then this again.');
  return file;
}

async function install(folder: string, where: Where): Promise<readonly string[]> {
  const file = demandHere(where);
  const { json, text } = readJson(file, folder);
  write(file, text, withPlugin(json, pluginIn(folder)));
  return [
    ...(objectIn(json, 'plugins')['enabled'] === false ? [`Plugins are switched off in ${file}: plugins.enabled.`] : []),
    'A gateway that is running has to be started again: openclaw gateway restart.',
  ];
}

async function uninstall(where: Where): Promise<void> {
  const file = configOf(where);
  if (look(where).folder === undefined) return;
  const { json, text } = readJson(file, undefined);
  const left = withoutPlugin(json);
  // Byte for byte, when it says what it said before us.
  const backup = readIfReadable(backupOf(realpathSync(file)));
  if (text !== undefined && isDeepStrictEqual(parsedJson(backup), left)) rewrite(file, text, backup);
  else if (Object.keys(left).length > 0 || !removeOurs(file)) write(file, text, left);
}

function look(where: Where): Look {
  const file = configOf(where);
  const isHere = existsSync(stateOf(where));
  try {
    const { json } = readJson(file, undefined);
    const path = pathsIn(json).find(isOurs);
    const found = { isHere, file, folder: path?.replace(/\/hooks\/openclaw$/, '') };
    if (path === undefined) return found;
    const plugins = objectIn(json, 'plugins');
    const entry = objectIn(objectIn(plugins, 'entries'), PLUGIN_NAME);
    if (!existsSync(path)) return { ...found, missing: { sentence: `${path} is gone.`, todo: AGAIN } };
    if (plugins['enabled'] === false || entry['enabled'] === false || listIn(plugins, 'deny').includes(PLUGIN_NAME))
      return { ...found, missing: { sentence: 'The plugin is switched off.', todo: 'Look at plugins in that file.' } };
    if (
      objectIn(entry, 'hooks')['allowConversationAccess'] !== true ||
      (Array.isArray(plugins['allow']) && !plugins['allow'].includes(PLUGIN_NAME))
    )
      return { ...found, missing: { sentence: 'The plugin may not see the end of a run.', todo: AGAIN } };
    return found;
  } catch {
    // By hand, into a file that we can't edit.
    const text = readIfReadable(file);
    const path = /["']([^"'\n]*\/hooks\/openclaw)["']/.exec(text)?.[1];
    return { isHere, file, folder: path !== undefined && isOurs(path) ? path.replace(/\/hooks\/openclaw$/, '') : undefined };
  }
}

const AGAIN = 'trace-build install --harness openclaw';

/** Of whatever version, wherever it lay. */
const isOurs = (path: unknown): path is string => typeof path === 'string' && /trace-build.*\/hooks\/openclaw$/.test(path);

const pathsIn = (json: JsonObject): readonly unknown[] => listIn(objectIn(objectIn(json, 'plugins'), 'load'), 'paths');

function withPlugin(json: JsonObject, path: string): JsonObject {
  const plugins = objectIn(json, 'plugins');
  const load = objectIn(plugins, 'load');
  const entries = objectIn(plugins, 'entries');
  const entry = objectIn(entries, PLUGIN_NAME);
  const { allow } = plugins;
  return {
    ...json,
    plugins: {
      ...plugins,
      ...(Array.isArray(allow) && { allow: [...allow.filter((id) => id !== PLUGIN_NAME), PLUGIN_NAME] }),
      load: { ...load, paths: [...listIn(load, 'paths').filter((other) => !isOurs(other) && other !== path), path] },
      entries: {
        ...entries,
        [PLUGIN_NAME]: { ...entry, enabled: true, hooks: { ...objectIn(entry, 'hooks'), allowConversationAccess: true } },
      },
    },
  };
}

function withoutPlugin(json: JsonObject): JsonObject {
  const plugins = objectIn(json, 'plugins');
  const load = objectIn(plugins, 'load');
  const { [PLUGIN_NAME]: _, ...entries } = objectIn(plugins, 'entries');
  const { allow } = plugins;
  const paths = listIn(load, 'paths').filter((path) => !isOurs(path));
  const allowing = { ...plugins, ...(Array.isArray(allow) && { allow: allow.filter((id) => id !== PLUGIN_NAME) }) };
  const loading = withoutEmpty(allowing, 'load', paths.length > 0 ? { ...load, paths } : withoutKey(load, 'paths'));
  return withoutEmpty(json, 'plugins', withoutEmpty(loading, 'entries', entries));
}

/** With this value of a key; an empty one is as good as none, and there was none before us. */
const withoutEmpty = (json: JsonObject, key: string, value: JsonObject): JsonObject =>
  Object.keys(value).length > 0 ? { ...json, [key]: value } : withoutKey(json, key);

const withoutKey = (json: JsonObject, key: string): JsonObject => Object.fromEntries(Object.entries(json).filter(([name]) => name !== key));

/** @throws UserError for what is no plain JSON, with what to add by hand */
function readJson(file: string, folder: string | undefined): { readonly json: JsonObject; readonly text: string | undefined } {
  let text: string | undefined;
  try {
    text = readIfThere(file);
    const json: unknown = JSON.parse(text ?? '{}');
    if (!isObject(json)) throw new Error('it is no object');
    for (const path of [['plugins'], ['plugins', 'load'], ['plugins', 'entries'], ['plugins', 'entries', PLUGIN_NAME]]) {
      const value = path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), json);
      if (value !== undefined && !isObject(value)) throw new Error(`${path.join('.')} is no object`);
    }
    if (
      objectIn(objectIn(json, 'plugins'), 'load')['paths'] !== undefined &&
      !Array.isArray(objectIn(objectIn(json, 'plugins'), 'load')['paths'])
    )
      throw new Error('plugins.load.paths is no list');
    return { json, text };
  } catch (error) {
    throw new UserError(`${file} can't be edited: ${(error as Error).message}.`, byHand(folder));
  }
}

const byHand = (folder: string | undefined): string =>
  folder === undefined
    ? `Take ${PLUGIN_NAME} out of plugins.load.paths and plugins.entries there.`
    : `Add to it, and restart the gateway:\n${JSON.stringify(withPlugin({}, pluginIn(folder)), undefined, 2)}`;

/** Nothing to change is nothing written. */
function write(file: string, before: string | undefined, json: JsonObject): void {
  const indent = /^[{[]\r?\n([ \t]+)/.exec(before ?? '')?.[1] ?? 2;
  if (before !== undefined && JSON.stringify(JSON.parse(before)) === JSON.stringify(json)) return;
  rewrite(file, before, `${JSON.stringify(json, undefined, indent)}\n`);
}
