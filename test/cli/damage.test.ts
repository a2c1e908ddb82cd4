/** One bad session among good ones, files that are none, strange bytes: what it costs, and how it is said. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { claudeCode } from '../../src/harness/claude-code/index.ts';
import { result, SESSION, SMALL, text } from '../support/lines.ts';
import { scratches } from '../support/scratch.ts';
import { trace } from './world.ts';

const aFolder = scratches('cli-damage');
const GOOD = `${SESSION.slice(0, -1)}2`;
const small = (id: string): string => text(SMALL.map((line) => ({ ...line, sessionId: id, uuid: `${id}${line['uuid']}` }))).join('\n');
const RECORD = { type: 'mode', mode: 'normal' };

/** A folder with these files, and a good session. */
function folder(files: Record<string, string>): string {
  const path = aFolder();
  for (const [name, content] of Object.entries({ ...files, [`${GOOD}.jsonl`]: small(GOOD) })) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

describe('a session that we fail on', () => {
  const failing = (): void => {
    const { normalise } = claudeCode;
    vi.spyOn(claudeCode, 'normalise').mockImplementation((files) => {
      if (files.sessionId === SESSION) throw new Error('no such \u001b[2Jturn');
      return normalise(files);
    });
  };

  test('costs only itself, is told as a bug, and the exit code says so', async () => {
    failing();
    const path = folder({ [`${SESSION}.jsonl`]: small(SESSION) });
    const { code, stdout, stderr } = await trace([path]);
    expect(code).toBe(70);
    expect(stdout).toContain(GOOD);
    expect(stderr).toContain(`${join(path, SESSION)}.jsonl was left out: no such ·[2Jturn\nThis is a bug in trace-build 1.2.3`);
    expect(stderr).toMatch(/^1 session · 1 turn/m);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect((await trace([path, '--verbose'])).stderr).toMatch(/\n\s+at /);
  });

  test('alone, is a bug with its stack', async () => {
    failing();
    const { code, stdout, stderr } = await trace([join(folder({ [`${SESSION}.jsonl`]: small(SESSION) }), `${SESSION}.jsonl`)]);
    expect([code, stdout]).toEqual([70, '']);
    expect(stderr).toMatch(/This is a bug[\s\S]*\n\s+at /);
  });
});

/** A file that opens and is said to be regular, but whose first byte can't be read. */
const BREAKS_OFF = '/proc/self/mem';
describe.skipIf(!existsSync(BREAKS_OFF))('a file that breaks off while it is read', () => {
  test('costs only its session', async () => {
    const path = folder({});
    symlinkSync(BREAKS_OFF, join(path, `${SESSION}.jsonl`));
    const { code, stdout, stderr } = await trace([path]);
    expect(code).toBe(0);
    expect(stdout).toContain(GOOD);
    expect(stderr).toMatch(new RegExp(`${SESSION}\\.jsonl can't be read: EIO.* Skipped\\.`));
  });

  test('alone, is said without a stack', async () => {
    const path = join(folder({}), `${SESSION}.jsonl`);
    symlinkSync(BREAKS_OFF, path);
    const { code, stderr } = await trace([path]);
    expect(code).toBe(2);
    expect(stderr).toContain("can't be read: EIO");
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe('a file without a session of a coding agent', () => {
  const strangers = {
    'data.jsonl': '{"a":1}\n{"a":2}\n',
    'history.jsonl': `{"display":"hi","timestamp":1767225600000,"project":"/work","sessionId":"${SESSION}"}\n`,
  };

  test.each(Object.keys(strangers))('%s, named, is refused', async (name) => {
    const { code, stdout, stderr } = await trace([join(folder(strangers), name)]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(new RegExp(`${name} holds no session of a coding agent\\.\nA transcript is`));
  });

  test('among others is left out, and counted', async () => {
    const { code, stdout, stderr } = await trace([folder(strangers)]);
    expect(code).toBe(0);
    expect(stdout.match(/^\S.* turns? · /gm)).toHaveLength(1);
    expect(stderr).toContain('2 files without a session of a coding agent left out.');
    expect(stderr).toMatch(/^1 session · /m);
  });

  test.each([
    { what: 'by its name', name: `${SESSION}.jsonl`, line: RECORD },
    { what: 'by a line', name: 'copy.jsonl', line: { type: 'queue-operation', timestamp: '2026-01-01T00:00:00Z', sessionId: SESSION } },
  ])('is none that was opened and closed: known $what', async ({ name, line }) => {
    const { code, stdout } = await trace([join(folder({ [name]: `${JSON.stringify(line)}\n` }), name)]);
    expect(code).toBe(0);
    expect(stdout).toContain('0 turns · 0 spans');
  });
});

describe("a stranger's bytes", () => {
  const hostile = '\u001b]0;owned\u0007';

  test('move no terminal: not as a problem, an id, nor in what is refused', async () => {
    const lines = SMALL.map((line) => ({ ...line, sessionId: `id${hostile}`, timestamp: `${line['timestamp']}` }));
    const path = folder({
      'ids.jsonl': text([...lines, { ...lines[0], uuid: 'other', timestamp: hostile }, result(9, 900, `no call${hostile}`)]).join('\n'),
      'text.jsonl': `${hostile}\nsecret words\n`,
    });
    const runs = [await trace([path, '--verbose']), await trace([path, '--verbose', '--dry-run', '--endpoint', 'http://127.0.0.1:1'])];
    runs.push(await trace([join(path, 'text.jsonl')]));
    for (const { stdout, stderr } of runs) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not come through
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    }
    expect(runs[0]!.stderr).toContain('missing-timestamp: its timestamp is no time');
    expect(runs[0]!.stderr).toContain('orphan-result: no call no call·]0;owned· was found');
  });

  test('are not quoted when they are no JSON', async () => {
    const path = folder({ [`${SESSION}.jsonl`]: `${small(SESSION)}\nsecret words\n{}\n`, 'notes.jsonl': 'secret words\n' });
    for (const given of [path, join(path, 'notes.jsonl')]) {
      const { stderr } = await trace([given, '--verbose']);
      expect(stderr).toContain("Unexpected token 's'");
      expect(stderr).not.toContain('secret');
    }
  });
});

test('of two files of one session the longer is told, and of the other nothing', async () => {
  const source = 'fixtures/claude-code/fg/projects/-home-dev-fg';
  const id = 'ad400b25-1fb8-427d-8e59-b4b83e2af338';
  const path = folder({});
  rmSync(join(path, `${GOOD}.jsonl`));
  cpSync(source, join(path, 'b'), { recursive: true });
  const lines = readFileSync(join(source, `${id}.jsonl`), 'utf8').split('\n');
  mkdirSync(join(path, 'a'));
  writeFileSync(join(path, 'a', `${id}.jsonl`), lines.slice(0, lines.length - 4).join('\n'));
  const whole = await trace([join(path, 'b'), '--output', 'spans']);
  for (const given of [[path], [join(path, 'a'), join(path, 'b')]])
    expect((await trace([...given, '--output', 'spans'])).stdout).toBe(whole.stdout);
});
