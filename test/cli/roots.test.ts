/** `trace-build roots`: what is written, and what is said. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type Ran, trace } from './world.ts';

const home = realpathSync(mkdtempSync(join(tmpdir(), 'trace-build-roots-')));
afterAll(() => rmSync(home, { recursive: true }));
const cwd = join(home, 'work');
mkdirSync(cwd);
const file = join(home, '.config/trace-build/config.json');
const managed = join(home, 'managed.json');
beforeEach(() => {
  for (const path of [file, managed]) rmSync(path, { force: true });
});
const roots = (...args: string[]): Promise<Ran> => trace(['roots', ...args], { home, cwd, managed });
const written = () => JSON.parse(readFileSync(file, 'utf8'));

test('add takes the current directory, and stamps it once', async () => {
  const before = Date.now();
  expect(await roots('add')).toEqual({ code: 0, stdout: `Added: ${cwd}\n`, stderr: '' });
  const { trace_roots } = written();
  expect(trace_roots).toEqual([{ path: cwd, added: expect.any(String) }]);
  expect(Date.parse(trace_roots[0].added)).toBeGreaterThanOrEqual(before);
  expect(Date.parse(trace_roots[0].added)).toBeLessThanOrEqual(Date.now());
  const text = readFileSync(file, 'utf8');
  expect(await roots('add', '.')).toEqual({ code: 0, stdout: `Already there: ${cwd}\n`, stderr: '' });
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('list tells each with its time, and whether it exists', async () => {
  mkdirSync(join(home, 'gone'));
  await roots('add', '../gone');
  rmSync(join(home, 'gone'), { recursive: true });
  await roots('add', '*');
  await roots('add', '~/work');
  const stamp = String.raw`since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
  for (const { code, stdout } of [await roots(), await roots('list')]) {
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${home}/gone  ${stamp}, does not exist\n\\* +${stamp}\n${home}/work  ${stamp}\n$`));
  }
});

test('list of none says how to add one', async () => {
  expect(await roots('list')).toEqual({ code: 0, stdout: '', stderr: 'There are none: add one with trace-build roots add.\n' });
});

test('remove takes one away, also one that does not exist any more', async () => {
  writeFileSync(file, JSON.stringify({ trace_roots: ['~/gone', '/srv'], $schema: './x' }));
  expect(await roots('remove', '/srv/')).toEqual({ code: 0, stdout: 'Removed: /srv\n', stderr: '' });
  expect((await roots('remove', join(home, 'gone'))).code).toBe(0);
  expect(written()).toEqual({ trace_roots: [], $schema: './x' });
});

describe('what the user must change', () => {
  test.each<{ what: string; args: string[]; config?: string; managed?: string; says: string }>([
    { what: 'a directory that does not exist', args: ['add', '/nowhere/at-all'], says: 'There is no directory /nowhere/at-all.' },
    { what: 'a file', args: ['add', '~/file'], says: 'There is no directory' },
    {
      what: 'to remove what is not there',
      args: ['remove'],
      config: '{"trace_roots": ["/a", "~/b"]}',
      says: `work is not a root.\nThe roots are: /a, ${home}/b`,
    },
    { what: 'to remove from none', args: ['remove'], says: 'There are none.' },
    { what: 'a broken config', args: ['add'], config: '{"trace_roots": 7}', says: 'trace_roots: expected a list' },
    { what: 'no JSON', args: ['add'], config: 'x', says: 'config.json is not JSON' },
    { what: 'a locked key', args: ['add'], managed: '{"lock": ["trace_roots"]}', says: `trace_roots is locked by ${managed}.` },
    { what: 'too much', args: ['add', 'a', 'b'], says: 'too many arguments' },
    { what: 'another word', args: ['delete'], says: 'See trace-build roots --help.' },
  ])('$what', async ({ args, config, managed: rules, says }) => {
    writeFileSync(join(home, 'file'), '');
    if (config !== undefined) writeFileSync(file, config);
    if (rules !== undefined) writeFileSync(managed, rules);
    const { code, stdout, stderr } = await roots(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
    if (config !== undefined) expect(readFileSync(file, 'utf8')).toBe(config);
  });
});

test('roots of the managed file win, and that is said', async () => {
  writeFileSync(managed, '{"trace_roots": ["/not-there"]}');
  expect((await roots('add')).stderr).toBe(`${managed} sets trace_roots too, and wins.\n`);
  expect(await roots('list')).toMatchObject({ stdout: '/not-there  does not exist\n', stderr: `Set by ${managed}.\n` });
});

test('a transcript of that name is named with its folder', async () => {
  expect((await trace(['./roots'], { home, cwd })).stderr).toContain('There is no ./roots');
});

test('the help lists every command, and each has its own', async () => {
  const { stdout } = await trace(['--help']);
  for (const name of ['init', 'roots', 'config']) {
    expect(stdout).toMatch(new RegExp(`^  trace-build ${name} `, 'm'));
    const help = await trace([name, '--help']);
    expect([help.code, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain(`Usage: trace-build ${name}`);
  }
});
