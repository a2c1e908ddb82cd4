/**
 * `trace-build config show|get|set|path`.
 *
 * in:   argv, World
 * out:  what holds and where it comes from, without secrets, and what hooks are at; the user's config
 */
import { typedValue, withEntry, withValue } from '../../config/edit.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { CONFIG_KEYS, type ConfigKey, isConfigKey } from '../../config/schema.ts';
import { UserError } from '../../errors.ts';
import { EXIT } from '../account.ts';
import { deliveryWords, destinationOfHooks, type Live, liveState, queueWords, workerWords } from '../live.ts';
import type { World } from '../run.ts';
import { changeConfig, configOf, masked, pathsOf, shown } from '../settings.ts';
import { jsonText } from '../terminal.ts';
import { type CliCommand, commandLine } from './command.ts';

export const config: CliCommand = {
  name: 'config',
  summary: 'the settings of all runs and hooks: show, get, set, path',
  async run(argv, world) {
    const { command, parse } = commandLine('trace-build config', 'The settings of all runs and hooks. Secrets are never shown.');
    const keys = 'a key, or one entry of it: headers.authorization, resource.service.name';
    command
      .command('show', { isDefault: true })
      .description('every key, its value, and where that comes from')
      .option('--json', 'as JSON')
      .action(({ json }: { json?: true }) => show(world, json === true));
    command
      .command('get')
      .description('one value')
      .argument('<key>', keys)
      .action((key: string) => get(world, key));
    command
      .command('set')
      .description("write a value into the user's file")
      .argument('<key>', keys)
      .argument('<value>', 'text, JSON, or for lists texts between commas')
      .action((key: string, value: string) => set(world, key, value));
    command
      .command('path')
      .description("where the user's file is")
      .action(() => world.out.write(`${pathsOf(world).config}\n`));
    command.addHelpText('after', `\nKeys: ${CONFIG_KEYS.join(', ')}`);
    await parse(argv, world.out);
    return EXIT.ok;
  },
};

async function show(world: World, json: boolean): Promise<void> {
  const loaded = configOf(world);
  const { paths } = loaded;
  const rows = CONFIG_KEYS.map((key) => ({ key, ...entryOf(key, loaded) }));
  const live = liveOf(loaded, world.home);
  if (json) {
    const config = Object.fromEntries(rows.map(({ key, ...entry }) => [key, entry]));
    await world.out.write(jsonText({ files: { user: paths.config, managed: paths.managed }, config, live }));
    return;
  }
  await world.out.write(`user     ${paths.config}\nmanaged  ${paths.managed}\n\n`);
  const width = Math.max(...CONFIG_KEYS.map((key) => key.length));
  for (const { key, value, origin, locked } of rows)
    await world.out.write(
      `${`${key.padEnd(width)}  ${(locked ? `${origin}, locked` : origin).padEnd('default, locked'.length)}  ${shown(value)}`.trimEnd()}\n`,
    );
  const nowMs = (world.now ?? Date.now)();
  const words = live && {
    queue: queueWords(live.queue, nowMs),
    worker: workerWords(live.worker, nowMs),
    'last delivery': deliveryWords(live, nowMs),
  };
  await world.out.write('\n');
  for (const [name, what] of Object.entries(words ?? { state: "can't be read: trace-build doctor tells why" }))
    await world.out.write(`${name.padEnd(width)}  ${what}\n`);
}

function liveOf(loaded: LoadedConfig, home: string): Live | undefined {
  const destination = destinationOfHooks(loaded, home);
  try {
    return liveState(loaded.paths.state, destination instanceof UserError ? undefined : destination);
  } catch {
    return undefined; // The config can be shown all the same.
  }
}

const entryOf = (key: ConfigKey, { config, origins, locked }: LoadedConfig) => ({
  value: masked(key, config),
  origin: origins[key],
  locked: locked.has(key),
});

async function get(world: World, named: string): Promise<void> {
  const { key, entry } = parsedKey(named);
  const value = masked(key, configOf(world).config);
  await world.out.write(`${shown(entry === undefined ? value : entryIn(value as Readonly<Record<string, string>>, entry))}\n`);
}

const entryIn = (entries: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.entries(entries).find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1];

async function set(world: World, named: string, typed: string): Promise<void> {
  const { key, entry } = parsedKey(named);
  const change = entry === undefined ? withValue(key, typedValue(key, typed)) : withEntry(key as 'headers' | 'resource', entry, typed);
  const changed = changeConfig(world, configOf(world), [key], change);
  await world.out.write(`${changed ? 'Set' : 'Already so'}: ${named}\n`);
}

/** `headers.authorization` → the key, and what stands in it under that name. */
function parsedKey(named: string): { readonly key: ConfigKey; readonly entry?: string } {
  const [key = '', ...rest] = named.split('.');
  if (isConfigKey(key) && (rest.length === 0 || key === 'headers' || key === 'resource'))
    return rest.length === 0 ? { key } : { key, entry: rest.join('.') };
  throw new UserError(`There is no key ${named}.`, `The keys are: ${CONFIG_KEYS.join(', ')}`);
}
