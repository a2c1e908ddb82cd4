/**
 * Real processes at work on a machine, and what must hold whatever becomes of them.
 *
 * out:  workers and command lines as processes, that can be made to wait or die at a change they make on disk;
 *       the account of who sent what; what nobody may leave behind
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, expect, vi } from 'vitest';
import { holderOf } from '../../src/disk/lock.ts';
import type { ReceivedRequest } from './collector.ts';
import { type FaultCollector, startFaultCollector } from './fault-collector.ts';
import { aMachine, type Machine, spanIdsOf, WORKER } from './machine.ts';
import { processesNaming } from './processes.ts';

const { bundleOptions, workerOptions } = await import(join(process.cwd(), 'scripts', 'bundle.mjs'));

export interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Run {
  const child = spawn(process.execPath, [...args], {
    env: { PATH: process.env['PATH'], ...env },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = new Promise<Awaited<Run['ended']>>((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`${program} did not start`, { cause: error })));
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

export interface WorkerOptions {
  /** Of a worker built for a test. */
  readonly program?: string;
  readonly args?: readonly string[];
  readonly steps?: Steps;
}

/** hooks/worker.cjs, as a hook starts it. */
export function worker(machine: Machine, { program = WORKER, args = [], steps }: WorkerOptions = {}): Run {
  const env = { HOME: machine.home, ...withSteps(steps) };
  return run('the worker', [...stepped(machine, steps), program, '--managed', machine.paths.managed, ...args], env);
}

/** How a worker ends, whatever became of its deliveries. */
export const DONE = { code: 0, signal: null, stdout: '', stderr: '' };

/** @throws what it printed, when it does not leave with 0 */
export async function work(machine: Machine, options?: WorkerOptions): Promise<void> {
  const { code, signal, stdout, stderr } = await worker(machine, options).ended;
  if (code !== 0 || stdout !== '' || stderr !== '')
    throw new Error(`the worker ended with ${code ?? signal} and printed ${stdout}${stderr}`);
}

/** A command line by a user of the machine. */
export const command = (program: string, machine: Machine, args: readonly string[], env: NodeJS.ProcessEnv = {}, steps?: Steps): Run =>
  run('trace-build', [...stepped(machine, steps), program, ...args], { HOME: machine.home, ...withSteps(steps), ...env });

const stepped = ({ home }: Machine, steps: Steps | undefined): readonly string[] =>
  steps === undefined ? [] : ['--require', preloadIn(home)];
const withSteps = (steps: Steps | undefined): NodeJS.ProcessEnv => (steps === undefined ? {} : { TEST_STEPS: JSON.stringify(steps) });

// ---------------------------------------------------------------------------------------------
// Programs built for a test.

/** Built once a file of tests, away from dist/ and hooks/: somebody may be building there. */
export function programs(): { readonly cli: () => Promise<string>; readonly worker: (version: string) => Promise<string> } {
  const folder = mkdtempSync(join(tmpdir(), 'trace-build-programs-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const built = new Map<string, Promise<string>>();
  const once = (name: string, options: object): Promise<string> => {
    const outfile = join(folder, name);
    const known = built.get(name) ?? build({ ...options, outfile } as object).then(() => outfile);
    built.set(name, known);
    return known;
  };
  return {
    cli: () => once('cli.mjs', { ...bundleOptions, entryPoints: ['src/cli/main.ts'] }),
    worker: (version) =>
      once(`worker-${version}.cjs`, { ...workerOptions, define: { 'process.env.TRACE_BUILD_VERSION': JSON.stringify(version) } }),
  };
}

// ---------------------------------------------------------------------------------------------
// Steps: a process waits or dies at one of the calls it makes to the file system.

export type Steps =
  /** Writes into a file what changes it makes on disk, one a line: `text` where a text is written, else `name`. */
  | { readonly kind: 'list'; readonly into: string }
  /** Is killed before its nth change on disk, or in the middle of it where it is a text that is written. */
  | { readonly kind: 'die'; readonly at: number; readonly torn: boolean }
  /** Waits before or after the nth call of a function with such a path: makes `<gate>.reached`, and goes on with `<gate>.go`. */
  | {
      readonly kind: 'wait';
      readonly call: string;
      readonly path: string;
      readonly nth: number;
      readonly when: 'before' | 'after';
      readonly gate: string;
    };

const PRELOAD = `
const fs = require('node:fs');
const steps = JSON.parse(process.env.TEST_STEPS);
const TEXTS = ['writeSync', 'writeFileSync', 'appendFileSync'];
const CHANGES = [...TEXTS, 'mkdirSync', 'openSync', 'renameSync', 'linkSync', 'rmSync', 'truncateSync'];
const original = { ...fs };
const die = () => { process.kill(process.pid, 'SIGKILL'); for (;;); };
const half = (data) => data.slice(0, data.length >> 1);
let count = 0;
const changes = (name, args) => name !== 'openSync' || /[wa+]/.test(String(args[1]));
const list = [];
if (steps.kind === 'list' || steps.kind === 'die')
  for (const name of CHANGES)
    fs[name] = (...args) => {
      if (!changes(name, args)) return original[name](...args);
      count += 1;
      list.push(TEXTS.includes(name) ? 'text' : 'name');
      if (steps.kind === 'die' && count === steps.at) {
        if (steps.torn && TEXTS.includes(name)) {
          if (name !== 'writeSync') original[name](args[0], half(args[1]), args[2]);
          else if (typeof args[1] !== 'string') original.writeSync(args[0], half(args[1]));
        }
        die();
      }
      return original[name](...args);
    };
if (steps.kind === 'list')
  process.on('exit', () => original.writeFileSync(steps.into, list.join('\\n')));
if (steps.kind === 'wait')
  fs[steps.call] = (path, ...more) => {
    const here = String(path).includes(steps.path) && ++count === steps.nth;
    const wait = () => {
      original.writeFileSync(steps.gate + '.reached', '');
      const cell = new Int32Array(new SharedArrayBuffer(4));
      while (!original.existsSync(steps.gate + '.go')) Atomics.wait(cell, 0, 0, 2);
    };
    if (here && steps.when === 'before') wait();
    const result = original[steps.call](path, ...more);
    if (here && steps.when === 'after') wait();
    return result;
  };
require('node:module').syncBuiltinESMExports();
`;

function preloadIn(folder: string): string {
  const path = join(folder, 'steps.cjs');
  if (!existsSync(path)) writeFileSync(path, PRELOAD);
  return path;
}

export interface Gate {
  readonly steps: Steps;
  /** Resolves when the process waits. */
  readonly reached: () => Promise<void>;
  readonly open: () => void;
}

/** A place where a process waits for a test. */
export function gateAt(machine: Machine, name: string, where: Omit<Extract<Steps, { kind: 'wait' }>, 'kind' | 'gate'>): Gate {
  const gate = join(machine.home, `gate-${name}`);
  return {
    steps: { kind: 'wait', ...where, gate },
    reached: async () => void (await vi.waitUntil(() => existsSync(`${gate}.reached`), { timeout: 20_000, interval: 2 })),
    open: () => writeFileSync(`${gate}.go`, ''),
  };
}

// ---------------------------------------------------------------------------------------------
// What must hold.

/** A header that tells which run a request is of. Of its name, so that it is no part of the destination. */
export const RUN_HEADER = 'x-run-key';

export interface Repeats {
  /** Their end had moved later. */
  readonly updated: number;
  /** They were in the last request of a run that was killed. */
  readonly inFlight: number;
  /** In words, what may not be. */
  readonly unexplained: readonly string[];
}

/**
 * Why spans came more than once.
 *
 * @param killed  by RUN_HEADER; runs went one after another, and their names are numbers
 */
export function repeatsIn(requests: readonly ReceivedRequest[], killed: ReadonlySet<number>): Repeats {
  const runOf = ({ headers }: ReceivedRequest): number => Number(headers[RUN_HEADER] ?? 0);
  const ofRun = new Map<number, ReceivedRequest[]>();
  // What was on its way when its sender was killed may come later than what the next one sent.
  for (const request of requests.toSorted((a, b) => runOf(a) - runOf(b)))
    ofRun.set(runOf(request), [...(ofRun.get(runOf(request)) ?? []), request]);
  const lastEnd = new Map<string, bigint>();
  const excused = new Map<string, number>();
  const unexplained: string[] = [];
  let [updated, inFlight] = [0, 0];
  for (const [number, own] of ofRun) {
    for (const request of own) {
      for (const { spanId, endTimeUnixNano } of request.spans) {
        const endNs = BigInt(endTimeUnixNano);
        const before = lastEnd.get(spanId);
        if (before !== undefined && endNs <= before) {
          const left = excused.get(spanId) ?? 0;
          excused.set(spanId, Math.max(0, left - 1));
          if (left > 0) inFlight += 1;
          else unexplained.push(`run ${number} sent ${spanId} again, which no kill explains`);
        } else if (before !== undefined) updated += 1;
        lastEnd.set(spanId, before === undefined || endNs > before ? endNs : before);
      }
    }
    if (killed.has(number)) for (const { spanId } of own.at(-1)!.spans) excused.set(spanId, (excused.get(spanId) ?? 0) + 1);
  }
  return { updated, inFlight, unexplained };
}

/** Jobs, half-written files, locks that are held, sessions that are not settled, processes: when all is done there are none. */
export function leftBehind(machine: Machine): readonly string[] {
  const { state } = machine.paths;
  const files = existsSync(state) ? readdirSync(state, { recursive: true, encoding: 'utf8' }) : [];
  const locks = files.filter((path) => path.endsWith('.lock'));
  return [
    ...files.filter((path) => /^queue\/.*\.job$|^sessions\/unsettled\/|\.tmp$/.test(path)),
    ...locks.filter((path) => holderOf(join(state, path)) !== undefined).map((path) => `${path} is held`),
    ...locks.filter((path) => readdirSync(join(state, path)).length > 1).map((path) => `${path} is full`),
    ...processesNaming(machine.home).map((pid) => `process ${pid}`),
  ];
}

// ---------------------------------------------------------------------------------------------
// The scene of a test.

export interface Scene {
  readonly collector: FaultCollector;
  readonly machine: Machine;
  /** Workers go on as another run, whose requests can be told from those before. */
  readonly nextRun: () => void;
  /** The config, but for what says where and which run. */
  readonly configure: (config: Readonly<Record<string, unknown>>) => void;
  /** Of these transcripts: that they have ended, as hooks tell it. */
  readonly end: (transcripts: readonly string[]) => void;
}

/** For a request that nobody answers. Too short for one that somebody does, on a busy machine. */
export const IMPATIENT = { timeout_ms: 150 };

/** A machine and a collector for each test; after it nothing may be left of them. */
export function scenes(): (config?: Readonly<Record<string, unknown>>) => Promise<Scene> {
  const open: Scene[] = [];
  afterEach(async () => {
    for (const { machine, collector } of open.splice(0)) {
      for (const pid of processesNaming(machine.home)) process.kill(pid, 'SIGKILL');
      await machine.remove();
      await collector.stop();
    }
  });
  return async (config = {}) => {
    const collector = await startFaultCollector();
    const machine = aMachine();
    let run = 0;
    let values = config;
    const write = (): void => machine.configure({ endpoint: collector.url, ...values, headers: { [RUN_HEADER]: String(run) } });
    const nextRun = (): void => {
      run += 1;
      write();
    };
    nextRun();
    const configure: Scene['configure'] = (next) => {
      values = next;
      write();
    };
    const end = (transcripts: readonly string[]): void => {
      for (const transcript of transcripts) machine.hook('SessionEnd', transcript);
    };
    const scene = { collector, machine, nextRun, configure, end };
    open.push(scene);
    return scene;
  };
}

/** Ids of what it took, each as often as it did. */
export const taken = ({ collector }: Pick<Scene, 'collector'>): readonly string[] => collector.taken.map(({ spanId }) => spanId).toSorted();

/** All of these sessions arrived, each span once, and all is done. */
export function expectOnce(scene: Scene, folder: string): void {
  const because = scene.machine.log();
  expect(taken(scene), because).toEqual(spanIdsOf(folder));
  expect(because).not.toContain('"error"');
  expect(leftBehind(scene.machine)).toEqual([]);
}

/** What a hook must look like to the agent. */
export const SILENT = { code: 0, printed: '' };

/** hooks/trace-build.sh, as the agent calls it. Its worker may go on. */
export async function agentHook(
  { home, paths }: Machine,
  event: string,
  transcript: string,
  env: NodeJS.ProcessEnv = {},
  cwd = home,
): Promise<{ readonly code: number | null; readonly printed: string }> {
  const child = spawn('/bin/sh', [resolve('hooks/trace-build.sh'), event, '--home', home, '--managed', paths.managed], {
    cwd,
    env: { PATH: process.env['PATH'], CLAUDE_PROJECT_DIR: cwd, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      printed += chunk;
    });
  const payload = {
    session_id: /([^/]+)\.jsonl$/.exec(transcript)![1]!,
    transcript_path: transcript,
    cwd,
    hook_event_name: event,
    ...(event === 'Stop' && { last_assistant_message: lastMessageIn(transcript) }),
  };
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(payload));
  const [code] = await once(child, 'close');
  return { code: code as number | null, printed };
}

/** Without it a worker waits for a turn's end that never comes. */
const lastMessageIn = (transcript: string): string | undefined =>
  readFileSync(transcript, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"type":"assistant"'))
    .flatMap((line) => (JSON.parse(line).message.content as readonly { readonly text?: string }[]).flatMap(({ text }) => text ?? []))
    .at(-1);
