/**
 * Files → what holds: managed, then the user's, then defaults.
 *
 * in:   `Paths`
 * out:  `LoadedConfig`, or UserError: with a broken file nothing is exported, rather than by other rules than were meant
 */
import type { WrittenRule } from '../redact/custom.ts';
import { type Checked, checked, readJson } from './file.ts';
import type { Paths } from './paths.ts';
import { CONFIG_KEYS, type Config, type ConfigKey, DEFAULTS, isConfigKey } from './schema.ts';

export interface LoadedConfig {
  readonly config: Config;
  readonly origins: Readonly<Record<ConfigKey, Origin>>;
  /** Keys that neither the user's file nor a flag nor a variable can set. */
  readonly locked: ReadonlySet<ConfigKey>;
  /** Those of `redact_custom`, and which file each stands in. */
  readonly customRules: readonly WrittenRule[];
  /** Sentences for the user. */
  readonly warnings: readonly string[];
  /** Where the files are, or would be. */
  readonly paths: Paths;
}

export type Origin = 'managed' | 'user' | 'default';

/** @throws UserError naming file, key and what to do */
export function loadConfig(paths: Paths): LoadedConfig {
  const managed = checked(paths.managed, readJson(paths.managed));
  const user = checked(paths.config, readJson(paths.config));
  const locked = new Set(managed.lock.filter(isConfigKey).filter(isLockable));
  const originOf = (key: ConfigKey): Origin => {
    if (managed.values[key] !== undefined) return 'managed';
    return user.values[key] !== undefined && !locked.has(key) ? 'user' : 'default';
  };
  const origins = Object.fromEntries(CONFIG_KEYS.map((key) => [key, originOf(key)])) as Record<ConfigKey, Origin>;
  const sources = { managed: managed.values, user: user.values, default: DEFAULTS };
  const config = Object.fromEntries(CONFIG_KEYS.map((key) => [key, sources[origins[key]][key]])) as unknown as Config;
  const exclude = [...new Set([...(managed.values.exclude ?? []), ...(user.values.exclude ?? [])])];
  const customRules = [
    ...(managed.values.redact_custom ?? []).map((rule) => ({ ...rule, source: paths.managed })),
    ...(user.values.redact_custom ?? []).map((rule) => ({ ...rule, source: paths.config })),
  ];
  return {
    config: {
      ...config,
      exclude,
      redact_rules: { ...(!locked.has('redact_rules') && user.values.redact_rules), ...managed.values.redact_rules },
      redact_custom: customRules.map(({ source: _, ...rule }) => rule),
    },
    customRules,
    origins,
    locked,
    warnings: [...managedWarnings(paths, managed), ...userWarnings(paths, user)],
    paths,
  };
}

/** A user may always exclude more, and hide more. */
const isLockable = (key: ConfigKey): boolean => key !== 'exclude' && key !== 'redact_custom';

const managedWarnings = (paths: Paths, { unknown, lock }: Checked): string[] => [
  ...unknownKeys(paths.managed, unknown),
  ...lock
    .filter((name) => !isConfigKey(name) || !isLockable(name))
    .map((name) => `${paths.managed}: lock: ${name} is ${isConfigKey(name) ? 'never locked' : 'no key of this version'}.`),
];

const userWarnings = (paths: Paths, { unknown, lock }: Checked): string[] => [
  ...unknownKeys(paths.config, unknown),
  ...(lock.length > 0 ? [`${paths.config}: lock counts only in ${paths.managed}.`] : []),
];

const unknownKeys = (path: string, names: readonly string[]): string[] =>
  names.map((name) => `${path}: ${name} is no key of this version; it is left alone.`);
