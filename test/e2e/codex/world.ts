/**
 * A world for the real Codex CLI: a home, a repository, a model that follows scripts, a collector, and the plugin that
 * `trace-build install --harness codex` has installed.
 *
 * in:   scripts
 * out:  `World`; everything it writes lies in one temporary folder, everything it asks for is on 127.0.0.1
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Collector, startCollector } from '../../support/collector.ts';
import { nobodyIsLeft, processesOf, until } from '../claude/processes.ts';
import { codexFolder } from './cli.ts';
import { type ResponsesServer, type Script, startResponsesServer } from './responses.ts';

export interface World {
  readonly folder: string;
  readonly home: string;
  readonly project: string;
  readonly model: ResponsesServer;
  readonly collector: Collector;
  /** `trace-build`, of the clone. */
  readonly traceBuild: (...args: readonly string[]) => { readonly code: number | null; readonly stdout: string; readonly stderr: string };
  /** `codex exec`, running. */
  readonly exec: (...args: readonly string[]) => Running;
  /** A tool that waits is at work. */
  readonly toolStarted: (name: string) => Promise<void>;
  /** Lets it come to its end, also when its agent is gone. */
  readonly letToolEnd: (name: string) => void;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<{ readonly code: number | NodeJS.Signals | null; readonly stdout: string; readonly stderr: string }>;
}

/** @throws what the story throws; and when it leaves a process behind */
export async function inWorld(scripts: Readonly<Record<string, Script>>, story: (world: World) => Promise<void>): Promise<void> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-e2e-')));
  const [model, collector] = await Promise.all([startResponsesServer(scripts), startCollector()]);
  try {
    await story(worldIn(folder, model, collector));
    const left = processesOf(folder);
    if (left.length > 0) throw new Error(`left behind: ${left.map(({ command }) => command).join(', ')}`);
  } finally {
    for (const { pid } of processesOf(folder)) kill(pid);
    await nobodyIsLeft(folder);
    await Promise.all([model.stop(), collector.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

function worldIn(folder: string, model: ResponsesServer, collector: Collector): World {
  const [home, project, tmp] = ['home', 'project', 'tmp'].map((name) => join(folder, name)) as [string, string, string];
  for (const path of [home, project, tmp, join(home, '.codex')]) mkdirSync(path);
  execFileSync('git', ['init', '--quiet', project]);
  writeFileSync(join(home, '.codex', 'config.toml'), configToml(model.url));
  mkdirSync(join(home, '.config', 'trace-build'), { recursive: true });
  writeFileSync(join(home, '.config', 'trace-build', 'config.json'), JSON.stringify({ trace_roots: [project], endpoint: collector.url }));
  const clone = join(folder, 'clone');
  clonePlugin(clone, home);
  // Nothing of the environment the tests run in but PATH: its variables are not the user's whom we play.
  const env = { HOME: home, PATH: `${codexFolder()}:${process.env['PATH']}`, TMPDIR: tmp, LANG: 'C.UTF-8', NO_KEY: 'none' };
  return {
    folder,
    home,
    project,
    model,
    collector,
    traceBuild: (...args) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(clone, 'dist', 'cli.js'), ...args], {
        env,
        cwd: project,
        encoding: 'utf8',
      });
      return { code: status, stdout, stderr };
    },
    exec: (...args) => {
      const all = ['exec', ...args, '--json', '--dangerously-bypass-hook-trust', '--dangerously-bypass-approvals-and-sandbox'];
      const child = spawn('codex', all, { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] });
      return { pid: child.pid!, ended: ended(child) };
    },
    toolStarted: (name) => until(`the start of ${name}`, () => existsSync(join(folder, `${name}.started`))).then(() => undefined),
    letToolEnd: (name) => writeFileSync(join(folder, `${name}.go`), ''),
  };
}

const configToml = (url: string): string => `model = "gpt-5.5"
model_provider = "scripted"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.scripted]
name = "scripted"
base_url = "${url}/v1"
wire_api = "responses"
env_key = "NO_KEY"
`;

/**
 * A clone of what is committed, with what was built of it. A hook takes the home of the user database, not $HOME, so that no
 * repository's settings can lead it elsewhere; for a test that would be the home of whoever runs it. So each hook is told ours,
 * and that this machine's administrator has no say.
 */
function clonePlugin(folder: string, home: string): void {
  execFileSync('git', ['clone', '--quiet', '.', folder]);
  cpSync('dist', join(folder, 'dist'), { recursive: true });
  const file = join(folder, 'hooks', 'codex.json');
  const options = `--home '${home}' --managed '${join(home, 'nothing-managed.json')}'`;
  const hooks = JSON.parse(readFileSync(file, 'utf8'), (key, value) => (key === 'command' ? `${value} ${options}` : value));
  writeFileSync(file, JSON.stringify(hooks));
}

async function ended(child: ChildProcess): Promise<Awaited<Running['ended']>> {
  const [stdout, stderr] = [text(child.stdout!), text(child.stderr!)];
  const code = await new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.on('exit', (status, signal) => resolve(signal ?? status)),
  );
  return { code, stdout: await stdout, stderr: await stderr };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
