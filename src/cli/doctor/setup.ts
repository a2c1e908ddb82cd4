/**
 * Is anything to be exported at all: config, places, scope, the variable that switches us off.
 *
 * in:   Facts
 * out:  Checks
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LoadedConfig } from '../../config/load.ts';
import { CONFIG_KEYS, DEFAULTS } from '../../config/schema.ts';
import { UserError } from '../../errors.ts';
import { parentFrom } from '../../trace/parent.ts';
import { when } from '../age.ts';
import { isMade, linksBetween } from '../install/default-places.ts';
import { masked, shown } from '../settings.ts';
import type { Setting } from './claude-code.ts';
import { type Facts, tilde } from './facts.ts';
import { type Check, failure, ok, type Report, warning } from './report.ts';

export function configCheck({ config, paths, world }: Facts): Check {
  if (config instanceof UserError) return failure('config', config.message, config.hint);
  const files = [paths.config, paths.managed].filter((path) => existsSync(path)).map((path) => tilde(path, world));
  if (files.length === 0)
    return failure('config', `There is no config: neither ${tilde(paths.config, world)} nor ${paths.managed}.`, 'trace-build init');
  const details = Object.entries(settingsOf(config)).map(([key, { value, origin }]) => `${key} = ${shown(value)} (${origin})`);
  const sentence = `Read from ${files.join(' and ')}.`;
  if (config.warnings.length === 0) return ok('config', sentence, details);
  return warning('config', [sentence, ...config.warnings].join(' '), 'Correct the file, if it is not meant for another version.', details);
}

/** Those that are not at their default. */
export const settingsOf = ({ config, origins }: LoadedConfig): NonNullable<Report['settings']> =>
  Object.fromEntries(
    CONFIG_KEYS.filter((key) => JSON.stringify(config[key]) !== JSON.stringify(DEFAULTS[key])).map((key) => [
      key,
      { value: masked(key, config), origin: origins[key] },
    ]),
  );

/** Hooks read no XDG_* and no HOME. */
export function placesCheck({ paths, hooks, world }: Facts): Check {
  const apart = linksBetween(paths, hooks.paths).filter((link) => !isMade(link));
  if (apart.length === 0)
    return ok('places', `Hooks and this shell use the same files: ${tilde(dirname(paths.config), world)}, ${tilde(paths.state, world)}.`);
  const pairs = apart.map(({ from, to }) => `${tilde(from, world)} (here ${tilde(to, world)})`);
  return failure(
    'places',
    `Hooks do not use the files of this shell, for no variable counts for them: they use ${pairs.join(' and ')}.`,
    hooks.home === world.home
      ? 'trace-build install: it links the one place to the other'
      : `Run this with HOME=${hooks.home}, the home that the user database tells and hooks use.`,
  );
}

export function scopeCheck({ config, decision, directory, paths, world, nowMs }: Facts): Check | undefined {
  if (decision === undefined || config instanceof UserError) return undefined;
  const why = `${decision.why.charAt(0).toUpperCase()}${decision.why.slice(1)}`;
  if (decision.inScope) {
    const { addedMs } = decision.root;
    const parts = [
      `${why}.`,
      ...(addedMs === undefined ? [] : [`Added ${when(addedMs, nowMs)}; sessions from before are delivered by trace-build sync --since.`]),
      config.config.when === 'turn' ? 'Each turn is delivered when it is over.' : 'A session is delivered when it is over (when: session).',
    ];
    return ok('scope', parts.join(' '));
  }
  if (why.startsWith('Excluded'))
    return failure(
      'scope',
      `It is ${decision.why}.`,
      `Take that out of exclude in ${tilde(paths.config, world)} or ${paths.managed}, if it is to be exported.`,
    );
  if (config.origins.trace_roots === 'managed')
    return failure('scope', `${why}.`, `Ask whoever manages ${paths.managed}: the roots are set there.`);
  const add = `trace-build roots add${directory === world.cwd ? '' : ` ${shown(directory)}`}`;
  return failure(
    'scope',
    config.config.trace_roots.length === 0 && config.config.include.length === 0 ? 'No directory is opted in.' : `${why}.`,
    add,
  );
}

export function disabledCheck({ claude, world }: Facts): Check {
  const disabled = claude.hookEnv('TRACE_BUILD_DISABLED');
  if (disabled !== undefined && isOn(disabled.value))
    return failure(
      'disabled',
      `TRACE_BUILD_DISABLED is set in ${placeOf(disabled, world)}: nothing of its sessions is exported by hooks.`,
      disabled.path === undefined ? 'unset TRACE_BUILD_DISABLED' : `Take it out of env in ${tilde(disabled.path, world)}.`,
    );
  const traceparent = claude.hookEnv('TRACE_BUILD_TRACEPARENT');
  const parent = traceparent === undefined ? undefined : parentFrom(traceparent.value);
  if (traceparent !== undefined && traceparent.value !== '' && parent === undefined)
    return warning('disabled', `TRACE_BUILD_TRACEPARENT in ${placeOf(traceparent, world)} is not a W3C traceparent: it is ignored.`);
  if (parent?.sampled === false)
    return warning(
      'disabled',
      `TRACE_BUILD_TRACEPARENT in ${placeOf(traceparent!, world)} names a trace that is not sampled: sessions begun with it are not sent.`,
    );
  return ok('disabled', 'TRACE_BUILD_DISABLED is not set.');
}

/** As the hook reads it. */
const isOn = (value: string): boolean => !['', '0', 'false'].includes(value.toLowerCase());

export const placeOf = ({ path }: Setting, world: Facts['world']): string => (path === undefined ? 'this shell' : tilde(path, world));
