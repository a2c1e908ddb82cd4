/** `--out`: whole or as it was, through links, into pipes, and nothing left lying about. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { writeOut } from '../../src/cli/out-file.ts';
import { UserError } from '../../src/errors.ts';
import { scratch } from '../support/scratch.ts';
import { trace } from './world.ts';

const top = scratch('out');
const nest = 'fixtures/claude-code/nest/projects';
let made = 0;
function folder(): string {
  const path = join(top, `case-${made++}`);
  mkdirSync(path);
  return path;
}
async function* texts(...all: readonly (string | Error)[]): AsyncGenerator<string> {
  for (const text of all) {
    if (text instanceof Error) throw text;
    yield text;
  }
}

test('an error on the way leaves the old file, and no other', async () => {
  const path = join(folder(), 'out');
  writeFileSync(path, 'old');
  await expect(writeOut(path, texts('new', new Error('on the way')))).rejects.toThrow('on the way');
  expect([readFileSync(path, 'utf8'), readdirSync(join(path, '..'))]).toEqual(['old', ['out']]);
});

test('what stands for stdout elsewhere becomes no file', async () => {
  await expect(writeOut('-', texts('new'))).rejects.toThrow('--out - names no file');
});

test('a file of before keeps its permissions', async () => {
  const path = join(folder(), 'out');
  writeFileSync(path, 'old');
  chmodSync(path, 0o600);
  await writeOut(path, texts('new'));
  expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['new', 0o600]);
});

test.each([
  { what: 'a file', before: 'old' },
  { what: 'nothing yet', before: undefined },
])('a link to $what stays a link, and what it leads to is written', async ({ before }) => {
  const path = folder();
  mkdirSync(join(path, 'far'));
  if (before !== undefined) writeFileSync(join(path, 'far', 'file'), before);
  symlinkSync('far/file', join(path, 'out'));
  await writeOut(join(path, 'out'), texts('a', 'b'));
  expect(readlinkSync(join(path, 'out'))).toBe('far/file');
  expect(readFileSync(join(path, 'far', 'file'), 'utf8')).toBe('ab');
  expect(readdirSync(join(path, 'far'))).toEqual(['file']);
});

test('a pipe is written to and stays a pipe', async () => {
  const path = join(folder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
  const long = 'x'.repeat(300_000);
  // Together: more than a pipe holds.
  const [read] = await Promise.all([textOf(reader.stdout), writeOut(path, texts(long, 'end'))]);
  expect(read).toBe(`${long}end`);
  expect(lstatSync(path).isFIFO()).toBe(true);
  expect(readdirSync(join(path, '..'))).toEqual(['pipe']);
});

test('one of our open files, led into a file, is that file', async () => {
  const path = join(folder(), 'log');
  writeFileSync(path, 'old ');
  const { ino } = statSync(path);
  const fd = openSync(path, 'a');
  await writeOut(`/dev/fd/${fd}`, texts('new'));
  closeSync(fd);
  expect([readFileSync(path, 'utf8'), statSync(path).ino]).toEqual(['old new', ino]);
});

test('a folder is refused, and what to name instead is said', async () => {
  const path = folder();
  const { code, stderr } = await trace([nest, '--out', path]);
  expect(code).toBe(2);
  expect(stderr).toContain(`--out ${path}: it is a directory.\nName a file`);
  expect(readdirSync(top).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('where the name can not be given to the new file, the user is told', async () => {
  const path = join(folder(), 'out');
  // In the middle of writing, a folder takes the name.
  async function* meddled(): AsyncGenerator<string> {
    yield 'new';
    mkdirSync(join(path, 'in the way'), { recursive: true });
  }
  await expect(writeOut(path, meddled())).rejects.toThrow(UserError);
  expect(readdirSync(join(path, '..'))).toEqual(['out']);
});

test('a link in a circle is refused', async () => {
  const path = join(folder(), 'out');
  symlinkSync(path, path);
  await expect(writeOut(path, texts('new'))).rejects.toThrow(UserError);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s in the middle leaves nothing lying about', async (signal) => {
  const module = join(folder(), 'out-file.mjs');
  await build({ entryPoints: ['src/cli/out-file.ts'], bundle: true, platform: 'node', format: 'esm', outfile: module, logLevel: 'error' });
  const to = folder();
  const program = `import { writeOut } from ${JSON.stringify(module)};
    async function* texts() { yield 'half of it'; console.log('half'); await new Promise(() => setInterval(() => {}, 1000)); }
    await writeOut(${JSON.stringify(join(to, 'out'))}, texts());`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  expect(readdirSync(to)).toEqual([expect.stringMatching(/\.tmp$/)]);
  child.kill(signal);
  expect(await ended).toEqual([null, signal]);
  expect(readdirSync(to)).toEqual([]);
});
