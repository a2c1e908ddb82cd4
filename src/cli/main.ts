#!/usr/bin/env node
/**
 * The program: this process's command line, environment and terminal.
 *
 * in:   process
 * out:  exit code, see cli.ts
 */
import { homedir } from 'node:os';
import { isatty } from 'node:tty';
import { cli } from './cli.ts';
import { asker, terminal } from './terminal.ts';

/** Set by the build from package.json. */
const VERSION = process.env['TRACE_BUILD_VERSION'] ?? '0.0.0';

// `trace-build … | head` closes our output: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await cli(process.argv.slice(2), {
  env: process.env,
  home: homedir(),
  cwd: process.cwd(),
  version: VERSION,
  out: terminal(process.stdout, process.stderr, process.env),
  dist: new URL('.', import.meta.url),
  ...(isatty(0) && isatty(2) && { ask: asker(process.stdin, process.stderr) }),
});
