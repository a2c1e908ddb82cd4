/**
 * hooks/trace-build.sh in a home of its own, with workers that tell what they were given.
 *
 * in:   a shell; files of the home
 * out:  what the hook printed, the jobs it queued, what the worker saw. Ends when every process it started has ended
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { processesNaming, quiet } from './processes.ts';

const CANDIDATES: readonly (readonly string[])[] = [['dash'], ['busybox', 'sh'], ['bash'], ['bash', '--posix']];

/** In CI all of them; elsewhere those that are there. By their paths: the PATH is a test's to set. */
export const shells = CANDIDATES.map(([program, ...args]) => ({
  name: [program, ...args].join(' '),
  command: [whereIs(program!) ?? program!, ...args],
})).filter(({ command: [path] }) => process.env['CI'] || path!.startsWith('/'));

/** What the script needs of a system, without setsid, perl and node. */
const TOOLS = ['cat', 'date', 'du', 'env', 'find', 'id', 'ln', 'ls', 'mkdir', 'mv', 'rm', 'sed', 'sort', 'sh'];

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Job {
  readonly name: string;
  readonly head: Readonly<Record<string, string>>;
  readonly payload: Buffer;
}

/** As the stand-in of worker.cjs saw it. */
export interface WorkerRun {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdio: readonly string[];
  readonly pid: number;
  readonly session: number;
  readonly umask: number;
}

const STAND_IN = `
const { readFileSync, readlinkSync, renameSync, writeFileSync, existsSync } = require('node:fs');
const home = process.env.HOME;
const stat = readFileSync('/proc/self/stat', 'utf8');
const run = {
  args: process.argv.slice(2), env: process.env, cwd: process.cwd(), pid: process.pid, umask: process.umask(),
  stdio: [0, 1, 2].map((fd) => readlinkSync('/proc/self/fd/' + fd)),
  session: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]),
};
const name = home + '/worker-' + process.pid;
writeFileSync(name + '.tmp', JSON.stringify(run));
renameSync(name + '.tmp', name + '.json');
const stay = setInterval(() => existsSync(home + '/stay') || clearInterval(stay), 5);
`;

export class HookHome {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-hook-')));
  readonly home = join(this.folder, 'home');
  readonly state = join(this.home, '.local/state/trace-build');
  readonly queue = join(this.state, 'queue');
  readonly plugin = join(this.folder, 'plug in');
  readonly project = join(this.folder, 'project');
  /** A system without setsid, perl and node: for --path. */
  readonly bare = join(this.folder, 'bare');

  constructor(config: object | 'no config') {
    cpSync('hooks', join(this.plugin, 'hooks'), { recursive: true });
    this.write('plug in/hooks/worker.cjs', STAND_IN);
    mkdirSync(this.home);
    mkdirSync(this.project);
    mkdirSync(this.bare);
    for (const tool of TOOLS) symlinkSync(whereIs(tool)!, join(this.bare, tool));
    if (config !== 'no config') this.write('home/.config/trace-build/config.json', JSON.stringify(config, null, 2));
    this.recordNode(process.execPath);
  }

  get script(): string {
    return join(this.plugin, 'hooks/trace-build.sh');
  }

  /** @param path  below the folder of the test */
  write(path: string, text: string | Buffer, mode = 0o644): string {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  recordNode(path: string): void {
    this.write('home/.local/state/trace-build/node', `${path}\n`);
  }

  recordedNode(): string | undefined {
    return existsSync(join(this.state, 'node')) ? readFileSync(join(this.state, 'node'), 'utf8') : undefined;
  }

  /** A program that says it is node of that version, and as a worker writes its own path. */
  fakeNode(path: string, version: string): string {
    return this.write(
      path,
      `#!/bin/sh
[ "$1" != --version ] || { echo ${version}; exit; }
printf '%s' "$0" >"$HOME/worker-$$.tmp" && mv "$HOME/worker-$$.tmp" "$HOME/worker-by-fake-node"
`,
      0o755,
    );
  }

  /** Which fake node became the worker. */
  workerByFakeNode(): string | undefined {
    const file = join(this.home, 'worker-by-fake-node');
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  /** One hook, until it has ended; what it started may go on. */
  async hook(shell: readonly string[], event: string | undefined, payload: string | Buffer, more: HookOptions = {}): Promise<Ran> {
    const { env = {}, args = [], cwd = this.project, prefix = [] } = more;
    const command = [...prefix, ...shell, this.script, ...(event === undefined ? [] : [event]), '--home', this.home, ...args];
    const child = spawn(command[0]!, command.slice(1), {
      cwd,
      env: { PATH: process.env['PATH'], CLAUDE_PROJECT_DIR: this.project, ...env },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    // It may leave without having read it.
    child.stdin.on('error', () => undefined);
    child.stdin.end(payload);
    const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
    return { code, stdout, stderr };
  }

  /** The same, and until everything it started has ended. */
  async hookAndWorker(...args: Parameters<HookHome['hook']>): Promise<Ran> {
    const ran = await this.hook(...args);
    await this.quiet();
    return ran;
  }

  jobs(): readonly Job[] {
    if (!existsSync(this.queue)) return [];
    return readdirSync(this.queue)
      .filter((name) => name.endsWith('.job'))
      .map((name) => {
        const bytes = readFileSync(join(this.queue, name));
        const end = bytes.indexOf('\n\n');
        const [first, ...lines] = bytes.subarray(0, end).toString().split('\n');
        if (first !== 'trace-build job 1') throw new Error(`${name} begins with ${first}`);
        const head = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
        return { name, head, payload: bytes.subarray(end + 2) };
      });
  }

  /** All files of the queue that are no jobs. */
  leftovers(): readonly string[] {
    return existsSync(this.queue) ? readdirSync(this.queue).filter((name) => !name.endsWith('.job')) : [];
  }

  workers(): readonly WorkerRun[] {
    return readdirSync(this.home)
      .filter((name) => /^worker-\d+\.json$/.test(name))
      .map((name) => JSON.parse(readFileSync(join(this.home, name), 'utf8')) as WorkerRun);
  }

  /** Pids of all processes whose command line names the folder of the test. */
  processes(): readonly number[] {
    return processesNaming(this.folder);
  }

  /** Fails when a process remains. */
  quiet(): Promise<void> {
    return quiet(this.folder);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface HookOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** A command that runs the shell. */
  readonly prefix?: readonly string[];
}

/** A home for each test, removed after it, when all has ended. */
export function hookHomes(): (config?: object | 'no config') => HookHome {
  const homes: HookHome[] = [];
  afterEach(async () => {
    for (const home of homes.splice(0)) {
      await home.quiet();
      home.remove();
    }
  });
  return (config = { trace_roots: ['*'] }) => {
    const home = new HookHome(config);
    homes.push(home);
    return home;
  };
}

export function whereIs(program: string): string | undefined {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).stdout.trim() || undefined;
}
