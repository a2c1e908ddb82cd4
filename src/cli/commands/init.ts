/**
 * `trace-build init`: a first config, by questions, by flags, or from the OTEL_* variables of the shell.
 *
 * in:   argv, World
 * out:  the user's config; what it holds now, without secrets, and what to do next
 */
import { resolve } from 'node:path';
import { KEYS } from '../../config/destination.ts';
import { type Change, typedValue, withEntry, withRoot, withValue } from '../../config/edit.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { ConfigKey } from '../../config/schema.ts';
import { decideScope } from '../../config/scope.ts';
import { UserError } from '../../errors.ts';
import { resourceOverrides, settingsFromEnv } from '../../export/destination.ts';
import { directoryFacts } from '../../read/directory.ts';
import { EXIT } from '../account.ts';
import type { World } from '../run.ts';
import { changeConfig, configOf, masked, shown } from '../settings.ts';
import { type CliCommand, commandLine } from './command.ts';
import { existingRoot } from './roots.ts';

interface Flags {
  readonly fromEnv?: true;
  readonly endpoint?: string;
  readonly header?: readonly string[];
  readonly protocol?: string;
  readonly content?: string;
  /** True: the current directory. */
  readonly root?: string | true;
}

interface Step {
  readonly key: ConfigKey;
  readonly change: Change;
}

export const init: CliCommand = {
  name: 'init',
  summary: 'a first config: asks for it, takes flags, or copies the OTEL_* variables of the shell',
  async run(argv, world) {
    const { command, parse } = commandLine('trace-build init', 'Writes a first config: what flags do not say is asked for.');
    command
      .option('--from-env', 'copy OTEL_EXPORTER_OTLP_*, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES: hooks do not see them')
      .option('--endpoint <url>', 'OTLP/HTTP endpoint')
      .option('--header <name=value>', 'header for the endpoint; may be repeated', (value, all: string[] = []) => [...all, value])
      .option('--protocol <protocol>', 'http/protobuf or http/json')
      .option('--content <policy>', 'prompts, answers, arguments and results: none, redacted or full')
      .option('--root [dir]', 'export the sessions of a directory; without it, of the current one')
      .action((flags: Flags) => write(flags, world));
    await parse(argv, world.out);
    return EXIT.ok;
  },
};

async function write(flags: Flags, world: World): Promise<void> {
  const loaded = configOf(world);
  const given = [...(flags.fromEnv === true ? fromEnvironment(world) : []), ...fromFlags(flags, world)];
  const steps = [...given, ...(world.ask === undefined ? [] : await fromAnswers(world.ask, given, world, loaded))];
  if (steps.length === 0 && world.ask === undefined)
    throw new UserError(
      'There is nothing to write.',
      'Say what: --endpoint http://localhost:4318 --root, or --from-env. See trace-build init --help.',
    );
  const keys = [...new Set(steps.map(({ key }) => key))];
  const changed = changeConfig(world, loaded, keys, (json) => steps.reduce((before, { change }) => change(before), json));
  const { config, paths } = configOf(world);
  for (const key of keys) await world.out.write(`${key}: ${shown(masked(key, config))}\n`);
  await world.out.write(`${changed ? 'Written to' : 'Nothing to change in'} ${paths.config}\n`);
  world.out.note(
    'Next: trace-build install lets the hooks of Claude Code deliver (--harness: of Codex, OpenClaw or Hermes), trace-build doctor tells whether all is well.',
  );
}

/** Those of one value. */
const { headers: _headers, resource: _resource, ...SETTINGS } = KEYS;
const PATHS: readonly ConfigKey[] = ['certificate', 'client_certificate', 'client_key'];

function fromEnvironment({ env, cwd, out }: World): Step[] {
  const settings = settingsFromEnv(env);
  for (const warning of resourceOverrides(env).warnings) out.note(warning);
  if (settings.endpoint !== undefined && !/\/v1\/traces\/?$/.test(new URL(settings.endpoint).pathname))
    throw new UserError(
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT does not end in /v1/traces: a config can not say that.',
      'Set OTEL_EXPORTER_OTLP_ENDPOINT to the base URL of the same collector, if it has one.',
    );
  const plain = (Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]).flatMap((name) => {
    const [key, value] = [SETTINGS[name], settings[name]];
    if (value === undefined) return [];
    return [{ key, change: withValue(key, PATHS.includes(key) ? resolve(cwd, String(value)) : value) }];
  });
  const steps = [...plain, ...entries('headers', settings.headers), ...entries('resource', settings.resource)];
  if (steps.length === 0)
    throw new UserError('No OTEL_* variable that a config could hold is set.', 'Set OTEL_EXPORTER_OTLP_ENDPOINT, or use --endpoint.');
  return steps;
}

const entries = (key: 'headers' | 'resource', values: Readonly<Record<string, string>> = {}): Step[] =>
  Object.entries(values).map(([name, value]) => ({ key, change: withEntry(key, name, value) }));

function fromFlags(flags: Flags, world: World): Step[] {
  const typed = (['endpoint', 'protocol', 'content'] as const).flatMap((key) =>
    flags[key] === undefined ? [] : [valueStep(key, flags[key])],
  );
  const headers = (flags.header ?? []).map((header, index) => headerStep(header, index));
  return [...typed, ...headers, ...(flags.root === undefined ? [] : [rootStep(world, flags.root === true ? undefined : flags.root)])];
}

const valueStep = (key: ConfigKey, typed: string): Step => ({ key, change: withValue(key, typedValue(key, typed)) });

const rootStep = (world: World, dir: string | undefined): Step => ({
  key: 'trace_roots',
  change: withRoot(existingRoot(world, dir), Date.now(), world.home),
});

/** Never repeats the header: it is a secret even when it is malformed. */
function headerStep(header: string, index: number): Step {
  const at = header.indexOf('=');
  if (at < 1) throw new UserError(`--header ${index + 1} is not name=value.`, 'Write "authorization=Bearer …".');
  return { key: 'headers', change: withEntry('headers', header.slice(0, at).trim(), header.slice(at + 1).trim()) };
}

/** Only what nobody has said yet, and what may be said. */
async function fromAnswers(ask: NonNullable<World['ask']>, given: readonly Step[], world: World, loaded: LoadedConfig): Promise<Step[]> {
  const { config, locked } = loaded;
  const isOpen = (key: ConfigKey): boolean => !locked.has(key) && given.every((step) => step.key !== key);
  const answer = async (question: string, usual: string): Promise<string> => (await ask(`${question} (${usual}): `)) || usual;
  const steps: Step[] = [];
  for (const [key, question] of [
    ['endpoint', 'OTLP/HTTP endpoint'],
    ['content', 'Prompts, answers, arguments and results that leave the machine: none, redacted or full'],
  ] as const) {
    if (!isOpen(key)) continue;
    const usual = shown(masked(key, config)) || 'http://localhost:4318';
    const said = await answer(question, usual);
    // What is shown of an endpoint may lack its password: what was kept is not written again.
    if (said !== usual || config[key] === undefined) steps.push(valueStep(key, said));
  }
  const inScope = decideScope(config, directoryFacts(world.cwd), world.home).inScope;
  if (isOpen('trace_roots') && !inScope) {
    const usual = world.cwd === world.home ? 'no' : 'yes';
    if (/^y/i.test(await answer(`Export the sessions of ${shown(world.cwd)} and of all below it: yes or no`, usual)))
      steps.push(rootStep(world, undefined));
  }
  return steps;
}
