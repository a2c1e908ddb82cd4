/** What `trace-build doctor` tells of Claude Code: the plugin, hooks, programs, its own traces. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { atNow, checkOf, HOUR_MS, installPlugin, MINUTE_MS, NOW, type Patient, setUserSettings, state, VERSION, ward } from './patient.ts';

const { healthy } = ward();
let patient: Patient;
beforeEach(() => {
  patient = healthy();
});

const check: Patient['check'] = (...asked) => patient.check(...asked);
const pluginFolder = (): string => join(patient.home, '.local/share/trace-build/plugin', VERSION);

describe('the plugin', () => {
  const ENABLED = 'trace-build@trace-build';

  test('absent', async () => {
    rmSync(join(patient.home, '.claude'), { recursive: true });
    expect(await check('plugin')).toEqual({
      name: 'plugin',
      status: 'failure',
      sentence: 'The plugin is not installed in Claude Code (~/.claude/settings.json).',
      todo: 'trace-build install',
    });
  });

  test('in the folder that CLAUDE_CONFIG_DIR names', async () => {
    const env = { CLAUDE_CONFIG_DIR: join(patient.home, 'elsewhere') };
    expect((await check('plugin', { env }))?.sentence).toBe('The plugin is not installed in Claude Code (~/elsewhere/settings.json).');
    patient.put('elsewhere/settings.json', { enabledPlugins: { [ENABLED]: true } });
    expect((await check('plugin', { env }))?.sentence).toBe('The plugin is installed and enabled (~/elsewhere/settings.json).');
  });

  test('of a marketplace of another name, as a company has it', async () => {
    rmSync(join(patient.home, '.claude'), { recursive: true });
    patient.put('.claude/settings.json', { enabledPlugins: { 'trace-build@acme': true, 'other@acme': true } });
    patient.put('.claude/plugins/installed_plugins.json', {
      version: 1,
      plugins: { 'trace-build@acme': { version: VERSION, installPath: '/x' } },
    });
    expect(await check('plugin')).toMatchObject({
      status: 'ok',
      sentence: `Version ${VERSION} is installed and enabled (~/.claude/settings.json).`,
    });
  });

  const off = { enabledPlugins: { [ENABLED]: false } };
  const on = { enabledPlugins: { [ENABLED]: true } };
  test.each([
    {
      why: 'disabled by the user',
      files: { '.claude/settings.json': off },
      says: 'The plugin is installed in Claude Code, but disabled.',
      todo: `claude plugin enable ${ENABLED}`,
    },
    {
      why: 'enabled nowhere',
      files: { '.claude/settings.json': {} },
      says: 'The plugin is installed in Claude Code, but disabled.',
      todo: `claude plugin enable ${ENABLED}`,
    },
    {
      why: 'disabled by the project',
      files: { 'repo/.claude/settings.json': off },
      says: 'The plugin is disabled for this directory by ~/repo/.claude/settings.json.',
      todo: `Take ${ENABLED} out of enabledPlugins in that file.`,
    },
    {
      why: 'enabled by the project though the user has not',
      files: { '.claude/settings.json': off, 'repo/.claude/settings.local.json': on },
    },
    {
      why: 'disabled by the project, enabled in its local settings',
      files: { 'repo/.claude/settings.json': off, 'repo/.claude/settings.local.json': on },
    },
    {
      why: 'disabled by the manager, whatever the others say',
      files: { 'managed-settings.json': off, 'repo/.claude/settings.local.json': on },
      says: 'The plugin is disabled for this directory by ~/managed-settings.json.',
    },
    {
      why: 'enabled by a later part of the managed settings',
      files: { 'managed-settings.json': off, 'managed-settings.d/20-b.json': on, 'managed-settings.d/10-a.json': off },
    },
    {
      why: 'no hooks, by the user',
      files: { '.claude/settings.json': { ...on, disableAllHooks: true } },
      says: 'Claude Code runs no hooks of plugins: disableAllHooks in ~/.claude/settings.json.',
    },
    {
      why: 'no hooks, by the project',
      files: { 'repo/.claude/settings.json': { disableAllHooks: true } },
      says: 'Claude Code runs no hooks of plugins: disableAllHooks in ~/repo/.claude/settings.json.',
    },
    {
      why: 'hooks of the manager only',
      files: { 'managed-settings.json': { allowManagedHooksOnly: true } },
      says: 'Claude Code runs no hooks of plugins: allowManagedHooksOnly in ~/managed-settings.json.',
    },
    { why: 'hooks of the manager only, and this is one', files: { 'managed-settings.json': { ...on, allowManagedHooksOnly: true } } },
    { why: 'settings of the folder above do not count', files: { '.claude/settings.local.json': off } },
    {
      why: 'settings that are no JSON',
      files: { '.claude/settings.json': '{' },
      says: "The plugin is installed in Claude Code, but disabled. ~/.claude/settings.json can't be read as JSON.",
    },
    {
      why: 'settings of unheard-of shapes',
      files: { 'repo/.claude/settings.json': { enabledPlugins: [1], hooks: [null], env: 'x' }, 'repo/.claude/settings.local.json': '[]' },
    },
  ])('$why', async ({ files, says, todo }) => {
    for (const [path, content] of Object.entries(files)) patient.put(path, content as object | string);
    const found = await check('plugin');
    if (says === undefined) expect(found).toMatchObject({ status: 'ok' });
    else expect(found).toMatchObject({ status: 'failure', sentence: says, ...(todo !== undefined && { todo }) });
  });

  test('its folder is gone', async () => {
    rmSync(pluginFolder(), { recursive: true });
    expect(await check('plugin')).toMatchObject({
      status: 'failure',
      sentence: `The plugin is enabled in Claude Code, but its folder ~/.local/share/trace-build/plugin/${VERSION} is gone.`,
      todo: 'trace-build install',
    });
  });

  test.each([
    ['1.2.2', 'warning'],
    ['1.1.9', 'warning'],
    ['0.9.9', 'warning'],
    ['1.2.10', 'ok'],
    ['2.0.0', 'ok'],
  ])('version %s: %s', async (version, status) => {
    installPlugin(patient, version);
    const found = await check('plugin');
    expect(found?.status).toBe(status);
    if (status === 'warning')
      expect(found).toMatchObject({
        sentence: `The plugin is enabled, but of version ${version}; this is ${VERSION}.`,
        todo: 'trace-build install',
      });
  });

  test('wired by hand', async () => {
    const hooks = { Stop: [{ hooks: [{ type: 'command', command: 'npx trace-build hook' }] }] };
    patient.put('.claude/settings.json', { hooks });
    rmSync(join(patient.home, '.claude/plugins'), { recursive: true });
    expect(await check('plugin')).toMatchObject({ status: 'ok', sentence: 'Hooks are wired by hand in ~/.claude/settings.json.' });
  });

  test('not installed, but hooks come: --plugin-dir', async () => {
    rmSync(join(patient.home, '.claude'), { recursive: true });
    patient.hook('Stop', '/gone.jsonl', { atMs: NOW - 5 * MINUTE_MS });
    expect(await check('plugin', atNow)).toMatchObject({
      status: 'warning',
      sentence: expect.stringContaining('But a hook came 5 min ago'),
    });
    expect(await check('plugin', { now: () => NOW + 48 * HOUR_MS })).toMatchObject({ status: 'failure' });
    installPlugin(patient);
    patient.put('repo/.claude/settings.json', { enabledPlugins: { [ENABLED]: false } });
    expect(await check('plugin', atNow)).toMatchObject({ status: 'failure' });
  });
});

describe('programs', () => {
  const claude = (body: string): NodeJS.ProcessEnv => {
    patient.put('bin/claude', `#!/bin/sh\n${body}\n`, 0o755);
    return { PATH: `${patient.home}/bin:/usr/bin:/bin` };
  };

  test('the version of Claude Code, from a claude that would read stdin', async () => {
    const env = claude('cat >/dev/null; [ "$1" = --version ] && echo "2.1.329 (Claude Code)"');
    const report = await patient.report(['--offline'], { env });
    expect(report.versions).toEqual({
      traceBuild: VERSION,
      node: process.versions.node,
      hooksNode: { path: process.execPath, version: process.versions.node },
      claude: '2.1.329',
      plugin: VERSION,
    });
    expect(checkOf(report, 'versions')?.sentence).toContain('Claude Code 2.1.329.');
  });

  test('one that fails, and none', async () => {
    expect((await check('versions', { env: claude('exit 1') }))?.sentence).toContain('Claude Code not found on the PATH.');
    expect((await check('versions'))?.sentence).toContain('Claude Code not found on the PATH.');
  });

  test('the node of hooks: gone, not looked for yet, or another one, started without variables', async () => {
    patient.put(state('node'), `${patient.home}/gone/node\n`);
    expect(await check('node')).toMatchObject({
      status: 'warning',
      sentence: expect.stringMatching(/^~\/gone\/node, .* is gone\./),
      todo: 'trace-build install',
    });
    rmSync(join(patient.home, state('node')));
    expect(await check('node')).toMatchObject({ status: 'ok', sentence: expect.stringContaining('have not looked') });
    const node = patient.put('bin/node', '#!/bin/sh\n[ -z "$NODE_OPTIONS" ] && echo v22.1.0\n', 0o755);
    patient.put(state('node'), `${node}\n`);
    expect(await check('node', { env: { NODE_OPTIONS: '--x' } })).toMatchObject({
      status: 'ok',
      sentence: 'Hooks use ~/bin/node (22.1.0).',
    });
  });
});

describe("Claude Code's own traces", () => {
  const ON = { CLAUDE_CODE_ENABLE_TELEMETRY: '1', CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: 'true', OTEL_TRACES_EXPORTER: 'otlp' };
  const BETA = { ENABLE_BETA_TRACING_DETAILED: '1', BETA_TRACING_ENDPOINT: 'http://x' };

  test.each<{ why: string; env?: NodeJS.ProcessEnv; user?: object; project?: object; managed?: object; where?: string }>([
    { why: 'off', env: {} },
    { why: 'only metrics and logs', env: { CLAUDE_CODE_ENABLE_TELEMETRY: '1', OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp' } },
    { why: 'without the beta', env: { CLAUDE_CODE_ENABLE_TELEMETRY: '1', OTEL_TRACES_EXPORTER: 'otlp' } },
    { why: 'on, in the shell', env: ON, where: 'OTEL_TRACES_EXPORTER in this shell' },
    { why: 'to the console', env: { ...ON, OTEL_TRACES_EXPORTER: 'console' } },
    { why: 'on, in the settings of the user', user: ON, where: 'OTEL_TRACES_EXPORTER in ~/.claude/settings.json' },
    { why: 'on, by the manager', managed: ON, where: 'OTEL_TRACES_EXPORTER in ~/managed-settings.json' },
    { why: 'off by the manager', env: ON, managed: { OTEL_TRACES_EXPORTER: 'none' } },
    { why: 'a project can not', project: ON },
    {
      why: 'the older name',
      env: { ...ON, CLAUDE_CODE_ENHANCED_TELEMETRY_BETA: undefined, ENABLE_ENHANCED_TELEMETRY_BETA: 'yes' },
      where: 'OTEL_TRACES_EXPORTER in this shell',
    },
    { why: 'the other beta', env: BETA, where: 'ENABLE_BETA_TRACING_DETAILED in this shell' },
    { why: 'the other beta without its endpoint', env: { ENABLE_BETA_TRACING_DETAILED: '1' } },
  ])('$why', async ({ env = {}, user, project, managed, where }) => {
    if (user !== undefined) setUserSettings(patient, pluginFolder(), { env: user });
    if (project !== undefined) patient.put('repo/.claude/settings.json', { env: project });
    if (managed !== undefined) patient.put('managed-settings.json', { env: managed });
    const found = await check('own tracing', { env });
    expect(found?.status).toBe(where === undefined ? 'ok' : 'warning');
    expect(found?.sentence).toContain(where ?? 'are off');
  });
});

test.each([
  ['00-0123456789abcdef0123456789abcdef-0123456789abcdef-01', 'ok', 'TRACE_BUILD_DISABLED is not set.'],
  [
    '00-0123456789abcdef0123456789abcdef-0123456789abcdef-00',
    'warning',
    'TRACE_BUILD_TRACEPARENT in this shell names a trace that is not sampled: sessions begun with it are not sent.',
  ],
  ['mine', 'warning', 'TRACE_BUILD_TRACEPARENT in this shell is not a W3C traceparent: it is ignored.'],
])('a parent trace: %s', async (traceparent, status, sentence) => {
  expect(await check('disabled', { env: { TRACE_BUILD_TRACEPARENT: traceparent } })).toMatchObject({ status, sentence });
});
