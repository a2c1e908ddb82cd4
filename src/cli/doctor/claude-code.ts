/**
 * What Claude Code's own files say of the plugin, of hooks, and of variables.
 *
 * in:   its settings and lists of plugins: managed, of a directory, of the user
 * out:  `ClaudeCode`; a file that is not there or damaged says nothing. Reads only, runs nothing
 *
 * As 2.1.329 does it: of `enabledPlugins` and `env` the strongest file that names a key decides, and only the settings of
 * the very directory count; `disableAllHooks` counts in any of them. A plugin that is enabled is loaded even where
 * installed_plugins.json has lost it. Of a marketplace that is a directory the plugin is read right there, not from the copy.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readIfThere } from '../../disk/files.ts';
import { isObject, type JsonObject, objectIn } from '../../json.ts';
import { PLUGIN_NAME } from '../install/installer.ts';

export interface ClaudeCode {
  /** The user's settings. */
  readonly userSettings: string;
  /** Files that are there, and are no JSON. */
  readonly broken: readonly string[];
  readonly plugin: PluginState;
  /** Why no hook of a plugin runs. */
  readonly hooksOff: { readonly path: string; readonly key: string } | undefined;
  /** Files with hooks that somebody has wired to us by hand. */
  readonly wiredByHand: readonly string[];
  /** What a hook of a session in the directory sees, and where it is set; undefined: nowhere, or in the shell. */
  readonly hookEnv: (name: string) => Setting | undefined;
  /** The same without the project's files, which may not turn telemetry on. */
  readonly ownEnv: (name: string) => Setting | undefined;
}

export interface Setting {
  readonly value: string;
  /** Path of the file; undefined: this shell. */
  readonly path: string | undefined;
}

export type PluginState =
  | { readonly kind: 'absent' }
  /** Known to Claude Code, but no settings enable it here. `path`: they disable it. */
  | { readonly kind: 'disabled'; readonly id: string; readonly path: string | undefined }
  | {
      readonly kind: 'enabled';
      readonly id: string;
      /** The settings that say so. */
      readonly path: string;
      readonly managed: boolean;
      readonly version: string | undefined;
      /** Where it is read from, if nothing can be read there. */
      readonly missing: string | undefined;
    };

export interface ClaudePlaces {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly directory: string;
  /** For tests: a folder in place of the machine's. */
  readonly managedFolder?: string | undefined;
}

interface Source {
  readonly path: string;
  readonly kind: 'managed' | 'project' | 'user';
  readonly json: JsonObject;
}

const NOTHING: JsonObject = {};

export function claudeCode(places: ClaudePlaces): ClaudeCode {
  const { env, home, directory } = places;
  const folder = env['CLAUDE_CONFIG_DIR'] || join(home, '.claude');
  const userSettings = join(folder, 'settings.json');
  const broken: string[] = [];
  const read = (path: string): JsonObject => {
    const json = jsonIn(path);
    if (json === 'broken') broken.push(path);
    return typeof json === 'object' ? json : NOTHING;
  };
  const project = ['settings.local.json', 'settings.json']
    .map((name) => join(directory, '.claude', name))
    .filter((path) => path !== userSettings);
  const sources: readonly Source[] = [
    ...managedFiles(places).map((path) => ({ path, kind: 'managed' as const, json: read(path) })),
    ...project.map((path) => ({ path, kind: 'project' as const, json: read(path) })),
    { path: userSettings, kind: 'user', json: read(userSettings) },
  ];
  const plugin = pluginState(sources, {
    installed: objectIn(read(join(folder, 'plugins', 'installed_plugins.json')), 'plugins'),
    marketplaces: [
      read(join(folder, 'plugins', 'known_marketplaces.json')),
      ...sources.map(({ json }) => objectIn(json, 'extraKnownMarketplaces')),
    ],
  });
  return {
    userSettings,
    broken,
    plugin,
    hooksOff: hooksOff(sources, plugin),
    wiredByHand: sources.filter(({ json }) => commandsIn(json).some((command) => command.includes(PLUGIN_NAME))).map(({ path }) => path),
    hookEnv: (name) => settingOf(name, sources, env),
    ownEnv: (name) =>
      settingOf(
        name,
        sources.filter(({ kind }) => kind !== 'project'),
        env,
      ),
  };
}

/** The strongest first. */
function managedFiles({ platform, managedFolder = MANAGED_FOLDERS[platform] ?? '/etc/claude-code' }: ClaudePlaces): readonly string[] {
  const parts = join(managedFolder, 'managed-settings.d');
  const names = namesIn(parts).filter((name) => name.endsWith('.json'));
  return [
    ...names
      .toSorted()
      .toReversed()
      .map((name) => join(parts, name)),
    join(managedFolder, 'managed-settings.json'),
  ];
}

/** As the binary of 2.1.329 has them. */
const MANAGED_FOLDERS: Partial<Record<NodeJS.Platform, string>> = {
  darwin: '/Library/Application Support/ClaudeCode',
  win32: 'C:\\Program Files\\ClaudeCode',
};

interface Lists {
  /** By plugin@marketplace. */
  readonly installed: JsonObject;
  /** By name. */
  readonly marketplaces: readonly JsonObject[];
}

function pluginState(sources: readonly Source[], { installed, marketplaces }: Lists): PluginState {
  const named = [...sources.flatMap(({ json }) => Object.keys(objectIn(json, 'enabledPlugins'))), ...Object.keys(installed)];
  const states = [...new Set(named)]
    .filter((id) => id.startsWith(`${PLUGIN_NAME}@`))
    .map((id): Exclude<PluginState, { kind: 'absent' }> => {
      const decides = sources.find(({ json }) => objectIn(json, 'enabledPlugins')[id] !== undefined);
      if (decides === undefined || objectIn(decides.json, 'enabledPlugins')[id] === false)
        return { kind: 'disabled', id, path: decides?.path };
      const marketplace = marketplaces
        .map((known) => objectIn(known, id.slice(PLUGIN_NAME.length + 1)))
        .find((known) => known['source'] !== undefined);
      return { kind: 'enabled', id, path: decides.path, managed: decides.kind === 'managed', ...copyOf(installed[id], marketplace) };
    });
  return states.find(({ kind }) => kind === 'enabled') ?? states[0] ?? { kind: 'absent' };
}

/** Up to some version one object, later a list, one a scope. */
function copyOf(
  entry: unknown,
  marketplace: JsonObject = NOTHING,
): { readonly version: string | undefined; readonly missing: string | undefined } {
  const entries = (Array.isArray(entry) ? entry : [entry]).filter(isObject);
  const source = objectIn(marketplace, 'source');
  const directory = source['source'] === 'directory' ? textIn(source, 'path') : undefined;
  const folder = directory === undefined ? textIn(entries[0] ?? NOTHING, 'installPath') : pluginIn(directory);
  const manifest = folder === undefined ? undefined : jsonIn(join(folder, '.claude-plugin', 'plugin.json'));
  const isThere = folder !== undefined && existsSync(join(folder, 'hooks', 'hooks.json'));
  return {
    version: (typeof manifest === 'object' ? textIn(manifest, 'version') : undefined) ?? textIn(entries[0] ?? NOTHING, 'version'),
    // What came from elsewhere Claude Code fetches again.
    missing: directory !== undefined && !isThere ? folder : undefined,
  };
}

function pluginIn(marketplace: string): string {
  const json = jsonIn(join(marketplace, '.claude-plugin', 'marketplace.json'));
  const plugins = typeof json === 'object' && Array.isArray(json['plugins']) ? json['plugins'].filter(isObject) : [];
  const source = plugins.find(({ name }) => name === PLUGIN_NAME)?.['source'];
  return resolve(marketplace, typeof source === 'string' ? source : '.');
}

function hooksOff(sources: readonly Source[], plugin: PluginState): ClaudeCode['hooksOff'] {
  const byOne = sources.find(({ json }) => json['disableAllHooks'] === true);
  if (byOne !== undefined) return { path: byOne.path, key: 'disableAllHooks' };
  const key = 'allowManagedHooksOnly';
  const byManager = sources.find(({ kind, json }) => kind === 'managed' && json[key] === true);
  return byManager === undefined || (plugin.kind === 'enabled' && plugin.managed) ? undefined : { path: byManager.path, key };
}

/** {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "…"}]}]}} */
const commandsIn = (json: JsonObject): readonly string[] =>
  Object.values(objectIn(json, 'hooks'))
    .flatMap((groups) => (Array.isArray(groups) ? groups : []))
    .filter(isObject)
    .flatMap((group) => (Array.isArray(group['hooks']) ? group['hooks'] : []))
    .filter(isObject)
    .flatMap((hook) => textIn(hook, 'command') ?? []);

function settingOf(name: string, sources: readonly Source[], env: NodeJS.ProcessEnv): Setting | undefined {
  for (const { json, path } of sources) {
    const value = objectIn(json, 'env')[name];
    if (value !== undefined) return { value: String(value), path };
  }
  const value = env[name];
  return value === undefined ? undefined : { value, path: undefined };
}

// ---------------------------------------------------------------------------------------------
// Others' files: nothing in them is as it must be.

function jsonIn(path: string): JsonObject | 'broken' | undefined {
  try {
    const text = readIfThere(path);
    if (text === undefined || text.trim() === '') return undefined;
    const json: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    return isObject(json) ? json : 'broken';
  } catch {
    return 'broken';
  }
}

function textIn(json: JsonObject, key: string): string | undefined {
  const value = json[key];
  return typeof value === 'string' ? value : undefined;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // There is none.
  }
}
