/** A file of sessions that can't be read, in its usual place beside good ones: every command names it, and why. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
