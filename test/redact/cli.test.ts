/** `trace-build redact`: what would be hidden, without showing it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { trace } from '../cli/world.ts';
import { scratch } from '../support/scratch.ts';
import { drawFrom } from './draw.ts';

const top = scratch('redact');

const home = join(top, 'home');
const cwd = join(top, 'work');
mkdirSync(join(home, '.config', 'trace-build'), { recursive: true });
mkdirSync(join(cwd, '.trace-build', 'redactors'), { recursive: true });

const token = `ghp_${drawFrom(1)('A-Za-z0-9', 36)}`;
const password = `${drawFrom(2)('a-z', 6)}7!`;
const text = `# notes\ntoken: ${token}\n\nDB_PASSWORD=${password}\ntwice ${token} ${token}\n`;
writeFileSync(join(cwd, 'notes.txt'), text);
const redact = (args: readonly string[], stdin?: string) =>
  trace(['redact', ...args], { home, cwd, ...(stdin !== undefined && { stdin: async () => stdin }) });

describe('test', () => {
  test('what, where, and how often; secrets are masked', async () => {
    const { code, stdout, stderr } = await redact(['test', 'notes.txt']);
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        'notes.txt:2  github-token  ghp_…',
        `notes.txt:4  secret-value  ${password[0]}…`,
        'notes.txt:5  github-token  ghp_…',
        'notes.txt:5  github-token  ghp_…',
        '',
      ].join('\n'),
    );
    expect(stderr).toBe('Would be hidden: 3 github-token, 1 secret-value.\n');
    expect(stdout + stderr).not.toContain(token.slice(4));
  });

  test.each([['test'], ['test', '-']])('from stdin: %s %s', async (...args) => {
    expect(await redact(args.filter(Boolean), text)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^stdin:2 {2}github-token/) });
  });

  test('as JSON', async () => {
    const { stdout } = await redact(['test', '--json', 'notes.txt']);
    expect(JSON.parse(stdout)).toMatchObject({
      file: 'notes.txt',
      findings: [{ line: 2, column: 8, length: 40, rule: 'github-token', masked: 'ghp_…' }, {}, {}, {}],
      counts: { 'github-token': 3, 'secret-value': 1 },
    });
    expect(stdout).not.toContain(password);
  });

  test('nothing to hide is no failure', async () => {
    expect(await redact(['test'], 'const x = 1;\n')).toEqual({ code: 0, stdout: '', stderr: 'Nothing would be hidden.\n' });
  });

  test('with a pack at hand, the config, and those of the repository', async () => {
    writeFileSync(join(top, 'mine.yaml'), 'name: mine\nrules:\n  - id: ticket\n    pattern: ACME-\\d+\n');
    writeFileSync(join(cwd, '.trace-build', 'redactors', 'x.yaml'), "name: x\nrules: [{id: host, pattern: '[a-z]+\\.corp'}]\n");
    writeFileSync(join(home, '.config', 'trace-build', 'config.json'), '{"redact_rules": {"email": true, "nonsense": true}}');
    const { stdout, stderr } = await redact(['test', '--pack', join(top, 'mine.yaml')], 'ACME-12 on db.corp, ask jane@example.org');
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/)[1])).toEqual(['ticket', 'host', 'email', undefined]);
    expect(stderr).toMatch(/^redact_rules: nonsense is no rule of this version\.\n/);
    rmSync(join(home, '.config', 'trace-build', 'config.json'));
    rmSync(join(cwd, '.trace-build'), { recursive: true });
  });

  test('a file that is not there', async () => {
    expect(await redact(['test', 'nowhere.txt'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/nowhere\.txt can't be read: ENOENT.*\nName a file/),
    });
  });

  test('a pack that is wrong names file, rule and problem', async () => {
    writeFileSync(join(top, 'wrong.yaml'), 'name: w\nrules:\n  - {id: bad, pattern: "a(?=b)"}\n');
    expect(await redact(['test', '--pack', join(top, 'wrong.yaml')], 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /wrong\.yaml: rule bad: pattern: lookaheads and lookbehinds do not run in linear time\.\nPatterns are those of RE2/,
      ),
    });
  });
});

describe('list', () => {
  test('rules, whether they are on, and where they come from', async () => {
    const { code, stdout } = await redact(['list']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^github-token +on +built in +GitHub token/m);
    expect(stdout).toMatch(/^entropy +off +built in/m);
    expect(stdout).toMatch(/^email +off +built in/m);
  });

  test('as JSON', async () => {
    const { rules } = JSON.parse((await redact(['list', '--json'])).stdout);
    expect(rules).toContainEqual({ id: 'home-directory', description: expect.any(String), on: false, source: 'built in' });
  });
});

test('alone it tells what it can do', async () => {
  expect(await redact([])).toMatchObject({ code: 0, stdout: expect.stringMatching(/test .*\n[\s\S]*list/) });
});
