/**
 * The config, as the command line sees and changes it.
 *
 * in:   `World`; flags
 * out:  `LoadedConfig`, what holds for a run, the changed file; values as they may be shown
 */
import { type Change, editConfig } from '../config/edit.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { type Paths, pathsFor } from '../config/paths.ts';
import type { Config, ConfigKey } from '../config/schema.ts';
import { UserError } from '../errors.ts';
import { shownUrl } from '../export/destination.ts';
import { parentFrom } from '../trace/parent.ts';
import type { Options } from './options.ts';
import type { World } from './run.ts';
import { harmless } from './terminal.ts';

export const pathsOf = ({ home, env, platform = process.platform, managed }: Pick<World, 'home' | 'env' | 'platform' | 'managed'>): Paths =>
  pathsFor({ home, env, platform, managed });

/** @throws UserError when a file of it is broken */
export function configOf(world: World): LoadedConfig {
  const loaded = loadConfig(pathsOf(world));
  for (const warning of loaded.warnings) world.out.note(harmless(warning));
  return loaded;
}

/** Flags of a run, variables, then the config. @throws UserError when a flag is given for what is locked */
export function settled(
  options: Pick<Options, 'content' | 'semconv' | 'agentUsage'>,
  { config, locked, paths }: LoadedConfig,
  env: World['env'],
): Pick<Config, 'content' | 'semconv' | 'agent_usage'> {
  const flags = { content: options.content, semconv: options.semconv, agent_usage: options.agentUsage };
  for (const [key, flag] of Object.entries(flags) as [keyof typeof flags, string | undefined][]) {
    if (flag !== undefined && flag !== config[key] && locked.has(key)) {
      const name = `--${key.replace('_', '-')}`;
      throw new UserError(
        `${name} ${flag} can't be used: ${paths.managed} locks ${key}.`,
        `Leave ${name} out, or ask whoever manages that file.`,
      );
    }
  }
  return {
    content: flags.content ?? (asksForContent(env) && config.content === 'none' && !locked.has('content') ? 'redacted' : config.content),
    semconv: flags.semconv ?? config.semconv,
    agent_usage: flags.agent_usage ?? config.agent_usage,
  };
}

/** OTel's own switch knows no policy between: content without secrets is what it means here. */
const asksForContent = (env: World['env']): boolean => env['OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT']?.toLowerCase() === 'true';

/** @returns whether the user's file is another one now. @throws UserError for a key that is locked, or a broken file */
export function changeConfig(world: World, loaded: LoadedConfig, keys: readonly ConfigKey[], change: Change): boolean {
  const { locked, origins, paths } = loaded;
  for (const key of keys)
    if (locked.has(key)) throw new UserError(`${key} is locked by ${paths.managed}.`, 'Ask whoever manages that file.');
  const changed = editConfig(paths.config, change);
  for (const key of keys)
    if (origins[key] === 'managed' && key !== 'exclude') world.out.note(`${paths.managed} sets ${key} too, and wins.`);
  return changed;
}

/** The parent that a CI job gives its sessions. A bare TRACEPARENT is some agent's, for its own children. @throws UserError when it is none */
export function traceparentIn({ TRACE_BUILD_TRACEPARENT: text }: NodeJS.ProcessEnv): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (parentFrom(text) !== undefined) return text;
  throw new UserError(
    'TRACE_BUILD_TRACEPARENT is not a W3C traceparent.',
    'Give 00-<32 hex digits>-<16 hex digits>-<2 hex digits>, or unset it.',
  );
}

const HIDDEN = '****';

/** A value with nothing secret in it: headers and an endpoint may hold credentials. */
export function masked(key: ConfigKey, config: Config): unknown {
  if (key === 'headers') return Object.fromEntries(Object.keys(config.headers).map((name) => [name, HIDDEN]));
  return key === 'endpoint' && config.endpoint !== undefined ? shownUrl(config.endpoint) : config[key];
}

export const shown = (value: unknown): string => harmless(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
