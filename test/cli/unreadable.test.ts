/** A file of sessions that can't be read, in its usual place beside good ones: every command names it, and why. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SESSION, SMALL, text } from '../support/lines.ts';
import { scratches } from '../support/scratch.ts';
import { trace } from './world.ts';

const aHome = scratches('cli-unreadable');
const HERMES = 'fixtures/hermes/real-run-0.18.2/state.db';
const ENDPOINT = ['--endpoint', 'http://127.0.0.1:1'];

interface Home {
  readonly home: string;
  readonly database: string;
  readonly says: string;
}

/** A good session, and a database that is damaged from the first page on. */
function home(): Home {
  const path = aHome();
  const database = join(path, '.hermes', 'state.db');
  for (const folder of ['.hermes', '.claude/projects/-work', '.config/trace-build']) mkdirSync(join(path, folder), { recursive: true });
  writeFileSync(join(path, '.claude/projects/-work', `${SESSION}.jsonl`), text(SMALL).join('\n'));
  writeFileSync(join(path, '.config/trace-build/config.json'), JSON.stringify({ trace_roots: ['*'] }));
  const bytes = readFileSync(HERMES);
  bytes.fill(0xff, 100, 8192);
  writeFileSync(database, bytes);
  return { home: path, database, says: `${database} can't be read: ` };
}

const times = (text: string, part: string): number => text.split(part).length - 1;

describe('a damaged database', () => {
  test.each([['sessions', 'list'], ['sync', '--dry-run', ...ENDPOINT], ['stats'], ['--last', '--dry-run']])('%s %s', async (...args) => {
    const { home: at, says } = home();
    const { code, stderr } = await trace(args, { home: at, cwd: '/' });
    // No session began in `/`, as far as anybody can tell.
    expect(code).toBe(args[0] === '--last' ? 2 : 0);
    expect(times(stderr, says)).toBe(1);
    expect(stderr).toContain('Let the harness repair it');
  });

  test('where nothing else is, that is not all there is to say', async () => {
    const { home: at, says } = home();
    const { code, stderr } = await trace(['sessions', 'list', '--harness', 'hermes'], { home: at });
    expect([code, stderr]).toEqual([0, expect.stringContaining(says)]);
    expect(stderr).toContain('No sessions were found in what can be read.');
    expect((await trace(['sessions', 'list', '--harness', 'claude-code'], { home: at })).stderr).toBe('');
  });

  test('JSON stays JSON, and tells of it, too', async () => {
    const { home: at, database } = home();
    const listed = await trace(['sessions', 'list', '--json'], { home: at });
    expect(JSON.parse(listed.stdout)).toMatchObject({ sessions: [{ id: SESSION }], unreadable: [{ path: database }] });
    const counted = await trace(['stats', '--json'], { home: at });
    expect(JSON.parse(counted.stdout)).toMatchObject({ failed: [{ path: database }], total: { sessions: 1 } });
    const verified = await trace(['verify', '--json', at], { home: at });
    expect(JSON.parse(verified.stdout)).toMatchObject({
      sessions: [{ session: SESSION }],
      skipped: [{ path: database, unverified: true }],
    });
    expect(verified.code).toBe(2);
  });

  test('in a folder that was named it does not cost the others', async () => {
    const { home: at, says } = home();
    const all = await trace([at, '--dry-run'], { home: at });
    expect([all.code, times(all.stderr, says)]).toEqual([0, 1]);
    expect(all.stdout).toContain(SESSION.slice(0, 8));
    const verified = await trace(['verify', at], { home: at });
    expect([verified.code, times(verified.stderr, says)]).toEqual([2, 1]);
    expect(verified.stdout).toContain('1 not verified');
    expect((await trace([join(at, '.hermes')], { home: at })).stderr).toMatch(new RegExp(`^trace-build: ${says}`));
  });

  test('a session that is found nowhere may lie in there; one that is found does not', async () => {
    const { home: at, says } = home();
    const { code, stderr } = await trace(['20260101_0000'], { home: at });
    expect([code, times(stderr, says)]).toEqual([2, 1]);
    expect(stderr).toContain('There is no file, directory or session called 20260101_0000.');
    expect((await trace([SESSION, '--dry-run'], { home: at })).stderr).not.toContain(says);
  });

  test('doctor names it, and does not say that all is well', async () => {
    const { home: at, database } = home();
    const { stdout } = await trace(['doctor', '--json', '--offline'], { home: at, databaseHome: at, cwd: '/' });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; sentence: string; details?: string[] }[] };
    expect(checks.find(({ name }) => name === 'transcripts')).toMatchObject({
      status: 'warning',
      sentence: "1 file can't be read, so nothing of what is in it is listed or delivered.",
      details: [expect.stringMatching(/^~\/\.hermes\/state\.db can't be read: /)],
    });
    expect(checks.find(({ name }) => name === 'problems')!.sentence).toBe('Every line of every transcript that can be read could be used.');
    copyFileSync(HERMES, database);
    const well = await trace(['doctor', '--offline'], { home: at, databaseHome: at, cwd: '/' });
    expect(well.stdout).toContain('All that lie in the usual places can be read.');
  });
});

describe('in the place of a database', () => {
  test.each([
    { what: 'a text', content: 'no database at all', told: 1 },
    { what: 'nothing yet', content: '', told: 0 },
  ])('$what', async ({ content, told }) => {
    const { home: at, database, says } = home();
    writeFileSync(database, content);
    expect(times((await trace(['sessions', 'list'], { home: at })).stderr, says)).toBe(told);
  });
});

describe('a packed rollout', () => {
  const ID = '01a1faeb-c1ee-7952-b1c2-945aee8e6756';
  const PACKED = readdirSync('fixtures/codex/0.169-zst', { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.zst'))!;
  const bytes = readFileSync(join('fixtures/codex/0.169-zst', PACKED));
  const plain = readdirSync('fixtures/codex/0.169-plain', { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.jsonl'))!;
  const lines = readFileSync(join('fixtures/codex/0.169-plain', plain), 'utf8').replaceAll(/01a1fa[0-9a-f]{2}-[0-9a-f-]{27}/g, ID);

  /** Blocks of a line each, that hold it as it is. */
  function packed(parts: readonly string[]): Buffer {
    const blocks = parts.flatMap((part, at) => {
      const head = Buffer.alloc(3);
      head.writeUIntLE((Buffer.byteLength(part) << 3) | Number(at === parts.length - 1), 0, 3);
      return [head, Buffer.from(part)];
    });
    return Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), ...blocks]);
  }

  /** In its usual place, beside a good session of another agent. */
  function rollout(content: Uint8Array): { readonly home: string; readonly path: string } {
    const { home: at, database } = home();
    copyFileSync(HERMES, database);
    const path = join(at, '.codex/sessions/2026/11/20', `rollout-2026-11-20T21-45-17-${ID}.jsonl.zst`);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content);
    return { home: at, path };
  }

  test('of which no line can be read is named by all who look at many', async () => {
    const { home: at, path } = rollout(bytes.subarray(0, 2000));
    const says = `${path} can't be read: unexpected EOF.`;
    for (const args of [['sync', '--dry-run', ...ENDPOINT], ['stats'], [at, '--dry-run'], ['verify', at], [path], [ID]]) {
      const { stderr } = await trace(args, { home: at, cwd: '/' });
      expect([args, times(stderr, says)]).toEqual([args, 1]);
    }
    const listed = JSON.parse((await trace(['sessions', 'list', '--json'], { home: at })).stdout);
    expect(listed.sessions.find(({ path: own }: { path: string }) => own === path)).toMatchObject({
      id: ID,
      harness: 'codex',
      failed: expect.stringContaining(says),
    });
    expect((await trace(['doctor', '--offline'], { home: at, databaseHome: at, cwd: '/' })).stdout).toContain(says.replace(at, '~'));
  });

  test('that was cut off tells what lies before the cut, and that something is missing', async () => {
    const parts = lines.split(/(?<=\n)/);
    const whole = packed(parts);
    const cut = rollout(whole.subarray(0, whole.length - 3 - Buffer.byteLength(parts.at(-1)!)));
    const { code, stdout, stderr } = await trace([cut.path, '--dry-run', '--verbose'], { home: cut.home });
    expect([code, stdout]).toEqual([0, expect.stringContaining('chat')]);
    expect(stderr).toContain(`${parts.length}: torn-line`);
    const verified = await trace(['verify', cut.path], { home: cut.home });
    expect(verified.code).toBe(0);
    const well = rollout(whole);
    expect((await trace([well.path, '--dry-run', '--verbose'], { home: well.home })).stderr).not.toContain('torn-line');
  });
});
