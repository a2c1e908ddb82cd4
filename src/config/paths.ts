/**
 * Where our own files are.
 *
 * in:   home, environment, platform; never process.env by itself
 * out:  `Paths`
 *
 * A hook calls this with an empty environment and the home of the user database: a repository can set the variables of
 * a hook, so they must not decide which config is read.
 */
import { posix, win32 } from 'node:path';

export interface Paths {
  /** The user's config.json. */
  readonly config: string;
  /** The config.json of whoever manages the machine. */
  readonly managed: string;
  /** Folder. */
  readonly state: string;
  /** Folder. */
  readonly data: string;
}

export interface Where {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** For tests. No variable does this: whoever may set one could then unlock what is locked. */
  readonly managed?: string | undefined;
}

export function pathsFor({ home, env, platform, managed }: Where): Paths {
  const { join, isAbsolute } = platform === 'win32' ? win32 : posix;
  // XDG Base Directory Specification: a relative path is invalid and to be ignored.
  const base = (variable: string, fallback: readonly string[]): string => {
    const value = env[variable];
    return value !== undefined && isAbsolute(value) ? value : join(home, ...fallback);
  };
  return {
    config: join(base('XDG_CONFIG_HOME', ['.config']), 'trace-build', 'config.json'),
    managed: managed ?? managedPath(platform, env),
    state: join(base('XDG_STATE_HOME', ['.local', 'state']), 'trace-build'),
    data: join(base('XDG_DATA_HOME', ['.local', 'share']), 'trace-build'),
  };
}

function managedPath(platform: NodeJS.Platform, env: Where['env']): string {
  if (platform === 'win32') return win32.join(env['ProgramData'] || 'C:\\ProgramData', 'trace-build', 'config.json');
  return platform === 'darwin' ? '/Library/Application Support/trace-build/config.json' : '/etc/trace-build/config.json';
}

/** `~` and `~/…` → the home directory; anything else as it is. */
export const expanded = (path: string, home: string): string => (/^~(?:$|[\\/])/.test(path) ? `${home}${path.slice(1)}` : path);
