/**
 * `trace-build hook`: what hooks/trace-build.sh does, for hooks that are wired by hand.
 *
 * in:   a hook's payload on stdin; of the environment only what tells about the session
 * out:  a job in the queue, a detached worker; exit code 0 and no output, whatever happens
 *
 * As in the script, no variable decides what is captured or where it goes.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { pathsFor } from '../../config/paths.ts';
import { eventCalled, type HookEvent, payloadOfNotify } from '../../hook/events.ts';
import { enqueue } from '../../hook/queue.ts';
import { work } from '../../hook/worker.ts';
import { EXIT } from '../account.ts';
import { packageFolder } from '../install/plugin-files.ts';
import type { World } from '../run.ts';
import { type CliCommand, commandLine } from './command.ts';

export const hook: CliCommand = {
  name: 'hook',
  summary: "take a hook's payload from stdin: for hooks wired by hand",
  async run(argv, world) {
    const { command, parse } = commandLine(
      'trace-build hook',
      "Puts a hook's payload into the queue and starts the worker. For SessionStart, Stop and SessionEnd, and what other harnesses call them.",
    );
    command
      .argument('[event]', "name of the hook, where the payload does not tell it; or what Codex's notify gives")
      .option('--harness <name>', 'whose hook it is (claude-code)')
      .action((event: string | undefined, { harness }: { harness?: string }) => takePayload(world, event, harness));
    await parse(argv, world.out);
    return EXIT.ok;
  },
};

async function takePayload(world: World, told: string | undefined, harness: string | undefined): Promise<void> {
  const { env, version, platform = process.platform, managed } = world;
  try {
    const disabled = isOn(env['TRACE_BUILD_DISABLED']);
    const home = world.databaseHome ?? userInfo().homedir;
    const paths = pathsFor({ home, env: {}, platform, managed });
    if (!existsSync(paths.config) && !existsSync(paths.managed)) return;
    const notified = told === undefined ? undefined : payloadOfNotify(told);
    const payload = notified ?? (await (world.stdin ?? standardInput)());
    const event = notified === undefined ? eventCalled(told) : undefined;
    // Another agent may run inside Claude Code, whose variables tell of the outer one.
    const outer = harness === undefined ? env : {};
    const fields = {
      event,
      harness,
      project_dir: outer['CLAUDE_PROJECT_DIR'],
      session_id: outer['CLAUDE_CODE_SESSION_ID'],
      pid: outer['CLAUDE_PID'] ?? String(process.ppid),
      traceparent: env['TRACE_BUILD_TRACEPARENT'],
      disabled: disabled ? '1' : undefined,
    };
    enqueue(paths.state, fields, payload);
    const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    if (!disabled && (event ?? eventIn(payload)) === 'SessionEnd' && loadConfig(paths).config.wait)
      return await work({ paths, home, version, awaited: true, now: Date.now, wait });
    startWorker(home, managed);
  } catch {
    // The agent must not notice. What stayed behind, the next hook finds; `doctor` tells the rest.
  }
}

const eventIn = (payload: string): HookEvent | undefined => eventCalled(/"hook_event_name":\s*"(\w+)"/.exec(payload)?.[1]);

const isOn = (value: string | undefined): boolean => value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());

function startWorker(home: string, managed: string | undefined): void {
  const worker = join(packageFolder(), 'hooks', 'worker.cjs');
  const child = spawn(process.execPath, [worker, ...(managed === undefined ? [] : ['--managed', managed])], {
    cwd: '/',
    detached: true,
    env: { HOME: home, PATH: SYSTEM_PATH },
    stdio: 'ignore',
  });
  child.once('error', () => undefined);
  child.unref();
}

/** The worker asks git, and nobody else. */
const SYSTEM_PATH = '/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/opt/homebrew/bin';

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
