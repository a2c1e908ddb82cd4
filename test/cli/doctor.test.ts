/** `trace-build doctor`: why is there no trace? It says so first, tells no secret, and changes nothing. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CheckName } from '../../src/cli/doctor/report.ts';
import { transcriptsIn } from '../support/machine.ts';
import { aPatient, checkOf, installPlugin, type Patient, setUserSettings, ward } from './patient.ts';
import { trace } from './world.ts';

const { collector, healthy, kept, answering } = ward();

const deliverAll = async (patient: Patient, story: string): Promise<void> => {
  for (const transcript of transcriptsIn(patient.bring(story))) patient.hook('SessionEnd', transcript);
  await patient.work();
};

describe('all is well', () => {
  test('before the first session', async () => {
    const patient = healthy();
    const { code, stdout, stderr } = await patient.doctor();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')[0]).toBe(
      `✓ Sessions of this directory (${patient.repo}) are exported to ${collector().url}/v1/traces; nothing was delivered yet, for no hook has come. Claude Code loads hooks when a session starts: start a new one.`,
    );
    expect(stdout).not.toMatch(/^[!✗→]/m);
  });

  test('after one', async () => {
    const patient = healthy();
    await deliverAll(patient, 'tools');
    const now = () => Date.now() + 3 * 60_000;
    const { code, stdout } = await patient.doctor(['--offline'], { now });
    expect(code).toBe(0);
    expect(stdout).toContain(`are exported to ${collector().url}/v1/traces; the last delivery was 3 min ago.\n`);
    const report = await patient.report(['--offline'], { now });
    const [destination] = report.destinations;
    expect(destination).toEqual({
      url: `${collector().url}/v1/traces`,
      spans: new Set(collector().taken.map(({ spanId }) => spanId)).size,
      lastAcknowledgedMs: report.live.lastDeliveryMs,
      current: true,
    });
    expect(report.sessions).toMatchObject({ known: 1, settled: 1, pendingSpans: 0, failures: [] });
    expect(checkOf(report, 'deliveries')?.sentence).toBe(`${destination?.spans} spans acknowledged, the last 3 min ago.`);
    expect(checkOf(report, 'worker')?.sentence).toBe('Not running; it last ran 3 min ago.');
  });

  test('of another directory, by its path from here, or from home', async () => {
    const patient = healthy({ trace_roots: ['~/repo'] });
    mkdirSync(join(patient.repo, 'below'));
    for (const dir of ['below', '~/repo/below', join(patient.repo, 'below')]) {
      const { verdict, directory } = await patient.report(['--offline', dir]);
      expect([verdict.status, directory]).toEqual(['ok', join(patient.repo, 'below')]);
    }
    expect((await patient.report(['--offline', '..'])).verdict).toEqual({
      status: 'failure',
      sentence: `Nothing is exported from ${patient.home}. No root holds ${patient.home} (roots: ${patient.repo}).`,
      todo: `trace-build roots add ${patient.home}`,
    });
  });
});

/** In the order of the chain: what is before it is well, so it is the reason. */
describe('the first thing that stands in the way is the answer', () => {
  interface Case {
    readonly why: string;
    readonly check: CheckName;
    readonly arrange: (patient: Patient) => void;
    readonly says: RegExp;
    readonly todo: RegExp;
    readonly env?: NodeJS.ProcessEnv;
  }
  const state = '.local/state/trace-build';
  const HELD_UP = /^Sessions of this directory \(\S+\) are not delivered at the moment; they wait, and nothing is lost\. /;
  const NOTHING = /^Nothing is exported from this directory \(\S+\)\. /;

  test.each<Case>([
    {
      why: 'no config',
      check: 'config',
      arrange: ({ paths }) => rmSync(paths.config),
      says: /^There is no config: neither ~\/\.config\/trace-build\/config\.json nor /,
      todo: /^trace-build init$/,
    },
    {
      why: 'a broken config',
      check: 'config',
      arrange: ({ paths }) => writeFileSync(paths.config, '{"headers": {"a": "s3cr3t-of-mine"'),
      says: /config\.json is not JSON/,
      todo: /Correct it in that file/,
    },
    {
      why: 'a wrong value',
      check: 'config',
      arrange: ({ configure }) => configure({ endpoint: 's3cr3t-of-mine' }),
      says: /config\.json: endpoint: expected a URL/,
      todo: /Correct it in that file/,
    },
    {
      why: 'no root',
      check: 'scope',
      arrange: ({ configure }) => configure({ trace_roots: [], endpoint: collector().url }),
      says: /^No directory is opted in\.$/,
      todo: /^trace-build roots add$/,
    },
    {
      why: 'another root',
      check: 'scope',
      arrange: ({ configure }) => configure({ trace_roots: ['/srv/app'], endpoint: collector().url }),
      says: /^No root holds \S+ \(roots: \/srv\/app\)\.$/,
      todo: /^trace-build roots add$/,
    },
    {
      why: 'another root, managed',
      check: 'scope',
      arrange: ({ put }) => put('managed.json', { trace_roots: ['/srv/app'] }),
      says: /^No root holds \S+ \(roots: \/srv\/app\)\.$/,
      todo: /^Ask whoever manages \S+managed\.json/,
    },
    {
      why: 'excluded',
      check: 'scope',
      arrange: ({ configure }) => configure({ exclude: ['~/re*'], endpoint: collector().url }),
      says: /^It is excluded by ~\/re\*\.$/,
      todo: /^Take that out of exclude in ~\/\.config\/trace-build\/config\.json or /,
    },
    {
      why: 'switched off in the shell',
      check: 'disabled',
      arrange: () => undefined,
      env: { TRACE_BUILD_DISABLED: 'yes' },
      says: /^TRACE_BUILD_DISABLED is set in this shell: nothing of its sessions is exported by hooks\.$/,
      todo: /^unset TRACE_BUILD_DISABLED$/,
    },
    {
      why: 'switched off by the repository, whatever the user says',
      check: 'disabled',
      arrange: (patient) => {
        patient.put('repo/.claude/settings.json', { env: { TRACE_BUILD_DISABLED: 1 } });
        setUserSettings(patient, '/gone', { env: { TRACE_BUILD_DISABLED: '0' } });
      },
      says: /^TRACE_BUILD_DISABLED is set in ~\/repo\/\.claude\/settings\.json: /,
      todo: /^Take it out of env in ~\/repo\/\.claude\/settings\.json\.$/,
    },
    {
      why: 'no Node.js',
      check: 'node',
      arrange: ({ put }) => put(`${state}/no-node`, ''),
      says: /^Hooks found no Node\.js of 20 or newer/,
      todo: /^trace-build install/,
    },
    {
      why: 'an old Node.js',
      check: 'node',
      arrange: ({ put }) => put(`${state}/node`, `${put('bin/node', '#!/bin/sh\necho v18.20.4\n', 0o700)}\n`),
      says: /^Hooks use ~\/bin\/node, which is 18\.20\.4: it must be 20 or newer\.$/,
      todo: /^trace-build install$/,
    },
    {
      why: 'a Node.js that does not start',
      check: 'node',
      arrange: ({ put }) => put(`${state}/node`, `${put('bin/node', '#!/bin/sh\nexit 1\n', 0o700)}\n`),
      says: /^~\/bin\/node, which hooks use, does not tell its version\.$/,
      todo: /^trace-build install$/,
    },
    {
      why: 'no endpoint',
      check: 'endpoint',
      arrange: ({ configure }) => configure({}),
      says: /^No endpoint is set, so there is nowhere to deliver to\.$/,
      todo: /^trace-build config set endpoint http/,
    },
    {
      why: 'an endpoint only in the shell',
      check: 'endpoint',
      arrange: ({ configure }) => configure({}),
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://me:s3cr3t-of-mine@otlp.example.com?key=s3cr3t-of-mine' },
      says: /^No endpoint is set for hooks\. This shell's variables name https:\/\/otlp\.example\.com\/v1\/traces\?key=\*\*\*\*, but hooks do not see them\.$/,
      todo: /^trace-build init --from-env$/,
    },
    {
      why: 'a certificate that is not there',
      check: 'endpoint',
      arrange: ({ configure }) => configure({ endpoint: collector().url, certificate: '~/gone.pem' }),
      says: /names a file that can't be read/,
      todo: /readable PEM file/,
    },
    {
      why: "a newer version's ledger",
      check: 'ledger',
      arrange: ({ put }) => put(`${state}/ledger/version`, '2\n'),
      says: /^~\/\.local\/state\/trace-build was written by a newer version/,
      todo: /^npm install --global trace-build@latest/,
    },
    {
      why: 'a file in the place of the state folder',
      check: 'ledger',
      arrange: ({ put, home }) => {
        rmSync(join(home, state), { recursive: true });
        put(state, '');
      },
      says: /~\/\.local\/state\/trace-build (?:is no folder|can't be read), so nothing/,
      todo: /./,
    },
  ])('$why', async ({ check, arrange, says, todo, env = {} }) => {
    const patient = healthy();
    arrange(patient);
    const { code, stdout } = await patient.doctor([], { env });
    const report = await patient.report([], { env });
    const first = report.checks.find(({ status }) => status === 'failure')!;
    expect(code).toBe(1);
    expect(first.name).toBe(check);
    expect(first.sentence).toMatch(says);
    expect(first.todo).toMatch(todo);
    expect(report.verdict).toEqual({ status: 'failure', sentence: expect.stringContaining(first.sentence), todo: first.todo });
    expect(report.verdict.sentence).toMatch(['node', 'endpoint', 'ledger'].includes(check) ? HELD_UP : NOTHING);
    expect(stdout.split('\n').slice(0, 2)).toEqual([`✗ ${report.verdict.sentence}`, `  → ${first.todo}`]);
    expect(stdout).not.toContain('s3cr3t');
  });

  test('hooks that use other files than the shell; a link makes it well', async () => {
    const patient = healthy();
    const env = { XDG_CONFIG_HOME: join(patient.home, 'xdg') };
    const { verdict } = await patient.report([], { env });
    expect(verdict.sentence).toBe(
      'Hooks do not use the files of this shell, for no variable counts for them: they use ~/.config/trace-build (here ~/xdg/trace-build).',
    );
    expect(verdict.todo).toBe('trace-build install: it links the one place to the other');
    mkdirSync(env.XDG_CONFIG_HOME);
    symlinkSync(join(patient.home, '.config/trace-build'), join(env.XDG_CONFIG_HOME, 'trace-build'));
    expect((await patient.report([], { env })).verdict.status).toBe('ok');
  });

  test('a HOME that is not the one of the user database', async () => {
    const patient = healthy();
    const { verdict } = await patient.report([], { databaseHome: '/home/other' });
    expect(verdict).toMatchObject({ status: 'failure', todo: expect.stringMatching(/^Run this with HOME=\/home\/other/) });
  });
});

test('no secret in any form, whatever went wrong', async () => {
  const { url } = await answering({ status: 403, body: '{"message": "key s3cr3t-of-mine of s3cr3t-user is not known, s3cr3t-query"}' });
  const patient = healthy(
    { headers: { authorization: 'Bearer s3cr3t-of-mine' } },
    url.replace('//', '//me:s3cr3t-user@').concat('/v1/traces?key=s3cr3t-query'),
  );
  await deliverAll(patient, 'tools');
  // Whoever wrote it there.
  const entry = { atMs: Date.now(), level: 'error', message: 'connect with Bearer s3cr3t-of-mine failed' };
  patient.put('.local/state/trace-build/log', `${JSON.stringify(entry)}\n`);
  const env = {
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=s3cr3t-shell',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://u:s3cr3t-shell@x?k=s3cr3t-shell',
  };
  for (const args of [[], ['--json'], ['--offline']]) {
    const { stdout, stderr } = await patient.doctor(args, { env });
    expect(stdout).toContain('403');
    expect(stdout).toContain('connect with **** failed');
    expect(stdout + stderr).not.toContain('s3cr3t');
  }
});

test('nothing changes on disk, of a machine with everything and of one with nothing', async () => {
  const full = healthy({}, (await answering({ status: 401 })).url);
  await deliverAll(full, 'nest');
  full.hook('Stop', join(full.home, 'x.jsonl'));
  const empty = kept(aPatient());
  rmSync(join(empty.home, '.config'), { recursive: true });
  for (const patient of [full, empty]) {
    const before = patient.everything();
    for (const args of [[], ['--json'], ['--offline'], ['--offline', '/gone/with/the/wind']]) await patient.doctor(args);
    await trace(['config', 'show'], { home: patient.home, managed: patient.paths.managed });
    expect(patient.everything()).toEqual(before);
  }
});

test('on a terminal no line is too long, and what is strange is harmless', async () => {
  const patient = healthy();
  installPlugin(patient, '0.9.0');
  const evil = '\u001b[31m\u202eevil';
  patient.put(
    '.local/state/trace-build/log',
    `${JSON.stringify({ atMs: 1, level: 'error', message: `${evil} ${'words '.repeat(40)}` })}\n`,
  );
  const { stdout } = await patient.doctor(['--offline'], { width: 72 });
  const lines = stdout.split('\n');
  expect(stdout).toContain('·[31m·evil');
  expect(stdout).not.toContain(evil);
  expect(lines.filter((line) => line.length > 72 && line.trim().includes(' ') && !/\S{40,}/.test(line))).toEqual([]);
  expect(lines.filter((line) => line.trimStart() !== line && !line.startsWith('  '))).toEqual([]);
});
