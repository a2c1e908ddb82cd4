/**
 * Every command but the one without a name. The list exists once, here: dispatch and help are derived from it.
 *
 * in:   the commands' files      out: `commands`
 */
import type { CliCommand } from './command.ts';
import { config } from './config.ts';
import { doctor } from './doctor.ts';
import { hook } from './hook.ts';
import { init } from './init.ts';
import { install } from './install.ts';
import { redact } from './redact.ts';
import { roots } from './roots.ts';
import { sessions } from './sessions.ts';
import { stats } from './stats.ts';
import { sync } from './sync.ts';
import { uninstall } from './uninstall.ts';
import { verify } from './verify.ts';
import { view } from './view.ts';

// biome-ignore format: a line each
export const commands: readonly CliCommand[] = [
  view,
  sessions,
  stats,
  init,
  roots,
  config,
  sync,
  verify,
  doctor,
  redact,
  hook,
  install,
  uninstall,
];
