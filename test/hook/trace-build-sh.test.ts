/** What the agent sees of the hook, and what it leaves in the queue: real processes, every shell. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type HookHome, hookHomes, shells } from '../support/shell-hook.ts';

const SESSION = 'ad400b25-1fb8-427d-8e59-b4b83e2af338';
const SILENT = { code: 0, stdout: '', stderr: '' };
const PAYLOAD = `${JSON.stringify({
  session_id: SESSION,
  transcript_path: `/home/dev/.claude/projects/-home-dev-fg/${SESSION}.jsonl`,
  cwd: '/home/dev/fg',
  hook_event_name: 'Stop',
  stop_hook_active: false,
  last_assistant_message: 'Zoë said: “naïve” 🦊 \\ %s $HOME `id`',
})}\n`;
const isRoot = process.getuid?.() === 0;

test('all shells are there in CI', () => {
  expect(shells.map(({ name }) => name)).toEqual(process.env['CI'] ? ['dash', 'busybox sh', 'bash', 'bash --posix'] : expect.anything());
  expect(shells.length).toBeGreaterThan(0);
});

describe.each(shells)('$name', ({ command: shell }) => {
  const aHome = hookHomes();

  test.each([
    ['as Claude Code sends it', Buffer.from(PAYLOAD)],
    ['no line feed at the end', Buffer.from(PAYLOAD.trimEnd())],
    ['empty lines, carriage returns, NUL and bytes that are no UTF-8', Buffer.from('{\r\n\n"a":\0 1}\xff\xfe\n\n', 'latin1')],
    ['1 MB', Buffer.from(JSON.stringify({ session_id: SESSION, last_assistant_message: 'wörter '.repeat(150_000) }))],
  ])('the job holds the payload byte for byte: %s', async (_, payload) => {
    const home = aHome();
    expect(await home.hookAndWorker(shell, 'Stop', payload)).toEqual(SILENT);
    const [job, ...more] = home.jobs();
    expect(more).toEqual([]);
    expect(job!.payload.equals(payload)).toBe(true);
    expect(home.leftovers()).toEqual([]);
  });

  test('the job says what the payload does not; only its owner may read it', async () => {
    const home = aHome();
    const env = {
      CLAUDE_CODE_SESSION_ID: SESSION,
      CLAUDE_PID: '4242',
      TRACE_BUILD_TRACEPARENT: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      ANTHROPIC_API_KEY: 'secret',
    };
    await home.hookAndWorker(shell, 'SessionEnd', PAYLOAD, { env });
    const [job] = home.jobs();
    expect(job!.head).toEqual({
      event: 'SessionEnd',
      session_id: SESSION,
      project_dir: home.project,
      pid: '4242',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    });
    const modes = [home.state, home.queue, join(home.queue, job!.name)].map((path) => statSync(path).mode & 0o777);
    expect(modes.slice(1)).toEqual([0o700, 0o600]);
  });

  test('of another harness: its name, and nothing of the Claude Code that it may run in', async () => {
    const home = aHome();
    const env = { CLAUDE_CODE_SESSION_ID: 'the outer one', CLAUDE_PID: '4242', CLAUDE_PROJECT_DIR: home.project };
    expect(await home.hookAndWorker(shell, 'Stop', PAYLOAD, { env, args: ['--harness', 'codex'] })).toEqual(SILENT);
    const [job] = home.jobs();
    expect(job!.head).toEqual({ event: 'Stop', harness: 'codex', pid: expect.stringMatching(/^(?!4242$)[1-9]\d*$/) });
  });

  test('without an event, and with a folder whose name has a line feed', async () => {
    const home = aHome();
    const project = join(home.folder, 'a\nevent=Stop');
    mkdirSync(project);
    expect(await home.hookAndWorker(shell, undefined, PAYLOAD, { env: { CLAUDE_PROJECT_DIR: project }, cwd: project })).toEqual(SILENT);
    // Old versions set no CLAUDE_PID: whoever ran the hook is the agent.
    expect(home.jobs().map(({ head }) => head)).toEqual([{ pid: expect.stringMatching(/^[1-9]\d*$/) }]);
    expect(home.workers()).toHaveLength(1);
  });

  test('the worker outlives the hook: detached, nothing inherited', async () => {
    const home = aHome();
    home.write('home/stay', '');
    expect(await home.hook(shell, 'Stop', PAYLOAD, { env: { ANTHROPIC_API_KEY: 'secret', NODE_OPTIONS: '--no-such-option' } })).toEqual(
      SILENT,
    );
    await expect.poll(() => home.workers().length, { timeout: 10_000, interval: 5 }).toBe(1);
    const [worker] = home.workers();
    expect(home.processes()).toEqual([worker!.pid]);
    expect(worker).toMatchObject({
      args: [],
      cwd: '/',
      stdio: ['/dev/null', '/dev/null', '/dev/null'],
      session: worker!.pid,
      umask: 0o077,
    });
    expect(Object.keys(worker!.env).toSorted()).toEqual(['HOME', 'PATH']);
    expect(worker!.env['HOME']).toBe(home.home);
    rmSync(join(home.home, 'stay'));
    await home.quiet();
  });

  test.each([
    ['perl instead of setsid', ['perl'], true],
    ['neither', [], false],
  ])('a worker without setsid: %s', async (_, tools, leaves) => {
    const home = aHome();
    for (const tool of tools) symlinkSync('/usr/bin/perl', join(home.bare, tool));
    expect(await home.hookAndWorker(shell, 'Stop', PAYLOAD, { args: ['--path', home.bare] })).toEqual(SILENT);
    const [worker] = home.workers();
    expect(worker!.session === worker!.pid).toBe(leaves);
    expect(home.jobs()).toHaveLength(1);
  });

  test.each([{}, { TRACE_BUILD_DISABLED: '1' }])('does nothing when there is no config', async (env) => {
    const home = aHome('no config');
    home.write('home/.local/state/trace-build/notice.json', '{"systemMessage":"never"}\n');
    expect(await home.hookAndWorker(shell, 'SessionStart', PAYLOAD, { env })).toEqual(SILENT);
    expect(existsSync(home.queue)).toBe(false);
    expect(home.workers()).toEqual([]);
  });

  test.each(['1', 'true', 'yes'])('TRACE_BUILD_DISABLED=%s: the worker is told so, and the user nothing', async (value) => {
    const home = aHome({ wait: true });
    home.write('home/.local/state/trace-build/notice.json', '{"systemMessage":"never"}\n');
    const env = { TRACE_BUILD_DISABLED: value };
    expect(await home.hookAndWorker(shell, 'SessionStart', PAYLOAD, { env })).toEqual(SILENT);
    expect(await home.hookAndWorker(shell, 'SessionEnd', PAYLOAD, { env })).toEqual(SILENT);
    expect(home.jobs().map(({ head }) => head['disabled'])).toEqual(['1', '1']);
    // Nobody waits for it.
    expect(home.workers().map(({ args }) => args)).toEqual([[], []]);
  });

  test.each(['', '0', 'false'])('TRACE_BUILD_DISABLED=%j does not disable', async (value) => {
    const home = aHome();
    await home.hookAndWorker(shell, 'Stop', PAYLOAD, { env: { TRACE_BUILD_DISABLED: value } });
    expect(home.jobs().map(({ head }) => head['disabled'])).toEqual([undefined]);
  });

  test('a managed config alone is enough, and the worker is told where it is', async () => {
    const home = aHome('no config');
    const managed = home.write('managed.json', '{}');
    await home.hookAndWorker(shell, 'Stop', PAYLOAD, { args: ['--managed', managed] });
    expect(home.workers().map(({ args }) => args)).toEqual([['--managed', managed]]);
  });

  test('what a repository may set changes nothing', async () => {
    const home = aHome();
    home.write('project/bin/cat', '#!/bin/sh\ntouch "$HOOK_FOLDER/taken"\n', 0o755);
    for (const tool of ['id', 'mv', 'node', 'env', 'setsid', 'mkdir']) symlinkSync('cat', join(home.project, 'bin', tool));
    const evil = join(home.project, 'home');
    home.write('project/home/.config/trace-build/config.json', '{}');
    home.write('project/rc', 'touch "$HOOK_FOLDER/taken"\n');
    const variables = Object.fromEntries(
      ['home', 'given_home', 'state', 'queue', 'config', 'folder', 'node', 'job', 'tmp', 'managed', 'event', 'written', 'owned'].map(
        (name) => [name, evil],
      ),
    );
    const env = {
      ...variables,
      HOOK_FOLDER: home.folder,
      HOME: evil,
      PATH: join(home.project, 'bin'),
      XDG_CONFIG_HOME: join(evil, '.config'),
      XDG_STATE_HOME: join(evil, '.local/state'),
      NODE_OPTIONS: `--require ${join(home.project, 'rc')}`,
      ENV: join(home.project, 'rc'),
      BASH_ENV: join(home.project, 'nothing'),
      'BASH_FUNC_cat%%': '() { touch "$HOOK_FOLDER/taken"; }',
      'BASH_FUNC_mv%%': '() { touch "$HOOK_FOLDER/taken"; }',
      'BASH_FUNC_printf%%': '() { touch "$HOOK_FOLDER/taken"; }',
      IFS: '/',
      CDPATH: evil,
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://elsewhere',
      TRACE_BUILD_ENDPOINT: 'http://elsewhere',
    };
    expect(await home.hookAndWorker(shell, 'Stop', PAYLOAD, { env })).toEqual(SILENT);
    expect(existsSync(join(home.folder, 'taken'))).toBe(false);
    expect(existsSync(join(evil, '.local'))).toBe(false);
    expect(home.jobs().map(({ payload }) => payload.toString())).toEqual([PAYLOAD]);
    const [worker] = home.workers();
    expect(Object.keys(worker!.env).toSorted()).toEqual(['HOME', 'PATH']);
    expect(worker!.env['HOME']).toBe(home.home);
    expect(worker!.env['PATH']).not.toContain(home.project);
  });

  test('fifty at once are fifty jobs', async () => {
    const home = aHome();
    home.recordNode(home.fakeNode('home/node', 'v20.0.0'));
    const payloads = Array.from({ length: 50 }, (_, index) => `${JSON.stringify({ index, text: 'x'.repeat(100_000) })}\n`);
    const ran = await Promise.all(payloads.map((payload) => home.hook(shell, 'Stop', payload)));
    expect(new Set(ran.map((one) => JSON.stringify(one)))).toEqual(new Set([JSON.stringify(SILENT)]));
    expect(
      home
        .jobs()
        .map(({ payload }) => payload.toString())
        .toSorted(),
    ).toEqual(payloads.toSorted());
    // A hook leaves the name it wrote under to what it starts.
    await home.quiet();
    expect(home.leftovers()).toEqual([]);
  });

  test('names that an earlier process of the same id or another container took stay theirs', async () => {
    const home = aHome();
    mkdirSync(home.queue);
    const take = ['sh', '-c', 'q=$1; shift; echo theirs >"$q/$$.0.job"; echo theirs >"$q/.$$.1.tmp"; exec "$@"', 'sh', home.queue];
    await home.hookAndWorker(shell, 'Stop', PAYLOAD, { prefix: take });
    expect(home.leftovers()).toHaveLength(1);
    const files = spawnSync('sh', ['-c', 'cd "$1" && cat .*.tmp *.0.job; ls *.2.job', 'sh', home.queue], { encoding: 'utf8' }).stdout;
    expect(files).toMatch(/^theirs\ntheirs\n\d+\.2\.job\n$/);
  });

  test('an empty stdin: queued when the session is known', async () => {
    const home = aHome();
    expect(await home.hookAndWorker(shell, 'SessionEnd', '')).toEqual(SILENT);
    expect([home.jobs(), home.leftovers(), home.workers()]).toEqual([[], [], []]);
    expect(await home.hookAndWorker(shell, 'SessionEnd', '', { env: { CLAUDE_CODE_SESSION_ID: SESSION } })).toEqual(SILENT);
    expect(home.jobs()).toMatchObject([{ head: { session_id: SESSION }, payload: Buffer.alloc(0) }]);
  });

  test('a file system without links', async () => {
    const home = aHome();
    rmSync(join(home.bare, 'ln'));
    await home.hookAndWorker(shell, 'Stop', PAYLOAD, { args: ['--path', home.bare] });
    expect(home.jobs().map(({ payload }) => payload.toString())).toEqual([PAYLOAD]);
    expect(home.leftovers()).toEqual([]);
  });

  test.each(['home/.local/state', 'home/.local/state/trace-build', 'home/.local/state/trace-build/queue'])(
    'nothing can be written, %s is a file: silent',
    async (path) => {
      const home = aHome();
      rmSync(join(home.folder, path), { recursive: true, force: true });
      home.write(path, '');
      expect(await home.hookAndWorker(shell, 'Stop', PAYLOAD)).toEqual(SILENT);
      expect(home.workers()).toEqual([]);
    },
  );

  test('a job that can only be written in part is not queued', async () => {
    const home = aHome();
    const limited = ['sh', '-c', 'trap "" XFSZ; ulimit -f 8; exec "$@"', 'sh'];
    expect(await home.hookAndWorker(shell, 'Stop', 'x'.repeat(100_000), { prefix: limited })).toEqual(SILENT);
    expect([home.jobs(), home.leftovers()]).toEqual([[], []]);
  });

  test.runIf(isRoot)('a full disk: no half job', async () => {
    const home = aHome();
    mkdirSync(home.queue);
    const full = [
      'unshare',
      '-m',
      'sh',
      '-c',
      'q=$1; shift; mount -t tmpfs -o size=32k none "$q" && cd "$q/.." && "$@"; echo $?; ls -A "$q"',
      'sh',
      home.queue,
    ];
    expect(await home.hookAndWorker(shell, 'Stop', 'x'.repeat(100_000), { prefix: full })).toEqual({ ...SILENT, stdout: '0\n' });
    expect((await home.hookAndWorker(shell, 'Stop', PAYLOAD, { prefix: full })).stdout).toMatch(/^0\n(?:\.\d+\.0\.tmp\n)?\d+\.0\.job\n$/);
  });

  test.runIf(isRoot)('a read-only home: silent', async () => {
    const home = aHome();
    const readOnly = [
      'unshare',
      '-m',
      'sh',
      '-c',
      'h=$1; shift; mount --bind "$h" "$h" && mount -o remount,ro,bind "$h" && exec "$@"',
      'sh',
      home.home,
    ];
    expect(await home.hookAndWorker(shell, 'Stop', PAYLOAD, { prefix: readOnly })).toEqual(SILENT);
    expect([home.jobs(), existsSync(home.queue)]).toEqual([[], false]);
  });

  describe('the notice', () => {
    const notice = '{"systemMessage":"trace-build: 3 spans were not delivered: 401. trace-build doctor tells more."}\n';

    test('is shown at SessionStart only', async () => {
      const home = aHome();
      home.write('home/.local/state/trace-build/notice.json', notice);
      expect(await home.hookAndWorker(shell, 'SessionStart', PAYLOAD)).toEqual({ ...SILENT, stdout: notice });
      for (const event of ['Stop', 'SessionEnd', undefined]) expect(await home.hookAndWorker(shell, event, PAYLOAD)).toEqual(SILENT);
      expect(home.jobs()).toHaveLength(4);
    });

    test.each(['', '\n', 'garbage\n', '{"systemMessage":"torn'])('a file that holds no notice is not shown: %j', async (text) => {
      const home = aHome();
      home.write('home/.local/state/trace-build/notice.json', text);
      expect(await home.hookAndWorker(shell, 'SessionStart', PAYLOAD)).toEqual(SILENT);
    });

    test('that no node was found, unless notices are off', async () => {
      const home = aHome();
      home.write('home/.local/state/trace-build/notice.json', notice);
      home.write('home/.local/state/trace-build/no-node', '');
      const { stdout } = await home.hookAndWorker(shell, 'SessionStart', PAYLOAD);
      // One is recorded now.
      expect(existsSync(join(home.state, 'no-node'))).toBe(false);
      expect(JSON.parse(stdout)).toEqual({ systemMessage: expect.stringContaining('Install Node.js') });
      home.write('home/.local/state/trace-build/no-node', '');
      home.write('home/.config/trace-build/config.json', '{\n  "notice" : "off"\n}');
      expect(await home.hookAndWorker(shell, 'SessionStart', PAYLOAD)).toEqual(SILENT);
    });
  });

  describe('wait', () => {
    const workersAtReturn = async (
      home: HookHome,
      event: string,
      args: readonly string[] = [],
    ): Promise<readonly (readonly string[])[]> => {
      await home.hook(shell, event, PAYLOAD, { args });
      return home.workers().map((worker) => worker.args);
    };

    test('at SessionEnd the worker has ended before the hook has', async () => {
      const home = aHome({ trace_roots: ['*'], wait: true });
      expect(await workersAtReturn(home, 'SessionEnd')).toEqual([['--wait']]);
      expect(home.processes()).toEqual([]);
    });

    test('the hook does not fail with the worker', async () => {
      const home = aHome({ wait: true });
      home.write('plug in/hooks/worker.cjs', 'console.log(1); console.error(2); process.exit(3)');
      expect(await home.hook(shell, 'SessionEnd', PAYLOAD)).toEqual(SILENT);
    });

    test.each([
      { user: { wait: true }, managed: { wait: false }, waits: false },
      { user: { wait: false }, managed: { wait: true }, waits: true },
      { user: { wait: true }, managed: { notice: 'off' }, waits: true },
      { user: { notice: 'wait' }, managed: {}, waits: false },
      { user: {}, managed: { lock: ['notice', 'wait'], wait: true }, waits: true },
      { user: {}, managed: { wait: true, lock: ['wait'] }, waits: true },
      { user: {}, managed: { lock: ['wait'] }, waits: false },
    ])('the managed file goes first: $user, $managed', async ({ user, managed, waits }) => {
      const home = aHome(user);
      const args = ['--managed', home.write('managed.json', JSON.stringify(managed))];
      await home.hook(shell, 'SessionEnd', PAYLOAD, { args });
      await home.quiet();
      expect(home.workers().map((worker) => worker.args.includes('--wait'))).toEqual([waits]);
    });

    test('other events never wait', async () => {
      const home = aHome({ wait: true });
      await home.hookAndWorker(shell, 'Stop', PAYLOAD);
      expect(home.workers().map((worker) => worker.args)).toEqual([[]]);
    });
  });

  // The home is the user database's, which no test can change; so the test's home is put in its place.
  describe.runIf(isRoot)('whose home', () => {
    const { homedir } = userInfo();

    test.each([
      ['/etc/passwd', ':'],
      ['id, where there is no /proc', 'mount -t tmpfs none /proc'],
    ])('by %s, not by $HOME', (_, more) => {
      const home = aHome();
      const evil = join(home.folder, 'evil');
      home.write('evil/.config/trace-build/config.json', '{}');
      // Users of other ids before and after, as everywhere.
      const line = (name: string, id: number, folder: string) => `${name}:x:${id}:${id}:A, B:${folder}:/bin/sh\n`;
      const users = home.write('passwd', line('other', 7, evil) + line('root', 0, homedir) + line('nobody', 65534, evil));
      const ran = spawnSync(
        'unshare',
        [
          '-m',
          'sh',
          '-c',
          `cd / && mount --bind "$1" "$2" && mount --bind "$3" /etc/passwd && ${more} && shift 3 && "$@"`,
          'sh',
          home.home,
          homedir,
          users,
          ...shell,
          home.script,
          'SessionEnd',
        ],
        { input: PAYLOAD, env: { PATH: process.env['PATH'], HOME: evil }, encoding: 'utf8' },
      );
      expect(ran).toMatchObject({ status: 0, stdout: '', stderr: '' });
      expect(home.jobs()).toHaveLength(1);
      expect(existsSync(join(evil, '.local'))).toBe(false);
    });

    test('a user whom no database knows: $HOME, unless the repository has made it', () => {
      const home = aHome();
      spawnSync('chown', ['-R', '54321:54321', home.folder]);
      chmodSync(home.folder, 0o755);
      home.write('project/.git', '');
      home.write('project/home/.config/trace-build/config.json', '{}');
      spawnSync('chown', ['-R', '54321:54321', home.project]);
      mkdirSync(join(home.project, 'sub'));
      const by = (HOME: string) =>
        spawnSync(shell[0]!, [...shell.slice(1), home.script, 'Stop'], {
          input: PAYLOAD,
          cwd: home.project,
          uid: 54321,
          gid: 54321,
          env: { PATH: process.env['PATH'], HOME, CLAUDE_PROJECT_DIR: join(home.project, 'sub') },
        }).status;
      expect(by(join(home.project, 'home'))).toBe(0);
      expect(existsSync(join(home.project, 'home/.local'))).toBe(false);
      expect(by(home.home)).toBe(0);
      expect(home.jobs()).toHaveLength(1);
    });
  });
});
