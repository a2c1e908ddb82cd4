/**
 * A world for the real Claude Code CLI: a home, a repository, a model that follows scripts, a collector, and the
 * plugin as a user has it who cloned this repository and ran nothing in it.
 *
 * in:   a version of the CLI, scripts
 * out:  `World`; everything it writes lies in one temporary folder, everything it asks for is on 127.0.0.1
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Collector, startCollector } from '../../support/collector.ts';
import { type ModelServer, type Script, startModelServer } from '../../support/model-server.ts';
import { claude } from './cli.ts';
import { nobodyIsLeft, processesOf, until } from './processes.ts';
import { openTerminal, type Terminal } from './terminal.ts';

export interface World {
  readonly folder: string;
  readonly home: string;
  readonly project: string;
  readonly model: ModelServer;
  readonly collector: Collector;
  /** `claude -p`, running. */
  readonly print: (prompt: string, ...args: readonly string[]) => Printing;
  /** `claude` in a terminal, ready to be typed into. */
  readonly interactive: (...args: readonly string[]) => Promise<Terminal>;
  /** A tool that `waits` is at work. */
  readonly toolStarted: (name: string) => Promise<void>;
  /** Lets it come to its end, also when its agent is gone. */
  readonly letToolEnd: (name: string) => void;
  /** Kills what is left. @returns what that was: nothing, when all went well */
  readonly endAll: () => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

export interface Printing {
  readonly pid: number;
  readonly ended: Promise<Printed>;
}

export interface Printed {
  /** Of the process, or the signal it died of. */
  readonly code: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** By `performance.now()`. */
  readonly beganMs: number;
  readonly endedMs: number;
}

export interface WorldOptions {
  readonly version: string;
  readonly scripts: Readonly<Record<string, Script>>;
  /** A clone of this repository unless said otherwise; `idle`: the same, but its hooks do nothing. */
  readonly plugin?: 'clone' | 'idle' | 'none';
  readonly latencyMs?: number;
}

const STATE = join('.local', 'state', 'trace-build');

/** @throws what the story throws; and when it leaves a process behind */
export async function inWorld(options: WorldOptions, story: (world: World) => Promise<void>): Promise<void> {
  const world = await createWorld(options);
  try {
    await story(world);
    const left = await world.endAll();
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  } finally {
    await world.stop();
  }
}

export async function createWorld({ version, scripts, plugin = 'clone', latencyMs }: WorldOptions): Promise<World> {
  const executable = claude(version);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-e2e-')));
  const [home, project, tmp] = ['home', 'project', 'tmp'].map((name) => join(folder, name)) as [string, string, string];
  for (const path of [home, project, tmp]) mkdirSync(path);
  execFileSync('git', ['init', '--quiet', project]);
  const model = await startModelServer(scripts, latencyMs);
  const collector = await startCollector();
  const env = environment({ home, tmp, modelUrl: model.url });
  welcome(home, project, version, env['ANTHROPIC_API_KEY']!);
  configure(home, project, collector.url);
  const pluginFolder = join(folder, 'plugin');
  if (plugin !== 'none') clonePlugin(pluginFolder, (command) => (plugin === 'idle' ? ':' : `${command} ${hookOptions(home)}`));
  const pluginArgs = plugin === 'none' ? [] : ['--plugin-dir', pluginFolder];
  const common = ['--dangerously-skip-permissions', ...pluginArgs];
  let terminals = 0;

  const print = (prompt: string, ...args: readonly string[]): Printing => {
    // The prompt first: to old versions every word after --plugin-dir is a plugin.
    const child = spawn(executable, ['-p', prompt, '--output-format', 'json', ...args, ...common], {
      cwd: project,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { pid: child.pid!, ended: printed(child) };
  };
  const interactive = async (...args: readonly string[]): Promise<Terminal> => {
    const name = `terminal-${++terminals}`;
    const terminal = await openTerminal({ folder, name, directory: project, command: [executable, ...args, ...common], env });
    await terminal.shows('bypass permissions on');
    return terminal;
  };
  const toolStarted = (name: string): Promise<void> =>
    until(`the start of ${name}`, () => existsSync(join(folder, `${name}.started`)), { details: () => shown(model) }).then(() => undefined);
  const letToolEnd = (name: string): void => writeFileSync(join(folder, `${name}.go`), '');
  const endAll = async (): Promise<readonly string[]> => {
    const left = processesOf(folder);
    for (const { pid } of left) kill(pid);
    await nobodyIsLeft(folder);
    return left.map(({ command }) => command);
  };
  const stop = async (): Promise<void> => {
    await endAll();
    await Promise.all([model.stop(), collector.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
  return { folder, home, project, model, collector, print, interactive, toolStarted, letToolEnd, endAll, stop };
}

export function jobsOf({ home }: Pick<World, 'home'>): readonly string[] {
  const queue = join(home, STATE, 'queue');
  return existsSync(queue) ? readdirSync(queue).filter((name) => name.endsWith('.job')) : [];
}

/** For a failing test: what the plugin left. */
export function stateOf({ home }: Pick<World, 'home'>): string {
  return execFileSync(
    'sh',
    [
      '-c',
      'cd "$0" 2>/dev/null || exit 0; find . -type f | sort; for f in log notice.json queue/*.job; do [ -f "$f" ] && echo "--- $f" && tail -c 4000 "$f"; done; true',
      join(home, STATE),
    ],
    { encoding: 'utf8' },
  );
}

/** The CLI writes in batches: what it is doing may not be on disk yet. */
export const transcriptsHold = ({ home }: World, text: string): boolean =>
  readdirSync(join(home, '.claude', 'projects'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.jsonl'))
    .some((path) => readFileSync(join(home, '.claude', 'projects', path), 'utf8').includes(text));

const shown = ({ served, unknown }: ModelServer): string =>
  `served: ${served.map(({ script, step, wholeAtMs }) => `${script} ${step}${wholeAtMs === undefined ? ' (not whole)' : ''}`).join(', ')}; unknown: ${unknown.join(', ')}`;

/** Nothing of the environment the tests run in but PATH: its variables are not the user's whom we play. */
const environment = ({ home, tmp, modelUrl }: { home: string; tmp: string; modelUrl: string }): Readonly<Record<string, string>> => ({
  PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  HOME: home,
  TMPDIR: tmp,
  CLAUDE_CODE_TMPDIR: tmp,
  TERM: 'xterm-256color',
  LANG: 'C.UTF-8',
  SHELL: '/bin/bash',
  ANTHROPIC_BASE_URL: modelUrl,
  // Long enough for the CLI, and nobody's.
  ANTHROPIC_API_KEY: ['no', 'key', 'at', 'all', process.pid].join('-'),
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  // It lets root skip the permissions.
  IS_SANDBOX: '1',
});

/** A user who has seen all the first questions, and trusts the project. */
function welcome(home: string, project: string, version: string, apiKey: string): void {
  mkdirSync(join(home, '.claude'));
  writeJson(join(home, '.claude', 'settings.json'), { skipDangerousModePermissionPrompt: true });
  writeJson(join(home, '.claude.json'), {
    hasCompletedOnboarding: true,
    lastOnboardingVersion: version,
    lastReleaseNotesSeen: version,
    theme: 'dark',
    numStartups: 3,
    bypassPermissionsModeAccepted: true,
    customApiKeyResponses: { approved: [apiKey.slice(-20)], rejected: [] },
    projects: { [project]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true, allowedTools: [] } },
  });
}

function configure(home: string, project: string, endpoint: string): void {
  const folder = join(home, '.config', 'trace-build');
  mkdirSync(folder, { recursive: true });
  writeJson(join(folder, 'config.json'), { trace_roots: [project], endpoint });
}

/** A clone of what is committed in the current directory's repository, without npm, with other commands for its hooks. */
function clonePlugin(folder: string, commandFrom: (command: string) => string): void {
  execFileSync('git', ['clone', '--quiet', '.', folder]);
  const file = join(folder, 'hooks', 'hooks.json');
  writeJson(
    file,
    JSON.parse(readFileSync(file, 'utf8'), (key, value) => (key === 'command' ? commandFrom(value) : value)),
  );
}

/**
 * A hook takes the home of the user database, not $HOME, so that no repository's settings can lead it elsewhere; for a test
 * that would be the home of whoever runs it. So each hook is told ours, and that this machine's administrator has no say.
 */
const hookOptions = (home: string): string => `--home '${home}' --managed '${join(home, 'nothing-managed.json')}'`;

async function printed(child: ChildProcess): Promise<Printed> {
  const beganMs = performance.now();
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  // Not `close`: a tool that outlives a killed session holds the pipes.
  return new Promise((resolve) =>
    child.on('exit', (code, signal) => resolve({ code: signal ?? code, stdout, stderr, beganMs, endedMs: performance.now() })),
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

const writeJson = (path: string, value: object): void => writeFileSync(path, JSON.stringify(value, undefined, 2));
