/** Install and uninstall for Codex, OpenClaw and Hermes, in homes of their own; with a `codex` that notes what it is told. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Ran, trace } from './world.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

let home: string;
let env: NodeJS.ProcessEnv;
const at = (...path: string[]): string => join(home, ...path);
const copies = (): string => at('.local/share/trace-build/plugin');
const current = (): string => join(copies(), 'current');

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'trace-build-install-'));
  env = { HOME: home, PATH: `${at('bin')}:/usr/bin:/bin` };
  write('.config/trace-build/config.json', '{}');
  program('codex', 'exit 0');
});

afterEach(() => rmSync(home, { recursive: true }));

function program(name: string, body: string): void {
  write(`bin/${name}`, `#!/bin/sh\n[ "$1" = --version ] && exit\nprintf '%s\\n' "${name} $*" >>'${at('calls')}'\n${body}\n`);
  chmodSync(at('bin', name), 0o755);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

const read = (path: string): string => readFileSync(at(path), 'utf8');
const calls = (): string[] => (existsSync(at('calls')) ? read('calls').trimEnd().split('\n') : []);
const run = (...args: string[]): Promise<Ran> => trace(args, { env, home, cwd: home });

test('the manifests tell the same version', () => {
  const manifests = [
    '.claude-plugin/plugin.json',
    '.codex-plugin/plugin.json',
    'hooks/openclaw/package.json',
    'hooks/openclaw/openclaw.plugin.json',
  ];
  expect(manifests.map((path) => JSON.parse(readFileSync(path, 'utf8')).version)).toEqual(manifests.map(() => version));
});

test('an unknown harness is refused, and nothing is done', async () => {
  const { code, stderr } = await run('install', '--harness', 'emacs');
  expect(code).toBe(2);
  expect(stderr).toContain('claude-code, codex, openclaw, hermes');
  expect(existsSync(copies())).toBe(false);
});

test('a harness that is not on this machine', async () => {
  for (const name of ['openclaw', 'hermes']) {
    const { code, stderr } = await run('install', '--harness', name);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('was not found') });
  }
});

describe('codex', () => {
  const REGISTER = (folder: string): string[] => [`codex plugin marketplace add ${folder}`, 'codex plugin add trace-build@trace-build'];
  const UNREGISTER = ['codex plugin remove trace-build@trace-build', 'codex plugin marketplace remove trace-build'];
  /** As 0.169.0 writes it. */
  const CONFIG = (folder: string): string =>
    `model = "x"\n\n[plugins."trace-build@trace-build"]\nenabled = true\n\n[marketplaces.trace-build]\nsource_type = "local"\nsource = "${folder}"\n`;

  test('registers the copy, and tells of the trust it needs', async () => {
    program('codex', `case $* in 'plugin add'*) mkdir -p '${at('.codex')}'; cat '${at('config')}' >'${at('.codex/config.toml')}' ;; esac`);
    write('config', CONFIG(join(copies(), version)));
    const { code, stdout, stderr } = await run('install', '--harness', 'codex');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Installed: the plugin ${version} in ${copies()}/${version}. New sessions of Codex use it.\n`,
    });
    expect(stderr).toMatch(/^Codex skips these hooks, in silence, until you trust them.*\/hooks/);
    expect(calls()).toEqual(REGISTER(join(copies(), version)));
    expect(existsSync(join(copies(), version, '.codex-plugin/plugin.json'))).toBe(true);
    expect(existsSync(join(copies(), version, '.agents/plugins/marketplace.json'))).toBe(true);
    expect(read('.codex/config.toml')).toBe(CONFIG(join(copies(), version)));
  });

  test('another version: the marketplace is removed first', async () => {
    program(
      'codex',
      `case $* in
*add\\ /*) [ -e '${at('removed')}' ] || { echo "Error: marketplace 'trace-build' is already added from a different source" >&2; exit 1; } ;;
*remove*) touch '${at('removed')}' ;;
esac`,
    );
    expect((await run('install', '--harness', 'codex')).code).toBe(0);
    const [add, plugin] = REGISTER(join(copies(), version));
    expect(calls()).toEqual([add, UNREGISTER[1], add, plugin]);
  });

  test('codex refuses, or is not there: what to do is told', async () => {
    program('codex', 'echo "no plugins here" >&2; exit 1');
    expect((await run('install', '--harness', 'codex')).stderr).toContain('codex plugin marketplace add');
    rmSync(at('bin/codex'));
    const { code, stderr } = await run('install', '--harness', 'codex');
    expect(code).toBe(2);
    expect(stderr).toContain(`codex was not found.\nWhere it is on the PATH, run:\n  ${REGISTER(join(copies(), version)).join('\n  ')}\n`);
  });

  test('uninstall: of what nobody named, what is registered; again is no failure', async () => {
    program('claude', 'exit 0');
    await run('install', '--harness', 'codex');
    write('.codex/config.toml', CONFIG(join(copies(), version)));
    rmSync(at('calls'));
    expect((await run('uninstall')).code).toBe(0);
    expect(calls().filter((call) => call.startsWith('codex'))).toEqual(UNREGISTER);
    expect(existsSync(copies())).toBe(false);
    program('codex', 'echo "Error: marketplace `trace-build` is not configured or installed" >&2; exit 1');
    expect((await run('uninstall', '--harness', 'codex')).code).toBe(0);
  });

  test("another harness's copy stays", async () => {
    write(
      '.claude/plugins/known_marketplaces.json',
      JSON.stringify({ 'trace-build': { source: { source: 'directory', path: join(copies(), '0.0.1') } } }),
    );
    write('.local/share/trace-build/plugin/0.0.1/hooks/hooks.json', '{}');
    await run('install', '--harness', 'codex');
    expect(readdirSync(copies()).toSorted()).toEqual(['0.0.1', version].toSorted());
    await run('uninstall', '--harness', 'codex');
    expect(readdirSync(copies())).toEqual(['0.0.1']);
  });
});

describe('openclaw', () => {
  const CONFIG = '.openclaw/openclaw.json';
  const install = (): Promise<Ran> => run('install', '--harness', 'openclaw');

  test('adds its folder and what it may see, and leaves all else as it is', async () => {
    const before = {
      gateway: { port: 1 },
      plugins: { allow: ['other'], load: { paths: ['/opt/other'] }, entries: { other: { enabled: false, config: { a: [1] } } } },
    };
    write(CONFIG, `${JSON.stringify(before, undefined, 4)}\n`);
    chmodSync(at(CONFIG), 0o640);
    const { code, stderr } = await install();
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'A gateway that is running has to be started again: openclaw gateway restart.\n' });
    expect(JSON.parse(read(CONFIG))).toEqual({
      gateway: { port: 1 },
      plugins: {
        allow: ['other', 'trace-build'],
        load: { paths: ['/opt/other', join(current(), 'hooks/openclaw')] },
        entries: { ...before.plugins.entries, 'trace-build': { enabled: true, hooks: { allowConversationAccess: true } } },
      },
    });
    expect(read(CONFIG)).toContain('\n    "gateway"');
    expect(statSync(at(CONFIG)).mode & 0o777).toBe(0o640);
    expect(JSON.parse(read(`${CONFIG}.before-trace-build`))).toEqual(before);
    for (const file of ['hooks/trace-build.sh', 'hooks/openclaw/index.js', 'hooks/openclaw/openclaw.plugin.json', 'hooks/worker.cjs'])
      expect(existsSync(join(current(), file))).toBe(true);
    expect((await run('uninstall', '--harness', 'openclaw')).code).toBe(0);
    expect(JSON.parse(read(CONFIG))).toEqual(before);
    expect(existsSync(copies())).toBe(false);
  });

  test('again: the same, and the copy is renewed whoever is installed', async () => {
    write(CONFIG, '{}');
    await install();
    const before = read(CONFIG);
    expect((await install()).code).toBe(0);
    expect(read(CONFIG)).toBe(before);
    writeFileSync(join(current(), 'hooks/trace-build.sh'), 'old');
    await run('install', '--harness', 'codex');
    expect(readFileSync(join(current(), 'hooks/trace-build.sh'), 'utf8')).toBe(readFileSync('hooks/trace-build.sh', 'utf8'));
  });

  test.each(['{\n   "a": 1.0,\n   "n": 12345678901234567890\n}', '{"plugins": {"allow": ["mine"], "load": {"paths": ["/mine"]}}}\n'])(
    'uninstall: byte for byte as it was before the first of several installs: %s',
    async (text) => {
      write('.openclaw/openclaw.json', text);
      await install();
      write('.openclaw/openclaw.json', read('.openclaw/openclaw.json').replace('"enabled": true', '"enabled": false'));
      await install();
      expect(read('.openclaw/openclaw.json.before-trace-build')).toBe(text);
      await run('uninstall', '--harness', 'openclaw');
      expect(read('.openclaw/openclaw.json')).toBe(text);
    },
  );

  test('uninstall: what was changed since stays, and nothing empty is left', async () => {
    write('.openclaw/openclaw.json', '{}');
    await install();
    write('.openclaw/openclaw.json', JSON.stringify({ ...JSON.parse(read('.openclaw/openclaw.json')), later: [1] }));
    await run('uninstall', '--harness', 'openclaw');
    expect(JSON.parse(read('.openclaw/openclaw.json'))).toEqual({ later: [1] });
  });

  test('no config yet: then there is none again; a config that is a link', async () => {
    mkdirSync(at('.openclaw'));
    expect((await install()).code).toBe(0);
    expect(JSON.parse(read(CONFIG)).plugins.load.paths).toHaveLength(1);
    await run('uninstall', '--harness', 'openclaw');
    expect(readdirSync(at('.openclaw'))).toEqual([]);
    write('dotfiles/openclaw.json', '{}');
    symlinkSync(at('dotfiles/openclaw.json'), at(CONFIG));
    await install();
    expect(JSON.parse(read('dotfiles/openclaw.json')).plugins.load.paths).toHaveLength(1);
  });

  test.each(['// mine\n{}', '[]', '{"plugins": []}', '{"plugins": {"load": {"paths": "x"}}}'])(
    'a config that we can not edit: %s',
    async (text) => {
      write(CONFIG, text);
      const { code, stderr } = await install();
      expect(code).toBe(2);
      expect(stderr).toContain('"allowConversationAccess": true');
      expect(read(CONFIG)).toBe(text);
      expect(existsSync(join(current(), 'hooks/openclaw/index.js'))).toBe(true);
    },
  );
});

describe('hermes', () => {
  const CONFIG = '.hermes/config.yaml';
  const install = (): Promise<Ran> => run('install', '--harness', 'hermes');
  const command = (event: string): string => `/bin/sh ${current()}/hooks/trace-build.sh ${event} --harness hermes`;
  interface Config {
    readonly hooks?: Record<string, unknown[]> | null;
  }
  const meaning = (text: string): Config => (text.trim() === '' ? {} : (load(text) as Config));
  const hooks = (): Record<string, unknown[]> => meaning(read(CONFIG)).hooks!;
  const expectOurs = (): void =>
    expect([hooks()['on_session_start']?.[0], hooks()['on_session_end']?.[0], hooks()['on_session_finalize']?.[0]]).toEqual(
      ['SessionStart', 'Stop', 'SessionEnd'].map((event) => ({ command: command(event), timeout: 10 })),
    );

  test.each([
    ['nothing', ''],
    ['no hooks', '# mine\nmodel: x   # the best\nlist:\n- a\n- b\n'],
    ['no line feed at the end', 'model: "x"'],
    ['a block of text at the end', 'soul: |\n  Be kind.\n\n  Always.\n'],
    ['empty hooks', 'hooks: {}\n# after\nmodel: x\n'],
    ['hooks that are null', 'hooks:   # none yet\nmodel: x\n'],
    ['other hooks', 'hooks:\n  # before each\n  pre_tool_call:\n    - command: "a b"   # quoted\n      timeout: 5\nmodel: x\n'],
    [
      'four spaces, and one of the events',
      "hooks:\n    on_session_end:\n        - command: 'mine'\n          timeout: 3\n    other: []\nz: 1\n",
    ],
    ['items that are not indented', 'hooks:\n  on_session_end:\n  - command: mine\n    timeout: 3\n  - command: mine too\nz: 1\n'],
    ['an event without hooks', 'hooks:\n  on_session_end: []\nz: 1\n'],
    ['CRLF', 'model: x\r\nhooks:\r\n  other:\r\n    - command: a\r\nz: 1\r\n'],
    ['anchors', 'a: &a\n  - 1\nb: *a\n'],
    ['hooks on the last line, which has no end', 'model: x\nhooks: {}'],
    ['the same, with CRLF', 'model: x # y\r\nhooks:'],
    ['an event on the last line, which has no end', 'hooks:\n  on_session_end: []'],
  ])('%s: three hooks more, and nothing else is touched', async (_, text) => {
    write(CONFIG, text);
    const { code, stderr } = await install();
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('consent') });
    expectOurs();
    const lines = new Set(read(CONFIG).split(/\r?\n/));
    expect(text.split(/\r?\n/).filter((line) => !lines.has(line) && !/^\s*(?:hooks|on_session_end):/.test(line))).toEqual([]);
    expect(text.includes('\r') ? read(CONFIG).replaceAll('\r\n', '').includes('\n') : false).toBe(false);
    const installed = read(CONFIG);
    const script = join(current(), 'hooks/trace-build.sh');
    const changedMs = statSync(script).mtimeMs;
    await install();
    expect([read(CONFIG), statSync(script).mtimeMs]).toEqual([installed, changedMs]);
    expect((await run('uninstall', '--harness', 'hermes')).code).toBe(0);
    const { hooks: found, ...rest } = meaning(read(CONFIG));
    const { hooks: before, ...others } = meaning(text);
    const left = found ?? {};
    expect(rest).toEqual(others);
    // What said that there are none may be gone.
    expect(left).toEqual(Object.fromEntries(Object.entries(before ?? {}).filter(([event]) => event in left)));
    for (const [event, entries] of Object.entries(before ?? {})) expect(left[event] ?? []).toEqual(entries);
    expect(read(CONFIG)).not.toContain('trace-build');
  });

  test.each([
    'hooks: {on_session_end: [{command: mine}]}\n',
    'hooks: [a]\n',
    '- a\n',
    'a: b: c\n',
    '{hooks: {}}\n',
    'hooks: &h\n  other: []\n',
  ])('written in a way we do not know: %s', async (text) => {
    write(CONFIG, text);
    const { code, stderr } = await install();
    expect(code).toBe(2);
    expect(stderr).toContain(`hooks:\n  on_session_start:\n    - command: "${command('SessionStart')}"\n      timeout: 10\n`);
    expect(read(CONFIG)).toBe(text);
  });

  test('ends of lines that are mixed stay as they are', async () => {
    write(CONFIG, '# one\r\nmodel: x\nlist:\r\n- a\n');
    await install();
    expectOurs();
    expect(read(CONFIG).startsWith('# one\r\nmodel: x\nlist:\r\n- a\n')).toBe(true);
    await run('uninstall', '--harness', 'hermes');
    expect(read(CONFIG)).toBe('# one\r\nmodel: x\nlist:\r\n- a\n');
  });

  test('a config that can not be read, or written: what to do is told', async () => {
    mkdirSync(at(CONFIG), { recursive: true });
    const unread = await install();
    expect([unread.code, unread.stderr]).toEqual([2, expect.stringContaining(`${at(CONFIG)} can't be read: EISDIR`)]);
    rmSync(at(CONFIG), { recursive: true });
    write(CONFIG, 'model: x\n');
    mkdirSync(at(`${CONFIG}.before-trace-build`));
    const unwritten = await install();
    expect([unwritten.code, unwritten.stderr]).toEqual([2, expect.stringContaining(`${at(CONFIG)} can't be written: `)]);
    expect(read(CONFIG)).toBe('model: x\n');
  });

  test('--exact: three more, and without it they go', async () => {
    write(CONFIG, 'model: y\n');
    await install();
    const three = read(CONFIG);
    expect((await run('install', '--harness', 'hermes', '--exact')).code).toBe(0);
    expectOurs();
    for (const event of ['post_api_request', 'post_tool_call', 'subagent_start'])
      expect(hooks()[event]).toEqual([{ command: `${process.execPath} ${current()}/hooks/hermes-spool.cjs`, timeout: 10 }]);
    await install();
    expect(read(CONFIG)).toBe(three);
    await run('install', '--harness', 'hermes', '--exact');
    await run('uninstall', '--harness', 'hermes');
    expect(read(CONFIG)).toBe('model: y\n');
  });

  test('no config yet: then there is none again, but for one that somebody has written into since, or that was empty', async () => {
    mkdirSync(at('.hermes'));
    for (const args of [[], ['--exact']]) expect((await run('install', '--harness', 'hermes', ...args)).code).toBe(0);
    await run('uninstall', '--harness', 'hermes');
    expect(readdirSync(at('.hermes'))).toEqual([]);
    await install();
    writeFileSync(at(CONFIG), `${read(CONFIG)}model: x\n`);
    await run('uninstall', '--harness', 'hermes');
    expect(read(CONFIG)).toBe('model: x\n');
    rmSync(at('.hermes'), { recursive: true });
    write(CONFIG, '');
    await install();
    await run('uninstall', '--harness', 'hermes');
    expect(read(CONFIG)).toBe('');
  });

  test('of profiles, too; consent that was given is not asked for', async () => {
    write(CONFIG, 'hooks_auto_accept: true\n');
    write('.hermes/profiles/team/config.yaml', 'model: y\n');
    mkdirSync(at('.hermes/profiles/bare'));
    expect((await install()).stderr).not.toContain('consent');
    expect(read('.hermes/profiles/team/config.yaml')).toContain(command('Stop'));
    expect(read(`${CONFIG}.before-trace-build`)).toBe('hooks_auto_accept: true\n');
    expect(readdirSync(at('.hermes/profiles/bare'))).toEqual([]);
    await run('uninstall', '--harness', 'hermes');
    expect(read('.hermes/profiles/team/config.yaml')).toBe('model: y\n');
  });
});

test('one of several fails: the others are installed, and it is told; each one that fails', async () => {
  rmSync(at('bin/codex'));
  write('.hermes/config.yaml', 'model: x\n');
  const { code, stdout, stderr } = await run('install', '--harness', 'codex', 'openclaw', 'hermes');
  expect(code).toBe(2);
  expect(stdout).toContain('New sessions of Hermes use it.');
  expect(stdout).not.toContain('Codex');
  expect(stderr).toContain('codex was not found.');
  expect(stderr).toContain('OpenClaw was not found');
  expect(stderr).toContain('codex plugin add trace-build@trace-build');
  expect(read('.hermes/config.yaml')).toContain('trace-build');
});

test('--dry-run: what is not there is told, and what is done already is not', async () => {
  const missing = await run('install', '--dry-run', '--harness', 'hermes');
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('Hermes was not found')]);
  write('.hermes/config.yaml', 'model: x\n');
  write('.openclaw/openclaw.json', '{}');
  await run('install', '--harness', 'hermes', 'openclaw');
  const { stdout } = await run('install', '--dry-run', '--harness', 'hermes', 'openclaw');
  expect(stdout).not.toContain('.hermes');
  expect(stdout).not.toContain('openclaw.json');
});

test('all at once, and --dry-run', async () => {
  program('claude', 'exit 0');
  write('.openclaw/openclaw.json', '{}');
  write('.hermes/config.yaml', 'model: x\n');
  const names = ['claude-code', 'codex', 'openclaw', 'hermes'].flatMap((name) => ['--harness', name]);
  const dry = await run('install', '--dry-run', ...names);
  expect(dry.stdout.trimEnd().split('\n')).toEqual([
    `copy ${resolve('.')} to ${join(copies(), version)}`,
    `copy ${resolve('.')} to ${current()}`,
    `write ${process.execPath} into ${at('.local/state/trace-build/node')}`,
    `claude plugin marketplace add ${join(copies(), version)}`,
    'claude plugin install trace-build@trace-build',
    'claude plugin update trace-build@trace-build',
    `codex plugin marketplace add ${join(copies(), version)}`,
    'codex plugin add trace-build@trace-build',
    `add ${join(current(), 'hooks/openclaw')} to plugins.load.paths in ${at('.openclaw/openclaw.json')}`,
    'allow trace-build there to see the end of a run',
    `add 3 hooks to ${at('.hermes/config.yaml')}`,
  ]);
  expect([existsSync(copies()), calls(), read('.openclaw/openclaw.json'), read('.hermes/config.yaml')]).toEqual([
    false,
    [],
    '{}',
    'model: x\n',
  ]);
  expect((await run('install', ...names)).code).toBe(0);
  expect(readdirSync(copies()).toSorted()).toEqual([version, 'current'].toSorted());
  expect((await run('uninstall', '--harness', 'hermes')).code).toBe(0);
  expect(existsSync(current())).toBe(true);
  expect((await run('uninstall')).code).toBe(0);
  expect(existsSync(dirname(copies()))).toBe(false);
});
