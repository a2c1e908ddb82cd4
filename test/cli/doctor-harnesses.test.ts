/** What doctor tells of Codex, OpenClaw and Hermes: by their own files, and by what hooks have told. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Check, Report } from '../../src/cli/doctor/report.ts';
import { writeState } from '../../src/sync/state.ts';
import { trace } from './world.ts';

/** Of the program in these tests. */
const VERSION = '1.2.3';

let home: string;
const at = (...path: string[]): string => join(home, ...path);
const copies = (): string => at('.local/share/trace-build/plugin');

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'trace-build-doctor-'));
  write('.config/trace-build/config.json', '{}');
});
afterEach(() => rmSync(home, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

async function check(name: string): Promise<Check | undefined> {
  const env = { HOME: home, PATH: '/usr/bin:/bin' };
  const { stdout } = await trace(['doctor', '--json', '--offline'], { env, home, cwd: home, databaseHome: home });
  return (JSON.parse(stdout) as Report).checks.find((one) => one.name === name);
}

const install = async (...harnesses: string[]): Promise<void> => {
  const names = harnesses.flatMap((name) => ['--harness', name]);
  expect((await trace(['install', ...names], { env: { HOME: home, PATH: '/usr/bin:/bin' }, home, cwd: home })).code).toBe(0);
  write('.local/share/trace-build/plugin/current/.claude-plugin/plugin.json', JSON.stringify({ version: VERSION }));
};

test('of what is not on this machine nothing is told', async () => {
  for (const name of ['codex', 'openclaw', 'hermes']) expect(await check(name)).toBeUndefined();
});

test('what is here, and not installed', async () => {
  for (const name of ['codex', 'openclaw', 'hermes']) {
    mkdirSync(at(`.${name}`));
    expect(await check(name)).toMatchObject({ status: 'ok', sentence: expect.stringContaining(`trace-build install --harness ${name}`) });
  }
});

describe('codex', () => {
  const HOOKS = ['session_start', 'stop', 'subagent_stop', 'session_end'];
  const config = (trusted: readonly string[], enabled = true): string =>
    [
      'model = "x"',
      '[plugins."trace-build@trace-build"]',
      `enabled = ${enabled}`,
      '[marketplaces.trace-build]',
      'source_type = "local"',
      `source = "${copies()}/${VERSION}"`,
      ...trusted.map((hook) => `[hooks.state."trace-build@trace-build:hooks/codex.json:${hook}:0:0"]\ntrusted_hash = "sha256:1"`),
    ].join('\n');

  test('hooks that nobody has trusted yet', async () => {
    write(`.local/share/trace-build/plugin/${VERSION}/.claude-plugin/plugin.json`, JSON.stringify({ version: VERSION }));
    write('.codex/config.toml', config(['stop']));
    expect(await check('codex')).toMatchObject({
      status: 'warning',
      sentence: expect.stringContaining('Codex skips hooks that were not trusted: session_start, subagent_stop, session_end.'),
      todo: expect.stringContaining('/hooks'),
    });
  });

  test('all is well, and when the last hook came', async () => {
    write(`.local/share/trace-build/plugin/${VERSION}/.claude-plugin/plugin.json`, JSON.stringify({ version: VERSION }));
    write('.codex/config.toml', config(HOOKS));
    expect(await check('codex')).toEqual({
      name: 'codex',
      status: 'ok',
      sentence: 'The hooks of Codex are installed (~/.codex/config.toml). No hook of it has come yet.',
    });
    const state = {
      v: 1,
      harness: 'codex',
      sessionId: 'one',
      seenAtMs: Date.now() - 7_200_000,
      stoppedAtMs: Date.now() - 5_000_000,
    } as const;
    writeState(at('.local/state/trace-build'), state, 'settled');
    expect((await check('codex'))?.sentence).toMatch(/The last hook came 1 h ago/);
    // Claude Code is not used here, and that is no reason why there would be no trace.
    expect(await check('plugin')).toMatchObject({ status: 'ok' });
  });

  test('disabled; of an older version; gone', async () => {
    write('.codex/config.toml', config(HOOKS));
    expect((await check('codex'))?.sentence).toContain('is gone');
    write(`.local/share/trace-build/plugin/${VERSION}/.claude-plugin/plugin.json`, '{"version":"0.0.1"}');
    expect(await check('codex')).toMatchObject({ status: 'warning', sentence: expect.stringContaining('of version 0.0.1') });
    write('.codex/config.toml', config(HOOKS, false));
    expect(await check('codex')).toMatchObject({ status: 'warning', sentence: expect.stringContaining('disabled') });
  });
});

test('openclaw: installed, and then without what it needs', async () => {
  write('.openclaw/openclaw.json', '{}');
  await install('openclaw');
  expect(await check('openclaw')).toMatchObject({ status: 'ok', sentence: expect.stringContaining('~/.openclaw/openclaw.json') });
  const config = JSON.parse(readFileSync(at('.openclaw/openclaw.json'), 'utf8'));
  write('.openclaw/openclaw.json', JSON.stringify({ plugins: { ...config.plugins, entries: {} } }));
  expect(await check('openclaw')).toMatchObject({ status: 'warning', sentence: expect.stringContaining('may not see the end of a run') });
  write('.openclaw/openclaw.json', JSON.stringify({ plugins: { ...config.plugins, enabled: false } }));
  expect(await check('openclaw')).toMatchObject({ status: 'warning', sentence: expect.stringContaining('switched off') });
  // With comments it is no JSON, and tells all the same.
  write('.openclaw/openclaw.json', `// mine\n${JSON.stringify(config)}`);
  expect(await check('openclaw')).toMatchObject({ status: 'ok', sentence: expect.stringContaining('are installed') });
});

test('hermes: installed, and consent that is missing', async () => {
  write('.hermes/config.yaml', 'model: x\n');
  await install('hermes');
  expect(await check('hermes')).toMatchObject({
    status: 'warning',
    sentence: expect.stringContaining('no consent yet to on_session_start, on_session_end, on_session_finalize'),
  });
  const script = join(copies(), 'current/hooks/trace-build.sh');
  const approvals = Object.entries({ on_session_start: 'SessionStart', on_session_end: 'Stop', on_session_finalize: 'SessionEnd' }).map(
    ([event, ours]) => ({ event, command: `/bin/sh ${script} ${ours} --harness hermes` }),
  );
  write('.hermes/shell-hooks-allowlist.json', JSON.stringify({ approvals }));
  expect(await check('hermes')).toMatchObject({ status: 'ok' });
});
