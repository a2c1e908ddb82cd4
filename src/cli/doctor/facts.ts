/**
 * What a check may ask about.
 *
 * in:   World, the directory
 * out:  `Facts`: paths of the shell and of hooks, the config, where it delivers to. Reads only
 */
import { realpathSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import { type Paths, pathsFor } from '../../config/paths.ts';
import { decideScope, type ScopeDecision } from '../../config/scope.ts';
import { UserError } from '../../errors.ts';
import type { Destination } from '../../export/destination.ts';
import { directoryFacts } from '../../read/directory.ts';
import { destinationOfHooks } from '../live.ts';
import type { World } from '../run.ts';
import { pathsOf } from '../settings.ts';
import { type ClaudeCode, claudeCode } from './claude-code.ts';

export interface Facts {
  readonly world: World;
  readonly platform: NodeJS.Platform;
  readonly nowMs: number;
  /** As given, absolute. */
  readonly directory: string;
  /** Of this shell, as every command uses them. */
  readonly paths: Paths;
  /** As hooks find them, whatever the shell's variables say. */
  readonly hooks: { readonly home: string; readonly paths: Paths };
  readonly claude: ClaudeCode;
  readonly config: LoadedConfig | UserError;
  /** With a config that can be read. */
  readonly decision: ScopeDecision | undefined;
  /** Where hooks deliver to; undefined without an endpoint. */
  readonly destination: Destination | UserError | undefined;
}

export function factsOf(world: World, directory: string): Facts {
  const { env, home, managed, platform = process.platform, now = Date.now } = world;
  const hookHome = world.databaseHome ?? databaseHome() ?? home;
  const paths = pathsOf(world);
  const config = orUserError(() => loadConfig(paths));
  const isKnown = !(config instanceof UserError);
  return {
    world,
    platform,
    nowMs: now(),
    directory,
    paths,
    hooks: { home: hookHome, paths: pathsFor({ home: hookHome, env: {}, platform, managed }) },
    claude: claudeCode({
      env,
      home,
      platform,
      directory: realDirectory(directory),
      managedFolder: managed === undefined ? undefined : dirname(managed),
    }),
    config,
    decision: isKnown ? decideScope(config.config, directoryFacts(directory), home) : undefined,
    destination: isKnown ? destinationOfHooks(config, home) : undefined,
  };
}

export function orUserError<T>(act: () => T): T | UserError {
  try {
    return act();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

/** @returns undefined for a user whom no database knows, as in some containers: hooks take $HOME then */
function databaseHome(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}

/** Claude Code goes by the real one. */
function realDirectory(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory; // Gone.
  }
}

/** For people: `~` for the home. */
export const tilde = (path: string, { home }: World): string =>
  path === home || path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
