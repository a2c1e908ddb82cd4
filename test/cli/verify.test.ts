/** `trace-build verify`: what it prints, what it exits with, and that it changes nothing. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VerifyJson } from '../../src/cli/commands/verify.ts';
import { type Collector, startCollector } from '../support/collector.ts';
import { scratches } from '../support/scratch.ts';
import { trace } from './world.ts';

const folder = scratches('verify');
const FG = 'fixtures/claude-code/fg/projects/-home-dev-fg/ad400b25-1fb8-427d-8e59-b4b83e2af338.jsonl';

const json = async (...args: Parameters<typeof trace>): Promise<VerifyJson & { readonly code: number }> => {
  const { stdout, code } = await trace(['verify', '--json', ...args[0]], args[1]);
  return { ...(JSON.parse(stdout) as VerifyJson), code };
};

test('one session: the whole table', async () => {
  const { code, stdout, stderr } = await trace(['verify', FG]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(`${FG}  no difference

                       lines   spans  difference
responses                  4       4           0
tool calls                 3       3           0
sub-agents                 1       1           0
claude-opus-5-5
  input tokens        10,564  10,564           0
  output tokens          502     502           0
  cache read tokens   10,200  10,200           0
  cache write tokens     262     262           0

line 33               cost-state      spans  difference
claude-opus-5-5
  input tokens            10,564     10,564           0
  output tokens              502        502           0
  cache read tokens       10,200     10,200           0
  cache write tokens         262        262           0
  cost in USD          $0.013798  $0.013798           0

`);
});

test('every session of every story: a line each, and no difference', async () => {
  const { code, stdout, stderr } = await trace(['verify', 'fixtures/claude-code']);
  expect([code, stderr]).toEqual([0, '']);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.at(-1)).toBe(`${lines.length - 1} sessions, no difference`);
  expect(lines.slice(0, -1).every((line) => line.startsWith('ok  '))).toBe(true);
  expect(lines.length).toBeGreaterThan(100);
});

test('--quiet says only the sum when all is well; --verbose shows every table', async () => {
  expect((await trace(['verify', '--quiet', 'fixtures/claude-code/rewind'])).stdout).toBe('3 sessions, no difference\n');
  expect((await trace(['verify', '--verbose', 'fixtures/claude-code/rewind'])).stdout.match(/^responses /gm)).toHaveLength(3);
});

test('an account that is not comparable says why, and is no difference', async () => {
  const { code, stdout } = await trace(['verify', 'fixtures/claude-code/compact']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/input tokens +2,038 +112 +-1,926\n/);
  expect(stdout).toContain('Not compared: the call that made the summary of a compaction is on no line.');
});

test('an account of more than the lines have is a difference', async () => {
  const copy = join(folder(), 'session.jsonl');
  const lines = readFileSync(FG, 'utf8').split('\n');
  // Its sub-agent's file is not with the copy, and nothing names it any more.
  writeFileSync(copy, lines.map((line) => line.replaceAll('"agentId"', '"other"')).join('\n'));
  const { code, sessions } = await json([copy]);
  expect(code).toBe(1);
  expect(sessions[0]!.differences).toMatchObject([{ kind: 'declared-tokens', id: 'claude-opus-5-5', places: [{ file: copy, line: 33 }] }]);
});

describe('against what was delivered', () => {
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.stop());

  /** A home with the session delivered to the collector. */
  async function delivered(): Promise<{ home: string; ledger: string }> {
    const home = folder();
    expect((await trace([FG, '--endpoint', collector.url], { home })).code).toBe(0);
    const state = join(home, '.local', 'state', 'trace-build', 'ledger');
    const [name] = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((path) => /[0-9a-f]{2}\.jsonl$/.test(path));
    return { home, ledger: join(state, name!) };
  }

  test('all has arrived', async () => {
    const { home } = await delivered();
    const { code, stdout } = await trace(['verify', FG], { home });
    expect(code).toBe(0);
    expect(stdout).toMatch(/127\.0\.0\.1:\d+\/v1\/traces +spans +acknowledged +difference\nfinal +8 +8 +0\nnot in the build +0 +0 +0\n/);
  });

  test('another session was never exported: a row, and no difference', async () => {
    const { home } = await delivered();
    const { code, stdout } = await trace(['verify', 'fixtures/claude-code/bg'], { home });
    expect(code).toBe(0);
    expect(stdout).toContain('/v1/traces: not exported\n');
  });

  // On the day itself some sessions are open yet, and their forks' copies wait for them.
  test.each(['2026-11-21T06:00:00Z', '2027-01-01T00:00:00Z'])('every story, delivered and looked at in one go: %s', async (time) => {
    const home = folder();
    const now = () => Date.parse(time);
    await trace(['fixtures/claude-code', '--endpoint', collector.url, '--quiet'], { home, now });
    const { code, sessions } = await json(['fixtures/claude-code'], { home, now });
    expect(sessions.flatMap(({ session, differences }) => differences.map(({ kind, says }) => [session, kind, says]))).toEqual([]);
    expect(code).toBe(0);
    expect(sessions.filter(({ destinations }) => destinations[0]?.exported).length).toBeGreaterThan(70);
    if (time.startsWith('2027')) expect(sessions.every(({ destinations }) => destinations[0]!.open === 0)).toBe(true);
    else expect(sessions.some(({ destinations }) => destinations[0]!.open > 0)).toBe(true);
  });

  test('a span that the ledger lacks', async () => {
    const { home, ledger } = await delivered();
    const before = readFileSync(ledger, 'utf8');
    const [, spanId] = /"s":\{"([0-9a-f]{16})":\d+,/.exec(before)!;
    writeFileSync(ledger, before.replace(/"s":\{"[0-9a-f]{16}":\d+,/, '"s":{'));
    const { code, sessions } = await json([FG], { home });
    expect(code).toBe(1);
    expect(sessions[0]!.differences).toMatchObject([{ kind: 'span-pending', id: spanId }]);
    expect(sessions[0]!.destinations).toMatchObject([{ exported: true, final: 8, acknowledged: 7, pending: 1, notBuilt: 0 }]);
  });

  test('a span that the ledger has and the build has not', async () => {
    const { home, ledger } = await delivered();
    writeFileSync(ledger, readFileSync(ledger, 'utf8').replace('"s":{', '"s":{"00000000000000ff":1,'));
    const { code, stdout } = await trace(['verify', FG], { home });
    expect(code).toBe(1);
    expect(stdout).toContain('! span-not-built 00000000000000ff\n');
    expect(stdout).toMatch(/not in the build +0 +1 +\+1\n/);
  });

  test('nothing is made, changed or locked', async () => {
    const { home } = await delivered();
    const look = () => readdirSync(home, { recursive: true, encoding: 'utf8' }).map((path) => [path, statSync(join(home, path)).mtimeMs]);
    const before = look();
    await trace(['verify', FG], { home });
    expect(look()).toEqual(before);
    const empty = folder();
    await trace(['verify', FG], { home: empty });
    expect(readdirSync(empty)).toEqual([]);
  });
});

test('a ledger that a newer version wrote is not compared, and that is said', async () => {
  const home = folder();
  const ledger = join(home, '.local', 'state', 'trace-build', 'ledger');
  mkdirSync(ledger, { recursive: true });
  writeFileSync(join(ledger, 'version'), '99\n');
  const { code, stdout } = await trace(['verify', FG], { home });
  expect([code, stdout]).toEqual([0, expect.stringContaining('note A newer version of trace-build wrote what was delivered')]);
});

describe('damage', () => {
  test('garbage and a torn end are told, and are no difference', async () => {
    const projects = folder();
    cpSync('fixtures/claude-code/fg/projects', projects, { recursive: true });
    const path = join(projects, FG.split('projects/')[1]!);
    appendFileSync(path, 'garbage\n{"type":"assist');
    const { code, stdout } = await trace(['verify', path]);
    expect(code).toBe(0);
    expect(stdout).toContain(`note These can't be counted: it is no JSON object.\n  ${path}:34\n  ${path}:35\n`);
  });

  test.each([
    ['nothing', '', /is empty/],
    ['no transcript', 'hello\nworld\n', /is not a transcript: line 1/],
    ['no session', '{"kind":"other"}\n', /holds no session of a coding agent/],
  ])('a file that holds %s: the user is told', async (_, text, message) => {
    const path = join(folder(), 'session.jsonl');
    writeFileSync(path, text);
    const alone = await trace(['verify', path]);
    expect(alone.code).toBe(2);
    expect(alone.stderr).toMatch(message);
    const withAnother = await trace(['verify', path, FG]);
    expect(withAnother.code).toBe(2);
    expect(withAnother.stderr).toMatch(/Not verified\.\n$/);
    expect(withAnother.stdout).toMatch(/\n1 session, no difference, 1 not verified\n$/);
    const { code, skipped } = await json([path]);
    expect([code, skipped]).toEqual([2, [expect.objectContaining({ path, unverified: true })]]);
  });

  test.each([
    ['nothing', ''],
    ['no transcript', 'hello\nworld\n'],
    ['no session', '{"kind":"other"}\n'],
  ])('a file that holds %s, and that nobody named, is only a note', async (_, text) => {
    const projects = folder();
    cpSync(FG, join(projects, 'session.jsonl'));
    writeFileSync(join(projects, 'other.jsonl'), text);
    const { code, stdout, stderr } = await trace(['verify', projects]);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/other\.jsonl .* Skipped\.\n$/)]);
    expect(stdout).toMatch(/\n1 session, no difference, 1 skipped\n$/);
    expect(await json([projects])).toMatchObject({ code: 0, skipped: [{ path: join(projects, 'other.jsonl'), unverified: false }] });
    // Named beside its directory it is meant to be one.
    expect((await json([projects, join(projects, 'other.jsonl')])).code).toBe(2);
  });

  test('a transcript that can’t be read is not verified: nothing green, and a difference goes before it', async () => {
    const projects = folder();
    cpSync('fixtures/claude-code/fg/projects/-home-dev-fg', projects, { recursive: true });
    cpSync('fixtures/claude-code/rewind/projects', projects, { recursive: true });
    const path = join(projects, FG.split('/').at(-1)!);
    const lines = readFileSync(path, 'utf8');
    // Its agent's file can be read all the same, and a pipe is waited for by nobody.
    rmSync(path);
    execFileSync('mkfifo', [path]);
    const { code, stdout, stderr } = await trace(['verify', projects]);
    expect([code, stderr]).toEqual([2, `${path} can't be read: it is no regular file. Not verified.\n`]);
    expect(stdout).toMatch(/\n3 sessions, no difference, 1 not verified\n$/);
    expect(await json([projects])).toMatchObject({ code: 2, differences: 0, skipped: [{ path, unverified: true }] });
    writeFileSync(join(projects, 'other.jsonl'), lines.replaceAll('"agentId"', '"other"'));
    expect(await json([projects])).toMatchObject({ code: 1, differences: 1, skipped: [{ path, unverified: true }] });
  });

  test('text of a transcript does not reach the terminal as it is', async () => {
    const path = join(folder(), 'session.jsonl');
    const lines = readFileSync(FG, 'utf8').replaceAll('claude-opus-5-5', 'model\\u001b[31m\\u202e\\u009b2Jevil');
    writeFileSync(path, lines);
    for (const flags of [[], ['--json']]) {
      const { stdout } = await trace(['verify', ...flags, path]);
      expect(stdout).toContain('evil');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(stdout).not.toMatch(/[\u001b\u202e\u009b]/);
    }
  });
});

test('what is wrong with the command line', async () => {
  expect(await trace(['verify'])).toMatchObject({ code: 2, stderr: expect.stringContaining('No transcript was named') });
  expect((await trace(['verify', '/nowhere/x.jsonl'])).code).toBe(2);
  expect((await trace(['verify', '--help'])).stdout).toContain('Exit codes');
});
