/** What Claude Code reads of the plugin, and the shell's own lint. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hookHomes, whereIs } from '../support/shell-hook.ts';

interface Hooks {
  readonly hooks: Readonly<
    Record<string, readonly { readonly hooks: readonly { readonly command: string; readonly timeout?: number }[] }[]>
  >;
}

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const { hooks } = json('hooks/hooks.json') as Hooks;

describe('the manifests', () => {
  test('have the version of the package, and one name', () => {
    const { version, license } = json('package.json') as { version: string; license: string };
    expect(json('.claude-plugin/plugin.json')).toMatchObject({ name: 'trace-build', version, license });
    expect(json('.claude-plugin/marketplace.json')).toMatchObject({
      name: 'trace-build',
      plugins: [{ name: 'trace-build', source: './' }],
    });
  });

  // A name that one version does not know makes it drop all hooks of the plugin, in silence.
  test('name only events that every version knows', () => {
    expect(Object.keys(hooks)).toEqual(['SessionStart', 'Stop', 'SessionEnd']);
  });

  // Before 2.1.329 the user's CLAUDE_CODE_SESSIONEND_HOOKS_TIMEOUT_MS has no effect on a hook without a limit of its own.
  test('let a SessionEnd that waits take as long as the user allows', () => {
    expect(hooks['SessionEnd']![0]!.hooks[0]!.timeout).toBe(60);
  });
});

describe('the commands, as Claude Code runs them', () => {
  const aHome = hookHomes();
  const commands = Object.entries(hooks).map(([event, [group]]) => ({ event, command: group!.hooks[0]!.command }));

  test.each(commands)('$event', async ({ event, command }) => {
    const home = aHome();
    const ran = spawnSync('/bin/sh', ['-c', `${command} --home '${home.home}'`], {
      input: '{}\n',
      env: { PATH: process.env['PATH'], CLAUDE_PLUGIN_ROOT: home.plugin },
      encoding: 'utf8',
    });
    expect(ran).toMatchObject({ status: 0, stdout: '', stderr: '' });
    await home.quiet();
    expect(home.jobs().map(({ head }) => head)).toEqual([{ event, pid: String(process.pid) }]);
    expect(home.workers()).toHaveLength(1);
  });

  test.each(commands)('$event of a session that outlived the plugin: silent', ({ command }) => {
    const home = aHome();
    rmSync(join(home.plugin), { recursive: true });
    const ran = spawnSync('/bin/sh', ['-c', command], { env: { CLAUDE_PLUGIN_ROOT: home.plugin }, encoding: 'utf8' });
    expect(ran).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });
});

test.runIf(process.env['CI'] || whereIs('shellcheck'))('shellcheck finds nothing', () => {
  const { stdout, status } = spawnSync('shellcheck', ['hooks/trace-build.sh', 'hooks/start-worker.sh'], { encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
});
