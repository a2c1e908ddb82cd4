/** Install and uninstall, with a `claude` that notes what it is told. */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import pc from 'picocolors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installPlugin } from '../../src/cli/commands/install.ts';
import type { World } from '../../src/cli/run.ts';
import { type Ran, trace } from './world.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const REGISTER = (folder: string): string[] => [
  `plugin marketplace add ${folder}`,
  'plugin install trace-build@trace-build',
  'plugin update trace-build@trace-build',
];
const UNREGISTER = ['plugin uninstall trace-build@trace-build', 'plugin marketplace remove trace-build'];

let home: string;
let env: NodeJS.ProcessEnv;
const at = (...path: string[]): string => join(home, ...path);
const copies = (): string => at('.local/share/trace-build/plugin');
const state = (): string => at('.local/state/trace-build');
const config = (): string => at('.config/trace-build/config.json');

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'trace-build-install-'));
  env = { HOME: home, PATH: `${at('bin')}:/usr/bin:/bin` };
  claude('exit 0');
});

afterEach(() => rmSync(home, { recursive: true }));

/** @param body  of a shell script: "$*" are the arguments */
function claude(body: string, path = 'bin/claude'): void {
  write(path, `#!/bin/sh\n[ "$1" = --version ] && exit\nprintf '%s\\n' "$*" >>'${at('calls')}'\n${body}\n`);
  chmodSync(at(path), 0o755);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

const calls = (): string[] => (existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trimEnd().split('\n') : []);

const run = (args: readonly string[], more: { answers?: readonly string[] } = {}): Promise<Ran> =>
  trace(args, { env, home, cwd: home, ...more });

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(folder, file)).isFile())
    .toSorted();

/** Everything below, for comparing. */
const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(filesIn(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]));

describe('install', () => {
  test('copies the plugin, records node, registers', async () => {
    const { code, stdout, stderr } = await run(['install']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Nothing is exported yet: trace-build init says what, and where to.\n' });
    expect(stdout).toBe(`Installed: the plugin ${version} in ${copies()}/${version}. New sessions of Claude Code use it.\n`);
    const copy = join(copies(), version);
    for (const part of ['hooks', '.agents', '.claude-plugin', '.codex-plugin']) expect(contents(join(copy, part))).toEqual(contents(part));
    expect(filesIn(copy)).toEqual(expect.arrayContaining(['.claude-plugin/plugin.json', 'hooks/hooks.json', 'hooks/trace-build.sh']));
    expect(readFileSync(join(state(), 'node'), 'utf8')).toBe(`${process.execPath}\n`);
    expect(calls()).toEqual(REGISTER(copy));
  });

  test('again: the same, and nothing else', async () => {
    await run(['install']);
    write('.local/state/trace-build/no-node', '');
    write(`.local/share/trace-build/plugin/${version}/hooks/of-an-earlier-build.sh`, '');
    const before = contents('hooks');
    expect((await run(['install'])).code).toBe(0);
    expect(calls()).toEqual([...REGISTER(join(copies(), version)), ...REGISTER(join(copies(), version))]);
    expect(contents(join(copies(), version, 'hooks'))).toEqual(before);
    expect(readdirSync(state())).toEqual(['node']);
  });

  test('every setting of an earlier install survives', async () => {
    const settings = '{ "trace_roots": ["~/src"], "endpoint": "https://x", "from_a_later_version": 1, "wait": true }';
    write('.config/trace-build/config.json', settings);
    write('.local/state/trace-build/ledger/x/00.jsonl', 'delivered\n');
    write('.local/state/trace-build/queue/1.0.job', 'job\n');
    expect((await run(['install'])).stderr).toBe('');
    await run(['install']);
    expect(readFileSync(config(), 'utf8')).toBe(settings);
    expect(readdirSync(dirname(config()))).toEqual(['config.json']);
    expect(contents(state())).toEqual({ 'ledger/x/00.jsonl': 'delivered\n', node: `${process.execPath}\n`, 'queue/1.0.job': 'job\n' });
  });

  describe('another version', () => {
    const source = (name: string): string => {
      for (const part of ['hooks', '.agents', '.claude-plugin', '.codex-plugin']) cpSync(part, at('package', part), { recursive: true });
      write('package/.claude-plugin/plugin.json', JSON.stringify({ name: 'trace-build', version: name }));
      return at('package');
    };
    const world = (): World => ({
      env,
      home,
      cwd: home,
      version: '1.2.3',
      platform: 'linux',
      managed: '/nowhere/managed.json',
      out: {
        colors: pc.createColors(false),
        width: undefined,
        watched: false,
        write: async () => undefined,
        note: () => undefined,
        complain: () => undefined,
      },
    });

    test('takes the place of the old one', async () => {
      await installPlugin(world(), source('0.1.0'), false);
      await installPlugin(world(), source('0.2.0'), false);
      expect(readdirSync(copies())).toEqual(['0.2.0']);
      expect(calls().slice(3)).toEqual(REGISTER(join(copies(), '0.2.0')));
    });

    test('a version of claude that wants the old one removed first', async () => {
      await installPlugin(world(), source('0.1.0'), false);
      rmSync(at('calls'));
      claude(`case $* in
*add*) [ -e '${at('removed')}' ] || { echo "Marketplace 'trace-build' is already installed. Please remove it first" >&2; exit 1; } ;;
*remove*) touch '${at('removed')}' ;;
esac`);
      await installPlugin(world(), source('0.2.0'), false);
      const [add, ...others] = REGISTER(join(copies(), '0.2.0'));
      expect(calls()).toEqual([add, UNREGISTER[1], add, ...others]);
      expect(readdirSync(copies())).toEqual(['0.2.0']);
    });

    test.each(['add', 'plugin install', 'update'])('when claude refuses (%s) the old one stays', async (command) => {
      await installPlugin(world(), source('0.1.0'), false);
      claude(`case $* in *'${command}'*) echo 'managed settings say no' >&2; exit 1 ;; esac`);
      await expect(installPlugin(world(), source('0.2.0'), false)).rejects.toThrow(/^claude plugin .*managed settings say no$/);
      expect(readdirSync(copies()).toSorted()).toEqual(['0.1.0', '0.2.0']);
    });
  });

  test('--dry-run tells, and does nothing', async () => {
    env['XDG_STATE_HOME'] = at('xdg state');
    const { code, stdout } = await run(['install', '--dry-run']);
    const copy = join(copies(), version);
    expect({ code, lines: stdout.trimEnd().split('\n') }).toEqual({
      code: 0,
      lines: [
        `copy ${resolve('.')} to ${copy}`,
        `write ${process.execPath} into ${at('xdg state/trace-build/node')}`,
        `link ${state()} to ${at('xdg state/trace-build')}`,
        ...REGISTER(copy).map((args) => `claude ${args}`),
      ],
    });
    expect(readdirSync(home)).toEqual(['bin']);
  });

  test('no claude: the files are there, and what to do by hand is told', async () => {
    rmSync(at('bin/claude'));
    env['XDG_DATA_HOME'] = at("it's data");
    const { code, stderr } = await run(['install']);
    expect(code).toBe(2);
    const copy = at("it's data/trace-build/plugin", version);
    expect(stderr).toBe(
      `trace-build: claude was not found.\nWhere it is on the PATH, run:\n  claude plugin marketplace add '${copy.replace("'", "'\\''")}'\n  claude plugin install trace-build@trace-build\n`,
    );
    expect(existsSync(join(copy, 'hooks/trace-build.sh'))).toBe(true);
    expect(existsSync(join(state(), 'node'))).toBe(true);
  });

  test.each(['.local/bin/claude', '.claude/local/claude'])('a claude that is only an alias: ~/%s', async (path) => {
    rmSync(at('bin/claude'));
    claude('exit 0', path);
    expect((await run(['install'])).code).toBe(0);
    expect(calls()).toHaveLength(3);
  });

  describe('XDG variables, which hooks do not read', () => {
    beforeEach(() => {
      env['XDG_CONFIG_HOME'] = at('xdg/config');
      env['XDG_STATE_HOME'] = at('xdg/state');
    });

    test('links lead from the places that hooks know', async () => {
      write('xdg/config/trace-build/config.json', '{}');
      expect((await run(['install'])).stderr).toBe('');
      expect(readlinkSync(dirname(config()))).toBe(at('xdg/config/trace-build'));
      expect(readlinkSync(state())).toBe(at('xdg/state/trace-build'));
      expect(readFileSync(config(), 'utf8')).toBe('{}');
      expect(readFileSync(join(state(), 'node'), 'utf8')).toBe(`${process.execPath}\n`);
      expect((await run(['install'])).stderr).toBe('');
    });

    test('a link that leads elsewhere is led anew; an empty folder gives way', async () => {
      mkdirSync(at('.config'));
      symlinkSync(at('gone'), dirname(config()));
      mkdirSync(state(), { recursive: true });
      await run(['install']);
      expect(readlinkSync(dirname(config()))).toBe(at('xdg/config/trace-build'));
      expect(readlinkSync(state())).toBe(at('xdg/state/trace-build'));
    });

    test('what is there already is not touched, but told', async () => {
      write('.config/trace-build/config.json', '{"notice":"off"}');
      const { code, stderr } = await run(['install']);
      expect(code).toBe(0);
      expect(stderr).toContain(`they use ${dirname(config())}, you use ${at('xdg/config/trace-build')}`);
      expect(readFileSync(config(), 'utf8')).toBe('{"notice":"off"}');
    });
  });
});

describe('uninstall', () => {
  beforeEach(async () => {
    write('.config/trace-build/config.json', '{}');
    write('.local/state/trace-build/ledger/x/00.jsonl', 'delivered\n');
    await run(['install']);
    rmSync(at('calls'));
  });

  test('unregisters and removes the copies; settings and what was delivered stay', async () => {
    const { code, stdout, stderr } = await run(['uninstall']);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `Uninstalled. Your settings stay in ${config()}.\n`, stderr: '' });
    expect(calls()).toEqual(UNREGISTER);
    expect(existsSync(dirname(copies()))).toBe(false);
    expect(existsSync(config())).toBe(true);
    expect(existsSync(join(state(), 'ledger/x/00.jsonl'))).toBe(true);
  });

  test('again: nothing to do is no failure', async () => {
    claude(`echo "Plugin trace-build@trace-build not found in installed plugins" >&2; exit 1`);
    expect((await run(['uninstall'])).code).toBe(0);
    expect((await run(['uninstall'])).code).toBe(0);
  });

  test('claude refuses, or is gone: the copies go, and it is told', async () => {
    claude('echo "settings are locked" >&2; exit 1');
    const refused = await run(['uninstall']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('claude plugin uninstall trace-build@trace-build failed: settings are locked');
    rmSync(at('bin/claude'));
    const gone = await run(['uninstall']);
    expect(gone.stderr).toContain('  claude plugin uninstall trace-build@trace-build\n  claude plugin marketplace remove trace-build\n');
    expect(existsSync(copies())).toBe(false);
  });

  test('--purge asks first', async () => {
    const nobody = await run(['uninstall', '--purge']);
    expect({ code: nobody.code, calls: calls() }).toEqual({ code: 2, calls: [] });
    expect(nobody.stderr).toContain('--yes');
    for (const answer of ['', 'no', 'yesterday']) expect((await run(['uninstall', '--purge'], { answers: [answer] })).code).toBe(2);
    expect([existsSync(config()), existsSync(state()), existsSync(copies()), calls()]).toEqual([true, true, true, []]);
    expect((await run(['uninstall', '--purge'], { answers: ['yes'] })).code).toBe(0);
    expect(existsSync(config())).toBe(false);
  });

  test('--purge leaves nothing of ours, and all that is not', async () => {
    write('.config/trace-build/ca.pem', 'a certificate');
    expect((await run(['uninstall', '--purge', '--yes'])).stdout).toBe('Uninstalled; nothing is left.\n');
    expect(filesIn(home).filter((file) => !/^(?:bin|calls)/.test(file))).toEqual(['.config/trace-build/ca.pem']);
    expect(readdirSync(at('.local/state'))).toEqual([]);
  });

  test('--purge, with XDG variables: the links go, too', async () => {
    env['XDG_CONFIG_HOME'] = at('xdg/config');
    env['XDG_STATE_HOME'] = at('xdg/state');
    rmSync(dirname(config()), { recursive: true });
    rmSync(state(), { recursive: true });
    await run(['install']);
    write('xdg/config/trace-build/config.json', '{}');
    await run(['uninstall', '--purge', '--yes']);
    for (const path of [dirname(config()), state(), at('xdg/config/trace-build'), at('xdg/state/trace-build')])
      expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  test('--purge, with a folder that a manager of dotfiles linked: its link stays', async () => {
    rmSync(dirname(config()), { recursive: true });
    write('dotfiles/trace-build/config.json', '{}');
    symlinkSync(at('dotfiles/trace-build'), dirname(config()));
    await run(['uninstall', '--purge', '--yes']);
    expect(readlinkSync(dirname(config()))).toBe(at('dotfiles/trace-build'));
    expect(readdirSync(at('dotfiles/trace-build'))).toEqual([]);
  });
});

test('what is copied is in the package', () => {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] };
  expect(files).toEqual(expect.arrayContaining(['.agents', '.claude-plugin', '.codex-plugin', 'hooks', 'dist', 'config.schema.json']));
});
