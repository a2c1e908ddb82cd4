#!/usr/bin/env node
/**
 * The program: this process's command line, environment and terminal.
 *
 * in:   process
 * out:  exit code, see cli.ts
 */
import { homedir } from 'node:os';
import { isatty } from 'node:tty';
import { EXIT } from './account.ts';
import { cli } from './cli.ts';
import { asker, terminal } from './terminal.ts';

/** Set by the build from package.json. */
const VERSION = process.env['TRACE_BUILD_VERSION'] ?? '0.0.0';

const out = terminal(process.stdout, process.stderr, process.env);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `trace-build … | head` closes our output: that is no failure.
  if (error.code === 'EPIPE') process.exit(0);
  out.complain(`The output could not be written: ${error.message}.`);
  process.exit(EXIT.user);
});
// Where there is no room for messages there is none to say so.
process.stderr.on('error', () => undefined);
process.exitCode = await cli(process.argv.slice(2), {
  env: process.env,
  home: homedir(),
  cwd: process.cwd(),
  version: VERSION,
  out,
  dist: new URL('.', import.meta.url),
  ...(isatty(0) && isatty(2) && { ask: asker(process.stdin, process.stderr) }),
});
