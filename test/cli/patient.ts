/**
 * A machine for `trace-build doctor` to look at, with Claude Code's own files as 2.1.329 writes them.
 *
 * out:  `Patient`: what is planted, what doctor says; everything below it, for comparing; `ward`, where patients are removed again
 */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Check, CheckName, Report } from '../../src/cli/doctor/report.ts';
import { type Answer, type Collector, startCollector } from '../support/collector.ts';
import { aMachine, type Machine } from '../support/machine.ts';
import { type Ran, trace } from './world.ts';

type World = NonNullable<Parameters<typeof trace>[1]>;

export interface Patient extends Machine {
  /** Where sessions begin, unless a test says otherwise. */
  readonly work: Machine['work'];
  readonly repo: string;
  readonly put: (path: string, content: object | string, mode?: number) => string;
  readonly doctor: (args?: readonly string[], world?: World) => Promise<Ran>;
  readonly report: (args?: readonly string[], world?: World) => Promise<Report>;
  /** What one check says, while nothing is asked of the endpoint. */
  readonly check: (name: CheckName, world?: World) => Promise<Check | undefined>;
  readonly everything: () => Readonly<Record<string, string>>;
}

export const VERSION = '1.2.3';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const NOW = Date.UTC(2026, 10, 21, 12);
export const atNow = { now: () => NOW };

/** In a home. */
export const state = (path: string): string => `.local/state/trace-build/${path}`;

export function aPatient(config?: Readonly<Record<string, unknown>>): Patient {
  const machine = aMachine(config);
  const { home, paths } = machine;
  const repo = join(home, 'repo');
  mkdirSync(repo);
  const put: Patient['put'] = (path, content, mode = 0o600) => {
    const file = join(home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    chmodSync(file, mode);
    return file;
  };
  const doctor: Patient['doctor'] = (args = [], world = {}) =>
    trace(['doctor', ...args], { home, databaseHome: home, managed: paths.managed, cwd: repo, ...world });
  const report: Patient['report'] = async (args = [], world = {}) =>
    JSON.parse((await doctor(['--json', ...args], world)).stdout) as Report;
  return {
    ...machine,
    repo,
    put,
    doctor,
    report,
    check: async (name, world) => checkOf(await report(['--offline'], world), name),
    everything: () => contents(home),
  };
}

export interface Ward {
  /** Where all that is well is sent. */
  readonly collector: () => Collector;
  /** One for whom nothing is wrong. */
  readonly healthy: (more?: Readonly<Record<string, unknown>>, url?: string) => Patient;
  readonly kept: (patient: Patient) => Patient;
  /** A collector for one test; the last answer is for all that follow. */
  readonly answering: (...answers: readonly Answer[]) => Promise<Collector>;
}

/** One a file: a collector for all its tests, and patients who go with their test. */
export function ward(): Ward {
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.stop());
  const patients: Patient[] = [];
  const collectors: Collector[] = [];
  afterEach(async () => {
    for (const patient of patients.splice(0)) await patient.remove();
    for (const one of collectors.splice(0)) await one.stop();
  });
  const kept: Ward['kept'] = (patient) => {
    patients.push(patient);
    return patient;
  };
  return {
    collector: () => collector,
    healthy: (more, url = collector.url) => kept(aHealthyPatient(url, more)),
    kept,
    answering: async (...answers) => {
      const one = await startCollector(answers, answers.at(-1));
      collectors.push(one);
      return one;
    },
  };
}

function aHealthyPatient(endpoint: string, more: Readonly<Record<string, unknown>> = {}): Patient {
  const patient = aPatient({ endpoint, ...more });
  installPlugin(patient);
  patient.put('.local/state/trace-build/node', `${process.execPath}\n`);
  return patient;
}

/** What `claude plugin marketplace add` of a directory and `claude plugin install` leave behind. */
export function installPlugin({ home, put }: Patient, version = VERSION): string {
  const folder = join(home, '.local/share/trace-build/plugin', version);
  const source = { source: 'directory', path: folder };
  const [installedAt, lastUpdated] = ['2026-11-21T02:57:59.280Z', '2026-11-21T02:57:59.280Z'];
  put(`.local/share/trace-build/plugin/${version}/.claude-plugin/plugin.json`, { name: 'trace-build', version });
  put(`.local/share/trace-build/plugin/${version}/.claude-plugin/marketplace.json`, {
    name: 'trace-build',
    owner: { name: 'trace-build' },
    plugins: [{ name: 'trace-build', source: './' }],
  });
  put(`.local/share/trace-build/plugin/${version}/hooks/hooks.json`, {});
  put('.claude/plugins/known_marketplaces.json', { 'trace-build': { source, installLocation: folder, lastUpdated } });
  put('.claude/plugins/installed_plugins.json', {
    version: 2,
    plugins: {
      'trace-build@trace-build': [
        {
          scope: 'user',
          installPath: join(home, '.claude/plugins/cache/trace-build/trace-build', version),
          version,
          installedAt,
          lastUpdated,
        },
      ],
    },
  });
  setUserSettings({ put }, folder, {});
  return folder;
}

export function setUserSettings({ put }: Pick<Patient, 'put'>, folder: string, more: object): void {
  put('.claude/settings.json', {
    extraKnownMarketplaces: { 'trace-build': { source: { source: 'directory', path: folder } } },
    enabledPlugins: { 'trace-build@trace-build': true },
    ...more,
  });
}

export const checkOf = ({ checks }: Report, name: CheckName) => checks.find((check) => check.name === name);

const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => {
      const stats = lstatSync(join(folder, path));
      const hash = stats.isFile()
        ? createHash('sha256')
            .update(readFileSync(join(folder, path)))
            .digest('hex')
        : '';
      return [path, `${stats.mode} ${stats.mtimeMs} ${hash}`];
    }),
  );
