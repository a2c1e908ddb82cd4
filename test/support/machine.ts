/**
 * A machine of somebody who uses the plugin: a home with transcripts, a config, a queue.
 *
 * out:  a temporary home; hooks that come, the worker in this process or in its own, what is expected at the collector
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Paths, pathsFor } from '../../src/config/paths.ts';
import { enqueue } from '../../src/hook/queue.ts';
import { work } from '../../src/hook/worker.ts';
import { traceSessions } from '../../src/pipeline.ts';
import { findSessions } from '../../src/read/find.ts';
import type { Collector } from './collector.ts';
import { quiet } from './processes.ts';
import { FIXTURES, PLACES } from './stories.ts';

export const WORKER = resolve('hooks', 'worker.cjs');

export interface Machine {
  readonly home: string;
  readonly paths: Paths;
  /** Folder of the transcripts of a story, once it was brought: it ends just now, for one that is silent for a day has ended. */
  readonly bring: (story: string) => string;
  readonly configure: (config: Readonly<Record<string, unknown>>) => void;
  /** A hook of a session whose transcript is there. */
  readonly hook: (event: 'SessionStart' | 'Stop' | 'SessionEnd', transcript: string, more?: HookDetails) => void;
  /** The worker, in this process. */
  readonly work: (more?: { awaited?: boolean; now?: () => number }) => Promise<void>;
  /** The worker, in a process of its own: what users have. */
  readonly startWorker: () => ChildProcess;
  readonly queued: () => readonly string[];
  readonly log: () => string;
  /** Resolves when no process is at work on it. */
  readonly quiet: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

export interface HookDetails {
  readonly atMs?: number;
  readonly fields?: Readonly<Record<string, string>>;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** Transcripts of the stories begin in directories below. */
export const EVERYWHERE = ['*'];

export function aMachine(config: Readonly<Record<string, unknown>> = {}): Machine {
  const home = mkdtempSync(join(tmpdir(), 'trace-build-machine-'));
  const paths = pathsFor({ home, env: {}, platform: 'linux', managed: join(home, 'managed.json') });
  const configure = (values: Readonly<Record<string, unknown>>): void => {
    mkdirSync(join(home, '.config', 'trace-build'), { recursive: true });
    writeFileSync(paths.config, JSON.stringify({ trace_roots: EVERYWHERE, ...values }));
  };
  configure(config);
  const queue = join(paths.state, 'queue');
  return {
    home,
    paths,
    configure,
    bring: (story) => {
      const projects = join(home, '.claude', 'projects');
      cpSync(join(FIXTURES, story, 'projects'), projects, { recursive: true });
      asOfNow(readdirSync(join(FIXTURES, story, 'projects'), { recursive: true, encoding: 'utf8' }).map((path) => join(projects, path)));
      return projects;
    },
    hook: (event, transcript, { atMs, fields = {}, payload = {} } = {}) => {
      const sessionId = /([^/]+)\.jsonl$/.exec(transcript)![1]!;
      const before = new Set(namesIn(queue));
      enqueue(
        paths.state,
        { event, ...fields },
        JSON.stringify({ session_id: sessionId, transcript_path: transcript, cwd: '/home/dev', hook_event_name: event, ...payload }),
      );
      const name = namesIn(queue).find((file) => !before.has(file))!;
      if (atMs !== undefined) utimesSync(join(queue, name), atMs / 1000, atMs / 1000);
    },
    work: ({ awaited = false, now = Date.now } = {}) =>
      work({ paths, home, version: '1.2.3', awaited, now, wait: () => new Promise((done) => setTimeout(done, 1)) }),
    startWorker: () =>
      spawn(process.execPath, [WORKER, '--managed', paths.managed], { env: { HOME: home, PATH: process.env['PATH'] }, stdio: 'ignore' }),
    queued: () => namesIn(queue).filter((name) => name.endsWith('.job')),
    log: () => (existsSync(join(paths.state, 'log')) ? readFileSync(join(paths.state, 'log'), 'utf8') : ''),
    quiet: () => quiet(home),
    remove: async () => {
      await quiet(home);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** Moves all times in them, so that the last is a second ago. */
function asOfNow(paths: readonly string[]): void {
  const files = paths.filter((path) => /\.jsonl?$/.test(path)).map((path) => ({ path, text: readFileSync(path, 'utf8') }));
  const lastMs = files.flatMap(({ text }) => text.match(TIME) ?? []).reduce((last, time) => Math.max(last, Date.parse(time)), 0);
  const laterMs = Date.now() - 1_000 - lastMs;
  for (const { path, text } of files)
    writeFileSync(
      path,
      text.replace(TIME, (time) => new Date(Date.parse(time) + laterMs).toISOString()),
    );
}

/** Of all sessions below a folder, over and done with: every span that has to arrive, once. */
export const spanIdsOf = (folder: string): readonly string[] =>
  [...traceSessions(findSessions(folder, PLACES), {}, () => ({ ended: true }))]
    .flatMap(({ spans }) => spans.map(({ spanId }) => spanId))
    .toSorted();

export const idsTaken = ({ taken }: Collector): readonly string[] => taken.map(({ spanId }) => spanId).toSorted();

export const transcriptsIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.jsonl') && !path.includes('subagents') && !/agent-[^/]+$/.test(path))
    .map((path) => join(folder, path))
    .toSorted();

export const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => (child.exitCode !== null || child.signalCode !== null ? resolve(child.exitCode) : child.once('exit', resolve)));

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
