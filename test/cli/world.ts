/**
 * The command line in this process: arguments in; exit code, output and messages out.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pc from 'picocolors';
import { cli } from '../../src/cli/cli.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function trace(
  args: readonly string[],
  world: {
    env?: NodeJS.ProcessEnv;
    /** Default: one of its own, where nothing is remembered. */
    home?: string;
    cwd?: string;
    width?: number;
    managed?: string;
    answers?: readonly string[];
    now?: () => number;
    databaseHome?: string;
    stdin?: () => Promise<string>;
    dist?: URL;
    stopped?: Promise<void>;
    /** Told of what is written, as it is. */
    wrote?: (text: string) => void;
  } = {},
): Promise<Ran> {
  if (world.home === undefined) {
    const home = mkdtempSync(join(tmpdir(), 'trace-build-home-'));
    return trace(args, { ...world, home }).finally(() => rmSync(home, { recursive: true }));
  }
  let [stdout, stderr] = ['', ''];
  const answers = world.answers?.values();
  const code = await cli(args, {
    env: world.env ?? {},
    home: world.home,
    cwd: world.cwd ?? process.cwd(),
    version: '1.2.3',
    platform: 'linux',
    ...(world.now !== undefined && { now: world.now }),
    ...(world.databaseHome !== undefined && { databaseHome: world.databaseHome }),
    ...(world.stdin !== undefined && { stdin: world.stdin }),
    ...(world.dist !== undefined && { dist: world.dist }),
    ...(world.stopped !== undefined && { stopped: world.stopped }),
    // What this machine's administrator says is none of the tests' business.
    managed: world.managed ?? '/nowhere/managed.json',
    ...(answers !== undefined && {
      ask: async (question: string) => {
        stderr += question;
        return answers.next().value ?? '';
      },
    }),
    out: {
      colors: pc.createColors(false),
      width: world.width,
      watched: false,
      write: async (text) => {
        stdout += text;
        world.wrote?.(text);
      },
      note: (text) => {
        stderr += `${text}\n`;
      },
      complain: (text) => {
        stderr += `trace-build: ${text}\n`;
      },
    },
  });
  return { code, stdout, stderr };
}
