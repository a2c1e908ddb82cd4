/** Every command, for the sessions of every harness; and nothing of what it looks at is changed. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { harnesses } from '../../src/harness/index.ts';
import { allSessions, type SessionRef } from '../../src/read/find.ts';
import { type Collector, startCollector } from '../support/collector.ts';
import { copied, homeOfAll, LIVE_HERMES_DATABASE, listingOf, OPENCLAW_DATABASE, SESSION_FOLDERS } from '../support/homes.ts';
import { idsTaken } from '../support/machine.ts';
import { databaseOf } from '../support/sqlite.ts';
import { trace } from './world.ts';

const home = homeOfAll(['fg', 'tools', 'nest', 'compact', 'old-2.0.76']);
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-scratch-')));
const refs = allSessions({ env: {}, home, harnesses });
const ofHarness = (name: string): readonly SessionRef[] => refs.filter(({ harness }) => harness.name === name);
const NAMES = harnesses.map(({ name }) => name);
const inHome = (name: string): string => join(home, SESSION_FOLDERS[name]!);

/** All that harnesses wrote, as it was. */
const folders = ['.claude', '.codex', '.openclaw', '.hermes', '.pi'].map((name) => join(home, name));
const before = folders.map(listingOf);

afterEach(() => {
  for (const [n, folder] of folders.entries()) expect(listingOf(folder), `${folder} is as it was`).toEqual(before[n]);
});
afterAll(() => {
  rmSync(home, { recursive: true });
  rmSync(scratch, { recursive: true });
});

const run = (args: readonly string[], more: Parameters<typeof trace>[1] = {}) => trace(args, { home, ...more });

/** Ids of the sessions that a path leads to. */
async function sessionsAt(path: string): Promise<readonly string[]> {
  const { stdout } = await run(['verify', '--json', path]);
  return JSON.parse(stdout).sessions.map(({ session }: { session: string }) => session);
}

const idsOf = (all: readonly SessionRef[]): readonly string[] => all.map(({ sessionId }) => sessionId).toSorted();
const fileNamed = (folder: string, name: RegExp): string =>
  join(
    folder,
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .toSorted()
      .find((path) => name.test(path))!,
  );

const AGENT_THREAD = /rollout-.*01a1faee-b706-7672-80ed-0cfedcba541a\.jsonl$/;
const PACKED_ID = '01a1faeb-c1ee-7952-b1c2-945aee8e6756';

describe('the home', () => {
  test('holds sessions of all, in each of the ways they lie on disk', () => {
    expect(NAMES.map((name) => [name, ofHarness(name).length > 0])).toEqual(NAMES.map((name) => [name, true]));
    const kinds = new Set(refs.map(({ harness, layout }) => `${harness.name} ${layout.kind}`));
    expect([...kinds].toSorted()).toEqual([
      'claude-code projects',
      'codex threads',
      'hermes database',
      'openclaw database',
      'openclaw threads',
      'pi threads',
    ]);
  });
});

describe.each(NAMES)('%s', (name) => {
  const all = ofHarness(name);
  const first = all[0]!;

  test('by id, and by the beginning of it', async () => {
    for (const { sessionId } of all) {
      const whole = await run([sessionId, '--check', '--output', 'tree', '--no-pager']);
      expect(whole, sessionId).toMatchObject({ code: 0, stderr: expect.stringContaining('all invariants hold') });
      const others = refs.filter((ref) => ref.sessionId !== sessionId).map((ref) => ref.sessionId);
      let chars = 4;
      while (chars < sessionId.length && others.some((id) => id.startsWith(sessionId.slice(0, chars)))) chars++;
      const short = await run([sessionId.slice(0, chars), '--output', 'tree', '--no-pager']);
      expect(short.stdout, sessionId.slice(0, chars)).toBe(whole.stdout);
    }
  });

  test('the folder it keeps them in', async () => {
    expect((await sessionsAt(inHome(name))).toSorted()).toEqual(idsOf(all));
  });

  test('--check finds nothing', async () => {
    expect(await run([inHome(name), '--check', '--quiet', '--output', 'spans', '--out', join(scratch, 'spans')])).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test('the same bytes twice', async () => {
    const [one, two] = [await run([inHome(name), '--output', 'otlp-json']), await run([inHome(name), '--output', 'otlp-json'])];
    expect(one.code).toBe(0);
    expect(two.stdout === one.stdout).toBe(true);
    expect(JSON.parse(one.stdout).resourceSpans.length).toBeGreaterThan(0);
  });

  test('verify finds no difference', async () => {
    const { code, stdout } = await run(['verify', '--json', inHome(name)]);
    expect(JSON.parse(stdout)).toMatchObject({ skipped: [], differences: 0 });
    expect(code).toBe(0);
  });

  test('stats counts them', async () => {
    const { code, stdout } = await run(['stats', '--json', inHome(name)]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).total.sessions).toBeGreaterThan(0);
  });

  test('sessions list and show', async () => {
    const listed = JSON.parse((await run(['sessions', 'list', '--harness', name, '--all', '--json'])).stdout);
    expect(listed.sessions.map(({ id }: { id: string }) => id).toSorted()).toEqual(idsOf(all));
    for (const { failed } of listed.sessions) expect(failed).toBeUndefined();
    const withTurns = listed.sessions.find(({ summary }: { summary: { turns: number } }) => summary.turns > 0);
    const { code, stdout } = await run(['sessions', 'show', withTurns.id, '--no-pager']);
    expect(code).toBe(0);
    expect(stdout).toContain('turn 1');
  });

  test('view makes a page of one', async () => {
    const out = join(scratch, `${name}.html`);
    expect((await run(['view', first.sessionId, '--out', out], { dist: new URL('../../dist/', import.meta.url) })).code).toBe(0);
    expect(readFileSync(out, 'utf8')).toContain(first.sessionId);
  });

  test('content, without secrets', async () => {
    const { code, stdout } = await run([inHome(name), '--content', 'redacted', '--output', 'spans']);
    expect(code).toBe(0);
    expect(stdout).toContain('gen_ai.input.messages');
  });
});

describe('paths', () => {
  test('a whole home', async () => {
    expect([...new Set(await sessionsAt(home))].toSorted()).toEqual([...new Set(idsOf(refs))].toSorted());
  });

  test.each([OPENCLAW_DATABASE, LIVE_HERMES_DATABASE, '.hermes/state.db'])('a database, %s', async (path) => {
    const own = refs.filter((ref) => ref.path === join(home, path));
    expect(own.length).toBeGreaterThan(0);
    expect((await sessionsAt(join(home, path))).toSorted()).toEqual(idsOf(own));
  });

  test.each([
    { what: 'a rollout', of: 'codex', name: /0\.jsonl$|\.jsonl$/, to: 'renamed.jsonl' },
    { what: "OpenClaw's", of: 'openclaw', name: /l-tools\.jsonl$/, to: 'third.jsonl' },
  ])('$what with a name of its own', async ({ of, name, to }) => {
    const path = fileNamed(inHome(of), name);
    const own = await sessionsAt(path);
    expect(own).toHaveLength(1);
    const renamed = copied(path, join(scratch, 'renamed', of, to));
    const { code, stdout } = await run(['verify', '--json', renamed]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).sessions.map(({ harness }: { harness: string }) => harness)).toEqual([of]);
  });

  test("pi's own, which look as OpenClaw's do", async () => {
    const path = fileNamed(inHome('pi'), /\.jsonl$/);
    const { stdout } = await run(['verify', '--json', path]);
    expect(JSON.parse(stdout).sessions[0].harness).toBe('pi');
  });

  test('a packed rollout, as it lies there and with a name of its own', async () => {
    const path = fileNamed(inHome('codex'), new RegExp(`${PACKED_ID}\\.jsonl\\.zst$`));
    expect(await sessionsAt(path)).toEqual([PACKED_ID]);
    expect(await sessionsAt(copied(path, join(scratch, 'packed', 'renamed.jsonl.zst')))).toEqual([PACKED_ID]);
  });

  test('a folder with sessions of several', async () => {
    const mixed = join(scratch, 'mixed');
    const rollout = fileNamed(inHome('codex'), /rollout-[^/]*01a1faed-feb3[^/]*\.jsonl$/);
    copied(rollout, join(mixed, rollout.split('/').at(-1)!));
    const claude = ofHarness('claude-code').find(({ agents }) => agents.length === 0)!;
    copied(claude.path!, join(mixed, `${claude.sessionId}.jsonl`));
    const pi = ofHarness('pi')[0]!;
    copied(pi.path!, join(mixed, pi.path!.split('/').at(-1)!));
    copied(join(home, '.hermes/state.db'), join(mixed, 'state.db'));
    const hermes = refs.filter(({ path }) => path === join(home, '.hermes/state.db'));
    const expected = [claude.sessionId, pi.sessionId, '01a1faed-feb3-7e70-8a31-178dfebe69f3', ...idsOf(hermes)].toSorted();
    expect((await sessionsAt(mixed)).toSorted()).toEqual(expected);
  });
});

/** The newest session of a directory. Recorded ones tell of a directory that is not there. */
describe('--last', () => {
  /** As long as those recorded: then it can take their place in a database, too. */
  const here = mkdtempSync('/tmp/tb-'.padEnd('/home/dev/project'.length - 6, '-'));
  const homes: string[] = [];
  afterAll(() => {
    for (const folder of [here, ...homes]) rmSync(folder, { recursive: true });
  });

  test.each([
    { name: 'codex', from: 'fixtures/codex/0.169-plain/sessions', recorded: undefined },
    { name: 'openclaw', from: 'fixtures/openclaw/2026.9.6-sqlite/openclaw-agent.sqlite', recorded: '/home/dev/openclw' },
    { name: 'hermes', from: 'fixtures/hermes/real-run-0.18.2/state.db', recorded: '/home/dev/project' },
    { name: 'pi', from: 'fixtures/pi/0.73.1-tools', recorded: '/home/dev/project' },
  ])('$name', async ({ name, from, recorded }) => {
    const own = mkdtempSync(join(tmpdir(), 'trace-build-last-'));
    homes.push(own);
    const to = { openclaw: OPENCLAW_DATABASE, hermes: '.hermes/state.db', pi: '.pi/agent/sessions/x' }[name] ?? SESSION_FOLDERS[name]!;
    mkdirSync(join(own, to, '..'), { recursive: true });
    cpSync(from, join(own, to), { recursive: true });
    const top = join(own, to.split('/')[0]!);
    for (const file of readdirSync(top, { recursive: true, encoding: 'utf8' }).filter((each) => /\.(?:jsonl|db|sqlite)$/.test(each))) {
      const text = readFileSync(join(top, file), 'latin1');
      writeFileSync(join(top, file), text.replaceAll(recorded ?? /(?<="cwd":")[^"]*/g, here), 'latin1');
    }
    const { code, stdout } = await trace(['--last', '--output', 'tree', '--no-pager'], { home: own, cwd: here });
    expect(code).toBe(0);
    const [newest] = allSessions({ env: {}, home: own, harnesses }).filter(({ startDirectory }) => startDirectory === here);
    expect(newest?.harness.name).toBe(name);
    expect(stdout).toContain(newest!.sessionId.slice(0, 8));
  });
});

describe('sync', () => {
  let collector: Collector;
  let state: string;
  beforeAll(async () => {
    collector = await startCollector();
    state = join(home, '.local/state/trace-build');
    mkdirSync(join(home, '.config/trace-build'), { recursive: true });
    writeFileSync(
      join(home, '.config/trace-build/config.json'),
      JSON.stringify({ endpoint: collector.url, trace_roots: [{ path: '*', added: '2020-01-01T00:00:00Z' }] }),
    );
  });
  afterAll(async () => {
    await collector.stop();
    rmSync(state, { recursive: true, force: true });
  });

  const listed = async (status: string): Promise<readonly string[]> =>
    JSON.parse((await run(['sessions', 'list', '--all', '--json', '--status', status])).stdout).sessions.map(
      ({ id }: { id: string }) => id,
    );
  /** The root is everything: also of sessions that tell no directory. */
  const inScope = [...new Set(idsOf(refs.filter(({ path, begunMs }) => path !== undefined && begunMs > 0)))].toSorted();

  test('every session in scope, once; the list tells which are not delivered', async () => {
    expect([...new Set(await listed('undelivered'))].toSorted()).toEqual(inScope);
    const first = await run(['sync', '--since', '2020-01-01', '--final']);
    expect([first.code, first.stderr]).toEqual([0, expect.not.stringMatching(/Skipped|bug/)]);
    expect(idsTaken(collector)).toEqual([...new Set(idsTaken(collector))]);
    const sent = new Set(collector.taken.map(({ attributes }) => attributes['session.id']));
    for (const name of NAMES) expect([name, ofHarness(name).some(({ sessionId }) => sent.has(sessionId))]).toEqual([name, true]);
    expect(await listed('undelivered')).toEqual([]);
    const requests = collector.requests.length;
    const second = await run(['sync', '--since', '2020-01-01', '--final']);
    expect([second.code, second.stdout]).toEqual([0, expect.stringMatching(/^0 sessions|nothing|^$/)]);
    expect(collector.requests).toHaveLength(requests);
    for (const folder of Object.values(SESSION_FOLDERS)) {
      const { code, stdout } = await run(['verify', '--quiet', join(home, folder)]);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+ sessions?, no difference$|^$/m)]);
    }
  });

  test('open or ended: every session is one of them', async () => {
    const now = () => Date.now() + 3 * 24 * 3_600_000;
    const statuses = async (status: string) =>
      JSON.parse((await run(['sessions', 'list', '--all', '--json', '--status', status], { now })).stdout).sessions.map(
        (session: { status: string }) => session.status,
      );
    expect(await statuses('open')).toEqual([]);
    expect(await statuses('ended')).toEqual(refs.map(() => 'ended'));
  });
});

describe('what is no session', () => {
  test('a database of another program', async () => {
    const path = join(scratch, 'other.db');
    writeFileSync(path, databaseOf('create table bookmarks (url text)')[0]!);
    const { code, stderr } = await run([path]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('other.db')]);
    expect(stderr).not.toMatch(/SQLite format|not JSON/);
  });

  test('an empty database, and one without sessions', async () => {
    writeFileSync(join(scratch, 'empty.db'), '');
    expect((await run([join(scratch, 'empty.db')])).code).toBe(2);
    const path = join(scratch, 'none', 'state.db');
    mkdirSync(join(path, '..'));
    writeFileSync(
      path,
      databaseOf(
        'create table sessions (id text, started_at real, ended_at real); create table messages (id integer, session_id text, timestamp real); create table schema_version (version integer)',
      )[0]!,
    );
    const { code, stderr } = await run([path]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/no sessions/)]);
  });

  test('a broken database', async () => {
    const path = join(scratch, 'broken', 'state.db');
    const bytes = readFileSync(join(home, '.hermes/state.db'));
    bytes.fill(0xff, 100, 8192);
    mkdirSync(join(path, '..'));
    writeFileSync(path, bytes);
    const { code, stderr } = await run([path]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/can't be read/)]);
  });

  test("a Codex agent's own file leads to its session", async () => {
    const { code, stderr } = await run([fileNamed(inHome('codex'), AGENT_THREAD)]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/sub-agent[\s\S]*01a1faee-b685-7012-96ef-2217f50b925e/)]);
  });

  test('nothing there at all', async () => {
    const nobody = join(scratch, 'nobody');
    mkdirSync(nobody);
    expect((await run(['--last'], { home: nobody, cwd: nobody })).code).toBe(2);
    expect((await run([join(nobody, '.codex')], { home: nobody })).code).toBe(2);
    expect((await run(['sessions', 'list'], { home: nobody })).code).toBe(0);
    const { code, stderr } = await run(['sessions', 'list', '--status', 'undelivered'], { home: nobody });
    expect([code, stderr]).toEqual([2, expect.stringContaining('No endpoint is set')]);
  });
});

describe('a database that was closed, in a folder nobody may write to', () => {
  test.each(['openclaw/2026.9.6-sqlite/openclaw-agent.sqlite', 'hermes/real-run-0.18.2/state.db'])('%s', async (fixture) => {
    const folder = join(scratch, 'closed', fixture.split('/')[0]!);
    const path = copied(join('fixtures', fixture), join(folder, fixture.split('/').at(-1)!));
    chmodSync(path, 0o444);
    chmodSync(folder, 0o555);
    const was = listingOf(folder);
    for (const args of [
      [path, '--check', '--output', 'tree', '--no-pager'],
      [folder, '--output', 'otlp-json'],
      ['verify', path],
      ['stats', '--json', path],
    ]) {
      expect((await run(args)).code, args.join(' ')).toBe(0);
      expect(listingOf(folder)).toEqual(was);
    }
    chmodSync(folder, 0o755);
  });
});
