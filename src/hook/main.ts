/**
 * The worker as a program: hooks/worker.cjs, started by hooks/trace-build.sh.
 *
 * in:   `--wait` when the hook waits for it; HOME, which the script took from the user database. No other variable
 * out:  exit code 0, whatever happened; see worker.ts
 */
import { homedir } from 'node:os';
import { pathsFor } from '../config/paths.ts';
import { work } from './worker.ts';

/** Set by the build from package.json. */
const VERSION = process.env['TRACE_BUILD_VERSION'] ?? '0.0.0';

const argument = (name: string): string | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};

process.umask(0o077);
// Where there is no setsid, the terminal that is closed would take us with it.
process.on('SIGHUP', () => undefined);
void work({
  paths: pathsFor({ home: homedir(), env: {}, platform: process.platform, managed: argument('--managed') }),
  home: homedir(),
  version: VERSION,
  awaited: process.argv.includes('--wait'),
  now: Date.now,
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});
