/** What the user types, what they get: exit codes, outputs, messages that say what to do. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { trace } from './world.ts';

const stories = 'fixtures/claude-code';
const nest = `${stories}/nest/projects`;
const scratch = mkdtempSync(join(tmpdir(), 'trace-build-'));
afterAll(() => rmSync(scratch, { recursive: true }));

interface SpanLine {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Record<string, unknown>;
}
const spansIn = (text: string): SpanLine[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('without an endpoint', () => {
  test('the tree is shown, with a line that says how to send it', async () => {
    const { code, stdout, stderr } = await trace([nest]);
    expect(code).toBe(0);
    expect(stdout).toContain('invoke_agent claude-code #1 sdk');
    expect(stdout).toMatch(/│ {2}│ {2}├─ invoke_agent general-purpose/);
    expect(stdout).toContain('echo deep');
    expect(stderr).toContain('--endpoint http://localhost:4318');
  });

  test('lines are cut to the width of the terminal, but for the figures', async () => {
    const { stdout } = await trace([`${stories}/slash/projects`], { width: 60 });
    const content = stdout.split('\n').filter((line) => line.includes('│ ') && !/ (?:ms|s) /.test(line));
    expect(content.length).toBeGreaterThan(3);
    for (const line of content) expect(line.length).toBeLessThanOrEqual(60);
  });

  test('--content none keeps what was said out of the tree', async () => {
    const { stdout } = await trace([nest, '--content', 'none']);
    expect(stdout).toContain('execute_tool Bash');
    expect(stdout).not.toContain('echo deep');
  });

  test('a transcript cannot make the terminal do anything', async () => {
    const path = join(scratch, 'hostile.jsonl');
    const line = (text: string) =>
      JSON.stringify({ type: 'user', uuid: 'u', sessionId: 'hostile', timestamp: '2026-01-01T00:00:00Z', message: { content: text } });
    writeFileSync(path, line('a\u001b[2Jb\u202ec\u0007d'));
    const { stdout } = await trace([path]);
    expect(stdout).toContain('a·[2Jb·c·d');
  });
});

describe('--output', () => {
  test.each(readdirSync(stories))('spans of %s hold every invariant', async (story) => {
    const { code, stdout, stderr } = await trace([`${stories}/${story}/projects`, '--output', 'spans', '--check']);
    expect(stderr).toContain('all invariants hold');
    expect(code).toBe(0);
    const spans = spansIn(stdout);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(ids.size).toBe(spans.length);
    for (const span of spans) {
      expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(span.startTimeUnixNano).toMatch(/^\d+000000$/);
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
      if (span.parentSpanId !== undefined) expect(ids).toContain(span.parentSpanId);
    }
  });

  test('otlp-json is one request, the same bytes every time, wherever it is run', async () => {
    const run = (env: NodeJS.ProcessEnv, cwd: string) =>
      execFileSync(
        process.execPath,
        [join(process.cwd(), 'dist/cli.js'), join(process.cwd(), stories), '--output', 'otlp-json', '--quiet'],
        {
          env: { PATH: process.env['PATH'], ...env },
          cwd,
          maxBuffer: 1e9,
        },
      );
    const here = run({ TZ: 'UTC', LANG: 'C', HOME: '/nowhere' }, process.cwd());
    const there = run({ TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', HOME: scratch }, scratch);
    expect(there.equals(here)).toBe(true);
    const request = JSON.parse(here.toString('utf8'));
    expect(Object.keys(request)).toEqual(['resourceSpans']);
    expect(
      request.resourceSpans.flatMap((r: { scopeSpans: { spans: unknown[] }[] }) => r.scopeSpans.flatMap((s) => s.spans)).length,
    ).toBeGreaterThan(900);
  });

  test('--out writes the whole file or nothing', async () => {
    const out = join(scratch, 'spans.jsonl');
    expect((await trace([nest, '--output', 'spans', '--out', out])).stdout).toBe('');
    expect(spansIn(readFileSync(out, 'utf8'))).toHaveLength(13);
    const { code, stderr } = await trace([nest, '--output', 'spans', '--out', join(scratch, 'no', 'such', 'folder')]);
    expect(code).toBe(2);
    expect(stderr).toContain('Name a file in a directory you may write to');
    expect(readdirSync(scratch).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('the resource takes OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES', async () => {
    const env = { OTEL_SERVICE_NAME: 'mine', OTEL_RESOURCE_ATTRIBUTES: 'team=a%20b,broken' };
    const { stdout, stderr } = await trace([nest, '--output', 'spans'], { env });
    expect(JSON.parse(stdout.split('\n')[0]!).resource.attributes).toMatchObject({
      'service.name': 'mine',
      team: 'a b',
      'service.version': '2.1.329',
    });
    expect(stderr).toContain('OTEL_RESOURCE_ATTRIBUTES');
  });

  test('latest names cache writes otherwise, and never both', async () => {
    const chat = (text: string) => spansIn(text).find(({ name }) => name.startsWith('chat'))!.attributes;
    const old = chat((await trace([`${stories}/fg/projects`, '--output', 'spans'])).stdout);
    const latest = chat((await trace([`${stories}/fg/projects`, '--output', 'spans', '--semconv', 'latest'])).stdout);
    expect(old).toMatchObject({ 'gen_ai.usage.cache_creation.input_tokens': 60 });
    expect(latest).toMatchObject({ 'gen_ai.usage.cache_write.input_tokens': 60 });
    expect(latest).not.toHaveProperty('gen_ai.usage.cache_creation.input_tokens');
  });

  test('a fork with its original tells the copied turns once, and alone tells them all', async () => {
    const folder = `${stories}/resume/projects/-home-dev-resume`;
    const fork = '759aea63-c1a0-4b93-80ae-1be63f1f41ba';
    const all = spansIn((await trace([folder, '--output', 'spans'])).stdout);
    const alone = spansIn((await trace([`${folder}/${fork}.jsonl`, '--output', 'spans'])).stdout);
    const ids = new Set(all.map(({ spanId }) => spanId));
    expect(ids.size).toBe(all.length);
    expect(alone.every(({ spanId }) => ids.has(spanId))).toBe(true);
    // The agent's file lies with the session that the fork was copied from.
    expect(alone.filter(({ name }) => name === 'invoke_agent general-purpose')).toHaveLength(1);
    expect(new Set(alone.map(({ attributes }) => attributes['gen_ai.conversation.id']))).toContain(fork);
    expect(new Set(alone.map(({ attributes }) => attributes['gen_ai.conversation.id'])).size).toBe(3);
  });

  test('a teammate in a pane of its own links to the call of its lead', async () => {
    const lines = (await trace([`${stories}/teamtmux/projects`, '--output', 'spans'])).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const call = lines.find((span) => span.attributes['trace_build.teammate'] === 'mate-one');
    const turn = lines.find((span) => span.name === 'invoke_agent mate-one');
    expect(turn.links).toContainEqual({ traceId: call.traceId, spanId: call.spanId, attributes: { 'trace_build.link': 'started_by' } });
  });
});

test('the help tells of no default that says nothing', async () => {
  const { stdout } = await trace(['--help']);
  expect(stdout).toContain('default: "1.41"');
  expect(stdout).not.toMatch(/default: (?:false|\[\])/);
});

describe('which session', () => {
  const home = join(scratch, 'home');
  const folder = join(home, '.claude/projects/-work-app');
  mkdirSync(folder, { recursive: true });
  cpSync(`${stories}/fg/projects/-home-dev-fg`, folder, { recursive: true });
  cpSync(`${stories}/exits/projects/-home-dev-exits`, folder, { recursive: true });

  test('by id, and by the beginning of an id', async () => {
    expect((await trace(['ad400b25-1fb8-427d-8e59-b4b83e2af338'], { home })).stdout).toContain('go [[FG]]');
    expect((await trace(['ad40'], { home })).stdout).toContain('go [[FG]]');
    expect((await trace(['ad40'], { home: '/nowhere', env: { CLAUDE_CONFIG_DIR: join(home, '.claude') } })).stdout).toContain('go [[FG]]');
  });

  test('a beginning that several have is answered with their ids', async () => {
    const { code, stderr } = await trace(['6'], { home });
    expect(code).toBe(2);
    expect(stderr).toMatch(/sessions begin with 6: 606b25ce.*609e651a/);
  });

  test('--last takes the newest of the current directory', async () => {
    const cwd = join(scratch, 'work', 'app');
    mkdirSync(cwd, { recursive: true });
    const own = join(home, '.claude/projects', cwd.replace(/[^A-Za-z0-9]/g, '-'));
    cpSync(`${stories}/exits/projects/-home-dev-exits`, own, { recursive: true });
    for (const name of readdirSync(own)) utimesSync(join(own, name), 1000, name.startsWith('609e') ? 2000 : 1000);
    expect((await trace(['--last'], { home, cwd })).stdout).toContain('609e651a');
    const { code, stderr } = await trace(['--last'], { home, cwd: scratch });
    expect(code).toBe(2);
    expect(stderr).toContain('No session of');
  });
});

describe('what the user must change is said, with what to do, and without a stack', () => {
  const file = (name: string, bytes: string | Buffer) => {
    writeFileSync(join(scratch, name), bytes);
    return join(scratch, name);
  };
  const pipe = join(scratch, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const circle = join(scratch, 'circle.jsonl');
  symlinkSync(circle, circle);
  test.each([
    { what: 'a pipe', args: [pipe], says: 'is a pipe or a device' },
    { what: 'a link to itself', args: [circle], says: "circle.jsonl can't be read: ELOOP: too many symbolic links encountered." },
    { what: 'a name that is too long', args: ['x'.repeat(5000)], says: "can't be read: ENAMETOOLONG: name too long." },
    { what: 'nothing named', args: [], says: 'No transcript was named' },
    { what: 'no such file', args: ['/no/such/file.jsonl'], says: 'There is no /no/such/file.jsonl' },
    { what: 'no such session', args: ['zzz'], says: 'no file, directory or session called zzz' },
    { what: 'a directory without sessions', args: ['src'], says: 'holds no sessions' },
    { what: 'an empty file', args: [file('empty.jsonl', '')], says: 'is empty' },
    { what: 'a text', args: [file('text.jsonl', 'hello\nworld\n')], says: 'is not a transcript: line 1' },
    {
      what: 'a binary',
      args: [file('binary.jsonl', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 255, 10, 1, 2, 3]))],
      says: 'is not a transcript',
    },
    {
      what: "a sub-agent's file",
      args: [`${stories}/fg/projects/-home-dev-fg/ad400b25-1fb8-427d-8e59-b4b83e2af338/subagents/agent-a9c48928263eb4f9e.jsonl`],
      says: 'transcript of a sub-agent',
    },
    {
      what: "a session's own folder",
      args: [`${stories}/fg/projects/-home-dev-fg/ad400b25-1fb8-427d-8e59-b4b83e2af338`],
      says: 'sub-agents of one session',
    },
    { what: 'an unknown option', args: [nest, '--colour'], says: 'unknown option' },
    { what: 'an unknown format', args: [nest, '--output', 'xml'], says: 'Allowed choices are tree, spans, otlp-json' },
    { what: 'an endpoint that is no URL', args: [nest, '--endpoint', 'collector:4318x'], says: '--endpoint is not an http' },
    { what: 'grpc', args: [nest, '--endpoint', 'http://127.0.0.1:1', '--protocol', 'grpc'], says: 'grpc' },
    { what: 'a header without a value', args: [nest, '--endpoint', 'http://127.0.0.1:1', '--header', 'x'], says: 'header' },
  ])('$what', async ({ args, says }) => {
    const { code, stderr, stdout } = await trace(args);
    expect(stderr).toContain(says);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stderr.trim().split('\n').length).toBeGreaterThan(1);
  });

  test('in a directory, a file that is no transcript is skipped and said', async () => {
    const folder = join(scratch, 'mixed');
    cpSync(`${stories}/deny/projects/-home-dev-deny`, folder, { recursive: true });
    writeFileSync(join(folder, 'notes.jsonl'), 'no json\n');
    const { code, stdout, stderr } = await trace([folder]);
    expect(code).toBe(0);
    expect(stdout).toContain('try [[DENY]]');
    expect(stderr).toContain('notes.jsonl is not a transcript');
  });
});

describe('the program itself', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['dist/cli.js', ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: scratch } });

  test('tells its version and its help', () => {
    expect(run('--version').stdout.trim()).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
    const help = run('--help');
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('Examples:');
    expect(help.stdout).toContain('Exit codes:');
  });

  test('exits with 2 where the user must change something', () => {
    const { status, stderr, stdout } = run('nothing-of-that-name');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('trace-build: There is no file, directory or session');
  });

  test('does not mind when nobody reads on', () => {
    const { status, stderr } = spawnSync('sh', ['-c', `"${process.execPath}" dist/cli.js ${stories} --output spans | head -n 1`], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stderr).not.toContain('EPIPE');
  });

  test.skipIf(!existsSync('/dev/full')).each(['stats', 'sessions list --json', 'view --no-open', '--help'])(
    '%s > /dev/full is one line',
    (args) => {
      const command = `"${process.execPath}" dist/cli.js ${args} ${args === 'stats' ? stories : ''} > /dev/full`;
      const { status, stderr } = spawnSync('sh', ['-c', command], {
        encoding: 'utf8',
        env: { ...process.env, HOME: scratch },
        timeout: 60_000,
      });
      expect([status, stderr.replace('Ctrl-C ends it.\n', '')]).toEqual([
        2,
        'trace-build: The output could not be written: ENOSPC: no space left on device, write.\n',
      ]);
    },
  );

  test('is one bundle: it runs where there is no node_modules', () => {
    const alone = join(scratch, 'alone');
    cpSync('dist', alone, { recursive: true });
    expect(existsSync(join(alone, 'node_modules'))).toBe(false);
    expect(execFileSync(process.execPath, [join(alone, 'cli.js'), nest], { encoding: 'utf8' })).toContain('invoke_agent');
  });
});
