/**
 * Do hooks come, and do they find what they need: the plugin, node, Claude Code's own tracing beside ours.
 *
 * in:   Facts; the programs there are
 * out:  Checks
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from '../../disk/files.ts';
import { when } from '../age.ts';
import type { ClaudeCode } from './claude-code.ts';
import { type Facts, tilde } from './facts.ts';
import type { Programs } from './programs.ts';
import { type Check, failure, ok, warning } from './report.ts';
import { placeOf } from './setup.ts';

/** Hooks that came since then show that they are loaded. */
const LATELY_MS = 24 * 60 * 60_000;

/**
 * @param lastHookMs  Unix ms; undefined: none has ever come
 * @param elsewhere   hooks of another harness are installed
 */
export function pluginCheck({ claude, platform, world, nowMs }: Facts, lastHookMs: number | undefined, elsewhere: boolean): Check {
  const { plugin, hooksOff, wiredByHand, broken } = claude;
  if (platform === 'win32') return failure('plugin', 'There are no hooks on Windows yet.', 'trace-build sync');
  if (hooksOff !== undefined)
    return failure(
      'plugin',
      `Claude Code runs no hooks of plugins: ${hooksOff.key} in ${tilde(hooksOff.path, world)}.`,
      `Take ${hooksOff.key} out of that file, or deliver without hooks: trace-build sync`,
    );
  const found = registered(claude, world);
  if (found.status !== 'failure') return found;
  if (wiredByHand.length > 0)
    return ok('plugin', `Hooks are wired by hand in ${wiredByHand.map((path) => tilde(path, world)).join(', ')}.`);
  const unreadable = broken.length === 0 ? '' : ` ${broken.map((path) => tilde(path, world)).join(' and ')} can't be read as JSON.`;
  const sentence = `${found.sentence}${unreadable}`;
  // Not everybody uses Claude Code.
  if (plugin.kind === 'absent' && elsewhere) return ok('plugin', `${sentence} To do so: ${found.todo}`);
  // Of another state the last hook tells nothing: it may be from before, or of another directory.
  if (plugin.kind !== 'absent' || lastHookMs === undefined || nowMs - lastHookMs > LATELY_MS)
    return failure('plugin', sentence, found.todo!);
  return warning(
    'plugin',
    `${sentence} But a hook came ${when(lastHookMs, nowMs)}: it may be loaded in another way, such as --plugin-dir.`,
  );
}

function registered({ plugin, userSettings }: ClaudeCode, world: Facts['world']): Check {
  switch (plugin.kind) {
    case 'absent':
      return failure('plugin', `The plugin is not installed in Claude Code (${tilde(userSettings, world)}).`, 'trace-build install');
    case 'disabled':
      return plugin.path === undefined || plugin.path === userSettings
        ? failure('plugin', 'The plugin is installed in Claude Code, but disabled.', `claude plugin enable ${plugin.id}`)
        : failure(
            'plugin',
            `The plugin is disabled for this directory by ${tilde(plugin.path, world)}.`,
            `Take ${plugin.id} out of enabledPlugins in that file.`,
          );
    case 'enabled':
      if (plugin.missing !== undefined)
        return failure(
          'plugin',
          `The plugin is enabled in Claude Code, but its folder ${tilde(plugin.missing, world)} is gone.`,
          'trace-build install',
        );
      return isOlder(plugin.version, world.version)
        ? warning('plugin', `The plugin is enabled, but of version ${plugin.version}; this is ${world.version}.`, 'trace-build install')
        : ok(
            'plugin',
            `${plugin.version === undefined ? 'The plugin' : `Version ${plugin.version}`} is installed and enabled (${tilde(plugin.path, world)}).`,
          );
    default:
      return plugin satisfies never;
  }
}

export function isOlder(version: string | undefined, than: string): boolean {
  const parts = (text: string): number[] => text.split(/[.+-]/).slice(0, 3).map(Number);
  const [own, other] = [parts(version ?? than), parts(than)];
  const at = other.findIndex((part, index) => part !== own[index]);
  return at >= 0 && own[at]! < other[at]!;
}

export function nodeCheck({ hooks, world }: Facts, { hooksNode }: Programs): Check {
  const { state } = hooks.paths;
  if (existsSync(join(state, 'no-node')))
    return failure(
      'node',
      'Hooks found no Node.js of 20 or newer: what they tell waits in the queue.',
      'trace-build install: it records the Node.js that runs this',
    );
  if (hooksNode === undefined)
    return ok('node', 'Hooks have not looked for Node.js yet. They take the first of 20 or newer that they find, and record it.');
  const path = tilde(hooksNode.path, world);
  if (!hooksNode.isThere)
    return warning('node', `${path}, which hooks used until now, is gone. The next hook looks for another one.`, 'trace-build install');
  if (hooksNode.version === undefined)
    return failure('node', `${path}, which hooks use, does not tell its version.`, 'trace-build install');
  if (Number.parseInt(hooksNode.version, 10) < MAJOR_MIN)
    return failure('node', `Hooks use ${path}, which is ${hooksNode.version}: it must be 20 or newer.`, 'trace-build install');
  return ok('node', `Hooks use ${path} (${hooksNode.version}).`);
}

const MAJOR_MIN = 20;

/** The path that `install`, or the first search that succeeded, has written down. */
export function recordedNode(stateFolder: string): string | undefined {
  try {
    const [line] = (readIfThere(join(stateFolder, 'node')) ?? '').split('\n');
    return line?.startsWith('/') ? line : undefined;
  } catch {
    return undefined; // A hook can't read it either, and searches.
  }
}

/**
 * As 2.1.329 decides it: traces need telemetry, a beta variable and an exporter; a second way needs an endpoint of its own.
 */
export function ownTracingCheck({ claude, world }: Facts): Check {
  const on = (name: string) => {
    const setting = claude.ownEnv(name);
    return setting !== undefined && /^(?:1|true|yes|on)$/i.test(setting.value.trim()) ? setting : undefined;
  };
  const exporter = claude.ownEnv('OTEL_TRACES_EXPORTER');
  const exports = exporter !== undefined && /otlp/.test(exporter.value);
  const beta = on('CLAUDE_CODE_ENHANCED_TELEMETRY_BETA') ?? on('ENABLE_ENHANCED_TELEMETRY_BETA');
  const detailed = claude.ownEnv('BETA_TRACING_ENDPOINT') === undefined ? undefined : on('ENABLE_BETA_TRACING_DETAILED');
  if (on('CLAUDE_CODE_ENABLE_TELEMETRY') !== undefined && beta !== undefined && exports)
    return warning(
      'own tracing',
      `Claude Code exports traces of its own, too (OTEL_TRACES_EXPORTER in ${placeOf(exporter, world)}): a backend that gets both shows every turn twice.`,
      'Set OTEL_TRACES_EXPORTER=none there, if both go to the same backend.',
    );
  if (detailed !== undefined)
    return warning(
      'own tracing',
      `Claude Code exports traces of its own, too (ENABLE_BETA_TRACING_DETAILED in ${placeOf(detailed, world)}).`,
      'Unset it there, if both go to the same backend.',
    );
  return ok('own tracing', "Claude Code's own traces are off: nothing comes twice.");
}
