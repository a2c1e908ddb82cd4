/** Which Node becomes the worker, and what happens to the queue while there is none: real processes, every shell. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type HookHome, hookHomes, shells } from '../support/shell-hook.ts';

const PAYLOAD = '{"session_id":"ad400b25-1fb8-427d-8e59-b4b83e2af338","hook_event_name":"Stop"}\n';
const DAY_S = 86_400;

describe.each(shells)('$name', ({ command: shell }) => {
  const newHome = hookHomes();

  /** One that does not know node yet, on a system that has none. */
  function aHome(): HookHome {
    const home = newHome();
    rmSync(join(home.state, 'node'));
    return home;
  }

  const hook = (home: HookHome, path = '', more: { cwd?: string; env?: Record<string, string> } = {}) =>
    home.hookAndWorker(shell, 'Stop', PAYLOAD, { ...more, args: ['--path', home.bare], env: { PATH: path, ...more.env } });

  test.each([
    'elsewhere/bin/node',
    'bare/node',
    'home/.volta/bin/node',
    'home/.nvm/versions/node/v22.3.0/bin/node',
    'home/.config/nvm/versions/node/v20.0.0/bin/node',
    'home/.local/share/fnm/node-versions/v20.11.1/installation/bin/node',
    'home/Library/Application Support/fnm/node-versions/v24.0.0/installation/bin/node',
    'home/.asdf/installs/nodejs/21.0.0/bin/node',
    'home/.asdf/shims/node',
    'home/.local/share/mise/installs/node/20.1.0/bin/node',
  ])('found, recorded, and becomes the worker: %s', async (path) => {
    const home = aHome();
    const node = home.fakeNode(path, 'v20.0.0');
    expect(await hook(home, join(home.folder, 'elsewhere/bin'))).toEqual({ code: 0, stdout: '', stderr: '' });
    expect([home.recordedNode(), home.workerByFakeNode()]).toEqual([`${node}\n`, node]);
    expect(readdirSync(home.state).toSorted()).toEqual(['node', 'queue']);
  });

  test('the newest of several versions, as numbers', async () => {
    const home = aHome();
    for (const version of ['v9.11.2', 'v22.2.0', 'v22.10.0', 'v22.9.9'])
      home.fakeNode(`home/.nvm/versions/node/${version}/bin/node`, version);
    mkdirSync(join(home.home, '.nvm/versions/node/v99-broken'));
    await hook(home);
    expect(home.recordedNode()).toBe(`${home.home}/.nvm/versions/node/v22.10.0/bin/node\n`);
  });

  test.each(['v18.20.0', 'v8.0.0', '20.0.0', 'v2x.1', 'v', '', 'vabc'])('one that says it is %j is passed over', async (version) => {
    const home = aHome();
    home.fakeNode('elsewhere/node', version);
    const volta = home.fakeNode('home/.volta/bin/node', 'v20.0.0');
    await hook(home, join(home.folder, 'elsewhere'));
    expect(home.recordedNode()).toBe(`${volta}\n`);
  });

  test('is asked for its version with nothing of the environment', async () => {
    const home = aHome();
    home.write('elsewhere/node', `#!/bin/sh\nenv >>'${home.folder}/env'; pwd >>'${home.folder}/env'; echo v20.0.0\n`, 0o755);
    await hook(home, join(home.folder, 'elsewhere'), { env: { NODE_OPTIONS: '--require ./evil.js', HOME: home.project } });
    const [asked] = readFileSync(join(home.folder, 'env'), 'utf8').split('\n/\n');
    expect(
      asked!
        .split('\n')
        .map((line) => line.split('=')[0])
        .toSorted(),
    ).toEqual(['HOME', 'PATH', 'PWD']);
    expect(asked).toContain(`HOME=${home.home}`);
  });

  test('the PATH goes first, in its order', async () => {
    const home = aHome();
    home.fakeNode('bare/node', 'v26.0.0');
    home.fakeNode('home/.volta/bin/node', 'v26.0.0');
    const first = home.fakeNode('one/node', 'v20.0.0');
    home.fakeNode('two/node', 'v26.0.0');
    await hook(home, ['none', 'one', 'two'].map((name) => join(home.folder, name)).join(':'));
    expect(home.recordedNode()).toBe(`${first}\n`);
  });

  test('a link that lives as long as a terminal is not what is recorded', async () => {
    const home = aHome();
    const node = home.fakeNode('versions/v20/bin/node', 'v20.0.0');
    symlinkSync(join(home.folder, 'versions/v20'), join(home.folder, 'multishell'));
    await hook(home, join(home.folder, 'multishell/bin'));
    expect(home.recordedNode()).toBe(`${node}\n`);
  });

  test.each([
    ['below the project', (home: HookHome) => join(home.project, 'bin')],
    ['the project', (home: HookHome) => home.project],
    ['spelt around', (home: HookHome) => `${home.home}/../project/./bin`],
    ['a link into it', (home: HookHome) => join(home.folder, 'link')],
    ['relative', () => 'bin'],
    ['empty: the working directory', () => ':'],
  ])('a node of the repository is never run: PATH entry %s', async (_, entry) => {
    const home = aHome();
    for (const folder of ['project', 'project/bin'])
      home.write(`${folder}/node`, `#!/bin/sh\ntouch '${home.folder}/taken'; echo v20.0.0\n`, 0o755);
    symlinkSync(join(home.project, 'bin'), join(home.folder, 'link'));
    await hook(home, entry(home));
    expect(existsSync(join(home.folder, 'taken'))).toBe(false);
    expect(existsSync(join(home.state, 'no-node'))).toBe(true);
  });

  test('the repository is its whole work tree, of the project as of the directory the session is in now', async () => {
    const home = aHome();
    for (const folder of ['project', 'other']) {
      home.write(`${folder}/.git`, 'gitdir: elsewhere\n');
      home.write(`${folder}/bin/node`, `#!/bin/sh\ntouch '${home.folder}/taken'; echo v20.0.0\n`, 0o755);
      mkdirSync(join(home.folder, folder, 'a/b'), { recursive: true });
    }
    await hook(home, `${home.project}/bin:${home.folder}/other/bin`, {
      cwd: join(home.folder, 'other/a/b'),
      env: { CLAUDE_PROJECT_DIR: join(home.project, 'a/b') },
    });
    expect(existsSync(join(home.folder, 'taken'))).toBe(false);
  });

  test('the recorded one is taken as it is; one that has vanished is searched for anew', async () => {
    const home = aHome();
    const old = home.fakeNode('old/node', 'v1.0.0');
    const found = home.fakeNode('home/.volta/bin/node', 'v20.0.0');
    home.recordNode(old);
    await hook(home);
    expect([home.recordedNode(), home.workerByFakeNode()]).toEqual([`${old}\n`, old]);
    rmSync(old);
    await hook(home);
    expect([home.recordedNode(), home.workerByFakeNode()]).toEqual([`${found}\n`, found]);
  });

  test('none: the job stays and it is noted, until there is one', async () => {
    const home = aHome();
    home.fakeNode('bare/node', 'v18.0.0');
    expect(await hook(home)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(home.state).toSorted()).toEqual(['no-node', 'queue']);
    expect([home.jobs().length, home.leftovers()]).toEqual([1, []]);
    home.fakeNode('home/.volta/bin/node', 'v20.0.0');
    await hook(home);
    expect(readdirSync(home.state).toSorted()).toEqual(['node', 'queue']);
    expect(home.jobs()).toHaveLength(2);
  });

  test('none: what is older than 14 days goes, and is counted', async () => {
    const home = aHome();
    const nowS = Date.now() / 1000;
    for (const [name, days] of [
      ['1.0.job', 15],
      ['2.0.job', 14.1],
      ['3.0.job', 13.9],
      ['.4.0.tmp', 15],
      ['.5.0.tmp', 1],
    ] as const) {
      const file = home.write(`home/.local/state/trace-build/queue/${name}`, 'trace-build job 1\n\n{}\n');
      utimesSync(file, nowS - days * DAY_S, nowS - days * DAY_S);
    }
    await hook(home);
    const names = readdirSync(home.queue).filter((name) => /^\.?\d\./.test(name));
    expect(names.toSorted()).toEqual(['.5.0.tmp', '3.0.job']);
    const dropped = readFileSync(join(home.queue, '.dropped'), 'utf8').trimEnd().split('\n');
    expect(dropped).toHaveLength(3);
    for (const line of dropped) expect(line).toMatch(/^\d{13} age$/);
    expect(Number(dropped[0]!.slice(0, 13)) / 1000).toBeGreaterThan(nowS - 2);
  });

  test('none: above 64 MB the oldest go', async () => {
    const home = aHome();
    const nowS = Date.now() / 1000;
    for (const age of [1, 2, 3, 4]) {
      const file = home.write(`home/.local/state/trace-build/queue/${age}.0.job`, Buffer.alloc(20 * 2 ** 20, 'x'));
      utimesSync(file, nowS - age * DAY_S, nowS - age * DAY_S);
    }
    await hook(home);
    expect(readdirSync(home.queue).filter((name) => /^\d\./.test(name))).toEqual(['1.0.job', '2.0.job', '3.0.job']);
    expect(readFileSync(join(home.queue, '.dropped'), 'utf8')).toMatch(/^\d{13} size\n$/);
  });
});
