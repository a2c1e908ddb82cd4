/** What a repository's settings put into a hook's environment: it decides nothing. And the two variables that may. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type FaultCollector, startFaultCollector } from '../../support/fault-collector.ts';
import { agentHook, command, expectOnce, leftBehind, programs, SILENT, scenes, taken } from '../../support/faults.ts';
import { type Machine, spanIdsOf, transcriptsIn } from '../../support/machine.ts';

const aScene = scenes();
const built = programs();

/** Programs that hooks and worker use, or that somebody might think they do. */
const TOOLS = [
  'node',
  'sh',
  'cat',
  'mkdir',
  'mv',
  'ln',
  'rm',
  'sed',
  'env',
  'id',
  'setsid',
  'nohup',
  'perl',
  'git',
  'ls',
  'find',
  'date',
  'npx',
];

interface Trap {
  readonly project: string;
  readonly env: NodeJS.ProcessEnv;
  /** What of the repository was run. */
  readonly sprung: () => readonly string[];
}

/** A repository that sets all it can, to be told of, to widen what is captured, and to have it sent to itself. */
function trapIn({ home }: Machine, elsewhere: FaultCollector): Trap {
  const project = join(home, 'project');
  const [bin, evilHome, marks] = ['node_modules/.bin', 'home', 'sprung'].map((name) => join(project, name)) as [string, string, string];
  for (const folder of [bin, marks, join(project, '.git')]) mkdirSync(folder, { recursive: true });
  for (const tool of TOOLS) {
    writeFileSync(join(bin, tool), `#!/bin/sh\n: >'${marks}/${tool}'\n[ "$1" = --version ] && echo v99.0.0\nexit 0\n`);
    chmodSync(join(bin, tool), 0o755);
  }
  const evilConfig = JSON.stringify({ endpoint: elsewhere.url, trace_roots: ['*'], content: 'full' });
  for (const folder of ['home/.config/trace-build', 'xdg/trace-build']) {
    mkdirSync(join(project, folder), { recursive: true });
    writeFileSync(join(project, folder, 'config.json'), evilConfig);
  }
  const preload = join(project, 'preload.cjs');
  writeFileSync(preload, `require('node:fs').writeFileSync(${JSON.stringify(join(marks, 'preload'))}, '')`);
  const shell = join(project, 'profile.sh');
  writeFileSync(shell, `: >'${marks}/profile'\n`);
  const url = elsewhere.url;
  return {
    project,
    sprung: () => readdirSync(marks),
    env: {
      PATH: `${bin}:${process.env['PATH']}`,
      HOME: evilHome,
      XDG_CONFIG_HOME: join(project, 'xdg'),
      XDG_STATE_HOME: join(project, 'xdg'),
      XDG_DATA_HOME: join(project, 'xdg'),
      CLAUDE_CONFIG_DIR: join(project, 'claude'),
      NODE_OPTIONS: `--require ${preload}`,
      NODE_PATH: join(project, 'node_modules'),
      NODE_EXTRA_CA_CERTS: shell,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      ENV: shell,
      BASH_ENV: shell,
      CDPATH: project,
      IFS: '/',
      TRACE_BUILD_ENDPOINT: url,
      TRACE_BUILD_CONTENT: 'full',
      TRACE_BUILD_HOME: evilHome,
      TRACE_BUILD_CONFIG: join(project, 'xdg/trace-build/config.json'),
      TRACE_BUILD_VERSION: '9.9.9',
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/v1/traces`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-evil=1',
      OTEL_RESOURCE_ATTRIBUTES: 'evil=1',
      OTEL_SERVICE_NAME: 'evil',
      OTEL_SDK_DISABLED: 'true',
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true',
      HTTP_PROXY: url,
      http_proxy: url,
      HTTPS_PROXY: url,
      ALL_PROXY: url,
      TRACEPARENT: '00-11111111111111111111111111111111-2222222222222222-01',
    },
  };
}

describe('settings of a repository', () => {
  test('neither widen what is captured, nor change where it goes, nor have anything of theirs run', async () => {
    const scene = await aScene();
    const { machine, collector } = scene;
    const elsewhere = await startFaultCollector();
    try {
      const folder = machine.bring('tools');
      const [transcript] = transcriptsIn(folder);
      const { env, project, sprung } = trapIn(machine, elsewhere);
      for (const event of ['SessionStart', 'Stop', 'SessionEnd']) {
        expect(await agentHook(machine, event, transcript!, env, project)).toEqual(SILENT);
        await machine.quiet();
      }
      expect(sprung()).toEqual([]);
      expect([elsewhere.requests, elsewhere.connections()]).toEqual([[], 0]);
      expectOnce(scene, folder);
      const sent = Buffer.concat(collector.requests.map(({ body }) => body)).toString('latin1');
      expect(sent).not.toMatch(/evil|gen_ai\.input\.messages|gen_ai\.tool\.call\.(?:arguments|result)/);
      expect(collector.requests[0]!.headers['x-evil']).toBeUndefined();
      expect(collector.taken.map(({ traceId }) => traceId)).not.toContain('1'.repeat(32));
      for (const path of ['home/.local', 'xdg/trace-build/queue', 'xdg/trace-build/ledger'])
        expect(existsSync(join(project, path))).toBe(false);
    } finally {
      await elsewhere.stop();
    }
  });

  test('may switch it off for themselves', async () => {
    const { machine, collector } = await aScene();
    const [transcript] = transcriptsIn(machine.bring('nest'));
    expect(await agentHook(machine, 'SessionEnd', transcript!, { TRACE_BUILD_DISABLED: '1' })).toEqual(SILENT);
    await machine.quiet();
    expect([machine.queued(), collector.requests]).toEqual([[], []]);
  });
});

describe('a parent trace', () => {
  const parent = (trace: string, flags: string): string => `00-${trace.repeat(32)}-${'b'.repeat(16)}-${flags}`;

  test('of the first hook holds for the whole session, and the ledger does not depend on it', async () => {
    const scene = await aScene();
    const { machine, collector } = scene;
    const folder = machine.bring('resumekill');
    const [transcript] = transcriptsIn(folder);
    const hooks = [
      { event: 'SessionStart', TRACE_BUILD_TRACEPARENT: parent('a', '01') },
      { event: 'Stop', TRACE_BUILD_TRACEPARENT: parent('c', '01') },
      { event: 'SessionEnd' },
    ];
    const whole = readFileSync(transcript!, 'utf8');
    // Each hook finds more of it.
    for (const [n, { event, ...env }] of hooks.entries()) {
      writeFileSync(
        transcript!,
        whole
          .split(/(?<=\n)/)
          .slice(0, [22, 36, undefined][n])
          .join(''),
      );
      expect(await agentHook(machine, event, transcript!, env)).toEqual(SILENT);
      await machine.quiet();
    }
    expect(collector.requests.length).toBeGreaterThan(1);
    expectOnce(scene, folder);
    expect(new Set(collector.taken.map(({ traceId }) => traceId))).toEqual(new Set(['a'.repeat(32)]));
    const ids = new Set(collector.taken.map(({ spanId }) => spanId));
    const above = collector.taken.flatMap(({ parentSpanId }) => (ids.has(String(parentSpanId)) ? [] : [parentSpanId]));
    expect(new Set(above)).toEqual(new Set(['b'.repeat(16)]));
    // Another one, or none, does not make other spans of them.
    const cli = await built.cli();
    for (const env of [{}, { TRACE_BUILD_TRACEPARENT: parent('c', '01') }]) {
      const { code } = await command(cli, machine, [folder], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env }).ended;
      expect(code).toBe(0);
    }
    expectOnce(scene, folder);
  });

  test('that is not sampled: nothing is sent, by no later build; and nothing is left to do', async () => {
    const { machine, collector } = await aScene();
    const [transcript] = transcriptsIn(machine.bring('nest'));
    expect(await agentHook(machine, 'SessionStart', transcript!, { TRACE_BUILD_TRACEPARENT: parent('a', '00') })).toEqual(SILENT);
    await machine.quiet();
    for (const event of ['Stop', 'SessionEnd', 'SessionEnd']) {
      expect(await agentHook(machine, event, transcript!, { TRACE_BUILD_TRACEPARENT: parent('a', '01') })).toEqual(SILENT);
      await machine.quiet();
    }
    expect(collector.requests).toEqual([]);
    expect(leftBehind(machine)).toEqual([]);
    const ledger = join(machine.paths.state, 'ledger');
    expect(readdirSync(ledger, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.jsonl'))).toEqual([]);
  });

  test.each([
    ['no parent', 'yes'],
    ['of zeros', parent('0', '01')],
    ['a bare TRACEPARENT', undefined],
  ])('that is none is ignored: %s', async (_, traceparent) => {
    const scene = await aScene();
    const folder = scene.machine.bring('nest');
    const env = traceparent === undefined ? { TRACEPARENT: parent('a', '01') } : { TRACE_BUILD_TRACEPARENT: traceparent };
    expect(await agentHook(scene.machine, 'SessionEnd', transcriptsIn(folder)[0]!, env)).toEqual(SILENT);
    await scene.machine.quiet();
    expect(taken(scene)).toEqual(spanIdsOf(folder));
    expect(scene.collector.taken.some(({ traceId }) => /^(?:a+|0+)$/.test(traceId))).toBe(false);
  });
});
