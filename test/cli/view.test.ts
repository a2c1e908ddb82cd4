/** `trace-build view`: what is served, what is written, and what is said when it can't be. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserCommand } from '../../src/cli/browser.ts';
import type { ListLine, PageData, ViewSession } from '../../src/view/model.ts';
import { withinProject } from '../../src/view/page/format.ts';
import { databaseOf } from '../support/sqlite.ts';
import { type Ran, trace } from './world.ts';

const nest = 'fixtures/claude-code/nest/projects';
const transcript = join(nest, '-home-dev-nest', readdirSync(join(nest, '-home-dev-nest')).find((name) => name.endsWith('.jsonl'))!);
const scratch = mkdtempSync(join(tmpdir(), 'trace-build-view-'));
const dist = pathToFileURL(`${scratch}/dist/`);
beforeAll(() => {
  mkdirSync(join(scratch, 'dist'));
  writeFileSync(join(scratch, 'dist', 'page.js'), 'page()');
  writeFileSync(join(scratch, 'dist', 'page.css'), 'body {}');
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** Runs until its server is there, asks, ends it, and tells what was printed. */
async function viewing<T>(
  args: readonly string[],
  ask: (address: string) => Promise<T>,
  world: Parameters<typeof trace>[1] = {},
): Promise<Ran & { readonly answer: T }> {
  let [stop, told] = [(): void => undefined, (_: string): void => undefined];
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const address = new Promise<string>((resolve) => {
    told = (text) => resolve(text.trim());
  });
  const running = trace(['view', ...args], { dist, stopped, wrote: told, ...world });
  const early = running.then(({ code, stderr }) => Promise.reject(new Error(`ended with ${code}: ${stderr}`)));
  try {
    const answer = await ask(await Promise.race([address, early]));
    early.catch(() => undefined);
    stop();
    return { ...(await running), answer };
  } finally {
    stop();
  }
}

const listAt = async (address: string): Promise<readonly ListLine[]> =>
  (await (await fetch(new URL('api/sessions', address))).text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
const sessionAt = async (address: string, key: string): Promise<ViewSession> =>
  (await fetch(new URL(`api/sessions/${key}`, address))).json() as Promise<ViewSession>;
const keysIn = ([first]: readonly ListLine[]): readonly string[] =>
  first?.kind === 'sessions' ? first.sessions.map(({ key }) => key) : [];

describe('the server', () => {
  test('of a directory: the list, each session, each span; its address and nothing else on stdout', async () => {
    const { answer, code, stdout, stderr } = await viewing(['--no-open', nest], async (address) => {
      const lines = await listAt(address);
      const session = await sessionAt(address, keysIn(lines)[0]!);
      const details = await fetch(new URL(`api/sessions/${session.key}/spans/${session.spans.at(-1)!.id}`, address));
      const again = await listAt(address);
      return { lines, session, status: details.status, again, page: await (await fetch(new URL('page.js', address))).text() };
    });
    expect(answer.lines.map(({ kind }) => kind)).toEqual(['sessions', 'summary']);
    expect(answer.lines[1]).toMatchObject({ summary: answer.session.summary });
    expect(answer.session).toMatchObject({ content: 'full', project: '/home/dev/nest', summary: { agents: 3, modelCalls: 8 } });
    expect(answer.again).toEqual(answer.lines);
    expect([answer.status, answer.page, code]).toEqual([200, 'page()', 0]);
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{48}\/\n$/);
    expect(stderr).toBe('Ctrl-C ends it.\n');
  });

  test('of one session: opens there, and knows no other', async () => {
    const { answer, stdout } = await viewing(['--no-open', transcript], async (address) => ({ address, lines: await listAt(address) }));
    expect(keysIn(answer.lines)).toHaveLength(1);
    expect(stdout.trim().endsWith(`/#/s/${keysIn(answer.lines)[0]}`)).toBe(true);
  });

  test('of a database: the list of all it holds, or the only one', async () => {
    const tables = `create table schema_version(version integer);
      create table sessions(id text, source text, model text, model_config text, parent_session_id text, started_at real, ended_at real, end_reason text);
      create table messages(id integer primary key, session_id text, role text, content text, timestamp real);`;
    const session = (id: string): string => `insert into sessions values ('${id}', 'cli', 'm', '{}', null, 1000, null, null);`;
    const [many, one] = [join(scratch, 'many.db'), join(scratch, 'one.db')];
    const ids = ['a1', 'b2', 'c3', 'd4'];
    writeFileSync(many, databaseOf(tables + ids.map(session).join(''))[0]!);
    writeFileSync(one, databaseOf(tables + session('e5'))[0]!);
    const listed = async (path: string): Promise<readonly string[]> => {
      const { answer, stdout } = await viewing(['--no-open', path], listAt);
      const sessions = answer[0]?.kind === 'sessions' ? answer[0].sessions : [];
      return [...sessions.map(({ id }) => id).toSorted(), stdout.includes('#') ? 'opened' : 'listed'];
    };
    expect(await listed(many)).toEqual([...ids, 'listed']);
    expect(await listed(one)).toEqual(['e5', 'opened']);
    const ran = await trace(['view', many, '--out', join(scratch, 'never')], { dist });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(`${many} holds 4 sessions: a1, b2, c3 …`) });
  });

  test('of a session that goes on: what was added is there the next time it is looked at', async () => {
    const copy = join(scratch, 'going-on');
    cpSync(nest, copy, { recursive: true });
    const file = join(copy, transcript.slice(nest.length));
    const turn = (text: string) =>
      `${JSON.stringify({ type: 'user', uuid: `u-${text}`, sessionId: 's', timestamp: '2026-12-01T00:00:00.000Z', message: { role: 'user', content: text } })}\n`;
    const { answer } = await viewing(['--no-open', file], async (address) => {
      const key = address.split('/').at(-1)!;
      const before = await sessionAt(address, key);
      await listAt(address);
      const last = before.spans.at(-1)!.id;
      appendFileSync(file, turn('and more'));
      const details = await fetch(new URL(`api/sessions/${key}/spans/${last}`, address));
      return { before, status: details.status, after: await sessionAt(address, key), list: await listAt(address) };
    });
    expect(answer.status).toBe(200);
    expect(answer.after.summary.turns).toBe(answer.before.summary.turns + 1);
    expect(answer.after.turns.at(-1)).toMatchObject({ label: 'and more' });
    expect(answer.list[1]).toMatchObject({ summary: answer.after.summary });
  });

  test('what vanishes meanwhile is told, and the server goes on', async () => {
    const copy = join(scratch, 'vanishing');
    cpSync(nest, copy, { recursive: true });
    const { answer, code, stderr } = await viewing(['--no-open', copy], async (address) => {
      const [key] = keysIn(await listAt(address));
      rmSync(copy, { recursive: true });
      const answers = await Promise.all(['api/sessions', `api/sessions/${key}`, ''].map((path) => fetch(new URL(path, address))));
      return Promise.all(answers.map(async (answer) => [answer.status, (await answer.text()).split('\n')[0]]));
    });
    expect(answer).toEqual([
      [500, expect.stringMatching(/There is no .*vanishing/)],
      [500, expect.stringMatching(/There is no .*vanishing/)],
      [200, '<!doctype html>'],
    ]);
    expect([code, stderr]).toEqual([0, 'Ctrl-C ends it.\n']);
  });

  test('without an argument: all sessions of this machine', async () => {
    const home = join(scratch, 'machine');
    mkdirSync(join(home, '.claude'), { recursive: true });
    for (const story of ['nest', 'fg', 'team'])
      cpSync(`fixtures/claude-code/${story}/projects`, join(home, '.claude', 'projects'), { recursive: true });
    const { answer } = await viewing(['--no-open'], listAt, { home });
    const keys = keysIn(answer);
    expect(keys.length).toBeGreaterThanOrEqual(3);
    expect(
      answer
        .slice(1)
        .map((line) => line.kind !== 'sessions' && line.key)
        .toSorted(),
    ).toEqual(keys.toSorted());
  });

  test('--content none keeps what was said out of it', async () => {
    const { answer } = await viewing(['--no-open', '--content', 'none', transcript], async (address) => {
      const [, summary] = await listAt(address);
      return JSON.stringify([summary, await sessionAt(address, address.split('/').at(-1)!)]);
    });
    expect(answer).not.toMatch(/NEST|echo deep/);
  });

  test('opens the browser at the address', async () => {
    const seen = join(scratch, 'seen');
    const browser = join(scratch, 'browser');
    writeFileSync(browser, `#!/bin/sh\nprintf '%s' "$2" > ${seen}.part && mv ${seen}.part ${seen}\n`);
    chmodSync(browser, 0o755);
    const { answer, stderr } = await viewing(
      [transcript],
      async (address) => {
        while (!existsSync(seen)) await new Promise((done) => setImmediate(done));
        return address;
      },
      { env: { BROWSER: `${browser} --new-tab`, PATH: process.env['PATH'] } },
    );
    expect(readFileSync(seen, 'utf8')).toBe(answer);
    expect(stderr).toBe('Ctrl-C ends it.\n');
  });

  test('a browser that can not be opened is no failure', async () => {
    const { stderr, code } = await viewing([transcript], async () => undefined, { env: { BROWSER: '/nowhere/browser' } });
    expect([code, stderr]).toEqual([0, 'No browser was opened: spawn /nowhere/browser ENOENT. Open the address above.\nCtrl-C ends it.\n']);
  });
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the program well, with a connection kept open', async (signal) => {
  const outdir = join(scratch, 'dist');
  await build({
    entryPoints: ['src/cli/main.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: join(outdir, 'cli.mjs'),
    logLevel: 'error',
    banner: { js: "import { createRequire as __r } from 'node:module'; const require = __r(import.meta.url);" },
  });
  const child = spawn(process.execPath, [join(outdir, 'cli.mjs'), 'view', '--no-open', resolve(nest)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, HOME: scratch },
  });
  const [address] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const keptAlive = await fetch(address.trim());
  child.kill(signal);
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(keptAlive.status).toBe(200);
});

describe('a file', () => {
  const out = join(scratch, 'out');
  const written = async (...args: readonly string[]): Promise<string> => {
    const ran = await trace(['view', transcript, '--out', out, ...args], { dist });
    expect(ran).toEqual({ code: 0, stdout: '', stderr: '' });
    return readFileSync(out, 'utf8');
  };
  const dataIn = (html: string): PageData => JSON.parse(/id="trace-build-data">(.*?)<\/script>/s.exec(html)![1]!);

  test('holds the page and the session, redacted, and not where it lay', async () => {
    const { session, details } = dataIn(await written());
    expect(session).toMatchObject({ content: 'redacted', project: 'nest' });
    expect(Object.keys(details)).toHaveLength(session.spans.length);
    expect(dataIn(await written('--content', 'full')).session).toMatchObject({ content: 'full', project: '/home/dev/nest' });
    const none = await written('--content', 'none');
    expect(none).not.toMatch(/NEST|echo deep/);
    expect(dataIn(none).session.project).toBeUndefined();
  });

  test('what the labels tell lies within the project, and no other name changes', async () => {
    const named = join(scratch, 'labels.jsonl');
    writeFileSync(
      named,
      readFileSync(transcript, 'utf8').replaceAll('go [[NEST]]', 'cat /home/dev/nest/a.ts crowsnest/b.ts /old/home/dev/nest/c.ts'),
    );
    expect((await trace(['view', named, '--out', out], { dist })).code).toBe(0);
    const { spans, project } = dataIn(readFileSync(out, 'utf8')).session;
    const labels = spans.flatMap(({ label }) => (label?.startsWith('cat ') ? [withinProject(label, project)] : []));
    expect(labels).toEqual(['cat a.ts crowsnest/b.ts /old/home/dev/nest/c.ts']);
  });

  test('on stdout, where it is asked for', async () => {
    const text = await written();
    for (const args of [
      ['--out', '-'],
      ['--format', 'html'],
      ['--format', 'html', '--out', '-'],
    ])
      expect(await trace(['view', transcript, ...args], { dist })).toEqual({ code: 0, stdout: text, stderr: '' });
    expect(existsSync('-')).toBe(false);
  });

  test('what its directory is called is redacted, too', async () => {
    const named = join(scratch, 'named.jsonl');
    const token = ['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_');
    writeFileSync(named, readFileSync(transcript, 'utf8').replaceAll('"cwd":"/home/dev/nest"', `"cwd":"/home/dev/x ${token}"`));
    expect((await trace(['view', named, '--out', out], { dist })).code).toBe(0);
    expect(dataIn(readFileSync(out, 'utf8')).session.project).toMatch(/^x \[REDACTED:/);
    expect(readFileSync(out, 'utf8')).not.toContain(token);
  });

  test.each(['perfetto', 'speedscope'])('for %s: into a file, or to stdout; names and figures only with --content none', async (format) => {
    const text = await written('--format', format);
    JSON.parse(text);
    const { stdout } = await trace(['view', transcript, '--format', format]);
    expect(stdout).toBe(text);
    expect(await written('--format', format, '--content', 'none')).not.toMatch(/NEST|echo deep/);
  });

  test('a policy that is locked holds for files, and not for what stays here', async () => {
    const managed = join(scratch, 'managed.json');
    writeFileSync(managed, JSON.stringify({ content: 'none', lock: ['content'] }));
    const ran = await trace(['view', transcript, '--out', out, '--content', 'full'], { dist, managed });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('locks content') });
    expect((await trace(['view', transcript, '--out', out], { dist, managed })).code).toBe(0);
    expect(dataIn(readFileSync(out, 'utf8')).session.content).toBe('none');
    const { answer } = await viewing(['--no-open', transcript], (address) => sessionAt(address, address.split('/').at(-1)!), { managed });
    expect(answer.content).toBe('full');
  });
});

test.each([
  ['a directory as a file', [nest, '--out', '/dev/null'], /A file is of one session/],
  ['a session and --last', [transcript, '--last'], /Leave one of them out/],
  ['what is not there', ['nothing-of-that-name'], /no file, directory or session called/],
  ['what is no transcript', ['package.json'], /package\.json is not a transcript/],
  ['what is no transcript, as a file', ['package.json', '--out', '/dev/null'], /package\.json is not a transcript/],
  ['no port', ['--port', 'http', transcript], /--port http is no port/],
  ['a port beyond all', ['--port', '70000', transcript], /--port 70000 is no port/],
  ['a port of a file', ['--port', '0', transcript, '--out', '/dev/null'], /--port is of the server/],
  ['an empty name', [''], /empty/],
  ['another format', ['--format', 'pdf', transcript], /Allowed choices are html, speedscope, perfetto/],
])('refused, with what to do: %s', async (_, args, message) => {
  const ran = await trace(['view', '--no-open', ...args], { dist });
  expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
});

test('a page that was not built is for the user to build', async () => {
  for (const args of [[transcript], [transcript, '--out', join(scratch, 'never')]])
    expect(await trace(['view', '--no-open', ...args], { dist: pathToFileURL(`${scratch}/nowhere/`) })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/The page is missing: ENOENT.*\n.*npm run build/),
    });
  expect(existsSync(join(scratch, 'never'))).toBe(false);
});

test.each<[NodeJS.Platform, NodeJS.ProcessEnv, readonly string[] | undefined]>([
  ['darwin', {}, ['open', 'http://x/']],
  ['win32', {}, ['cmd', '/c', 'start', '', 'http://x/']],
  ['linux', { DISPLAY: ':0' }, ['xdg-open', 'http://x/']],
  ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, ['xdg-open', 'http://x/']],
  ['linux', {}, undefined],
  ['linux', { BROWSER: 'firefox:chromium' }, ['firefox', 'http://x/']],
  ['linux', { BROWSER: 'firefox --url=%s' }, ['firefox', '--url=http://x/']],
  ['linux', { BROWSER: '', DISPLAY: ':0' }, ['xdg-open', 'http://x/']],
])('the browser of %s with %o', (platform, env, command) => {
  expect(browserCommand('http://x/', platform, env)).toEqual(command);
});
